package controllers

import (
	"fmt"
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

// requestAnnotations are the requests that the operator knows.
var requestAnnotations = []string{v1alpha1.AnnotationReconcile}

// requests lists those that were not carried out yet.
func (p *pass) requests() []request {
	var requests []request
	for _, annotation := range requestAnnotations {
		value, ok := p.obj.GetAnnotations()[annotation]
		_, name, _ := strings.Cut(annotation, "/")
		value = truncate(value, maxRequest)
		if handled, done := p.status.HandledRequests[name]; ok && !(done && handled == value) {
			requests = append(requests, request{annotation, name, value})
		}
	}
	return requests
}

// handled notes that a request was carried out or refused.
func (p *pass) handled(r request) {
	if p.status.HandledRequests == nil {
		p.status.HandledRequests = map[string]string{}
	}
	p.status.HandledRequests[r.name] = r.value
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
		p.events.Warning(p.obj, v1alpha1.EventRequestRefused, r.name, fmt.Sprintf("The request %s was not carried out: %s", r.name, why))
		p.handled(r)
	}
}
