package controllers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
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

// requests are those that were not carried out yet.
func (o *object) requests() []request { return o.unhandled(o.target.requests()) }

// unhandled are the requests by these annotations that were not carried out yet.
func (o *object) unhandled(annotations []string) []request {
	var requests []request
	for _, annotation := range annotations {
		value, ok := o.GetAnnotations()[annotation]
		name := strings.TrimPrefix(annotation, annotationPrefix)
		value = truncate(value, maxRequest)
		if handled, done := o.status.HandledRequests[name]; ok && !(done && handled == value) {
			requests = append(requests, request{annotation, name, value})
		}
	}
	return requests
}

// markHandled notes that a request was carried out or refused.
func (o *object) markHandled(r request) {
	if o.status.HandledRequests == nil {
		o.status.HandledRequests = map[string]string{}
	}
	o.status.HandledRequests[r.name] = r.value
	if o.memory.handled == nil {
		o.memory.handled = map[string]string{}
	}
	o.memory.handled[r.name] = r.value
}

// recallHandled notes again what was handled, where the status does not show it: the cache may be behind, or the write of
// the status failed.
func (o *object) recallHandled() {
	for _, r := range o.requests() {
		if value, done := o.memory.handled[r.name]; done && value == r.value {
			o.markHandled(r)
		}
	}
}

// markReconciled notes that the webhook was read, which is all that a reconcile request asks for.
func (o *object) markReconciled() {
	for _, r := range o.requests() {
		if r.annotation == v1alpha1.AnnotationReconcile {
			o.markHandled(r)
		}
	}
}

// maxUnknown bounds how many annotations are answered that are no requests: each is noted in the status.
const maxUnknown = 10

// refuseUnknown answers annotations that are no requests, or none that this kind knows, with those that are.
func (op *Operator) refuseUnknown(o *object) {
	known := o.target.requests()
	var unknown []string
	for annotation := range o.GetAnnotations() {
		if strings.HasPrefix(annotation, annotationPrefix) && !slices.Contains(known, annotation) {
			unknown = append(unknown, annotation)
		}
	}
	slices.Sort(unknown)
	last := len(known) - 1
	for _, r := range o.unhandled(unknown[:min(len(unknown), maxUnknown)]) {
		op.refuse(o, r, fmt.Sprintf("%s takes requests by the annotations %s and %s", withArticle(o.kind.name), strings.Join(known[:last], ", "), known[last]))
	}
}

// withArticle puts a or an before a word.
func withArticle(word string) string {
	if strings.ContainsAny(word[:1], "AEIOU") {
		return "an " + word
	}
	return "a " + word
}

// refuseRequests answers requests that are not carried out, and does not save them up.
func (op *Operator) refuseRequests(o *object, why string) {
	for _, r := range o.requests() {
		op.refuse(o, r, why)
	}
}

func (op *Operator) refuse(o *object, r request, why string) {
	op.events.Warning(o.Webhook, v1alpha1.EventRequestRefused, r.name+"="+r.value,
		fmt.Sprintf("The request %s=%s was not carried out: %s", r.name, truncate(r.value, maxAction), why))
	o.markHandled(r)
}
