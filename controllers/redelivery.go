package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// redeliver asks GitHub for what failed, as the policy says, and keeps what was asked for up to date.
func (op *Operator) redeliver(ctx context.Context, o *object, in *inputs, log deliveryLog) {
	now, m := time.Now(), o.memory
	policy, wanted := redeliveryPolicy(o)
	if !wanted {
		policy.Within = defaultWithin // What a request by annotation was refused is remembered for so long.
	}
	plan := policy.Plan(slices.Concat(m.pending, delivery.Rows(log.rows)), requested(o), now)
	o.status.Redelivering, m.refused = redelivering(slices.Concat(plan.Outstanding, plan.Refused)), plan.Refused
	if !wanted {
		m.pending, m.reach = nil, 0
		if len(plan.Outstanding) > 0 {
			m.wake(plan.Next)
		}
		return
	}
	op.recordGivenUp(ctx, o, plan.GivenUp, log.rows[:log.fresh])
	op.keepPending(o, plan, policy)
	if now.Before(m.held) {
		m.wake(m.held)
		return
	}
	a := op.askAgain(github.WithPriority(ctx, github.Redelivery), o, in, plan.Due, func(d delivery.Due) string {
		return fmt.Sprintf(" (attempt %d of %d)", d.Attempt, policy.MaxAttempts)
	})
	if m.held = op.resumes(ctx, o, in, a.err); !m.held.IsZero() {
		m.wake(m.held) // Whatever else is due waits for the same moment.
		return
	}
	m.wake(plan.Next)
	m.wake(a.nextRead(time.Now()))
}

// keepPending keeps what the next plan needs, as far as there is room, and says what is left out.
func (op *Operator) keepPending(o *object, plan delivery.Plan, policy delivery.Policy) {
	m := o.memory
	others := m.rows() - len(m.pending)
	pending, cut := op.memories.fit(o.GetUID(), plan.Pending, others)
	m.pending, m.reach = pending, policy.Within
	if cut {
		op.events.Warning(o.Webhook, v1alpha1.EventRedeliveryGivenUp, "too many", fmt.Sprintf("More failed deliveries wait to be sent again than the operator remembers: "+
			"it sends the oldest and forgets newer ones (at most %d of one object and %d of all are remembered). When the receiver works again, ask for what is left: "+
			"kubectl annotate --overwrite … %s=failed", maxRowsOfOne, maxRows, v1alpha1.AnnotationRedeliver))
	}
}

func redelivering(requested []delivery.Requested) []v1alpha1.Redelivering {
	var all []v1alpha1.Redelivering
	for _, r := range requested {
		all = append(all, v1alpha1.Redelivering{GUID: r.GUID, RequestedAt: metav1.NewTime(r.At), Refused: r.Refused})
	}
	return all
}

// recordGivenUp reports once each event that failed for good.
func (op *Operator) recordGivenUp(ctx context.Context, o *object, given []delivery.GivenUp, fresh []github.Delivery) {
	since := o.memory.read
	if last := o.stored.CommonStatus().LastSyncTime; since.IsZero() && last != nil {
		since = last.Time
	}
	for _, g := range given {
		why := fmt.Sprintf("it failed, and %d more attempts did, too", g.Attempts)
		isNew := slices.ContainsFunc(fresh, func(d github.Delivery) bool { return d.ID == g.NewestID })
		if g.Reason == delivery.ReasonAge {
			why = fmt.Sprintf("it is older than spec.redelivery.within, after %d attempts", g.Attempts)
			isNew = !since.IsZero() && g.At.After(since)
		}
		if !isNew {
			continue
		}
		o.logger(ctx).Info("Gave up a delivery", "hookID", *o.id, "guid", g.GUID, "event", g.Event, "attempts", g.Attempts, "why", g.Reason)
		o.counters().Redelivery(metrics.GivenUp, 1)
		op.events.Warning(o.Webhook, v1alpha1.EventRedeliveryGivenUp, g.GUID, fmt.Sprintf(
			"Gave up delivering %s %s: %s. To try again: kubectl annotate --overwrite … %s=%s", g.Event, g.GUID, why, v1alpha1.AnnotationRedeliver, g.GUID))
	}
}
