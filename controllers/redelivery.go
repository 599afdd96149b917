package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	now := time.Now()
	policy, wanted := p.redelivery()
	if !wanted {
		policy.Within = defaultWithin // What a request by annotation was refused is remembered for so long.
	}
	plan := policy.Plan(slices.Concat(p.watch.pending, delivery.Rows(log.rows)), p.requested(), now)
	p.status.Redelivering, p.watch.refused = noted(slices.Concat(plan.Outstanding, plan.Refused)), plan.Refused
	if !wanted {
		p.watch.pending, p.watch.reach = nil, 0
		p.rows.hold(p.obj.GetUID(), p.watch.rows())
		if len(plan.Outstanding) > 0 {
			p.watch.wake(plan.Next)
		}
		return
	}
	p.tellGivenUp(ctx, plan.GivenUp, log.rows[:log.fresh])
	p.remember(plan, policy)
	if now.Before(p.watch.held) {
		p.watch.wake(p.watch.held)
		return
	}
	a := p.ask(github.WithPriority(ctx, github.Redelivery), plan.Due, func(d delivery.Due) string { return fmt.Sprintf(" (attempt %d of %d)", d.Attempt, policy.MaxAttempts) })
	if p.watch.held = p.resumes(a.err); !p.watch.held.IsZero() {
		p.watch.wake(p.watch.held) // Whatever else is due waits for the same moment.
		return
	}
	p.watch.wake(plan.Next)
	p.watch.wake(p.nextLook(a))
}

// remember keeps what the next plan needs, as far as there is room, and says what is left out.
func (p *pass) remember(plan delivery.Plan, policy delivery.Policy) {
	others := p.watch.rows() - len(p.watch.pending)
	pending, cut := p.keep(plan.Pending, others)
	p.watch.pending, p.watch.reach = pending, policy.Within
	if cut {
		p.events.Warning(p.obj, v1alpha1.EventRedeliveryGivenUp, "too many", fmt.Sprintf("More failed deliveries wait to be sent again than the operator remembers: "+
			"it sends the oldest and forgets newer ones (at most %d of one object and %d of all are remembered). When the receiver works again, ask for what is left: "+
			"kubectl annotate --overwrite … %s=failed", maxRowsOfOne, maxRows, v1alpha1.AnnotationRedeliver))
	}
}

// requested are the requests in status, as package delivery knows them, and the refusals that the status does not show: the
// cache may be behind, or the write of the status failed.
func (p *pass) requested() []delivery.Requested {
	requested := slices.Clone(p.watch.refused)
	for _, r := range p.status.Redelivering {
		requested = append(requested, delivery.Requested{GUID: r.GUID, At: r.RequestedAt.Time, Refused: r.Refused})
	}
	now := time.Now()
	for i := range requested {
		if requested[i].At.After(now) {
			requested[i].At = now // The clock was set back.
		}
	}
	return requested
}

func noted(requested []delivery.Requested) []v1alpha1.Redelivering {
	var all []v1alpha1.Redelivering
	for _, r := range requested {
		all = append(all, v1alpha1.Redelivering{GUID: r.GUID, RequestedAt: metav1.NewTime(r.At), Refused: r.Refused})
	}
	return all
}

// asking is what became of deliveries that GitHub was to make again.
type asking struct {
	// left are those that it was not asked for yet.
	left []delivery.Due
	// taken, refused and unanswered count the others.
	taken, refused, unanswered int
	// err is why GitHub was not asked for what is left; nil where it is others' turn first.
	err error
}

// ask has GitHub deliver again what is due, a few at a time. What it is about to ask for stands in the status before, so
// that a crash does not ask twice.
func (p *pass) ask(ctx context.Context, due []delivery.Due, why func(delivery.Due) string) asking {
	a := asking{left: due}
	batch := due[:min(len(due), redeliveriesPerPass, max(0, delivery.MaxRequested-p.outstanding()))]
	if len(batch) == 0 {
		return a
	}
	before := p.status.Redelivering
	p.note(batch)
	if err := p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})); err != nil {
		p.status.Redelivering = before // Nothing was sent.
		a.err = err
		return a
	}
	for _, d := range batch {
		err := p.askOne(ctx, d, why(d))
		switch {
		case err == nil:
			a.taken++
		case isRefusal(err):
			p.refusedFor(ctx, d, why(d), err)
			a.refused++
		case errors.Is(err, github.ErrUnavailable) && !errors.Is(err, github.ErrNotSent): // GitHub may have been asked.
			a.left, a.unanswered, a.err = a.left[1:], a.unanswered+1, err
			p.unnote(batch[len(due)-len(a.left):])
			return a
		default:
			a.err = err
			p.unnote(batch[len(due)-len(a.left):])
			return a
		}
		a.left = a.left[1:]
	}
	return a
}

// askOne asks GitHub to deliver one again.
func (p *pass) askOne(ctx context.Context, d delivery.Due, why string) error {
	if err := p.hooks.Redeliver(context.WithoutCancel(ctx), *p.id, d.ID); err != nil {
		return err
	}
	p.logger(ctx).Info("Asked for a delivery again", "hookID", *p.id, "guid", d.GUID, "event", d.Event, "attempt", d.Attempt)
	p.metrics.Redelivery(metrics.Requested, 1)
	p.events.Normal(p.obj, v1alpha1.EventRedelivered, d.GUID, fmt.Sprintf("Asked GitHub to deliver %s %s again%s", d.Event, d.GUID, why))
	return nil
}

// isRefusal tells whether GitHub says no to this event, whoever asks again. A refused login, a limit and a server that
// does not answer say nothing about it.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*github.Error](err)
	if !ok || e.StatusCode < 400 || e.StatusCode > 499 {
		return false
	}
	for _, other := range []error{
		github.ErrUnauthorized, github.ErrRateLimited, github.ErrUnavailable, github.ErrSuspended, github.ErrNotInstalled, github.ErrRedirect,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// refusedFor remembers that GitHub does not deliver an event again, and says so once.
func (p *pass) refusedFor(ctx context.Context, d delivery.Due, why string, err error) {
	p.logger(ctx).Info("GitHub does not deliver again", "hookID", *p.id, "guid", d.GUID, "event", d.Event, "reason", p.judge(err).reason)
	p.metrics.Redelivery(metrics.GivenUp, 1)
	p.events.Warning(p.obj, v1alpha1.EventRedeliveryGivenUp, d.GUID, fmt.Sprintf(
		"GitHub refuses to deliver %s %s again%s, and is not asked for it any more%s", d.Event, d.GUID, why, p.quote(err)))
	for i := range p.status.Redelivering {
		if r := &p.status.Redelivering[i]; r.GUID == d.GUID {
			r.Refused = true
			p.watch.refused = append(p.watch.refused, delivery.Requested{GUID: r.GUID, At: r.RequestedAt.Time, Refused: true})
		}
	}
}

// outstanding counts the requests without an answer.
func (p *pass) outstanding() int {
	n := 0
	for _, r := range p.status.Redelivering {
		if !r.Refused {
			n++
		}
	}
	return n
}

// note what is about to be asked for. It takes the place of what stands there for the same event.
func (p *pass) note(due []delivery.Due) {
	p.unnote(due)
	for _, d := range due {
		p.status.Redelivering = append(p.status.Redelivering, v1alpha1.Redelivering{GUID: d.GUID, RequestedAt: p.now()})
	}
}

// unnote takes back what is noted of events.
func (p *pass) unnote(due []delivery.Due) {
	among := func(guid string) bool {
		return slices.ContainsFunc(due, func(d delivery.Due) bool { return d.GUID == guid })
	}
	p.status.Redelivering = slices.DeleteFunc(slices.Clone(p.status.Redelivering), func(r v1alpha1.Redelivering) bool { return among(r.GUID) })
	p.watch.refused = slices.DeleteFunc(slices.Clone(p.watch.refused), func(r delivery.Requested) bool { return among(r.GUID) })
}

const (
	// unavailablePause is waited after GitHub did not answer a request for a redelivery.
	unavailablePause = time.Minute
	// fullPause is waited while as many requests are without an answer as may be.
	fullPause = 30 * time.Second
)

// resumes is when GitHub may be asked again after an error, zero after none: at the time that a limit names, after a while
// where there was no answer, and with a login that is refused hardly ever.
func (p *pass) resumes(err error) time.Time {
	now := time.Now()
	if err == nil {
		return time.Time{}
	}
	v := p.judge(err)
	switch {
	case v.reason == v1alpha1.ReasonRateLimited:
		return now.Add(v.retryAfter)
	case apierrors.IsConflict(err): // The cache is behind: the next pass sees what somebody else changed.
		return now.Add(cacheLag)
	case v.transient, v.reason == "":
		return latest(now.Add(unavailablePause), p.namedTime(err))
	default:
		return now.Add(lastRetry)
	}
}

// namedTime is when GitHub says that it takes requests again; zero where it does not say.
func (p *pass) namedTime(err error) time.Time {
	if e, ok := errors.AsType[*github.Error](err); ok {
		return e.RetryAt
	}
	return time.Time{}
}

// nextLook is when to go on with what is left, or to see what came of what was asked for.
func (p *pass) nextLook(a asking) time.Time {
	now := time.Now()
	switch {
	case len(a.left) > 0 && a.taken+a.refused == 0:
		return now.Add(fullPause)
	case len(a.left) > 0:
		return now.Add(cacheLag)
	case a.taken+a.unanswered > 0:
		return now.Add(redeliveryLag)
	default:
		return time.Time{}
	}
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
