package controllers

import (
	"context"
	"errors"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=organizationwebhooks,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=organizationwebhooks/status,verbs=patch

// SetUpOrganizationWebhooks adds the loop for OrganizationWebhooks to the manager.
func SetUpOrganizationWebhooks(ctx context.Context, mgr ctrl.Manager, o *Operator, concurrency int) error {
	return setUp(ctx, mgr, o, kind[*v1alpha1.OrganizationWebhook]{
		name:  "OrganizationWebhook",
		empty: &v1alpha1.OrganizationWebhook{},
		list:  func() client.ObjectList { return &v1alpha1.OrganizationWebhookList{} },
		items: func(list client.ObjectList) []Webhook {
			return pointers(list.(*v1alpha1.OrganizationWebhookList).Items)
		},
		target: func(w *v1alpha1.OrganizationWebhook) string { return organization{w.Spec.Organization}.String() },
		place:  func(w *v1alpha1.OrganizationWebhook) place { return organization{w.Spec.Organization} },
	}, concurrency)
}

// organization is the place of an organization's hooks.
type organization struct{ login string }

func (o organization) String() string { return fmt.Sprintf("organization %s", o.login) }

func (o organization) hooks(c *github.Client) github.Hooks { return c.OrganizationHooks(o.login) }

func (o organization) webhook(id int64) string { return fmt.Sprintf("webhook %d of the %s", id, o) }

func (o organization) accepts(context.Context, *pass) error { return nil }

func (o organization) identify(context.Context, *pass) (int64, error) {
	return 0, errors.ErrUnsupported
}

func (o organization) conflict(id int64, owned, here bool, name string) string {
	return conflictOfHook(o, id, owned, here, name)
}

func (o organization) missing(id int64, p *pass) string {
	return missingHook(o, id, p.spec.ManagementPolicy == v1alpha1.Observe)
}

func (o organization) owns() bool { return true }

func (o organization) scope() string { return "admin:org_hook" }

func (o organization) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationPing, v1alpha1.AnnotationRedeliver}
}

func (o organization) addEvents() bool { return false }

// renamed: GitHub does not redirect the API of a renamed organization, so that this is never seen.
func (o organization) renamed(github.Hook) string { return "" }
