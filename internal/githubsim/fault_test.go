package githubsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

const hooksRoute = "/repos/{owner}/{repo}/hooks"

func withStatus(status int) OmegaMatcher {
	return WithTransform(func(r reply) int { return r.status }, Equal(status))
}

func withBody(matcher OmegaMatcher) OmegaMatcher {
	return WithTransform(func(r reply) string { return r.raw }, matcher)
}

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault githubsim.Fault
		hooks int // How many webhooks there are afterwards.
		want  OmegaMatcher
		err   error
	}{
		"a status": {
			fault: githubsim.Fault{Status: 503, Body: `{"message":"busy"}`, Header: http.Header{"Retry-After": {"7"}}},
			want: And(withStatus(503), withBody(Equal(`{"message":"busy"}`)),
				WithTransform(func(r reply) string { return r.header.Get("Retry-After") }, Equal("7"))),
		},
		"a status after the effect": {fault: githubsim.Fault{Status: 502, Body: "<html>", After: true}, hooks: 1, want: withStatus(502)},
		"a delay":                   {fault: githubsim.Fault{Delay: 30 * time.Millisecond}, hooks: 1, want: withStatus(201)},
		"dropped before":            {fault: githubsim.Fault{DropBefore: true}, err: io.EOF},
		"dropped after":             {fault: githubsim.Fault{DropAfter: true}, hooks: 1, err: io.EOF},
		"truncated":                 {fault: githubsim.Fault{Truncate: true}, hooks: 1, err: io.ErrUnexpectedEOF},
		"malformed": {
			fault: githubsim.Fault{Malformed: true}, hooks: 1,
			want: And(withStatus(201), withBody(Not(Satisfy(func(raw string) bool { return json.Valid([]byte(raw)) })))),
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			tc.fault.Method, tc.fault.Route, tc.fault.Times = http.MethodPost, hooksRoute, 1
			fault := h.AddFault(tc.fault)
			h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK), "another method")
			started := time.Now()
			answer, err := h.try(adminToken, http.MethodPost, repoHooks, plainHook)
			if tc.err != nil {
				h.g.Expect(err).To(MatchError(tc.err))
			} else {
				h.g.Expect(err).NotTo(HaveOccurred())
				h.g.Expect(answer).To(tc.want)
			}
			h.g.Expect(time.Since(started)).To(BeNumerically(">=", tc.fault.Delay))
			h.g.Expect(h.Hooks(repository)).To(HaveLen(tc.hooks))
			h.g.Expect(fault.Hits()).To(Equal(1))
			second := strings.Replace(plainHook, "ci.example.com", "second.example.com", 1)
			h.g.Expect(h.do(http.MethodPost, repoHooks, second).status).To(Equal(http.StatusCreated), "used up")
			h.g.Expect(fault.Hits()).To(Equal(1))
		})
	}
}

func TestFaultsAreChosenAndRemoved(t *testing.T) {
	h := start(t, githubsim.Options{})
	everywhere := h.AddFault(githubsim.Fault{Status: 500, Body: `{}`, Match: func(r githubsim.Request) bool { return strings.Contains(r.Query, "page=2") }})
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(200))
	h.g.Expect(h.do(http.MethodGet, repoHooks+"?page=2", "").status).To(Equal(500))
	h.g.Expect(h.do(http.MethodGet, orgHooks+"?page=2", "").status).To(Equal(500))
	everywhere.Remove()
	everywhere.Remove()
	h.g.Expect(h.do(http.MethodGet, orgHooks+"?page=2", "").status).To(Equal(200))
	h.g.Expect(everywhere.Hits()).To(Equal(2))
}

func TestRouteMeansTheEndpointHoweverItIsAddressed(t *testing.T) {
	h := start(t, githubsim.Options{})
	id := h.AddRepository(repository)
	h.AddFault(githubsim.Fault{Route: hooksRoute, Status: 500, Body: `{}`})
	h.g.Expect(h.do(http.MethodGet, "/repositories/"+itoa(id)+"/hooks", "").status).To(Equal(500))
	h.g.Expect(h.Requests()[0].Route).To(Equal(hooksRoute))
}

func TestRequestsAreLogged(t *testing.T) {
	h := start(t, githubsim.Options{RequestsKept: 3})
	h.created(plainHook)
	h.do(http.MethodGet, repoHooks+"?per_page=3", "")
	h.AddFault(githubsim.Fault{DropBefore: true, Times: 1})
	_, err := h.try(adminToken, http.MethodGet, orgHooks, "")
	h.g.Expect(err).To(HaveOccurred())

	log := h.Requests()
	h.g.Expect(log).To(HaveLen(3))
	h.g.Expect(log[0]).To(And(HaveField("Method", "POST"), HaveField("Path", "/api/v3"+repoHooks), HaveField("Route", hooksRoute),
		HaveField("Status", 201), HaveField("Body", []byte(plainHook)), HaveField("Write()", true), HaveField("Injected", false)))
	h.g.Expect(log[1]).To(And(HaveField("Query", "per_page=3"), HaveField("Write()", false), HaveField("Header", HaveKey("Authorization"))))
	h.g.Expect(log[2]).To(And(HaveField("Route", "/orgs/{org}/hooks"), HaveField("Status", 0), HaveField("Injected", true)))

	for range 20 {
		h.do(http.MethodGet, orgHooks, "")
	}
	h.g.Expect(h.Requests()).To(HaveLen(3))
	h.ResetRequests()
	h.g.Expect(h.Requests()).To(BeEmpty())
}
