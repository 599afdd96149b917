package githubsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestRefusedHooks(t *testing.T) {
	const url = `"url":"https://ci.example.com"`
	for name, tc := range map[string]struct {
		organization bool
		body         string
		status       int
		message      string
		errors       string
	}{
		"not JSON":              {body: `{"config"`, status: 400, message: "Problems parsing JSON"},
		"not an object":         {body: `[]`, status: 400, message: "Body should be a JSON object"},
		"no url":                {body: `{}`, errors: "url cannot be blank"},
		"a blank url":           {body: `{"config":{"url":" "}}`, errors: "url cannot be blank"},
		"localhost":             {body: `{"config":{"url":"http://localhost:8080/x"}}`, errors: "url is not supported because it isn't reachable over the public Internet (localhost); Sorry, the URL host localhost is not supported because it isn't reachable over the public Internet"},
		"a private address":     {body: `{"config":{"url":"http://10.1.2.3"}}`, errors: "url is not supported because it isn't reachable over the public Internet (10.1.2.3); Sorry, the URL host 10.1.2.3 is not supported because it isn't reachable over the public Internet"},
		"another scheme":        {body: `{"config":{"url":"ftp://ci.example.com"}}`, errors: "url must use http(s) scheme"},
		"no scheme":             {body: `{"config":{"url":"ci.example.com"}}`, errors: "url must use http(s) scheme"},
		"no host":               {body: `{"config":{"url":"https://"}}`, errors: "The URL you've entered is not valid. Please make sure that you encode all special characters first"},
		"a broken url":          {body: `{"config":{"url":"https://ci.example.com/%zz"}}`, errors: "The URL you've entered is not valid. Please make sure that you encode all special characters first"},
		"no such event":         {body: `{"config":{` + url + `},"events":["push","pushh"]}`, errors: "pushh is not a valid event name"},
		"an organization's":     {body: `{"config":{` + url + `},"events":["projects_v2_item"]}`, errors: "These events are not allowed for this hook: projects_v2_item"},
		"an App's":              {body: `{"config":{` + url + `},"events":["installation","security_advisory"]}`, errors: "These events are not allowed for this hook: installation, security_advisory"},
		"null events":           {body: `{"config":{` + url + `},"events":null}`, message: "Invalid request.\n\nFor 'properties/events', nil is not an array."},
		"a number as url":       {body: `{"config":{"url":1}}`, message: "Invalid request.\n\nFor 'properties/url', 1 is not a string."},
		"a number as event":     {body: `{"config":{` + url + `},"events":["push",1]}`, message: "Invalid request.\n\nFor 'items/events/1', 1 is not a string."},
		"active as text":        {body: `{"config":{` + url + `},"active":"yes"}`, message: "Invalid request.\n\nFor 'properties/active', \"yes\" is not a boolean."},
		"a flag as a flag":      {body: `{"config":{` + url + `,"insecure_ssl":true}}`, message: "Invalid request.\n\nFor 'properties/insecure_ssl', true is not a string or number."},
		"an unknown key":        {body: `{"config":{` + url + `},"colour":"red"}`, message: "Invalid request.\n\n\"colour\" is not a permitted key."},
		"another name":          {body: `{"name":"email","config":{` + url + `}}`, message: "Validation Failed"},
		"organization, no name": {organization: true, body: `{"config":{` + url + `}}`, message: "Invalid request.\n\n\"name\" wasn't supplied."},
		"organization, nothing": {organization: true, body: `{}`, message: "Invalid request.\n\n\"config\", \"name\" weren't supplied."},
		"organization, no url":  {organization: true, body: `{"name":"web","config":{}}`, message: "Invalid request.\n\n\"url\" wasn't supplied."},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			list := repoHooks
			if tc.organization {
				list = orgHooks
			}
			if tc.status == 0 {
				tc.status = http.StatusUnprocessableEntity
			}
			answer := h.do(http.MethodPost, list, tc.body)
			h.g.Expect(answer.status).To(Equal(tc.status))
			h.g.Expect(answer.body).To(HaveKeyWithValue("status", fmt.Sprint(tc.status)))
			h.g.Expect(answer.body).To(HaveKeyWithValue("documentation_url", HavePrefix("https://docs.github.com/rest/")))
			if tc.errors != "" {
				tc.message = "Validation Failed"
			}
			h.g.Expect(answer.message()).To(Equal(tc.message))
			h.g.Expect(answer.errors()).To(Equal(tc.errors))
			h.g.Expect(append(h.Hooks(repository), h.Hooks(organization)...)).To(BeEmpty())
		})
	}
}

func TestRefusedNameIsAFieldErrorWithoutWords(t *testing.T) {
	h := start(t, githubsim.Options{})
	answer := h.do(http.MethodPost, repoHooks, `{"name":"email","config":{"url":"https://ci.example.com"}}`)
	h.g.Expect(answer.body["errors"]).To(ConsistOf(map[string]any{"resource": "Hook", "field": "name", "code": "invalid"}))
}

func TestOrganizationConfigUpdateNeedsTheURL(t *testing.T) {
	h := start(t, githubsim.Options{})
	hook := h.CreateHook(organization, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	path := fmt.Sprintf("%s/%d", orgHooks, hook.ID)
	h.g.Expect(h.do(http.MethodPatch, path, `{"config":{"content_type":"json"}}`).message()).To(Equal("Invalid request.\n\n\"url\" wasn't supplied."))
	h.g.Expect(h.do(http.MethodPatch, path+"/config", `{"content_type":"json"}`).status).To(Equal(http.StatusOK))
}

func TestSameConfigMayStandTwiceOnlyWithOtherEvents(t *testing.T) {
	hook := func(url, events string) string {
		return `{"name":"web","config":{"url":"` + url + `"},"events":` + events + `}`
	}
	for list, words := range map[string]string{
		repoHooks: "Hook already exists on this repository",
		orgHooks:  "Hook already exists on this organization",
	} {
		h := start(t, githubsim.Options{})
		h.g.Expect(h.do(http.MethodPost, list, hook("https://a.example.com", `["push","fork"]`)).status).To(Equal(http.StatusCreated))
		for _, events := range []string{`["fork","star"]`, `["*"]`} {
			answer := h.do(http.MethodPost, list, hook("https://a.example.com", events))
			h.g.Expect(answer.status).To(Equal(http.StatusUnprocessableEntity))
			h.g.Expect(answer.errors()).To(Equal(words))
		}
		h.g.Expect(h.do(http.MethodPost, list, hook("https://a.example.com", `["star"]`)).status).To(Equal(http.StatusCreated))
		other := h.do(http.MethodPost, list, hook("https://b.example.com", `["push"]`))
		h.g.Expect(other.status).To(Equal(http.StatusCreated))
		moved := h.do(http.MethodPatch, other.header.Get("Location"), `{"config":{"url":"https://a.example.com"}}`)
		h.g.Expect(moved.errors()).To(Equal(words))
	}
}

func TestEventsHaveALimitOfHooks(t *testing.T) {
	for _, limit := range []int{20, 250} {
		h := start(t, githubsim.Options{HooksPerEvent: limit})
		for i := range limit {
			h.CreateHook(repository, githubsim.Hook{Events: []string{"push", "fork"}, Config: githubsim.Config{URL: fmt.Sprintf("https://%d.example.com", i)}})
		}
		answer := h.do(http.MethodPost, repoHooks, `{"config":{"url":"https://ci.example.com"},"events":["push","star","fork"]}`)
		h.g.Expect(answer.status).To(Equal(http.StatusUnprocessableEntity))
		h.g.Expect(strings.Split(answer.errors(), "; ")).To(ConsistOf(
			fmt.Sprintf(`The "push" event cannot have more than %d hooks`, limit),
			fmt.Sprintf(`The "fork" event cannot have more than %d hooks`, limit)))
		path := h.created(`{"config":{"url":"https://ci.example.com"},"events":["star"]}`)
		h.g.Expect(h.do(http.MethodPatch, path, `{"add_events":["push"]}`).status).To(Equal(http.StatusUnprocessableEntity))
		h.g.Expect(h.do(http.MethodPatch, path, `{"add_events":["watch"]}`).status).To(Equal(http.StatusOK))
	}
}

// FuzzHookBody: whatever is sent, the answer is one of those GitHub documents, in GitHub's shape.
func FuzzHookBody(f *testing.F) {
	for _, seed := range []string{plainHook, `{}`, `{"config":{"insecure_ssl":[{}]}}`, `{"events":[null],"add_events":["*"]}`, `null`, `{"config":{"url":"http://[::1"}}`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, body string, change bool) {
		s := githubsim.New(githubsim.Options{})
		defer s.Close()
		s.AddRepository(repository)
		s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{repository}})
		hook := s.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
		method, path := http.MethodPost, repoHooks
		if change {
			method, path = http.MethodPatch, fmt.Sprintf("%s/%d", repoHooks, hook.ID)
		}
		answer := serve(s, method, path, body)
		NewWithT(t).Expect(answer.Code).To(BeElementOf(200, 201, 400, 422))
	})
}
