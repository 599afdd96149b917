package controllers

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Bounds of what is read of GitHub's log of deliveries in one reconcile.
const (
	deliveriesPerPage = 100
	maxDeliveryPages  = 20
)

// deliveryLog is GitHub's log of the hook's deliveries, the newest first, as far back as it had to be read.
type deliveryLog struct {
	rows []github.Delivery
	// fresh is the number of rows that were not there when it was read last.
	fresh int
	// cut: there was more to read than is read in one reconcile.
	cut bool
}

// readLog reads one page when nothing happened, and else as many as the new deliveries need.
func (op *Operator) readLog(ctx context.Context, o *object, in *inputs) (deliveryLog, error) {
	var log deliveryLog
	query := github.DeliveryQuery{PerPage: deliveriesPerPage}
	skipped := 0
	defer func() { markSkipped(ctx, o, skipped) }()
	for range maxDeliveryPages {
		page, err := in.hooks.Deliveries(ctx, *o.id, query)
		if err != nil {
			return deliveryLog{}, err
		}
		skipped += page.Skipped
		log.rows = append(log.rows, op.named(ctx, o, in, page.Deliveries...)...)
		if page.Next == "" || isEnough(o, log.rows) {
			log.fresh = unseen(o, log.rows)
			return log, nil
		}
		query.Cursor = page.Next
	}
	log.fresh, log.cut = unseen(o, log.rows), true
	return log, nil
}

// markSkipped notes how many deliveries GitHub shows in a form that cannot be read, and logs a number that is new.
func markSkipped(ctx context.Context, o *object, skipped int) {
	if skipped != o.memory.skipped {
		o.logger(ctx).Info("Skipped deliveries that cannot be read", "hookID", *o.id, "skipped", skipped)
	}
	o.memory.skipped = skipped
}

// isEnough reports whether rows reach back to what is known already. Where deliveries are to be made again and none are
// remembered, the log itself is the memory, as far back as they may be old.
func isEnough(o *object, rows []github.Delivery) bool {
	if len(rows) == 0 {
		return true
	}
	oldest := rows[len(rows)-1].DeliveredAt
	if policy, ok := redeliveryPolicy(o); ok && o.memory.reach < policy.Within && oldest.After(time.Now().Add(-policy.Within)) {
		return false
	}
	return o.status.LastDelivery == nil || unseen(o, rows) < len(rows)
}

// unseen counts the rows that are newer than the newest one when the log was read last, or than the object.
func unseen(o *object, rows []github.Delivery) int {
	since, known := o.GetCreationTimestamp().Time, ""
	if last := o.status.LastDelivery; last != nil {
		since, known = last.DeliveredAt.Time, last.ID
	}
	if i := slices.IndexFunc(rows, func(d github.Delivery) bool {
		return d.ID == o.memory.newest || strconv.FormatInt(d.ID, 10) == known
	}); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(rows, func(d github.Delivery) bool { return d.DeliveredAt.Before(since) }); i >= 0 {
		return i
	}
	return len(rows)
}

// Defaults of spec.redelivery, for objects from before the API server set them.
const (
	defaultWithin  = 24 * time.Hour
	defaultBackoff = time.Minute
)

// redeliveryPolicy is the one of the spec, if it has one.
func redeliveryPolicy(o *object) (delivery.Policy, bool) {
	spec := o.spec.Redelivery
	if spec == nil || o.spec.ManagementPolicy == v1alpha1.Observe {
		return delivery.Policy{}, false
	}
	policy := delivery.Policy{MaxAttempts: int(spec.MaxAttempts), Within: defaultWithin, Backoff: defaultBackoff, Events: spec.Events}
	if spec.Within != nil {
		policy.Within = spec.Within.Duration
	}
	if spec.Backoff != nil {
		policy.Backoff = spec.Backoff.Duration
	}
	return policy, true
}
