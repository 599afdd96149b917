package controllers

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// warnOverlap warns, once for each pair, of an organization's webhook that sends the same events of this repository to the
// same URL: the receiver gets them twice.
func (op *Operator) warnOverlap(ctx context.Context, o *object, did outcome) error {
	key := o.target.overlapping()
	if !did.shown || key == "" {
		return nil
	}
	var list v1alpha1.OrganizationWebhookList
	if err := op.List(ctx, &list, client.MatchingFields{targetIndex: key}); err != nil {
		return err
	}
	for i := range list.Items {
		other := &list.Items[i]
		same, err := op.sameURL(ctx, o, other)
		if err != nil {
			return err
		}
		events := common(o.hookSpec.Events, other.Spec.Events)
		pair := overlap{string(o.GetUID()), string(other.UID), fmt.Sprint(events)}
		if !same || len(events) == 0 || other.Status.HookID == 0 || other.Status.Server != o.status.Server || op.overlaps.Contains(pair) {
			continue
		}
		op.overlaps.Add(pair, struct{}{})
		name := "an object in another namespace"
		if other.Namespace == o.GetNamespace() {
			name = fmt.Sprintf("the object %q", other.Name)
		}
		op.events.Warning(o.Webhook, v1alpha1.EventOverlappingHooks, other.Spec.Organization, fmt.Sprintf(
			"The webhook of the organization %s (%s) has the same URL and hears of %v, too: the receiver gets these events of the %s twice",
			other.Spec.Organization, name, events, o.target))
	}
	return nil
}

// sameURL compares with the URL that GitHub showed, by fingerprint where the other one is in a Secret.
func (op *Operator) sameURL(ctx context.Context, o *object, other *v1alpha1.OrganizationWebhook) (bool, error) {
	url, err := op.url(ctx, o)
	if err != nil {
		return false, err
	}
	if other.Spec.URLFrom == nil {
		return other.Spec.URL == url, nil
	}
	if other.Status.Applied == nil {
		return false, nil
	}
	fingerprint, err := op.fingerprints.Of(ctx, url)
	return fingerprint == other.Status.Applied.URLFingerprint, err
}

// common are the events that both hear of.
func common(a, b []string) []string {
	const all = "*"
	switch {
	case slices.Contains(a, all):
		return b
	case slices.Contains(b, all):
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(event string) bool { return !slices.Contains(b, event) })
}
