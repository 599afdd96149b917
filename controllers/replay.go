package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// errNothing: a request names no delivery.
var errNothing = errors.New("there is nothing to deliver again")

// replayRequest asks for the deliveries that the request names, a few in each reconcile, and notes it as handled after the
// last.
func (op *Operator) replayRequest(ctx context.Context, o *object, in *inputs, r request) error {
	wanted, err := delivery.ParseRequest(r.value)
	if err != nil {
		return err
	}
	m := o.memory
	if m.replay == nil || m.replay.value != r.value {
		m.replay = &replay{value: r.value}
	}
	again := m.replay
	if time.Now().Before(again.held) {
		m.wake(again.held)
		return nil
	}
	if !again.chosen {
		if err := op.chooseDeliveries(ctx, o, in, wanted); err != nil {
			return err
		}
	}
	a := op.askAgain(ctx, o, in, again.left, func(delivery.Due) string {
		return fmt.Sprintf(", as %s=%s asks", r.name, truncate(r.value, maxAction))
	})
	again.left, again.taken, again.refused, again.unanswered = a.left, again.taken+a.taken, again.refused+a.refused, again.unanswered+a.unanswered
	if len(again.left) > 0 && !op.ends(ctx, o, in, a.err) {
		if again.held = op.resumes(ctx, o, in, a.err); again.held.IsZero() {
			m.wake(a.nextRead(time.Now()))
		}
		m.wake(again.held)
		return nil
	}
	m.wake(asked{taken: again.taken, unanswered: again.unanswered}.nextRead(time.Now()))
	op.recordReplayed(ctx, o, in, r, wanted, a.err)
	m.replay = nil
	o.markHandled(r)
	return nil
}

// ends reports whether an error ends a request: nothing but a changed Secret or spec helps, and then the user asks again.
func (op *Operator) ends(ctx context.Context, o *object, in *inputs, err error) bool {
	if err == nil {
		return false
	}
	v := op.judge(ctx, o, in, err)
	return v.Reason != "" && !v.Transient
}

// chooseDeliveries finds the deliveries that a request names in GitHub's log, and goes on where the last reconcile had to
// stop.
func (op *Operator) chooseDeliveries(ctx context.Context, o *object, in *inputs, wanted delivery.Request) error {
	again := o.memory.replay
	for more := true; more; {
		page, err := in.hooks.Deliveries(ctx, *o.id, github.DeliveryQuery{PerPage: deliveriesPerPage, Cursor: again.cursor})
		if err != nil {
			return err
		}
		again.rows, again.cursor = append(again.rows, delivery.Rows(op.named(ctx, o, in, page.Deliveries...))...), page.Next
		again.pages++
		more = op.memories.hasRoom(o.GetUID(), o.memory.rows()) && page.Next != "" && again.pages < maxDeliveryPages &&
			(wanted.Failed || len(wanted.Select(again.rows)) == 0)
	}
	choice := wanted.Choose(again.rows, requested(o), time.Now())
	again.rows, again.chosen = nil, true
	again.cut = again.cursor != "" && wanted.Failed
	again.left, again.earlier = choice.Due, choice.AskedLately+choice.RefusedLately
	switch {
	case len(choice.Due)+again.earlier > 0:
		return nil
	case wanted.Failed:
		return fmt.Errorf("%w: GitHub's log has no failed delivery of this webhook", errNothing)
	default:
		return fmt.Errorf("%w: GitHub's log has no delivery %s of this webhook; it keeps deliveries for some days only", errNothing, wanted)
	}
}

// recordReplayed says what became of a request: of one for all failed deliveries always, of one for a single delivery where
// its own Event did not say so.
func (op *Operator) recordReplayed(ctx context.Context, o *object, in *inputs, r request, wanted delivery.Request, err error) {
	again := o.memory.replay
	if !wanted.Failed && again.taken+again.refused > 0 {
		return
	}
	name := fmt.Sprintf("%s=%s", r.name, truncate(r.value, maxAction))
	message := fmt.Sprintf("The request %s is done: GitHub took %d of %d deliveries", name, again.taken, again.total())
	for _, other := range []struct {
		n    int
		what string
	}{
		{again.refused, "it refused %d"},
		{again.unanswered, "for %d its answer was lost"},
		{again.earlier, fmt.Sprintf("for %%d it was asked in the last %.0f minutes already", delivery.RequestTimeout.Minutes())},
		{len(again.left), "for %d it was not asked"},
	} {
		if other.n > 0 {
			message += ", " + fmt.Sprintf(other.what, other.n)
		}
	}
	if again.cut {
		message += fmt.Sprintf(". Only the newest %d deliveries of the log were looked at: ask for one before by its guid or id", again.pages*deliveriesPerPage)
	}
	if err != nil {
		message += ". " + op.judge(ctx, o, in, err).Message
	}
	send := op.events.Normal
	if again.refused+len(again.left) > 0 {
		send = op.events.Warning
	}
	send(o.Webhook, v1alpha1.EventReplayFinished, r.value, message)
}
