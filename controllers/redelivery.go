package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

const (
	// redeliveriesPerPass bounds what one object asks for at once.
	redeliveriesPerPass = 10
	// redeliveryLag is about how long GitHub takes to make a delivery again that it was asked for.
	redeliveryLag = 5 * time.Second
)

// Defaults of spec.redelivery, for objects from before the API server set them.
const (
	defaultWithin  = 24 * time.Hour
	defaultBackoff = time.Minute
)

// redelivery is the policy of the spec, if it has one.
func (p *pass) redelivery() (delivery.Policy, bool) {
	spec := p.spec.Redelivery
	if spec == nil || p.spec.ManagementPolicy == v1alpha1.Observe {
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

// farther tells whether a changed policy wants the log read farther back than it was.
func (p *pass) farther() bool {
	policy, ok := p.redelivery()
	return ok && p.watch.reach < policy.Within && p.status.ObservedGeneration != p.obj.GetGeneration()
}

// redeliver asks GitHub for what failed, as the policy says, and keeps what was asked for up to date.
func (p *pass) redeliver(ctx context.Context, log deliveryLog) {
	policy, wanted := p.redelivery()
	plan := policy.Plan(slices.Concat(p.watch.pending, log.rows), p.requested(), time.Now())
	p.status.Redelivering = noted(plan.Outstanding)
	if !wanted {
		p.watch.pending, p.watch.reach = nil, 0
		if len(plan.Outstanding) > 0 {
			p.watch.wake(plan.Next)
		}
		return
	}
	p.tellGivenUp(ctx, plan.GivenUp, log.rows[:log.fresh])
	p.watch.pending, p.watch.reach = plan.Pending, policy.Within
	p.watch.wake(plan.Next)
	p.ask(github.WithPriority(ctx, github.Redelivery), plan.Due, func(d delivery.Due) string { return fmt.Sprintf(" (attempt %d of %d)", d.Attempt, policy.MaxAttempts) })
}

// requested are the requests in status, as package delivery knows them.
func (p *pass) requested() []delivery.Requested {
	requested := make([]delivery.Requested, len(p.status.Redelivering))
	for i, r := range p.status.Redelivering {
		requested[i] = delivery.Requested{GUID: r.GUID, At: r.RequestedAt.Time}
		if now := time.Now(); requested[i].At.After(now) {
			requested[i].At = now // The clock was set back.
		}
	}
	return requested
}

func noted(outstanding []delivery.Requested) []v1alpha1.Redelivering {
	var all []v1alpha1.Redelivering
	for _, r := range outstanding {
		all = append(all, v1alpha1.Redelivering{GUID: r.GUID, RequestedAt: metav1.NewTime(r.At)})
	}
	return all
}

// ask has GitHub deliver again what is due, a few at a time, and returns what is left for another pass. What it is about to
// ask for stands in the status before, so that a crash does not ask twice.
func (p *pass) ask(ctx context.Context, due []delivery.Due, told func(delivery.Due) string) (left []delivery.Due) {
	batch := due[:min(len(due), redeliveriesPerPass, delivery.MaxRequested-len(p.status.Redelivering))]
	if len(due) > len(batch) {
		p.watch.wake(time.Now().Add(cacheLag))
	}
	if len(batch) == 0 {
		return due
	}
	before := slices.Clone(p.status.Redelivering)
	for _, d := range batch {
		p.status.Redelivering = append(p.status.Redelivering, v1alpha1.Redelivering{GUID: d.GUID, RequestedAt: p.now()})
	}
	if err := p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})); err != nil {
		p.status.Redelivering = before // Nothing was sent. Somebody else changed the object: the next pass sees it.
		p.watch.wake(time.Now().Add(cacheLag))
		return due
	}
	for i, d := range batch {
		if !p.askOne(ctx, d, told(d)) {
			p.unnote(batch[i:]...)
			return due[i:]
		}
	}
	p.watch.wake(time.Now().Add(redeliveryLag))
	return due[len(batch):]
}

// askOne tells whether GitHub was asked. One that GitHub refuses for good counts as asked; a lost answer leaves open
// whether it was, so that it is not asked again before the request expires.
func (p *pass) askOne(ctx context.Context, d delivery.Due, told string) bool {
	err := p.hooks.Redeliver(context.WithoutCancel(ctx), *p.id, d.ID)
	logger := p.logger(ctx).WithValues("hookID", *p.id, "guid", d.GUID, "event", d.Event)
	switch v := p.judge(err); {
	case err == nil:
		logger.Info("Asked for a delivery again", "attempt", d.Attempt)
		p.metrics.Redelivery(metrics.Requested, 1)
		p.events.Normal(p.obj, v1alpha1.EventRedelivered, d.GUID, fmt.Sprintf("Asked GitHub to deliver %s %s again%s", d.Event, d.GUID, told))
		return true
	case errors.Is(err, github.ErrUnavailable) && !errors.Is(err, github.ErrNotSent):
		return true
	case v.transient:
		p.watch.wake(time.Now().Add(v.retryAfter))
		return false
	default:
		logger.Info("GitHub does not deliver again", "reason", v.reason, "message", v.message)
		p.metrics.Redelivery(metrics.GivenUp, 1)
		p.events.Warning(p.obj, v1alpha1.EventRedeliveryGivenUp, d.GUID, fmt.Sprintf("GitHub does not deliver %s %s again%s", d.Event, d.GUID, p.quote(err)))
		p.unnote(d)
		p.watch.pending = slices.DeleteFunc(p.watch.pending, func(row github.Delivery) bool { return row.GUID == d.GUID })
		return true
	}
}

// unnote takes back what was noted and then not asked for.
func (p *pass) unnote(due ...delivery.Due) {
	p.status.Redelivering = slices.DeleteFunc(p.status.Redelivering, func(r v1alpha1.Redelivering) bool {
		return slices.ContainsFunc(due, func(d delivery.Due) bool { return d.GUID == r.GUID })
	})
}

// tellGivenUp tells once of each event that failed for good.
func (p *pass) tellGivenUp(ctx context.Context, given []delivery.GivenUp, fresh []github.Delivery) {
	since := p.watch.looked
	if last := p.before.CommonStatus().LastSyncTime; since.IsZero() && last != nil {
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
		p.logger(ctx).Info("Gave up a delivery", "hookID", *p.id, "guid", g.GUID, "event", g.Event, "attempts", g.Attempts, "why", g.Reason)
		p.metrics.Redelivery(metrics.GivenUp, 1)
		p.events.Warning(p.obj, v1alpha1.EventRedeliveryGivenUp, g.GUID, fmt.Sprintf(
			"Gave up delivering %s %s: %s. To try again: kubectl annotate --overwrite … %s=%s", g.Event, g.GUID, why, v1alpha1.AnnotationRedeliver, g.GUID))
	}
}
