package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// tellOverlap warns, once for each pair, of an organization's webhook that sends the same events of this repository to the
// same URL: the receiver gets them twice.
func (p *pass) tellOverlap(ctx context.Context) error {
	repo, ok := p.place.(repository)
	if !ok {
		return nil
	}
	var list v1alpha1.OrganizationWebhookList
	if err := p.List(ctx, &list, client.MatchingFields{targetIndex: strings.ToLower(organization{repo.owner}.String())}); err != nil {
		return err
	}
	for i := range list.Items {
		other := &list.Items[i]
		same, err := p.sameURL(ctx, other)
		if err != nil {
			return err
		}
		events := common(p.hookSpec.Events, other.Spec.Events)
		pair := overlap{string(p.obj.GetUID()), string(other.UID), fmt.Sprint(events)}
		if !same || len(events) == 0 || other.Status.HookID == 0 || other.Status.Server != p.server || p.overlaps.Contains(pair) {
			continue
		}
		p.overlaps.Add(pair, struct{}{})
		name := "an object in another namespace"
		if other.Namespace == p.obj.GetNamespace() {
			name = fmt.Sprintf("the object %q", other.Name)
		}
		p.events.Warning(p.obj, v1alpha1.EventOverlappingHooks, other.Spec.Organization, fmt.Sprintf(
			"The webhook of the organization %s (%s) has the same URL and hears of %v, too: the receiver gets these events of the %s twice",
			other.Spec.Organization, name, events, p.place))
	}
	return nil
}

// overlap is what was warned of already.
type overlap struct{ repository, organization, events string }

// overlapsKept bounds the memory of overlaps. Losing one costs an Event more.
const overlapsKept = 10_000

// sameURL compares by fingerprint where the other URL is in a Secret.
func (p *pass) sameURL(ctx context.Context, other *v1alpha1.OrganizationWebhook) (bool, error) {
	if other.Spec.URLFrom == nil {
		return other.Spec.URL == p.desired.URL, nil
	}
	if other.Status.Applied == nil {
		return false, nil
	}
	fingerprint, err := p.fingerprints.Of(ctx, p.desired.URL)
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
