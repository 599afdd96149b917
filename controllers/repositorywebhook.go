package controllers

import (
	"fmt"
	"net/url"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=repositorywebhooks,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=repositorywebhooks/status,verbs=patch

var repositoryWebhooks = kind{
	name:    "RepositoryWebhook",
	newList: func() client.ObjectList { return &v1alpha1.RepositoryWebhookList{} },
	target: func(obj Webhook) target {
		spec := obj.(*v1alpha1.RepositoryWebhook).Spec
		return repository{owner: spec.Owner, repo: spec.Repository}
	},
}

// repository is the target of a RepositoryWebhook.
type repository struct {
	manyHooks
	owner, repo string
}

func (r repository) String() string { return fmt.Sprintf("repository %s/%s", r.owner, r.repo) }

func (r repository) key() string { return strings.ToLower(r.String()) }

func (r repository) hooks(c *github.Client) github.Hooks { return c.RepositoryHooks(r.owner, r.repo) }

func (r repository) webhook(id int64) string { return fmt.Sprintf("webhook %d of the %s", id, r) }

func (r repository) conflict(id int64, by owner) string { return conflictOfHook(r, id, by) }

func (r repository) missing(id int64, observed bool, _ string) string {
	return missingHook(r, id, observed)
}

func (r repository) scope() string { return "admin:repo_hook" }

func (r repository) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationPing, v1alpha1.AnnotationTest, v1alpha1.AnnotationRedeliver}
}

func (r repository) addEvents() bool { return true }

func (r repository) overlapping() string { return organization{login: r.owner}.key() }

// renamed follows from the hook's own address, https://api.github.com/repos/OWNER/REPO/hooks/ID, which follows a rename or
// a transfer.
func (r repository) renamed(h github.Hook) string {
	u, err := url.Parse(h.URL)
	if err != nil {
		return ""
	}
	_, path, found := strings.Cut(u.Path, "/repos/")
	parts := strings.Split(path, "/")
	if !found || len(parts) < 2 || strings.EqualFold(parts[0], r.owner) && strings.EqualFold(parts[1], r.repo) {
		return ""
	}
	return parts[0] + "/" + parts[1]
}
