package controllers

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// pollers are all objects that share an object's client. There may be thousands, of which nothing is kept or changed.
func (op *Operator) pollers(ctx context.Context, o *object, c *github.Client) []github.Poller {
	name := o.spec.CredentialsRef.Name
	var polling []github.Poller
	for _, k := range kinds {
		for _, obj := range op.listed(ctx, k, referring(o.inNamespace(name), client.UnsafeDisableDeepCopy)...) {
			spec := obj.CommonSpec()
			if spec.CredentialsRef.Name == name && !spec.Suspend && obj.GetDeletionTimestamp().IsZero() {
				polling = append(polling, op.poller(obj, k.target(obj).hooks(c)))
			}
		}
	}
	return polling
}

// poller is an object as GitHub's limits see it.
func (op *Operator) poller(obj Webhook, hooks github.Hooks) github.Poller {
	return github.Poller{ID: string(obj.GetUID()), Hooks: hooks, Interval: op.interval(obj.CommonSpec())}
}
