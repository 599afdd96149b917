package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

const (
	// redeliveriesAtOnce bounds what one object asks for in one reconcile.
	redeliveriesAtOnce = 10
	// redeliveryLag is about how long GitHub takes to make a delivery again that it was asked for.
	redeliveryLag = 5 * time.Second
	// unavailablePause is waited after GitHub did not answer a request for a redelivery.
	unavailablePause = time.Minute
	// fullPause is waited while as many requests are without an answer as may be.
	fullPause = 30 * time.Second
)

// asked is what became of deliveries that GitHub was to make again.
type asked struct {
	// left are those that it was not asked for yet.
	left []delivery.Due
	// taken, refused and unanswered count the others.
	taken, refused, unanswered int
	// err is why GitHub was not asked for what is left; nil where it is others' turn first.
	err error
}

// nextRead is when to go on with what is left, or to see what came of what was asked for.
func (a asked) nextRead(now time.Time) time.Time {
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

// askAgain has GitHub deliver again what is due, a few at a time. What it is about to ask for stands in the status before,
// so that a crash does not ask twice.
func (op *Operator) askAgain(ctx context.Context, o *object, in *inputs, due []delivery.Due, why func(delivery.Due) string) asked {
	a := asked{left: due}
	batch := due[:min(len(due), redeliveriesAtOnce, max(0, delivery.MaxRequested-outstanding(o)))]
	if len(batch) == 0 {
		return a
	}
	before := o.status.Redelivering
	noteRequested(o, batch)
	if err := o.note(ctx, op); err != nil {
		o.status.Redelivering = before // Nothing was sent.
		a.err = err
		return a
	}
	for i, d := range batch {
		err := op.askOne(ctx, o, in, d, why(d))
		switch {
		case err == nil:
			a.taken++
		case isRefusal(err):
			op.giveUpRefused(ctx, o, in, d, why(d), err)
			a.refused++
		case errors.Is(err, github.ErrUnavailable) && !errors.Is(err, github.ErrNotSent): // GitHub may have been asked.
			a.left, a.unanswered, a.err = due[i+1:], a.unanswered+1, err
			unnoteRequested(o, batch[i+1:])
			return a
		default:
			a.err = err
			unnoteRequested(o, batch[i:])
			return a
		}
		a.left = due[i+1:]
	}
	return a
}

// askOne asks GitHub to deliver one again.
func (op *Operator) askOne(ctx context.Context, o *object, in *inputs, d delivery.Due, why string) error {
	if err := in.hooks.Redeliver(context.WithoutCancel(ctx), *o.id, d.ID); err != nil {
		return err
	}
	o.logger(ctx).Info("Asked for a delivery again", "hookID", *o.id, "guid", d.GUID, "event", d.Event, "attempt", d.Attempt)
	o.counters().Redelivery(metrics.Requested, 1)
	op.events.Normal(o.Webhook, v1alpha1.EventRedelivered, d.GUID, fmt.Sprintf("Asked GitHub to deliver %s %s again%s", d.Event, d.GUID, why))
	return nil
}

// isRefusal reports whether GitHub says no to this event, whoever asks again. A refused login, a limit and a server that
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

// giveUpRefused remembers that GitHub does not deliver an event again, and says so once.
func (op *Operator) giveUpRefused(ctx context.Context, o *object, in *inputs, d delivery.Due, why string, err error) {
	facts := op.facts(ctx, o, in)
	o.logger(ctx).Info("GitHub does not deliver again", "hookID", *o.id, "guid", d.GUID, "event", d.Event, "reason", verdict.Of(err, facts).Reason)
	o.counters().Redelivery(metrics.GivenUp, 1)
	op.events.Warning(o.Webhook, v1alpha1.EventRedeliveryGivenUp, d.GUID, fmt.Sprintf(
		"GitHub refuses to deliver %s %s again%s, and is not asked for it any more%s", d.Event, d.GUID, why, facts.Quote(err)))
	for i := range o.status.Redelivering {
		if r := &o.status.Redelivering[i]; r.GUID == d.GUID {
			r.Refused = true
			o.memory.refused = append(o.memory.refused, delivery.Requested{GUID: r.GUID, At: r.RequestedAt.Time, Refused: true})
		}
	}
}

// outstanding counts the requests without an answer.
func outstanding(o *object) int {
	n := 0
	for _, r := range o.status.Redelivering {
		if !r.Refused {
			n++
		}
	}
	return n
}

// noteRequested notes what is about to be asked for. It takes the place of what stands there for the same event.
func noteRequested(o *object, due []delivery.Due) {
	unnoteRequested(o, due)
	for _, d := range due {
		o.status.Redelivering = append(o.status.Redelivering, v1alpha1.Redelivering{GUID: d.GUID, RequestedAt: *wholeSeconds(time.Now())})
	}
}

// unnoteRequested takes back what is noted of events.
func unnoteRequested(o *object, due []delivery.Due) {
	among := func(guid string) bool {
		return slices.ContainsFunc(due, func(d delivery.Due) bool { return d.GUID == guid })
	}
	o.status.Redelivering = slices.DeleteFunc(slices.Clone(o.status.Redelivering), func(r v1alpha1.Redelivering) bool { return among(r.GUID) })
	o.memory.refused = slices.DeleteFunc(slices.Clone(o.memory.refused), func(r delivery.Requested) bool { return among(r.GUID) })
}

// requested are the requests in status, as package delivery knows them, and the refusals that the status does not show: the
// cache may be behind, or the write of the status failed.
func requested(o *object) []delivery.Requested {
	requested := slices.Clone(o.memory.refused)
	for _, r := range o.status.Redelivering {
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

// resumes is when GitHub may be asked again after an error, zero after none: at the time that a limit names, after a while
// where there was no answer, and with a login that is refused hardly ever.
func (op *Operator) resumes(ctx context.Context, o *object, in *inputs, err error) time.Time {
	now := time.Now()
	if err == nil {
		return time.Time{}
	}
	v := op.judge(ctx, o, in, err)
	switch {
	case v.Reason == v1alpha1.ReasonRateLimited:
		return now.Add(v.RetryAfter)
	case apierrors.IsConflict(err): // The cache is behind: the next reconcile sees what somebody else changed.
		return now.Add(cacheLag)
	case v.Transient, v.Reason == "":
		return latest(now.Add(unavailablePause), verdict.RetryAt(err))
	default:
		return now.Add(lastRetry)
	}
}
