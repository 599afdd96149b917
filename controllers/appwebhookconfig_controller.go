package controllers

import (
	"cmp"
	"context"
	"errors"
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
	if !p.seen.Contains(p.obj.GetUID()) && !p.github.KnowsApp() {
		return 0, nil
	}
	own, err := p.github.OwnApp(ctx)
	if err != nil {
		return 0, err
	}
	return own.ID, nil
}

// find reads the webhook's configuration, unless another object of the same App comes first.
func (a app) find(ctx context.Context, p *pass) (*github.Hook, error) {
	own, err := a.look(ctx, p)
	if err != nil {
		return nil, err
	}
	wanted := claim{p.server, own.ID}
	owner, err := p.claims.owner(ctx, p.obj, wanted)
	if err != nil {
		return nil, err
	}
	if owner != nil || !p.claims.reserve(p.obj, wanted) {
		p.status.Applied = nil
		return nil, a.conflict(p, own, owner)
	}
	return a.read(ctx, p, own)
}

// observed reads the webhook's configuration.
func (a app) observed(ctx context.Context, p *pass) (*github.Hook, error) {
	own, err := a.look(ctx, p)
	if err != nil {
		return nil, err
	}
	return a.read(ctx, p, own)
}

// look finds out which App it is, and says so in the status, whatever comes of it.
func (a app) look(ctx context.Context, p *pass) (*github.App, error) {
	own, err := p.github.OwnApp(ctx)
	if err != nil {
		return nil, err
	}
	if *p.id != own.ID {
		p.forget()
	}
	p.status.Server, *p.id = p.server, own.ID
	if page := own.SettingsURL(p.github.Server()); p.shows(page) {
		p.status.SettingsURL = page
	}
	return own, nil
}

func (a app) read(ctx context.Context, p *pass, own *github.App) (*github.Hook, error) {
	found, err := p.hooks.Get(ctx, own.ID)
	if errors.Is(err, github.ErrNotFound) {
		return nil, problem{v1alpha1.ReasonHookNotFound, fmt.Sprintf(
			"The webhook of GitHub App %d is switched off, which GitHub's API cannot change: tick Active under Webhook on %s",
			own.ID, cmp.Or(p.status.SettingsURL, "its settings page"))}
	}
	return found, err
}

func (a app) conflict(p *pass, own *github.App, owner Webhook) error {
	message := fmt.Sprintf("The webhook of GitHub App %d belongs to an object in another namespace: have one of the two deleted", own.ID)
	switch {
	case owner == nil:
		message = fmt.Sprintf("The webhook of GitHub App %d is being configured by another object: have one of the two deleted", own.ID)
	case owner.GetNamespace() == p.obj.GetNamespace():
		message = fmt.Sprintf("The webhook of GitHub App %d belongs to the object %q: delete one of the two objects", own.ID, owner.GetName())
	}
	return problem{v1alpha1.ReasonConflict, message}
}
