package controllers

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=appwebhookconfigs,verbs=list;watch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=appwebhookconfigs/status,verbs=patch

// SetUpAppWebhookConfigs adds the loop for AppWebhookConfigs to the manager.
func SetUpAppWebhookConfigs(ctx context.Context, mgr ctrl.Manager, o *Operator, concurrency int) error {
	return setUp(ctx, mgr, o, kind[*v1alpha1.AppWebhookConfig]{
		name:  "AppWebhookConfig",
		empty: &v1alpha1.AppWebhookConfig{},
		list:  func() client.ObjectList { return &v1alpha1.AppWebhookConfigList{} },
		items: func(list client.ObjectList) []Webhook {
			return pointers(list.(*v1alpha1.AppWebhookConfigList).Items)
		},
		target: func(*v1alpha1.AppWebhookConfig) string { return "app" }, // Which App it is, no spec tells.
		place:  func(w *v1alpha1.AppWebhookConfig) place { return app{w.Spec.CredentialsRef.Name} },
	}, concurrency)
}

// app is the place of a GitHub App's one webhook: the App whose key a Secret holds. GitHub's API knows neither a way to
// create or delete that webhook nor one to switch it on or off.
type app struct{ secret string }

func (a app) String() string { return fmt.Sprintf("GitHub App in Secret %q", a.secret) }

func (a app) webhook(int64) string { return fmt.Sprintf("the webhook of the %s", a) }

func (a app) hooks(c *github.Client) github.Hooks { return c.AppHook() }

func (a app) owns() bool { return false }

func (a app) scope() string { return "none: an App's key is needed" }

func (a app) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationRedeliver}
}

func (a app) addEvents() bool { return false }

func (a app) renamed(github.Hook) string { return "" }

// accepts an App's key. With that of another App than the status speaks of, this one's webhook was not configured yet.
func (a app) accepts(ctx context.Context, p *pass) error {
	if p.github.AppID() == "" {
		return problem{v1alpha1.ReasonCredentialsInvalid, fmt.Sprintf(
			"Secret %q holds a token, and a GitHub App's webhook is configured with the App's own key: put appID and privateKey there instead", a.secret)}
	}
	id, err := a.knownID(ctx, p)
	if err != nil {
		return err
	}
	if id != 0 && *p.id != 0 && id != *p.id {
		p.forget()
		p.status.Server = ""
	}
	return nil
}

// knownID is the App's ID as far as it is known without asking for it after each restart: a client ID tells only GitHub
// which App it is. Zero is unknown.
func (a app) knownID(ctx context.Context, p *pass) (int64, error) {
	if id, err := strconv.ParseInt(p.github.AppID(), 10, 64); err == nil {
		return id, nil
	}
	if !p.hookMemory.Contains(p.obj.GetUID()) && !p.github.KnowsApp() {
		return 0, nil
	}
	own, err := p.github.OwnApp(ctx)
	if err != nil {
		return 0, err
	}
	return own.ID, nil
}

// identify finds out which App it is, and says so in the status, whatever comes of it.
func (a app) identify(ctx context.Context, p *pass) (int64, error) {
	own, err := p.github.OwnApp(ctx)
	if err != nil {
		return 0, err
	}
	if *p.id != own.ID {
		p.forget()
	}
	p.status.Server, *p.id = p.server, own.ID
	if page := own.SettingsURL(p.github.Server()); p.shows(page) {
		p.status.SettingsURL = page
	}
	return own.ID, nil
}

func (a app) missing(id int64, p *pass) string {
	return fmt.Sprintf("The webhook of GitHub App %d is switched off, which GitHub's API cannot change: tick Active under Webhook on %s",
		id, cmp.Or(p.status.SettingsURL, "its settings page"))
}

func (a app) conflict(id int64, owned, here bool, name string) string {
	switch {
	case !owned:
		return fmt.Sprintf("The webhook of GitHub App %d is being configured by another object: have one of the two deleted", id)
	case here:
		return fmt.Sprintf("The webhook of GitHub App %d belongs to the object %q: delete one of the two objects", id, name)
	}
	return fmt.Sprintf("The webhook of GitHub App %d belongs to an object in another namespace: have one of the two deleted", id)
}
