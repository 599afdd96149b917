package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// Bounds of what is read of GitHub's log of deliveries in one pass.
const (
	deliveriesPerPage = 100
	maxDeliveryPages  = 20
)

// watch is what is remembered of an object's deliveries between two passes. Losing it costs reads, and the outcome of a
// ping that is under way.
type watch struct {
	// pending are the deliveries that may still be asked for again, found in a log read back for reach.
	pending []delivery.Row
	reach   time.Duration
	// refused are the events that GitHub does not deliver again, and held is until when it is asked for none.
	refused []delivery.Requested
	held    time.Time
	// looked is when the log was read last, and newest the newest delivery then: the cache may show an older status.
	looked time.Time
	newest int64
	// next is when to look before the next poll is due; zero for not before.
	next time.Time
	// ping that was asked for and whose delivery has not shown up yet.
	ping *pingWait
	// skipped is how many deliveries could not be read at the last look.
	skipped int
	// written is the generation whose fields were written although GitHub shows them in a form that cannot be read.
	written int64
	// judged is the generation that GitHub was last seen to agree with, or to differ from where it is only observed.
	judged int64
	// handled are the requests that were carried out, by name; tries counts how often one in a row could not be sent.
	handled map[string]string
	tries   int
	// synced is when GitHub was last seen to agree: the status has it to the hour. Losing it costs nothing.
	synced time.Time
	// again: the webhook has to be read, although it is not due.
	again bool
	// unusual is the version of the Secret that was warned of.
	unusual string
	// replay is the request to redeliver that is under way; nil is none.
	replay *replay
}

// wake brings the next look forward.
func (w *watch) wake(at time.Time) {
	if !at.IsZero() && (w.next.IsZero() || at.Before(w.next)) {
		w.next = at
	}
}

// deliveryLog is GitHub's log of the hook's deliveries, the newest first, as far back as it had to be read.
type deliveryLog struct {
	rows []github.Delivery
	// fresh is the number of rows that were not there at the last look.
	fresh int
	// cut: there was more to read than is read in one pass.
	cut bool
}

// watchDeliveries brings the status up to date with GitHub's log, tells what failed, and has it delivered again.
func (p *pass) watchDeliveries(ctx context.Context) {
	ctx = github.WithPriority(ctx, github.Poll)
	log, err := p.readLog(ctx)
	if err != nil {
		p.unreadable(err)
		return
	}
	p.tellPing(ctx, log)
	p.tellDeliveries(ctx, log)
	p.redeliver(ctx, log)
	p.watch.looked = time.Now()
	if len(log.rows) > 0 {
		p.watch.newest = log.rows[0].ID
	}
}

// readLog reads one page when nothing happened, and else as many as the new deliveries need.
func (p *pass) readLog(ctx context.Context) (deliveryLog, error) {
	var log deliveryLog
	query := github.DeliveryQuery{PerPage: deliveriesPerPage}
	skipped := 0
	defer func() { p.skips(ctx, skipped) }()
	for range maxDeliveryPages {
		page, err := p.hooks.Deliveries(ctx, *p.id, query)
		if err != nil {
			return deliveryLog{}, err
		}
		skipped += page.Skipped
		log.rows = append(log.rows, p.named(page.Deliveries...)...)
		if page.Next == "" || p.enough(log.rows) {
			log.fresh = p.unseen(log.rows)
			return log, nil
		}
		query.Cursor = page.Next
	}
	log.fresh, log.cut = p.unseen(log.rows), true
	return log, nil
}

// skips says how many deliveries GitHub shows in a form that cannot be read, when that is another number than before.
func (p *pass) skips(ctx context.Context, skipped int) {
	if skipped != p.watch.skipped {
		p.logger(ctx).Info("Skipped deliveries that cannot be read", "hookID", *p.id, "skipped", skipped)
	}
	p.watch.skipped = skipped
}

// enough tells whether rows reach back to what is known already. Where deliveries are to be made again and none are
// remembered, the log itself is the memory, as far back as they may be old.
func (p *pass) enough(rows []github.Delivery) bool {
	if len(rows) == 0 {
		return true
	}
	oldest := rows[len(rows)-1].DeliveredAt
	if policy, ok := p.redelivery(); ok && p.watch.reach < policy.Within && oldest.After(time.Now().Add(-policy.Within)) {
		return false
	}
	return p.status.LastDelivery == nil || p.unseen(rows) < len(rows)
}

// unseen counts the rows that are newer than the newest one at the last look, or than the object.
func (p *pass) unseen(rows []github.Delivery) int {
	since, known := p.obj.GetCreationTimestamp().Time, ""
	if last := p.status.LastDelivery; last != nil {
		since, known = last.DeliveredAt.Time, last.ID
	}
	if i := slices.IndexFunc(rows, func(d github.Delivery) bool {
		return d.ID == p.watch.newest || strconv.FormatInt(d.ID, 10) == known
	}); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(rows, func(d github.Delivery) bool { return d.DeliveredAt.Before(since) }); i >= 0 {
		return i
	}
	return len(rows)
}

// tellDeliveries writes the status, and Events and metrics about what is new.
func (p *pass) tellDeliveries(ctx context.Context, log deliveryLog) {
	summary := delivery.Summarize(log.rows[:min(len(log.rows), delivery.Counted)])
	p.count(log.rows[:log.fresh])
	failed := newestFailure(log)
	why := ""
	if failed != nil {
		why = p.whyFailed(ctx, *failed)
		p.logger(ctx).Info("A delivery failed", "hookID", *p.id, "guid", failed.GUID, "event", failed.Event, "code", failed.StatusCode)
		p.events.Warning(p.obj, v1alpha1.EventDeliveryFailed, failed.GUID, why)
	}
	p.status.LastDelivery, p.status.Deliveries = p.lastDelivery(summary.Newest), counted(summary)
	before := p.condition(v1alpha1.ConditionDeliveriesHealthy)
	failing := !p.did.replaced && before != nil && before.Status == metav1.ConditionFalse
	switch newest := summary.Newest; {
	case newest == nil:
		p.health(metav1.ConditionUnknown, v1alpha1.ReasonNoDeliveries, "GitHub's log has no delivery of this webhook")
	case delivery.OK(*newest):
		p.health(metav1.ConditionTrue, v1alpha1.ReasonDelivered, arrived(*newest, summary, log.cut))
		if failing {
			p.events.Normal(p.obj, v1alpha1.EventDeliveryRecovered, newest.GUID, fmt.Sprintf("Deliveries arrive again: %s", described(*newest)))
		}
	case failed != nil && failed.ID == newest.ID:
		p.health(metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed, why)
	case !failing:
		p.health(metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed, p.failure(*newest))
	}
}

// health is what DeliveriesHealthy is to say.
func (p *pass) health(status metav1.ConditionStatus, reason, message string) {
	p.seen = report{health: status, reason: reason, message: message}
}

// unreadable says that the deliveries are not known, and why; nothing else depends on them. Trouble in reaching GitHub
// leaves the condition as it was.
func (p *pass) unreadable(err error) {
	v := p.judge(err)
	switch {
	case v.reason == "":
	case errors.Is(err, github.ErrNotFound):
		p.health(metav1.ConditionUnknown, v1alpha1.ReasonTargetNotFound,
			fmt.Sprintf("%s shows no deliveries of this webhook: the server may be too old for it", p.server))
	default:
		p.health(metav1.ConditionUnknown, v.reason, "The deliveries cannot be read. "+v.message)
	}
	p.seen.passing = v.transient
	if v.transient {
		p.watch.wake(time.Now().Add(max(v.retryAfter, time.Minute)))
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

// whyFailed says what helps. Where the receiver's answer may be quoted it reads the delivery whole; else, and where it
// cannot be read, the log says enough.
func (p *pass) whyFailed(ctx context.Context, failed github.Delivery) string {
	if !p.quotes() {
		return p.failure(failed)
	}
	whole, err := p.hooks.Delivery(ctx, *p.id, failed.ID)
	if err != nil {
		return p.failure(failed)
	}
	return p.failure(p.named(*whole)[0])
}

// failure is a failed delivery in a sentence.
func (p *pass) failure(d github.Delivery) string {
	quote := delivery.QuoteNobody // GitHub's status stands before it.
	hidden, known := p.hidden(p.quoteReceivers)
	if p.quotes() && known {
		quote = delivery.QuoteReceiver
	}
	return fmt.Sprintf("%s did not arrive (status %q, code %d). %s", described(d), p.said(d), d.StatusCode, delivery.Explain(d, quote, hidden...))
}

// quotes tells whether the beginning of a receiver's answer may be repeated.
func (p *pass) quotes() bool { return p.quoteReceivers && p.spec.URLFrom == nil }

// said is GitHub's status of a delivery, where its words may be repeated.
func (p *pass) said(d github.Delivery) string {
	plain := delivery.PlainStatus(d)
	if plain == d.Status {
		return plain
	}
	return cmp.Or(p.words(d.Status), plain)
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

// count counts new deliveries in the metrics.
func (p *pass) count(fresh []github.Delivery) {
	var failed, again int
	for _, d := range fresh {
		switch {
		case !delivery.OK(d):
			failed++
		case d.Redelivery:
			again++
		}
	}
	p.metrics.Delivered(metrics.Delivered, len(fresh)-failed)
	p.metrics.Delivered(metrics.Failed, failed)
	p.metrics.Redelivery(metrics.Delivered, again)
}

// lastDelivery is the newest delivery for the status.
func (p *pass) lastDelivery(newest *github.Delivery) *v1alpha1.LastDelivery {
	if newest == nil {
		return nil
	}
	last := &v1alpha1.LastDelivery{
		ID: strconv.FormatInt(newest.ID, 10), GUID: newest.GUID, Event: newest.Event, Action: newest.Action,
		Status: p.said(*newest), StatusCode: int32(newest.StatusCode), //nolint:gosec // An HTTP status code.
		DeliveredAt: *wholeSeconds(newest.DeliveredAt), Redelivery: newest.Redelivery,
		Duration: time.Duration(newest.Duration * float64(time.Second)).Round(time.Millisecond).String(),
	}
	if newest.ThrottledAt != nil {
		last.ThrottledAt = wholeSeconds(*newest.ThrottledAt)
	}
	return last
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

// wholeSeconds is a time as the Kubernetes API keeps it; nil for none.
func wholeSeconds(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}
