package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// readDeliveries brings the status up to date with GitHub's log, reports what failed, and has it delivered again.
func (op *Operator) readDeliveries(ctx context.Context, o *object, in *inputs) report {
	ctx = github.WithPriority(ctx, github.Poll)
	log, err := op.readLog(ctx, o, in)
	if err != nil {
		return op.unreadableLog(ctx, o, in, err)
	}
	op.recordPing(ctx, o, in, log)
	seen := op.recordDeliveries(ctx, o, in, log)
	op.redeliver(ctx, o, in, log)
	o.memory.read = time.Now()
	if len(log.rows) > 0 {
		o.memory.newest = log.rows[0].ID
	}
	return seen
}

// recordDeliveries writes the status, and Events and metrics about what is new.
func (op *Operator) recordDeliveries(ctx context.Context, o *object, in *inputs, log deliveryLog) report {
	summary := delivery.Summarize(log.rows[:min(len(log.rows), delivery.Counted)])
	countFresh(o, log.rows[:log.fresh])
	failed, why := newestFailure(log), ""
	if failed != nil {
		why = op.whyFailed(ctx, o, in, *failed)
		o.logger(ctx).Info("A delivery failed", "hookID", *o.id, "guid", failed.GUID, "event", failed.Event, "code", failed.StatusCode)
		op.events.Warning(o.Webhook, v1alpha1.EventDeliveryFailed, failed.GUID, why)
	}
	o.status.LastDelivery, o.status.Deliveries = op.lastDelivery(ctx, o, in, summary.Newest), counted(summary)
	before := o.condition(v1alpha1.ConditionDeliveriesHealthy)
	failing := !o.replaced && before != nil && before.Status == metav1.ConditionFalse
	switch newest := summary.Newest; {
	case newest == nil:
		return report{health: metav1.ConditionUnknown, reason: v1alpha1.ReasonNoDeliveries, message: "GitHub's log has no delivery of this webhook"}
	case delivery.OK(*newest):
		if failing {
			op.events.Normal(o.Webhook, v1alpha1.EventDeliveryRecovered, newest.GUID, fmt.Sprintf("Deliveries arrive again: %s", described(*newest)))
		}
		return report{health: metav1.ConditionTrue, reason: v1alpha1.ReasonDelivered, message: arrived(*newest, summary, log.cut)}
	case failed != nil && failed.ID == newest.ID:
		return report{health: metav1.ConditionFalse, reason: v1alpha1.ReasonDeliveryFailed, message: why}
	case !failing:
		return report{health: metav1.ConditionFalse, reason: v1alpha1.ReasonDeliveryFailed, message: op.failure(ctx, o, in, *newest)}
	}
	return report{}
}

// unreadableLog says that the deliveries are not known, and why; nothing else depends on them. Trouble in reaching GitHub
// leaves the condition as it was.
func (op *Operator) unreadableLog(ctx context.Context, o *object, in *inputs, err error) report {
	v := op.judge(ctx, o, in, err)
	if v.Transient {
		o.memory.wake(time.Now().Add(max(v.RetryAfter, time.Minute)))
	}
	switch {
	case v.Reason == "":
		return report{}
	case errors.Is(err, github.ErrNotFound):
		return report{health: metav1.ConditionUnknown, reason: v1alpha1.ReasonTargetNotFound,
			message: fmt.Sprintf("%s shows no deliveries of this webhook: the server may be too old for it", in.server)}
	default:
		return report{health: metav1.ConditionUnknown, reason: v.Reason, message: "The deliveries cannot be read. " + v.Message, passing: v.Transient}
	}
}

// newestFailure is the newest delivery that is new, failed, and whose event did not arrive otherwise.
func newestFailure(log deliveryLog) *github.Delivery {
	for i := range log.rows[:log.fresh] {
		failed := &log.rows[i]
		if !delivery.OK(*failed) && !slices.ContainsFunc(log.rows, func(d github.Delivery) bool { return d.GUID == failed.GUID && delivery.OK(d) }) {
			return failed
		}
	}
	return nil
}

// countFresh counts new deliveries in the metrics.
func countFresh(o *object, fresh []github.Delivery) {
	var failed, again int
	for _, d := range fresh {
		switch {
		case !delivery.OK(d):
			failed++
		case d.Redelivery:
			again++
		}
	}
	o.counters().Delivered(metrics.Delivered, len(fresh)-failed)
	o.counters().Delivered(metrics.Failed, failed)
	o.counters().Redelivery(metrics.Delivered, again)
}
