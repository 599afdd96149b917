package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

const (
	// pingTimeout is how long a ping may take to show up.
	pingTimeout = 15 * time.Second
	// pingPause is waited before it is looked for again.
	pingPause = time.Second
)

// sendPing asks for a ping. Its outcome is reported when it shows up in the log, where the pings before it are known by ID:
// GitHub's clock may be another one.
func (op *Operator) sendPing(ctx context.Context, o *object, in *inputs, r request) error {
	page, err := in.hooks.Deliveries(ctx, *o.id, github.DeliveryQuery{PerPage: deliveriesPerPage})
	if err != nil && op.judge(ctx, o, in, err).Transient {
		return err
	}
	if err := sent(in.hooks.Ping(context.WithoutCancel(ctx), *o.id)); err != nil {
		return err
	}
	o.markHandled(r)
	if err != nil {
		op.events.Normal(o.Webhook, v1alpha1.EventPinged, r.value, fmt.Sprintf(
			"Asked GitHub for a ping (%s). Whether it arrived cannot be told: %s", r.value, op.judge(ctx, o, in, err).Message))
		return nil
	}
	wait := &pingWait{value: r.value, deadline: time.Now().Add(pingTimeout)}
	for _, d := range page.Deliveries {
		if isPing(d) {
			wait.known = append(wait.known, d.ID)
		}
	}
	o.logger(ctx).Info("Asked for a ping", "hookID", *o.id)
	o.memory.ping = wait
	o.memory.wake(time.Now().Add(pingPause))
	return nil
}

// sent leaves out that there was no answer: whether GitHub does what was asked is not known then, and it is not asked twice.
// Where somebody else answered in GitHub's place, it was not asked.
func sent(err error) error {
	if errors.Is(err, github.ErrUnavailable) && !errors.Is(err, github.ErrNotSent) && !errors.Is(err, github.ErrNotGitHub) {
		return nil
	}
	return err
}

func isPing(d github.Delivery) bool { return d.Event == "ping" && !d.Redelivery }

// recordPing reports what became of a ping, once it shows up.
func (op *Operator) recordPing(ctx context.Context, o *object, in *inputs, log deliveryLog) {
	wait := o.memory.ping
	if wait == nil {
		return
	}
	// The oldest new one is the answer to this request; a later one may be somebody else's.
	for _, d := range slices.Backward(log.rows[:min(len(log.rows), deliveriesPerPage)]) {
		if !isPing(d) || slices.Contains(wait.known, d.ID) {
			continue
		}
		o.memory.ping = nil
		if delivery.OK(d) {
			op.events.Normal(o.Webhook, v1alpha1.EventPinged, d.GUID, fmt.Sprintf("The ping (%s) arrived: %s, code %d", wait.value, d.GUID, d.StatusCode))
			return
		}
		op.events.Warning(o.Webhook, v1alpha1.EventPingFailed, d.GUID, fmt.Sprintf("The ping (%s) failed: %s", wait.value, op.whyFailed(ctx, o, in, d)))
		return
	}
	if time.Now().Before(wait.deadline) {
		o.memory.wake(time.Now().Add(pingPause))
		return
	}
	o.memory.ping = nil
	op.events.Warning(o.Webhook, v1alpha1.EventPingFailed, wait.value, fmt.Sprintf(
		"The ping (%s) was sent %s ago and does not show in GitHub's log yet: look at the webhook's page on GitHub", wait.value, pingTimeout))
}

// sendTest asks for the repository's latest push to be sent. For a hook that does not hear of pushes GitHub says yes and
// does nothing.
func (op *Operator) sendTest(ctx context.Context, o *object, in *inputs, r request) error {
	if events := in.desired.Events; len(events) > 0 && !slices.Contains(events, "push") && !slices.Contains(events, "*") {
		op.refuse(o, r, `GitHub sends the test push only to webhooks that are subscribed to push: add it to spec.events`)
		return nil
	}
	if err := sent(in.hooks.Test(context.WithoutCancel(ctx), *o.id)); err != nil {
		return err
	}
	o.logger(ctx).Info("Asked for a test push", "hookID", *o.id)
	op.events.Normal(o.Webhook, v1alpha1.EventTested, r.value, fmt.Sprintf("Asked GitHub to send the latest push of the %s (%s)", o.target, r.value))
	o.markHandled(r)
	o.memory.wake(time.Now().Add(redeliveryLag))
	return nil
}
