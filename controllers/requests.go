package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// request asks for something to be done once.
type request struct {
	annotation string
	name       string // The annotation without its prefix.
	value      string
}

// maxRequest bounds what is kept of a request in status.
const maxRequest = 256

// annotationPrefix begins the annotations that are requests.
const annotationPrefix = "github-webhooks.dev/"

// requests lists those that were not carried out yet.
func (p *pass) requests() []request { return p.unhandled(p.place.requests()) }

// unhandled lists the requests by these annotations that were not carried out yet.
func (p *pass) unhandled(annotations []string) []request {
	var requests []request
	for _, annotation := range annotations {
		value, ok := p.obj.GetAnnotations()[annotation]
		name := strings.TrimPrefix(annotation, annotationPrefix)
		value = truncate(value, maxRequest)
		if handled, done := p.status.HandledRequests[name]; ok && !(done && handled == value) {
			requests = append(requests, request{annotation, name, value})
		}
	}
	return requests
}

// maxUnknown bounds how many annotations are answered that are no requests: each is noted in the status.
const maxUnknown = 10

// refuseUnknown answers annotations that are no requests, or none that this kind knows, with those that are.
func (p *pass) refuseUnknown() {
	known := p.place.requests()
	var unknown []string
	for annotation := range p.obj.GetAnnotations() {
		if strings.HasPrefix(annotation, annotationPrefix) && !slices.Contains(known, annotation) {
			unknown = append(unknown, annotation)
		}
	}
	slices.Sort(unknown)
	last := len(known) - 1
	for _, r := range p.unhandled(unknown[:min(len(unknown), maxUnknown)]) {
		p.refuse(r, fmt.Sprintf("%s takes requests by the annotations %s and %s", withArticle(p.kind), strings.Join(known[:last], ", "), known[last]))
	}
}

// withArticle puts a or an before a word.
func withArticle(word string) string {
	if strings.ContainsAny(word[:1], "AEIOU") {
		return "an " + word
	}
	return "a " + word
}

// handled notes that a request was carried out or refused.
func (p *pass) handled(r request) {
	if p.status.HandledRequests == nil {
		p.status.HandledRequests = map[string]string{}
	}
	p.status.HandledRequests[r.name] = r.value
	if p.watch.handled == nil {
		p.watch.handled = map[string]string{}
	}
	p.watch.handled[r.name] = r.value
}

// recallHandled notes again what was handled, where the status does not show it: the cache may be behind, or the write of
// the status failed.
func (p *pass) recallHandled() {
	for _, r := range p.requests() {
		if value, done := p.watch.handled[r.name]; done && value == r.value {
			p.handled(r)
		}
	}
}

// looked notes that GitHub was looked at, which is all that a reconcile request asks for.
func (p *pass) looked() {
	for _, r := range p.requests() {
		if r.annotation == v1alpha1.AnnotationReconcile {
			p.handled(r)
		}
	}
}

// refuseRequests answers requests that are not carried out, and does not save them up.
func (p *pass) refuseRequests(why string) {
	for _, r := range p.requests() {
		p.refuse(r, why)
	}
}

func (p *pass) refuse(r request, why string) {
	p.events.Warning(p.obj, v1alpha1.EventRequestRefused, r.name+"="+r.value, fmt.Sprintf("The request %s=%s was not carried out: %s", r.name, truncate(r.value, maxAction), why))
	p.handled(r)
}

// carryOut does what annotations ask for, now that the hook is known. A request that could not be sent is tried again.
func (p *pass) carryOut(ctx context.Context) {
	for _, r := range p.requests() {
		if r.annotation == v1alpha1.AnnotationReconcile {
			continue // It waits for GitHub to be seen.
		}
		if p.spec.ManagementPolicy == v1alpha1.Observe {
			p.refuse(r, "managementPolicy is Observe, which leaves GitHub as it is")
			continue
		}
		var err error
		switch r.annotation {
		case v1alpha1.AnnotationPing:
			err = p.sendPing(ctx, r)
		case v1alpha1.AnnotationTest:
			err = p.sendTest(ctx, r)
		case v1alpha1.AnnotationRedeliver:
			err = p.sendAgain(ctx, r)
		}
		p.answer(r, err)
	}
}

// answer tells what became of a request that GitHub did not take.
func (p *pass) answer(r request, err error) {
	if err == nil {
		p.watch.tries = 0
		return
	}
	if errors.Is(err, delivery.ErrRequest) || errors.Is(err, errNothing) {
		p.refuse(r, err.Error())
		return
	}
	v := p.judge(err)
	switch {
	case v.reason == v1alpha1.ReasonRateLimited: // Room is kept for who comes at that time.
		p.watch.wake(time.Now().Add(v.retryAfter))
	case v.transient || v.reason == "":
		p.watch.wake(time.Now().Add(max(v.retryAfter, min(firstRetry<<min(p.watch.tries, maxDoublings), lastRetry))))
		p.watch.tries++
	default:
		p.refuse(r, v.message)
	}
}

// maxDoublings of the time between two tries.
const maxDoublings = 10

// pingWait is a ping whose delivery is to show up in GitHub's log.
type pingWait struct {
	value string
	// known are the pings that were there before.
	known    []int64
	deadline time.Time
}

const (
	// pingTimeout is how long a ping may take to show up.
	pingTimeout = 15 * time.Second
	// pingLook is how often it is looked for.
	pingLook = time.Second
)

// sendPing asks for a ping. Its outcome is told when it shows up in the log, where the pings before it are known by ID:
// GitHub's clock may be another one.
func (p *pass) sendPing(ctx context.Context, r request) error {
	page, err := p.hooks.Deliveries(ctx, *p.id, github.DeliveryQuery{PerPage: deliveriesPerPage})
	if err != nil && p.judge(err).transient {
		return err
	}
	if err := sent(p.hooks.Ping(context.WithoutCancel(ctx), *p.id)); err != nil {
		return err
	}
	if err != nil {
		p.events.Normal(p.obj, v1alpha1.EventPinged, r.value, fmt.Sprintf(
			"Asked GitHub for a ping (%s). Whether it arrived cannot be told: %s", r.value, p.judge(err).message))
		p.handled(r)
		return nil
	}
	wait := &pingWait{value: r.value, deadline: time.Now().Add(pingTimeout)}
	p.watch.wake(time.Now().Add(pingLook))
	for _, d := range page.Deliveries {
		if isPing(d) {
			wait.known = append(wait.known, d.ID)
		}
	}
	p.logger(ctx).Info("Asked for a ping", "hookID", *p.id)
	p.watch.ping = wait
	p.handled(r)
	return nil
}

// sent leaves out that there was no answer: whether GitHub does what was asked is not known then, and it is not asked twice.
// Where somebody else answered in GitHub's place, it was not asked.
func sent(err error) error {
	if errors.Is(err, github.ErrUnavailable) && !errors.Is(err, github.ErrNotSent) && !errors.Is(err, github.ErrNotGitHub) {
		return nil
	}
	return err
}

func isPing(d github.Delivery) bool { return d.Event == "ping" && !d.Redelivery }

// tellPing tells what became of a ping, once it shows up.
func (p *pass) tellPing(ctx context.Context, log deliveryLog) {
	wait := p.watch.ping
	if wait == nil {
		return
	}
	// The oldest new one is the answer to this request; a later one may be somebody else's.
	for _, d := range slices.Backward(log.rows[:min(len(log.rows), deliveriesPerPage)]) {
		if !isPing(d) || slices.Contains(wait.known, d.ID) {
			continue
		}
		p.watch.ping = nil
		if delivery.OK(d) {
			p.events.Normal(p.obj, v1alpha1.EventPinged, d.GUID, fmt.Sprintf("The ping (%s) arrived: %s, code %d", wait.value, d.GUID, d.StatusCode))
			return
		}
		p.events.Warning(p.obj, v1alpha1.EventPingFailed, d.GUID, fmt.Sprintf("The ping (%s) failed: %s", wait.value, p.whyFailed(ctx, d)))
		return
	}
	if time.Now().Before(wait.deadline) {
		p.watch.wake(time.Now().Add(pingLook))
		return
	}
	p.watch.ping = nil
	p.events.Warning(p.obj, v1alpha1.EventPingFailed, wait.value, fmt.Sprintf(
		"The ping (%s) was sent %s ago and does not show in GitHub's log yet: look at the webhook's page on GitHub", wait.value, pingTimeout))
}

// sendTest asks for the repository's latest push to be sent. For a hook that does not hear of pushes GitHub says yes and
// does nothing.
func (p *pass) sendTest(ctx context.Context, r request) error {
	if events := p.desired.Events; len(events) > 0 && !slices.Contains(events, "push") && !slices.Contains(events, "*") {
		p.refuse(r, `GitHub sends the test push only to webhooks that are subscribed to push: add it to spec.events`)
		return nil
	}
	if err := sent(p.hooks.Test(context.WithoutCancel(ctx), *p.id)); err != nil {
		return err
	}
	p.logger(ctx).Info("Asked for a test push", "hookID", *p.id)
	p.events.Normal(p.obj, v1alpha1.EventTested, r.value, fmt.Sprintf("Asked GitHub to send the latest push of the %s (%s)", p.place, r.value))
	p.handled(r)
	p.watch.wake(time.Now().Add(redeliveryLag))
	return nil
}
