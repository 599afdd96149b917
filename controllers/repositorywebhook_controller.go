package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=repositorywebhooks,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=repositorywebhooks/status,verbs=patch

// SetUpRepositoryWebhooks adds the loop for RepositoryWebhooks to the manager.
func SetUpRepositoryWebhooks(ctx context.Context, mgr ctrl.Manager, o *Operator, concurrency int) error {
	return setUp(ctx, mgr, o, kind[*v1alpha1.RepositoryWebhook]{
		name:  "RepositoryWebhook",
		empty: &v1alpha1.RepositoryWebhook{},
		list:  func() client.ObjectList { return &v1alpha1.RepositoryWebhookList{} },
		items: func(list client.ObjectList) []Webhook {
			return pointers(list.(*v1alpha1.RepositoryWebhookList).Items)
		},
		target: func(w *v1alpha1.RepositoryWebhook) string {
			return repository{w.Spec.Owner, w.Spec.Repository}.String()
		},
		place: func(w *v1alpha1.RepositoryWebhook) place { return repository{w.Spec.Owner, w.Spec.Repository} },
	}, concurrency)
}

// repository is the place of a repository's hooks.
type repository struct{ owner, repo string }

func (r repository) String() string { return fmt.Sprintf("repository %s/%s", r.owner, r.repo) }

func (r repository) hooks(c *github.Client) github.Hooks { return c.RepositoryHooks(r.owner, r.repo) }

func (r repository) webhook(id int64) string { return fmt.Sprintf("webhook %d of the %s", id, r) }

func (r repository) accepts(context.Context, *pass) error { return nil }

func (r repository) identify(context.Context, *pass) (int64, error) { return 0, errors.ErrUnsupported }

func (r repository) conflict(id int64, owned, here bool, name string) string {
	return conflictOfHook(r, id, owned, here, name)
}

func (r repository) missing(id int64, p *pass) string {
	return missingHook(r, id, p.spec.ManagementPolicy == v1alpha1.Observe)
}

func (r repository) owns() bool { return true }

func (r repository) scope() string { return "admin:repo_hook" }

func (r repository) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationPing, v1alpha1.AnnotationTest, v1alpha1.AnnotationRedeliver}
}

func (r repository) addEvents() bool { return true }

// renamed is told from the hook's own address, https://api.github.com/repos/OWNER/REPO/hooks/ID, which follows a rename or a
// transfer.
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
