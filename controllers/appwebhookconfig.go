package controllers

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// +kubebuilder:rbac:groups=github-webhooks.dev,resources=appwebhookconfigs,verbs=list;watch
// +kubebuilder:rbac:groups=github-webhooks.dev,resources=appwebhookconfigs/status,verbs=patch

var appWebhookConfigs = kind{
	name:    "AppWebhookConfig",
	newList: func() client.ObjectList { return &v1alpha1.AppWebhookConfigList{} },
	target:  func(obj Webhook) target { return app{secret: obj.CommonSpec().CredentialsRef.Name} },
}

// app is the target of an AppWebhookConfig: the GitHub App whose key a Secret holds. GitHub's API knows neither a way to
// create or delete its one webhook nor one to switch it on or off.
type app struct{ secret string }

func (a app) String() string { return fmt.Sprintf("GitHub App in Secret %q", a.secret) }

// key: which App it is, no spec says.
func (a app) key() string { return "app" }

func (a app) webhook(int64) string { return fmt.Sprintf("the webhook of the %s", a) }

func (a app) hooks(c *github.Client) github.Hooks { return c.AppHook() }

func (a app) owns() bool { return false }

func (a app) scope() string { return "none: an App's key is needed" }

func (a app) requests() []string {
	return []string{v1alpha1.AnnotationReconcile, v1alpha1.AnnotationRedeliver}
}

func (a app) addEvents() bool { return false }

func (a app) renamed(github.Hook) string { return "" }

func (a app) overlapping() string { return "" }

// accepts an App's key only.
func (a app) accepts(c *github.Client) error {
	if c.AppID() == "" {
		return verdict.Problem{Reason: v1alpha1.ReasonCredentialsInvalid, Message: fmt.Sprintf(
			"Secret %q holds a token, and a GitHub App's webhook is configured with the App's own key: put appID and privateKey there instead", a.secret)}
	}
	return nil
}

// knownID is the App's ID: of a client ID only GitHub knows which App it is.
func (a app) knownID(ctx context.Context, c *github.Client, remembered bool) (int64, error) {
	if id, err := strconv.ParseInt(c.AppID(), 10, 64); err == nil {
		return id, nil
	}
	if !remembered && !c.KnowsApp() {
		return 0, nil
	}
	own, err := c.OwnApp(ctx)
	if err != nil {
		return 0, err
	}
	return own.ID, nil
}

func (a app) identify(ctx context.Context, c *github.Client) (int64, string, error) {
	own, err := c.OwnApp(ctx)
	if err != nil {
		return 0, "", err
	}
	return own.ID, own.SettingsURL(c.Server()), nil
}

func (a app) missing(id int64, _ bool, settingsURL string) string {
	return fmt.Sprintf("The webhook of GitHub App %d is switched off, which GitHub's API cannot change: tick Active under Webhook on %s",
		id, cmp.Or(settingsURL, "its settings page"))
}

func (a app) conflict(id int64, by owner) string {
	switch {
	case !by.object:
		return fmt.Sprintf("The webhook of GitHub App %d is being configured by another object: have one of the two deleted", id)
	case by.name != "":
		return fmt.Sprintf("The webhook of GitHub App %d belongs to the object %q: delete one of the two objects", id, by.name)
	}
	return fmt.Sprintf("The webhook of GitHub App %d belongs to an object in another namespace: have one of the two deleted", id)
}
