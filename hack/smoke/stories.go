package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// errLeftOut: a story could not be tried here, for the reason that the error gives. It did not fail.
var errLeftOut = errors.New("left out")

// story is one step in the life of a webhook. Its error says what did not come.
type story struct {
	title string
	live  func(*life, context.Context) error
}

// hookStories are the life of a webhook with an ID, in order: each needs those before it.
var hookStories = []story{
	{"an object makes a webhook on GitHub", (*life).create},
	{"its first delivery shows in status", (*life).observe},
	{"a changed spec reaches GitHub", (*life).edit},
	{"somebody else's edit is repaired", (*life).repair},
	{"a rotated Secret is applied", (*life).rotate},
	{"a ping by annotation tells its outcome", (*life).ping},
	{"deleting the object deletes the webhook", (*life).remove},
}

// failingStories are those of a webhook whose receiver cannot be reached.
var failingStories = []story{
	{"an object makes a webhook that nothing reaches", (*life).createFailing},
	{"a failed delivery is made again on request", (*life).redeliver},
	{"deleting that object deletes the webhook", (*life).remove},
}

var appStories = []story{
	{"an object observes the App's webhook and changes nothing", (*life).observeApp},
}

// stories lives all lives, one after the other, and goes on with the next where one fails.
func (r *run) stories(ctx context.Context) error {
	r.say("\nStories")
	places := r.places()
	failed := r.live(ctx, r.newRepositoryLife("repository", r.address("repository"), places[0]), hookStories)
	failed = errors.Join(failed, r.live(ctx, r.newRepositoryLife("failing", r.failingAddress(), places[0]), failingStories))
	if r.organization != "" {
		failed = errors.Join(failed, r.live(ctx, r.newOrganizationLife(places[1]), hookStories))
	}
	if r.App != nil {
		failed = errors.Join(failed, r.live(ctx, &life{run: r, place: place{"App " + r.App.ID, r.github.AppHook()}}, appStories))
	}
	return failed
}

// live goes through the stories of one life until one fails.
func (r *run) live(ctx context.Context, l *life, stories []story) error {
	for _, s := range stories {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		start := time.Now()
		err := s.live(l, ctx)
		took := time.Since(start).Seconds()
		switch {
		case err == nil:
			r.say("  passed    %s: %s (%.1f s)%s", l.place.name, s.title, took, l.remark())
		case errors.Is(err, errLeftOut):
			r.say("  %v  %s: %s", err, l.place.name, s.title)
			return nil
		case ctx.Err() != nil:
			r.say("  stopped   %s: %s", l.place.name, s.title)
			return ctx.Err()
		default:
			r.say("  FAILED    %s: %s (%.1f s)", l.place.name, s.title, took)
			return fmt.Errorf("%s: %s: %w", l.place.name, s.title, err)
		}
	}
	return nil
}

func (r *run) newRepositoryLife(name, address string, p place) *life {
	object := &v1alpha1.RepositoryWebhook{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.marker, Name: name},
		Spec:       v1alpha1.RepositoryWebhookSpec{Owner: r.owner, Repository: r.repository},
	}
	return r.newLife(object, address, p)
}

func (r *run) newOrganizationLife(p place) *life {
	object := &v1alpha1.OrganizationWebhook{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.marker, Name: "organization"},
		Spec:       v1alpha1.OrganizationWebhookSpec{Organization: r.organization},
	}
	return r.newLife(object, r.address("organization"), p)
}

// newLife fills in what all webhooks have. They hear of events that hardly happen in a throwaway repository meanwhile.
func (r *run) newLife(object hookObject, address string, p place) *life {
	*object.CommonSpec() = v1alpha1.WebhookSpec{
		CredentialsRef: v1alpha1.LocalReference{Name: credentialsName},
		URL:            address,
		SecretRef:      &v1alpha1.HMACSecretReference{Name: hmacName},
	}
	object.HookSpec().Events = []string{"release", "milestone"}
	return &life{run: r, place: p, object: object}
}
