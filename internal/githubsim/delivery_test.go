package githubsim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// subscribed makes a webhook of the repository as somebody else and waits for its ping.
func (h githubServer) subscribed(url string, change ...func(*githubsim.Hook)) githubsim.Hook {
	h.t.Helper()
	hook := githubsim.Hook{Active: true, Events: []string{"push", "issues"}, Config: githubsim.Config{URL: url, ContentType: "json", Secret: "s3cret"}}
	for _, c := range change {
		c(&hook)
	}
	hook = h.CreateHook(repository, hook)
	h.settle()
	return hook
}

func (h githubServer) settle() {
	h.t.Helper()
	h.g.Expect(h.WaitDeliveries(h.t.Context())).To(Succeed())
}

func receiver(t *testing.T, secrets ...string) *githubsim.Receiver {
	t.Helper()
	r := githubsim.NewReceiver(secrets...)
	t.Cleanup(r.Close)
	return r
}

func TestNewHookIsPinged(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t, "s3cret")
	answer := h.do(http.MethodPost, repoHooks, `{"config":{"url":"`+r.URL()+`/hook","content_type":"json","secret":"s3cret"}}`)
	h.g.Expect(answer.body["last_response"]).To(Equal(map[string]any{"code": nil, "status": "unused", "message": nil}))
	h.settle()

	h.g.Expect(r.Received()).To(HaveLen(1))
	got := r.Received()[0]
	h.g.Expect(got.Event).To(Equal("ping"))
	h.g.Expect(got.Verified).To(BeTrue())
	h.g.Expect(string(got.Payload)).To(And(ContainSubstring(`"zen"`), ContainSubstring(`"full_name":"octo-org/hello-world"`)))
	h.g.Expect(string(got.Payload)).NotTo(ContainSubstring("s3cret"))
	for name, want := range map[string]string{
		"User-Agent": "GitHub-Hookshot/0123abc", "Content-Type": "application/json", "X-Github-Event": "ping", "Accept": "*/*",
		"X-Github-Hook-Installation-Target-Type": "repository", "X-Github-Hook-Installation-Target-Id": itoa(h.AddRepository(repository)),
		"X-Github-Hook-Id": fmt.Sprintf("%.0f", answer.body["id"]), "X-Github-Delivery": got.GUID,
	} {
		h.g.Expect(got.Header.Get(name)).To(Equal(want), name)
	}
	h.g.Expect(got.Header.Get("X-Hub-Signature")).To(HavePrefix("sha1="))
	read := h.do(http.MethodGet, answer.header.Get("Location"), "")
	h.g.Expect(read.body["last_response"]).To(Equal(map[string]any{"code": 200.0, "status": "active", "message": "OK"}))
	h.g.Expect(read.body["updated_at"]).To(Equal(answer.body["updated_at"]))
}

func TestFormDeliveryCarriesThePayloadInAField(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t, "s3cret")
	h.subscribed(r.URL(), func(hook *githubsim.Hook) { hook.Config.ContentType = "application/json" })
	got := r.Received()[0]
	h.g.Expect(got.Header.Get("Content-Type")).To(Equal("application/x-www-form-urlencoded"))
	h.g.Expect(string(got.Body)).To(HavePrefix("payload="))
	h.g.Expect(string(got.Payload)).To(HavePrefix("{"))
	h.g.Expect(got.Verified).To(BeTrue())
}

func TestUnsignedWithoutASecret(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	hook := h.subscribed(r.URL(), func(hook *githubsim.Hook) { hook.Config.Secret = "" })
	h.g.Expect(r.Received()[0].Header).NotTo(Or(HaveKey("X-Hub-Signature"), HaveKey("X-Hub-Signature-256")))
	h.g.Expect(r.Received()[0].Verified).To(BeFalse())
	h.g.Expect(h.Deliveries(repository, hook.ID)[0].Status).To(Equal("OK"))
}

func TestEmitReachesWhoSubscribed(t *testing.T) {
	h := start(t, githubsim.Options{})
	r, everything, inactive, org := receiver(t), receiver(t), receiver(t), receiver(t)
	h.subscribed(r.URL())
	h.subscribed(everything.URL(), func(hook *githubsim.Hook) { hook.Events = []string{"*"} })
	h.subscribed(inactive.URL(), func(hook *githubsim.Hook) { hook.Active = false })
	h.CreateHook(organization, githubsim.Hook{Active: true, Events: []string{"star"}, Config: githubsim.Config{URL: org.URL(), ContentType: "json"}})
	h.settle()
	for _, each := range []*githubsim.Receiver{r, everything, inactive, org} {
		each.Reset()
	}

	issue := h.Emit(repository, "issues", "opened", map[string]any{"issue": map[string]any{"number": 7}})
	star := h.Emit(repository, "star", "created", nil)
	h.settle()
	h.g.Expect(r.Received()).To(HaveLen(1))
	h.g.Expect(r.Received()[0]).To(And(HaveField("GUID", issue), HaveField("Event", "issues"), HaveField("Action", "opened")))
	h.g.Expect(string(r.Received()[0].Payload)).To(ContainSubstring(`"number":7`))
	h.g.Expect(everything.Received()).To(ConsistOf(HaveField("GUID", issue), HaveField("GUID", star)))
	h.g.Expect(inactive.Received()).To(BeEmpty())
	h.g.Expect(org.Received()).To(ConsistOf(And(HaveField("GUID", star),
		HaveField("Header", HaveKeyWithValue("X-Github-Hook-Installation-Target-Type", []string{"organization"})))))
	h.g.Expect(h.Emit("octo-org/none", "push", "", nil)).To(BeEmpty())
}

func TestOutcomesOfDeliveries(t *testing.T) {
	plain := receiver(t)
	secured := githubsim.NewTLSReceiver()
	t.Cleanup(secured.Close)
	for name, tc := range map[string]struct {
		fail     func()
		url      string
		insecure string
		trust    bool
		status   string
		code     int
		last     map[string]any
	}{
		"answered":         {status: "OK", code: 200, last: map[string]any{"code": 200.0, "status": "active", "message": "OK"}},
		"accepted":         {fail: func() { plain.Fail(204) }, status: "OK", code: 204, last: map[string]any{"code": 204.0, "status": "active", "message": "OK"}},
		"redirected":       {fail: func() { plain.Fail(302) }, status: "Invalid HTTP Response: 302", code: 302, last: map[string]any{"code": 422.0, "status": "misconfigured", "message": "Invalid HTTP Response: 302"}},
		"moved":            {fail: func() { plain.Fail(301) }, status: "Invalid HTTP Response: 301", code: 301, last: map[string]any{"code": 422.0, "status": "misconfigured", "message": "Invalid HTTP Response: 301"}},
		"too large":        {fail: func() { plain.Fail(413) }, status: "Invalid HTTP Response: 413", code: 413, last: map[string]any{"code": 413.0, "status": nil, "message": "Invalid HTTP Response: 413"}},
		"not found":        {fail: func() { plain.Fail(404) }, status: "Invalid HTTP Response: 404", code: 404, last: map[string]any{"code": 404.0, "status": "missing", "message": "Invalid HTTP Response: 404"}},
		"unprocessable":    {fail: func() { plain.Fail(422) }, status: "Invalid HTTP Response: 422", code: 422, last: map[string]any{"code": 422.0, "status": "misconfigured", "message": "Invalid HTTP Response: 422"}},
		"broken":           {fail: func() { plain.Fail(500) }, status: "Invalid HTTP Response: 500", code: 500, last: map[string]any{"code": 500.0, "status": nil, "message": "Invalid HTTP Response: 500"}},
		"hanging":          {fail: func() { plain.Hang() }, status: "timed out", code: 504, last: map[string]any{"code": 504.0, "status": "timeout", "message": ""}},
		"dropped":          {fail: func() { plain.Drop() }, status: "Server returned nothing (no headers, no data)", code: 502, last: map[string]any{"code": 502.0, "status": nil, "message": "Server returned nothing (no headers, no data)"}},
		"down":             {fail: func() { plain.Refuse() }, status: "failed to connect to host", code: 502, last: map[string]any{"code": 502.0, "status": nil, "message": "failed to connect to host"}},
		"outside":          {url: "https://ci.example.org", status: "failed to connect to host", code: 502, last: map[string]any{"code": 502.0, "status": nil, "message": "failed to connect to host"}},
		"untrusted":        {url: secured.URL(), status: "Peer certificate cannot be authenticated with given CA certificates", code: 0, last: map[string]any{"code": 0.0, "status": nil, "message": "Peer certificate cannot be authenticated with given CA certificates"}},
		"trusted":          {url: secured.URL(), trust: true, status: "OK", code: 200, last: map[string]any{"code": 200.0, "status": "active", "message": "OK"}},
		"insecure":         {url: secured.URL(), insecure: "1", status: "OK", code: 200, last: map[string]any{"code": 200.0, "status": "active", "message": "OK"}},
		"played elsewhere": {url: "https://ci.example.com/x", trust: true, status: "OK", code: 200, last: map[string]any{"code": 200.0, "status": "active", "message": "OK"}},
	} {
		t.Run(name, func(t *testing.T) {
			options := githubsim.Options{DeliveryTimeout: 5 * time.Second}
			if name == "hanging" {
				options.DeliveryTimeout = 100 * time.Millisecond
			}
			if tc.trust {
				options.ReceiverCAs = secured.CertPool()
			}
			h := start(t, options)
			h.ResolveHost("ci.example.com", secured.Address())
			if tc.url == "" {
				tc.url = plain.URL()
			}
			if tc.fail != nil {
				tc.fail()
			}
			hook := h.subscribed(tc.url, func(hook *githubsim.Hook) { hook.Config.InsecureSSL = tc.insecure })
			h.g.Expect(plain.Recover()).To(Succeed())
			path := fmt.Sprintf("%s/%d", repoHooks, hook.ID)
			item := h.do(http.MethodGet, path+"/deliveries", "").list[0]
			h.g.Expect(item).To(And(HaveKeyWithValue("status", tc.status), HaveKeyWithValue("status_code", BeNumerically("==", tc.code)), HaveKeyWithValue("event", "ping")))
			h.g.Expect(h.do(http.MethodGet, path, "").body["last_response"]).To(Equal(tc.last))
		})
	}
}

func TestLastResponsesThatGitHubShowsAtOtherTimes(t *testing.T) {
	h, r := start(t, githubsim.Options{OtherLastResponses: true}), receiver(t)
	r.Fail(http.StatusNotFound)
	hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: r.URL()}})
	path := fmt.Sprintf("%s/%d", repoHooks, hook.ID)
	h.g.Expect(h.do(http.MethodGet, path, "").body["last_response"]).To(Equal(map[string]any{"code": 0.0, "status": "unused", "message": "Unused"}))
	h.EditHook(repository, hook.ID, func(hook *githubsim.Hook) { hook.Active = true })
	h.g.Expect(h.do(http.MethodPost, path+"/pings", "").status).To(Equal(http.StatusNoContent))
	h.settle()
	h.g.Expect(h.do(http.MethodGet, path, "").body["last_response"]).To(
		Equal(map[string]any{"code": 422.0, "status": "misconfigured", "message": "Invalid HTTP Response: 404"}))
	h.g.Expect(h.SetLastResponse(repository, hook.ID, githubsim.LastResponse{Code: 422, Status: "misconfigured", Message: "Unused"})).To(BeTrue())
	h.g.Expect(h.do(http.MethodGet, path, "").body["last_response"]).To(Equal(map[string]any{"code": 422.0, "status": "misconfigured", "message": "Unused"}))
	h.g.Expect(h.SetLastResponse(repository, 1, githubsim.LastResponse{})).To(BeFalse())
}

func TestTestURLIsAnAddressOfTheServer(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	hook := h.subscribed(r.URL())
	shown := h.do(http.MethodGet, fmt.Sprintf("%s/%d", repoHooks, hook.ID), "").body
	for field, method := range map[string]string{"url": "GET", "deliveries_url": "GET", "ping_url": "POST", "test_url": "POST"} {
		h.g.Expect(shown[field]).To(HavePrefix(h.URL()+"/api/v3"+repoHooks), field)
		h.g.Expect(h.do(method, shown[field].(string), "").status).To(BeElementOf(http.StatusOK, http.StatusNoContent), field)
	}
	h.settle()
	h.g.Expect(r.Received()).To(ConsistOf(HaveField("Event", "ping"), HaveField("Event", "ping"), HaveField("Event", "push")))
}

func TestDeliveryInFull(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	hook := h.subscribed(r.URL() + "/path")
	h.Emit(repository, "issues", "opened", nil)
	h.settle()
	d := h.Deliveries(repository, hook.ID)[0]
	h.g.Expect(d.ID).To(BeNumerically(">", int64(1)<<53))
	answer := h.do(http.MethodGet, fmt.Sprintf("%s/%d/deliveries/%d", repoHooks, hook.ID, d.ID), "")
	h.g.Expect(answer.status).To(Equal(http.StatusOK))
	h.g.Expect(answer.raw).To(ContainSubstring(fmt.Sprintf(`"id":%d,`, d.ID)))
	h.g.Expect(answer.body).To(And(
		HaveKeyWithValue("event", "issues"), HaveKeyWithValue("action", "opened"), HaveKeyWithValue("url", r.URL()+"/path"),
		HaveKeyWithValue("repository_id", BeNumerically("==", h.AddRepository(repository))), HaveKeyWithValue("installation_id", BeNil()),
		HaveKeyWithValue("throttled_at", BeNil()), HaveKeyWithValue("redelivery", false),
		HaveKeyWithValue("request", And(HaveKeyWithValue("payload", HaveKeyWithValue("action", "opened")),
			HaveKeyWithValue("headers", HaveKeyWithValue("X-GitHub-Event", "issues")))),
		HaveKeyWithValue("response", HaveKeyWithValue("headers", HaveKey("Date"))),
	))
	unanswered := h.AddDelivery(repository, hook.ID, githubsim.Delivery{Status: "timed out", StatusCode: 504})
	answer = h.do(http.MethodGet, fmt.Sprintf("%s/%d/deliveries/%d", repoHooks, hook.ID, unanswered.ID), "")
	h.g.Expect(answer.body["response"]).To(Equal(map[string]any{"headers": nil, "payload": nil}))
	for path, status := range map[string]int{"1": 404, "x": 400, "1/attempts": 404} {
		method := http.MethodGet
		if path == "1/attempts" {
			method = http.MethodPost
		}
		h.g.Expect(h.do(method, fmt.Sprintf("%s/%d/deliveries/%s", repoHooks, hook.ID, path), "").status).To(Equal(status), path)
	}
}

func TestRedeliveryIsANewRowOfTheSameEvent(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	hook := h.subscribed(r.URL())
	r.Fail(http.StatusInternalServerError)
	guid := h.Emit(repository, "push", "", nil)
	h.settle()
	failed := h.Deliveries(repository, hook.ID)[0]
	h.g.Expect(r.Recover()).To(Succeed())

	answer := h.do(http.MethodPost, fmt.Sprintf("%s/%d/deliveries/%d/attempts", repoHooks, hook.ID, failed.ID), "")
	h.g.Expect(answer.status).To(Equal(http.StatusAccepted))
	h.g.Expect(answer.raw).To(Equal("{}"))
	h.settle()
	rows := h.Deliveries(repository, hook.ID)
	h.g.Expect(rows).To(HaveLen(3))
	h.g.Expect(rows[0]).To(And(HaveField("GUID", guid), HaveField("Redelivery", true), HaveField("Status", "OK"), HaveField("ID", BeNumerically(">", failed.ID))))
	h.g.Expect(rows[1]).To(And(HaveField("GUID", guid), HaveField("Redelivery", false), HaveField("StatusCode", 500)))
	got := r.Received()
	h.g.Expect(got[2].Body).To(Equal(got[1].Body))
	h.g.Expect(got[2].GUID).To(Equal(guid))
}

func TestPingsAndTests(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	hook := h.subscribed(r.URL())
	path := fmt.Sprintf("%s/%d", repoHooks, hook.ID)
	for _, below := range []string{"/pings", "/tests"} {
		answer := h.do(http.MethodPost, path+below, "")
		h.g.Expect(answer.status).To(Equal(http.StatusNoContent))
		h.g.Expect(answer.raw).To(BeEmpty())
		h.settle()
	}
	h.g.Expect(r.Received()).To(HaveExactElements(HaveField("Event", "ping"), HaveField("Event", "ping"), HaveField("Event", "push")))
	h.EditHook(repository, hook.ID, func(hook *githubsim.Hook) { hook.Events = []string{"fork"} })
	h.g.Expect(h.do(http.MethodPost, path+"/tests", "").status).To(Equal(http.StatusNoContent))
	h.settle()
	h.g.Expect(r.Received()).To(HaveLen(3))
}

func TestDeliveriesArePagedByCursor(t *testing.T) {
	h := start(t, githubsim.Options{})
	hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	list := fmt.Sprintf("%s/%d/deliveries", repoHooks, hook.ID)
	for id := range int64(5) {
		h.AddDelivery(repository, hook.ID, githubsim.Delivery{ID: 101 + id})
	}
	base := fmt.Sprintf("%s/api/v3/repositories/%d/hooks/%d/deliveries", h.URL(), h.AddRepository(repository), hook.ID)
	for query, want := range map[string]struct {
		ids  []int64
		link string
	}{
		"":                             {[]int64{105, 104, 103, 102, 101}, ""},
		"?per_page=2":                  {[]int64{105, 104}, fmt.Sprintf(`<%s?per_page=2&cursor=v1_103>; rel="next"`, base)},
		"?per_page=2&cursor=v1_103":    {[]int64{103, 102}, fmt.Sprintf(`<%[1]s?per_page=2&cursor=v1_101>; rel="next", <%[1]s?per_page=2&cursor=v1_105>; rel="prev"`, base)},
		"?cursor=v1_101&per_page=2":    {[]int64{101}, fmt.Sprintf(`<%s?cursor=v1_103&per_page=2>; rel="prev"`, base)},
		"?per_page=100&cursor=v1_1000": {[]int64{105, 104, 103, 102, 101}, ""},
	} {
		answer := h.do(http.MethodGet, list+query, "")
		var ids []int64
		for _, item := range answer.list {
			ids = append(ids, int64(item["id"].(float64)))
		}
		h.g.Expect(ids).To(Equal(want.ids), query)
		h.g.Expect(answer.header.Get("Link")).To(Equal(want.link), query)
	}
	h.g.Expect(h.do(http.MethodGet, list+"?cursor=103", "").status).To(Equal(http.StatusUnprocessableEntity))
}

func TestDeliveriesAreFilteredByCodeNotByStatus(t *testing.T) {
	for _, ignored := range []bool{false, true} {
		h := start(t, githubsim.Options{IgnoreStatusFilter: ignored})
		hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
		for id, code := range []int{200, 302, 404, 0, 599} {
			h.AddDelivery(repository, hook.ID, githubsim.Delivery{ID: int64(id + 1), StatusCode: code})
		}
		list := fmt.Sprintf("%s/%d/deliveries", repoHooks, hook.ID)
		for query, want := range map[string]int{"": 5, "?status=success": 2, "?status=failure": 2} {
			if ignored {
				want = 5
			}
			h.g.Expect(h.do(http.MethodGet, list+query, "").list).To(HaveLen(want), query)
		}
		if !ignored {
			h.g.Expect(h.do(http.MethodGet, list+"?status=broken", "").status).To(Equal(http.StatusUnprocessableEntity))
		}
	}
}

func TestDeliveriesAreForgotten(t *testing.T) {
	clock := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	h := start(t, githubsim.Options{Now: func() time.Time { return clock }, DeliveriesKept: 10})
	hook := h.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	list := fmt.Sprintf("%s/%d/deliveries", repoHooks, hook.ID)
	old := h.AddDelivery(repository, hook.ID, githubsim.Delivery{DeliveredAt: clock.Add(-73 * time.Hour)})
	young := h.AddDelivery(repository, hook.ID, githubsim.Delivery{DeliveredAt: clock.Add(-71*time.Hour + time.Millisecond)})
	h.g.Expect(h.do(http.MethodGet, list, "").list).To(ConsistOf(HaveKeyWithValue("delivered_at", "2026-01-07T01:00:00.001Z")))
	h.g.Expect(h.do(http.MethodPost, fmt.Sprintf("%s/%d/attempts", list, old.ID), "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.do(http.MethodGet, fmt.Sprintf("%s/%d", list, young.ID), "").status).To(Equal(http.StatusOK))
	for range 45 {
		h.AddDelivery(repository, hook.ID, githubsim.Delivery{})
	}
	h.g.Expect(h.do(http.MethodGet, list+"?per_page=100", "").list).To(HaveLen(10))
}
