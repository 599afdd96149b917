package githubsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestHangingUntilItIsReleased(t *testing.T) {
	for name, after := range map[string]bool{"before the effect": false, "after the effect": true} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			fault := h.AddFault(githubsim.Fault{Method: http.MethodPost, Hang: true, After: after})
			lost := make(chan error)
			go func() {
				_, err := h.try(adminToken, http.MethodPost, repoHooks, plainHook)
				lost <- err
			}()
			h.g.Eventually(h.Requests).Should(ContainElement(HaveField("Injected", true)))
			h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK), "others are answered")
			h.g.Expect(lost).NotTo(Receive())
			fault.Remove()
			h.g.Eventually(lost).Should(Receive(HaveOccurred()))
			h.g.Expect(h.Hooks(repository)).To(HaveLen(map[bool]int{false: 0, true: 1}[after]))
			h.g.Expect(fault.Hits()).To(Equal(1))
		})
	}
}

func TestHangingEndsWithTheClientAndTheServer(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.AddFault(githubsim.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+repoHooks, http.NoBody)
	h.g.Expect(err).NotTo(HaveOccurred())
	_, err = http.DefaultClient.Do(request) //nolint:bodyclose // There is no answer.
	h.g.Expect(errors.Is(err, context.DeadlineExceeded)).To(BeTrue())

	lost := make(chan error)
	go func() {
		_, err := h.try(adminToken, http.MethodGet, repoHooks, "")
		lost <- err
	}()
	h.g.Eventually(h.Requests).Should(HaveLen(2))
	h.Close()
	h.g.Eventually(lost).Should(Receive(HaveOccurred()))
}

func TestAnswersThatSomebodyElseGives(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	login := h.AddFault(githubsim.Fault{Method: http.MethodDelete, Change: githubsim.Page(200, "text/html; charset=utf-8", "<html>Sign in</html>")})
	page := h.do(http.MethodDelete, path, "")
	h.g.Expect(page.status).To(Equal(http.StatusOK))
	h.g.Expect(page.raw).To(Equal("<html>Sign in</html>"))
	h.g.Expect(page.header.Get("Content-Type")).To(HavePrefix("text/html"))
	h.g.Expect(h.Hooks(repository)).To(BeEmpty(), "a changed answer is one to a request that took effect")
	h.g.Expect(h.Requests()[1]).To(And(HaveField("Status", 200), HaveField("Injected", true)))
	login.Remove()

	h.AddFault(githubsim.Fault{Status: 404, Body: "default backend - 404", Header: http.Header{"Content-Type": {"text/plain"}}, Times: 1})
	backend := h.do(http.MethodGet, repoHooks, "")
	h.g.Expect([]any{backend.status, backend.raw, backend.header.Get("Content-Type")}).To(Equal([]any{404, "default backend - 404", "text/plain"}))

	h.AddFault(githubsim.Fault{Status: 302, Header: http.Header{"Location": {"/login"}}, Times: 1})
	away := h.do(http.MethodGet, repoHooks, "")
	h.g.Expect([]any{away.status, away.header.Get("Location")}).To(Equal([]any{302, "/login"}))
}

func TestRefusedRedeliveries(t *testing.T) {
	const route = "/repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts"
	h := start(t, githubsim.Options{})
	hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	row := h.AddDelivery(repository, hook.ID, githubsim.Delivery{Status: "timed out", StatusCode: 504})
	for _, status := range []int{422, 403, 404} {
		fault := h.AddFault(githubsim.Fault{Route: route, Status: status, Body: githubsim.ErrorBody(status, "Not this one")})
		answer := h.do(http.MethodPost, fmt.Sprintf("%s/%d/deliveries/%d/attempts", repoHooks, hook.ID, row.ID), "")
		h.g.Expect(answer.status).To(Equal(status))
		h.g.Expect(answer.body).To(And(HaveKeyWithValue("message", "Not this one"), HaveKeyWithValue("status", fmt.Sprint(status)), HaveKey("documentation_url")))
		fault.Remove()
	}
	h.g.Expect(h.Deliveries(repository, hook.ID)).To(HaveLen(1))
}

func TestOddRows(t *testing.T) {
	h := start(t, githubsim.Options{})
	for id := range int64(3) {
		h.CreateHook(repository, githubsim.Hook{ID: 10 + id, Config: githubsim.Config{URL: fmt.Sprintf("https://%d.example.com", id)}})
	}
	odd := 0
	change := githubsim.Fields(map[string]string{"config": `{}`, "updated_at": `"Thu, 02 Jan 2025 03:04:05 GMT"`, "last_response": `null`, "name": ""})
	fault := h.AddFault(githubsim.Fault{Route: hooksRoute, Change: githubsim.Rows(func(row json.RawMessage) json.RawMessage {
		odd++
		switch odd {
		case 1:
			return json.RawMessage(`null`)
		case 2:
			return change(row)
		}
		return row
	})})
	list := h.do(http.MethodGet, repoHooks, "")
	h.g.Expect(list.header).NotTo(HaveKey("Etag"))
	h.g.Expect(list.list).To(HaveExactElements(BeNil(),
		And(HaveKeyWithValue("id", 11.0), HaveKeyWithValue("config", BeEmpty()), HaveKeyWithValue("last_response", BeNil()),
			HaveKeyWithValue("updated_at", "Thu, 02 Jan 2025 03:04:05 GMT"), Not(HaveKey("name"))),
		HaveKeyWithValue("id", 12.0)))
	h.g.Expect(h.do(http.MethodPost, repoHooks, plainHook).status).To(Equal(http.StatusCreated), "what is no list stays")
	fault.Remove()
	h.g.Expect(githubsim.Fields(nil)(json.RawMessage(`7`))).To(MatchJSON(`7`))
}

func TestOddLinks(t *testing.T) {
	h := start(t, githubsim.Options{})
	for id := range int64(2) {
		h.CreateHook(repository, githubsim.Hook{ID: 10 + id, Config: githubsim.Config{URL: fmt.Sprintf("https://%d.example.com", id)}})
	}
	next := fmt.Sprintf("%s/api/v3/repositories/%d/hooks?per_page=1&page=2", h.URL(), h.AddRepository(repository))
	for want, how := range map[string]func(string) string{
		"<" + strings.TrimPrefix(next, h.URL()) + `>; rel="next"`: func(next string) string {
			return "<" + strings.TrimPrefix(next, h.URL()) + `>; rel="next"`
		},
		"<" + next + `>; rel="next last"`: func(next string) string { return "<" + next + `>; rel="next last"` },
		"<" + next[:20]:                   func(next string) string { return "<" + next[:20] },
		"":                                func(string) string { return "" },
	} {
		fault := h.AddFault(githubsim.Fault{Route: hooksRoute, Change: githubsim.LinkTo(how)})
		h.g.Expect(h.do(http.MethodGet, repoHooks+"?per_page=1", "").header.Get("Link")).To(Equal(want))
		fault.Remove()
	}
	first := h.do(http.MethodGet, repoHooks+"?per_page=1", "")
	same := h.do(http.MethodGet, repoHooks+"?per_page=1", "", "If-None-Match", first.header.Get("ETag"))
	h.g.Expect(same.status).To(Equal(http.StatusNotModified))
	h.g.Expect(same.header).NotTo(HaveKey("Link"), "a 304 has none, however many pages there are")
}

func TestReadsThatLagBehindWrites(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	before := h.do(http.MethodGet, path, "")
	h.LagReads(repository, 2)
	h.g.Expect(h.do(http.MethodPatch, path, `{"active":false}`).body["active"]).To(BeFalse(), "a write shows what it did")
	h.g.Expect(h.do(http.MethodGet, path, "").body).To(Equal(before.body))
	h.g.Expect(h.do(http.MethodGet, path, "", "If-None-Match", before.header.Get("ETag")).status).To(Equal(http.StatusNotModified))
	h.g.Expect(h.do(http.MethodGet, path, "", "If-None-Match", before.header.Get("ETag")).body["active"]).To(BeFalse())

	second := h.created(strings.Replace(plainHook, "ci.", "2.", 1))
	h.g.Expect(h.do(http.MethodGet, second, "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").list).To(HaveLen(1))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").list).To(HaveLen(2))
	h.g.Expect(h.do(http.MethodDelete, second, "").status).To(Equal(http.StatusNoContent))
	h.g.Expect(h.do(http.MethodDelete, second, "").status).To(Equal(http.StatusNotFound), "writes do not lag")
	h.g.Expect(h.do(http.MethodGet, second+"/deliveries", "").status).To(Equal(http.StatusNotFound), "nor do deliveries")
	h.g.Expect(h.do(http.MethodGet, second+"/config", "").status).To(Equal(http.StatusOK))
	h.LagReads(repository, 0)
	h.g.Expect(h.do(http.MethodGet, second, "").status).To(Equal(http.StatusNotFound))
}

func TestDeliveriesWithLargePayloads(t *testing.T) {
	h := start(t, githubsim.Options{OnExchange: unvalidated})
	hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	row := h.AddDelivery(repository, hook.ID, githubsim.Delivery{Request: githubsim.DeliveryRequest{Payload: githubsim.LargePayload(2 << 20)}})
	list := fmt.Sprintf("%s/%d/deliveries", repoHooks, hook.ID)
	h.g.Expect(len(h.do(http.MethodGet, list, "").raw)).To(BeNumerically("<", 1000), "a list has no payloads")
	whole := h.do(http.MethodGet, fmt.Sprintf("%s/%d", list, row.ID), "")
	h.g.Expect(len(whole.raw)).To(BeNumerically(">", 2<<20))
	h.g.Expect(whole.body).To(HaveKey("request"))
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	get, head := h.do(http.MethodGet, path, ""), h.do(http.MethodHead, path, "")
	h.g.Expect(head.status).To(Equal(http.StatusOK))
	h.g.Expect(head.raw).To(BeEmpty())
	h.g.Expect(head.header.Get("ETag")).To(Equal(get.header.Get("ETag")))
	h.g.Expect(h.do(http.MethodHead, repoHooks+"/1", "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.Requests()[2].Write()).To(BeFalse())
}
