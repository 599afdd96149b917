package controllers

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// whyFailed says what helps. Where the receiver's answer may be quoted it reads the delivery whole; else, and where it
// cannot be read, the log says enough.
func (op *Operator) whyFailed(ctx context.Context, o *object, in *inputs, failed github.Delivery) string {
	if op.quotes(o) {
		if whole, err := in.hooks.Delivery(ctx, *o.id, failed.ID); err == nil {
			failed = op.named(ctx, o, in, *whole)[0]
		}
	}
	return op.failure(ctx, o, in, failed)
}

// failure is a failed delivery in a sentence.
func (op *Operator) failure(ctx context.Context, o *object, in *inputs, d github.Delivery) string {
	quote := delivery.QuoteNobody // GitHub's status stands before it.
	hidden, known := op.hidden(ctx, o, in, op.quoteReceivers)
	if op.quotes(o) && known {
		quote = delivery.QuoteReceiver
	}
	return fmt.Sprintf("%s did not arrive (status %q, code %d). %s",
		described(d), op.statusOf(ctx, o, in, d), d.StatusCode, delivery.Explain(d, quote, hidden...))
}

// quotes reports whether the beginning of a receiver's answer may be repeated.
func (op *Operator) quotes(o *object) bool { return op.quoteReceivers && o.spec.URLFrom == nil }

// statusOf is GitHub's status of a delivery, where its words may be repeated.
func (op *Operator) statusOf(ctx context.Context, o *object, in *inputs, d github.Delivery) string {
	plain := delivery.PlainStatus(d)
	if plain == d.Status {
		return plain
	}
	return cmp.Or(op.words(ctx, o, in, d.Status), plain)
}

// lastDelivery is the newest delivery for the status.
func (op *Operator) lastDelivery(ctx context.Context, o *object, in *inputs, newest *github.Delivery) *v1alpha1.LastDelivery {
	if newest == nil {
		return nil
	}
	last := &v1alpha1.LastDelivery{
		ID: strconv.FormatInt(newest.ID, 10), GUID: newest.GUID, Event: newest.Event, Action: newest.Action,
		Status: op.statusOf(ctx, o, in, *newest), StatusCode: int32(newest.StatusCode), //nolint:gosec // An HTTP status code.
		DeliveredAt: *wholeSeconds(newest.DeliveredAt), Redelivery: newest.Redelivery,
		Duration: time.Duration(newest.Duration * float64(time.Second)).Round(time.Millisecond).String(),
	}
	if newest.ThrottledAt != nil {
		last.ThrottledAt = wholeSeconds(*newest.ThrottledAt)
	}
	return last
}

// described names a delivery, as in `push 0b989ba4-242f-11e5-81e1-c7b6966d2516`.
func described(d github.Delivery) string {
	event := d.Event
	if d.Action != "" {
		event += "." + d.Action
	}
	again := ""
	if d.Redelivery {
		again = " (sent again)"
	}
	return fmt.Sprintf("%s %s%s", event, d.GUID, again)
}

// arrived is the message of a healthy webhook. It does not change while nothing happens.
func arrived(newest github.Delivery, s delivery.Summary, cut bool) string {
	message := "The newest delivery arrived"
	if s.Failed > 0 {
		message += fmt.Sprintf("; of the newest %d events %d did not", s.Total, s.Failed)
	}
	if cut {
		message += fmt.Sprintf("; of what came before %s only the newest %d deliveries were looked at",
			newest.DeliveredAt.UTC().Format(time.RFC3339), maxDeliveryPages*deliveriesPerPage)
	}
	return message
}

// counted are the newest deliveries for the status.
func counted(s delivery.Summary) *v1alpha1.Deliveries {
	if s.Newest == nil {
		return nil
	}
	return &v1alpha1.Deliveries{
		Since: wholeSeconds(s.Since),
		Total: int32(s.Total), Failed: int32(s.Failed), Redelivered: int32(s.Redelivered), //nolint:gosec // At most 100.
		LastSuccessTime: wholeSeconds(s.LastSuccess), LastFailureTime: wholeSeconds(s.LastFailure),
	}
}
