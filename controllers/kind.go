package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Webhook is an object of one of the three kinds.
type Webhook interface {
	client.Object
	CommonSpec() *v1alpha1.WebhookSpec
	CommonStatus() *v1alpha1.WebhookStatus
	StatusID() *int64
}

// HookObject is a Webhook whose hook can be created and deleted: a repository's or an organization's.
type HookObject interface {
	Webhook
	HookSpec() *v1alpha1.HookSpec
	HookStatus() *v1alpha1.HookStatus
}

// kind is what the loop has to know of one kind of object.
type kind struct {
	name string
	// newList makes an empty list of its objects.
	newList func() client.ObjectList
	// target is where the webhook of one of its objects lives.
	target func(Webhook) target
}

// target is where on GitHub the webhook of an object lives, and what GitHub's API can do there.
type target interface {
	// String names it in messages, as in `repository octo-org/hello-world`.
	String() string
	// key is the same for objects about the same target.
	key() string
	// webhook names one of its webhooks, as in `webhook 12 of the repository octo-org/hello-world`.
	webhook(id int64) string
	// hooks are its endpoints.
	hooks(*github.Client) github.Hooks
	// owns reports whether webhooks are created and deleted there, so that objects need a finalizer.
	owns() bool
	// scope is the classic token scope that administers its webhooks.
	scope() string
	// requests are the annotations that ask for something there, in the order in which it is done.
	requests() []string
	// addEvents reports whether GitHub understands add_events there.
	addEvents() bool
	// renamed is the name that GitHub has for it now, when that is another one than the spec's.
	renamed(github.Hook) string
	// overlapping is the key of the other target whose webhooks get the same events, too; empty for none.
	overlapping() string
	// conflict says that a webhook belongs to somebody else.
	conflict(id int64, by owner) string
	// missing says that there is no such webhook; 0 is one with the object's URL.
	missing(id int64, observed bool, settingsURL string) string

	// accepts refuses credentials that cannot be used for it.
	accepts(*github.Client) error
	// knownID is the ID of the one webhook that is there, as far as it is known without a request after each restart;
	// remembered: GitHub showed it to this process. Zero is unknown, or many.
	knownID(ctx context.Context, c *github.Client, remembered bool) (int64, error)
	// identify asks GitHub which is the one webhook that is there, and for the page with its settings.
	identify(context.Context, *github.Client) (id int64, settingsURL string, err error)
}

// owner is whose a webhook is that an object wants.
type owner struct {
	// object: it is another object's; else nobody here manages it.
	object bool
	// name of that object where it is in the same namespace; empty where it is in another one.
	name string
}

// manyHooks is what targets have in common that have any number of webhooks.
type manyHooks struct{}

func (manyHooks) owns() bool { return true }

func (manyHooks) accepts(*github.Client) error { return nil }

func (manyHooks) knownID(context.Context, *github.Client, bool) (int64, error) { return 0, nil }

func (manyHooks) identify(context.Context, *github.Client) (int64, string, error) {
	return 0, "", fmt.Errorf("no one webhook is meant: %w", github.ErrNotFound)
}

// conflictOfHook is the message where targets have many webhooks.
func conflictOfHook(t target, id int64, by owner) string {
	switch {
	case !by.object:
		return fmt.Sprintf("The %s has webhook %d with this URL already: to take it over, set spec.adoptionPolicy to MatchURL or spec.hookID to %d", t, id, id)
	case by.name != "":
		return fmt.Sprintf("Webhook %d of the %s belongs to the object %q: delete one of the two objects, or give this one another URL", id, t, by.name)
	}
	return fmt.Sprintf("Webhook %d of the %s belongs to an object in another namespace: give this one another URL, or have the other one deleted", id, t)
}

// missingHook is the message where targets have many webhooks.
func missingHook(t target, id int64, observed bool) string {
	switch {
	case id == 0:
		return fmt.Sprintf("The %s has no webhook with this URL to observe", t)
	case observed:
		return fmt.Sprintf("The %s has no webhook %d, which spec.hookID names", t, id)
	}
	return fmt.Sprintf("The %s has no webhook %d, which spec.hookID names: without spec.hookID a new one would be created", t, id)
}

// list the kind's objects.
func (k kind) list(ctx context.Context, from client.Reader, opts ...client.ListOption) ([]Webhook, error) {
	list := k.newList()
	if err := from.List(ctx, list, opts...); err != nil {
		return nil, err
	}
	objects := make([]Webhook, 0, meta.LenList(list))
	err := meta.EachListItem(list, func(item runtime.Object) error {
		objects = append(objects, item.(Webhook))
		return nil
	})
	return objects, err
}
