package main

import (
	"errors"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func requests(agent string, methods ...string) []githubsim.Request {
	all := make([]githubsim.Request, len(methods))
	for i, method := range methods {
		all[i] = githubsim.Request{Method: method, Header: http.Header{"User-Agent": {agent}}}
	}
	return all
}

func TestSummary(t *testing.T) {
	g := NewWithT(t)
	created := result{title: "Create", took: 1500 * time.Millisecond, requests: requests("", "GET", "POST", "GET")}
	pushed := result{title: "Push it", took: 40 * time.Millisecond}

	g.Expect(summary([]result{created, pushed})).To(Equal(`Summary
  ✓ Create    1.5 s
  ✓ Push it   0.0 s
The operator's requests to GitHub: 2 GET, 1 POST.
All 2 steps passed in 1.5 s.
`))

	pushed.err = errors.New("nothing arrived")
	g.Expect(summary([]result{created, pushed})).To(Equal(`Summary
  ✓ Create    1.5 s
  ✗ Push it   0.0 s
The operator's requests to GitHub: 2 GET, 1 POST.
`))
}

// The demo's own look at GitHub's API is not counted.
func TestFromOperator(t *testing.T) {
	all := append(requests("demo", "GET"), requests(operatorName+"/v1.0.0", "POST")...)
	NewWithT(t).Expect(fromOperator(all)).To(ConsistOf(HaveField("Method", "POST")))
}
