package controllers

import (
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=organizationwebhooks,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=organizationwebhooks/status,verbs=patch

var organizationWebhooks = kind{
	name:    "OrganizationWebhook",
	newList: func() client.ObjectList { return &v1alpha1.OrganizationWebhookList{} },
	target: func(obj Webhook) target {
		return organization{login: obj.(*v1alpha1.OrganizationWebhook).Spec.Organization}
	},
}

// organization is the target of an OrganizationWebhook.
type organization struct {
	manyHooks
	login string
}

func (o organization) String() string { return fmt.Sprintf("organization %s", o.login) }

func (o organization) key() string { return strings.ToLower(o.String()) }

func (o organization) hooks(c *github.Client) github.Hooks { return c.OrganizationHooks(o.login) }

func (o organization) webhook(id int64) string { return fmt.Sprintf("webhook %d of the %s", id, o) }

func (o organization) conflict(id int64, by owner) string { return conflictOfHook(o, id, by) }

func (o organization) missing(id int64, observed bool, _ string) string {
	return missingHook(o, id, observed)
}

func (o organization) scope() string { return "admin:org_hook" }

func (o organization) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationPing, v1alpha1.AnnotationRedeliver}
}

func (o organization) addEvents() bool { return false }

func (o organization) overlapping() string { return "" }

// renamed: GitHub does not redirect the API of a renamed organization, so that this is never seen.
func (o organization) renamed(github.Hook) string { return "" }
