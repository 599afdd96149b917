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

// replay is a request to redeliver that takes several passes. Losing it costs another read of the log; what GitHub was
// asked for stands in the status.
type replay struct {
	value string
	// held is until when GitHub is asked for nothing.
	held time.Time
	// rows were read of the log so far, on so many pages; cursor is the next page's. They go when left is chosen.
	rows   []delivery.Row
	cursor string
	pages  int
	chosen bool
	// cut: the log goes on beyond what was read.
	cut bool
	// left are the deliveries to ask for. taken, refused and unanswered count those that GitHub was asked for, and earlier
	// those that it had been asked for shortly before.
	left                                []delivery.Due
	taken, refused, unanswered, earlier int
}

// sendAgain asks for the deliveries that the request names, a few in each pass, and notes it as handled after the last.
func (p *pass) sendAgain(ctx context.Context, r request) error {
	wanted, err := delivery.ParseRequest(r.value)
	if err != nil {
		return err
	}
	if p.watch.replay == nil || p.watch.replay.value != r.value {
		p.watch.replay = &replay{value: r.value}
	}
	again := p.watch.replay
	if time.Now().Before(again.held) {
		p.watch.wake(again.held)
		return nil
	}
	if !again.chosen {
		if err := p.chooseDeliveries(ctx, wanted, again); err != nil {
			return err
		}
	}
	a := p.ask(ctx, again.left, func(delivery.Due) string { return fmt.Sprintf(", as %s=%s asks", r.name, truncate(r.value, maxAction)) })
	again.left, again.taken, again.refused, again.unanswered = a.left, again.taken+a.taken, again.refused+a.refused, again.unanswered+a.unanswered
	if len(again.left) > 0 && !p.stops(a.err) {
		if again.held = p.resumes(a.err); again.held.IsZero() {
			p.watch.wake(p.nextLook(a))
		}
		p.watch.wake(again.held)
		return nil
	}
	p.watch.wake(p.nextLook(asking{taken: again.taken, unanswered: again.unanswered}))
	p.tellReplayed(r, wanted, a.err)
	p.watch.replay = nil
	p.handled(r)
	return nil
}

// stops tells whether an error ends a request: nothing but a changed Secret or spec helps, and then the user asks again.
func (p *pass) stops(err error) bool {
	if err == nil {
		return false
	}
	v := p.judge(err)
	return v.reason != "" && !v.transient
}

// chooseDeliveries finds the deliveries that a request names in GitHub's log, and goes on where the last pass had to stop.
func (p *pass) chooseDeliveries(ctx context.Context, wanted delivery.Request, again *replay) error {
	for more := true; more; {
		page, err := p.hooks.Deliveries(ctx, *p.id, github.DeliveryQuery{PerPage: deliveriesPerPage, Cursor: again.cursor})
		if err != nil {
			return err
		}
		again.rows, again.cursor = append(again.rows, delivery.Rows(p.named(page.Deliveries...))...), page.Next
		again.pages++
		room := p.rows.hold(p.obj.GetUID(), p.watch.rows()) >= p.watch.rows()
		more = room && page.Next != "" && again.pages < maxDeliveryPages && (wanted.Failed || len(wanted.Select(again.rows)) == 0)
	}
	choice := wanted.Choose(again.rows, p.requested(), time.Now())
	again.rows, again.chosen = nil, true
	again.cut = again.cursor != "" && wanted.Failed
	again.left, again.earlier = choice.Due, choice.AskedLately+choice.RefusedLately
	if len(choice.Due)+again.earlier == 0 {
		return p.noneChosen(wanted)
	}
	return nil
}

func (p *pass) noneChosen(wanted delivery.Request) error {
	if wanted.Failed {
		return fmt.Errorf("%w: GitHub's log has no failed delivery of this webhook", errNothing)
	}
	return fmt.Errorf("%w: GitHub's log has no delivery %s of this webhook; it keeps deliveries for some days only", errNothing, wanted)
}

// errNothing: a request names no delivery.
var errNothing = errors.New("there is nothing to deliver again")

// tellReplayed says what became of a request: of one for all failed deliveries always, of one for a single delivery where
// its own Event did not say so.
func (p *pass) tellReplayed(r request, wanted delivery.Request, err error) {
	again := p.watch.replay
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
		message += ". " + p.judge(err).message
	}
	tell := p.events.Normal
	if again.refused+len(again.left) > 0 {
		tell = p.events.Warning
	}
	tell(p.obj, v1alpha1.EventReplayFinished, r.value, message)
}

// total is how many deliveries the request named.
func (r *replay) total() int {
	return r.taken + r.refused + r.unanswered + r.earlier + len(r.left)
}
