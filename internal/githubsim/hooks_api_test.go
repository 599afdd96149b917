package githubsim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

const plainHook = `{"name":"web","config":{"url":"https://ci.example.com/github","content_type":"json","secret":"s3cret"},"events":["push","pull_request"]}`

func TestHookIsCreatedReadListedAndDeleted(t *testing.T) {
	h := start(t, githubsim.Options{})
	answer := h.do(http.MethodPost, repoHooks, plainHook)
	h.g.Expect(answer.status).To(Equal(http.StatusCreated))
	h.g.Expect(answer.body).To(And(
		HaveKeyWithValue("type", "Repository"), HaveKeyWithValue("name", "web"), HaveKeyWithValue("active", true),
		HaveKeyWithValue("events", ConsistOf("push", "pull_request")),
		HaveKeyWithValue("config", Equal(map[string]any{
			"url": "https://ci.example.com/github", "content_type": "json", "insecure_ssl": "0", "secret": "********",
		})),
	))
	location := answer.header.Get("Location")
	h.g.Expect(location).To(HavePrefix(h.URL() + "/api/v3" + repoHooks + "/"))
	h.g.Expect(answer.body["url"]).To(Equal(location))

	h.g.Expect(h.do(http.MethodGet, location, "").body["id"]).To(Equal(answer.body["id"]))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").list).To(HaveLen(1))
	h.g.Expect(h.Hooks(repository)[0].Config.Secret).To(Equal("s3cret"))

	deleted := h.do(http.MethodDelete, location, "")
	h.g.Expect(deleted.status).To(Equal(http.StatusNoContent))
	h.g.Expect(deleted.raw).To(BeEmpty())
	h.g.Expect(h.do(http.MethodGet, location, "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").raw).To(Equal("[]"))
}

func TestRootAndEnterprisePrefixAreTheSameAPI(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	atRoot := h.do(http.MethodGet, h.URL()+path, "")
	h.g.Expect(atRoot.status).To(Equal(http.StatusOK))
	h.g.Expect(atRoot.body["url"]).To(Equal(h.URL() + path))
	h.g.Expect(h.do(http.MethodGet, path, "").body["url"]).To(Equal(h.URL() + "/api/v3" + path))
}

func TestTargetsAreFoundByIDAndWithoutRegardToCase(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.created(plainHook)
	for _, path := range []string{
		fmt.Sprintf("/repositories/%d/hooks", h.AddRepository(repository)), "/repos/Octo-Org/HELLO-world/hooks",
	} {
		h.g.Expect(h.do(http.MethodGet, path, "").list).To(HaveLen(1), path)
	}
	byID := fmt.Sprintf("/organizations/%d/hooks", h.AddOrganization("octo-org"))
	h.g.Expect(h.do(http.MethodPost, byID, plainHook).status).To(Equal(http.StatusCreated))
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").list).To(HaveLen(1))
	h.g.Expect(h.do(http.MethodGet, "/repositories/1/hooks", "").status).To(Equal(http.StatusNotFound))
}

func TestOrganizationHookHasNoLastResponse(t *testing.T) {
	h := start(t, githubsim.Options{})
	answer := h.do(http.MethodPost, orgHooks, plainHook)
	h.g.Expect(answer.status).To(Equal(http.StatusCreated))
	h.g.Expect(answer.body).To(HaveKeyWithValue("type", "Organization"))
	h.g.Expect(answer.body).NotTo(Or(HaveKey("last_response"), HaveKey("test_url")))
}

func TestSecretSurvivesOnlyWritesThatCarryIt(t *testing.T) {
	for name, tc := range map[string]struct {
		below, body, want string
	}{
		"no config":                     {"", `{"active":false}`, "s3cret"},
		"a config without it":           {"", `{"config":{"url":"https://ci.example.com/github","content_type":"json"}}`, ""},
		"a config with it":              {"", `{"config":{"url":"https://ci.example.com/github","secret":"new"}}`, "new"},
		"the mask echoed":               {"", `{"config":{"url":"https://ci.example.com/github","secret":"********"}}`, "********"},
		"single properties without it":  {"/config", `{"content_type":"form"}`, "s3cret"},
		"single properties with it":     {"/config", `{"secret":"new"}`, "new"},
		"single properties, it's empty": {"/config", `{"secret":""}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			path := h.created(plainHook)
			answer := h.do(http.MethodPatch, path+tc.below, tc.body)
			h.g.Expect(answer.status).To(Equal(http.StatusOK), answer.raw)
			h.g.Expect(h.Hooks(repository)[0].Config.Secret).To(Equal(tc.want))
			config := h.do(http.MethodGet, path+"/config", "").body
			if tc.want == "" {
				h.g.Expect(config).NotTo(HaveKey("secret"))
			} else {
				h.g.Expect(config).To(HaveKeyWithValue("secret", "********"))
			}
		})
	}
}

func TestUpdatedAtMovesWithChangesOnly(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for name, tc := range map[string]struct {
		body  string
		quiet bool
		moves bool
	}{
		"the same again":                 {body: plainHook},
		"another event":                  {body: `{"add_events":["fork"]}`, moves: true},
		"deactivated":                    {body: `{"active":false}`, moves: true},
		"the secret":                     {body: `{"config":{"url":"https://ci.example.com/github","content_type":"json","secret":"other"}}`, moves: true},
		"the secret, and nobody is told": {body: `{"config":{"url":"https://ci.example.com/github","content_type":"json","secret":"other"}}`, quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := now
			h := start(t, githubsim.Options{Now: func() time.Time { return clock }, QuietSecretEdits: tc.quiet})
			path := h.created(plainHook)
			h.g.Expect(h.WaitDeliveries(t.Context())).To(Succeed())
			clock = now.Add(time.Minute)
			answer := h.do(http.MethodPatch, path, tc.body)
			want := "2026-01-02T03:04:05Z"
			if tc.moves {
				want = "2026-01-02T03:05:05Z"
			}
			h.g.Expect(answer.body["updated_at"]).To(Equal(want))
			h.g.Expect(answer.body["created_at"]).To(Equal("2026-01-02T03:04:05Z"))
		})
	}
}

func TestEventsOfAnUpdate(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"replaced":                       {`{"events":["fork"]}`, []string{"fork"}},
		"empty changes nothing":          {`{"events":[]}`, []string{"push", "pull_request"}},
		"added":                          {`{"add_events":["fork","push"]}`, []string{"push", "pull_request", "fork"}},
		"removed":                        {`{"remove_events":["push"]}`, []string{"pull_request"}},
		"in both is added":               {`{"add_events":["push"],"remove_events":["push"]}`, []string{"pull_request", "push"}},
		"events wins":                    {`{"events":["fork"],"add_events":["star"],"remove_events":["fork"]}`, []string{"fork"}},
		"everything swallows the others": {`{"events":["push","*"]}`, []string{"*"}},
		"repetitions are kept only once": {`{"events":["push","push"]}`, []string{"push"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			answer := h.do(http.MethodPatch, h.created(plainHook), tc.body)
			h.g.Expect(answer.status).To(Equal(http.StatusOK), answer.raw)
			h.g.Expect(h.Hooks(repository)[0].Events).To(Equal(tc.want))
		})
	}
	t.Run("organizations replace only", func(t *testing.T) {
		h := start(t, githubsim.Options{})
		h.do(http.MethodPost, orgHooks, plainHook)
		id := h.Hooks(organization)[0].ID
		h.do(http.MethodPatch, fmt.Sprintf("%s/%d", orgHooks, id), `{"add_events":["fork"]}`)
		h.g.Expect(h.Hooks(organization)[0].Events).To(Equal([]string{"push", "pull_request"}))
	})
}

func TestDefaultsOfACreate(t *testing.T) {
	h := start(t, githubsim.Options{})
	for i, body := range []string{`{"config":{"url":"https://a.example.com"}}`, `{"config":{"url":"https://b.example.com"},"events":[]}`} {
		h.created(body)
		hook := h.Hooks(repository)[i]
		h.g.Expect(hook.Events).To(Equal([]string{"push"}))
		h.g.Expect(hook.Active).To(BeTrue())
		h.g.Expect(hook.Config.ContentType).To(Equal("form"))
	}
}

func TestInsecureSSLIsAStringWhateverWasSent(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	for sent, want := range map[string]string{`"1"`: "1", `1`: "1", `"0"`: "0", `0`: "0"} {
		answer := h.do(http.MethodPatch, path+"/config", `{"insecure_ssl":`+sent+`}`)
		h.g.Expect(answer.body["insecure_ssl"]).To(Equal(want), sent)
	}
}

func TestEventsComeInAnyOrder(t *testing.T) {
	h := start(t, githubsim.Options{UnstableEvents: true})
	path := h.created(plainHook)
	first, second := h.do(http.MethodGet, path, "").body["events"], h.do(http.MethodGet, path, "").body["events"]
	h.g.Expect(first).NotTo(Equal(second))
	h.g.Expect(first).To(ConsistOf(second))
}

func TestListIsPaged(t *testing.T) {
	h := start(t, githubsim.Options{HooksPerEvent: 250})
	for i := range 205 {
		h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: fmt.Sprintf("https://%d.example.com", i)}})
	}
	byID := fmt.Sprintf("%s/api/v3/repositories/%d/hooks", h.URL(), h.AddRepository(repository))
	for query, want := range map[string]struct {
		count int
		link  string
	}{
		"":                      {30, fmt.Sprintf(`<%[1]s?page=2>; rel="next", <%[1]s?page=7>; rel="last"`, byID)},
		"?per_page=100":         {100, fmt.Sprintf(`<%[1]s?per_page=100&page=2>; rel="next", <%[1]s?per_page=100&page=3>; rel="last"`, byID)},
		"?per_page=1000&page=3": {5, fmt.Sprintf(`<%[1]s?per_page=1000&page=2>; rel="prev", <%[1]s?per_page=1000&page=1>; rel="first"`, byID)},
		"?page=8":               {0, fmt.Sprintf(`<%[1]s?page=7>; rel="prev", <%[1]s?page=1>; rel="first"`, byID)},
	} {
		answer := h.do(http.MethodGet, repoHooks+query, "")
		h.g.Expect(answer.list).To(HaveLen(want.count), query)
		h.g.Expect(answer.header.Get("Link")).To(Equal(want.link), query)
	}
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").header).NotTo(HaveKey("Link"))
}

func TestOthersWorkOnHooksToo(t *testing.T) {
	h := start(t, githubsim.Options{})
	hook := h.CreateHook(repository, githubsim.Hook{ID: 4711, Active: true, Config: githubsim.Config{URL: "https://ci.example.com"}})
	h.g.Expect(hook.ID).To(BeEquivalentTo(4711))
	h.g.Expect(h.EditHook(repository, 4711, func(hook *githubsim.Hook) { hook.Events[0] = "fork"; hook.Config.Secret = "theirs" })).To(BeTrue())
	answer := h.do(http.MethodGet, repoHooks+"/4711", "")
	h.g.Expect(answer.body["events"]).To(ConsistOf("fork"))
	got, found := h.Hook(repository, 4711)
	h.g.Expect(found).To(BeTrue())
	h.g.Expect(got.Config.Secret).To(Equal("theirs"))
	h.g.Expect(h.DeleteHook(repository, 4711)).To(BeTrue())
	h.g.Expect(h.DeleteHook(repository, 4711)).To(BeFalse())
	h.g.Expect(h.do(http.MethodGet, repoHooks+"/4711", "").status).To(Equal(http.StatusNotFound))
}
