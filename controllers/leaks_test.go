package controllers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// encodedMark is how secretMark begins in a Secret's base64.
var encodedMark = strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secretMark)), "=")[:10]

// expectNoLeak looks for the secrets that all stories planted in all that the operators said: logs at the highest
// verbosity, Events, objects and metrics.
func expectNoLeak(ctx context.Context) {
	GinkgoHelper()
	var events eventsv1.EventList
	var repositories v1alpha1.RepositoryWebhookList
	var organizations v1alpha1.OrganizationWebhookList
	var apps v1alpha1.AppWebhookConfigList
	said := map[string]string{"the metrics": shared.scrape()}
	for name, list := range map[string]client.ObjectList{
		"Events": &events, "RepositoryWebhooks": &repositories, "OrganizationWebhooks": &organizations, "AppWebhookConfigs": &apps,
	} {
		Expect(k8s.List(ctx, list)).To(Succeed())
		text, err := json.Marshal(list)
		Expect(err).NotTo(HaveOccurred())
		said[name] = string(text)
	}
	for i, o := range operators {
		said[fmt.Sprintf("operator %d's log", i)] = o.logs.String()
	}
	runs := plantedRuns()
	for where, text := range said {
		for line := range strings.Lines(text) {
			expectNoRun(runs, where, line)
			for _, mark := range []string{encodedMark, "PRIVATE KEY", "ghs_"} {
				if at := strings.Index(line, mark); at >= 0 {
					failLeak(where, line, at)
				}
			}
		}
	}
}

// leakRun is how many characters in a row of a secret are a leak.
const leakRun = 8

// plants are the secrets that stories planted, from their mark on.
var plants = struct {
	sync.Mutex
	values map[string]bool
}{values: map[string]bool{}}

// planted are the secret parts of a value, such as a URL.
var planted = regexp.MustCompile(secretMark + `[^@/?&:#\s]*`)

// plant notes a secret that nothing may show.
func plant(value string) {
	plants.Lock()
	defer plants.Unlock()
	for _, found := range planted.FindAllString(value, -1) {
		plants.values[found] = true
	}
}

// plantedRuns are all that would show a part of a planted secret.
func plantedRuns() map[string]bool {
	plants.Lock()
	defer plants.Unlock()
	runs := map[string]bool{secretMark: true}
	for value := range plants.values {
		value = strings.ToLower(strings.TrimSpace(value))
		for at := range len(value) - leakRun + 1 {
			runs[value[at:at+leakRun]] = true
		}
	}
	return runs
}

func expectNoRun(runs map[string]bool, where, line string) {
	GinkgoHelper()
	lower := strings.ToLower(line)
	for at := range len(lower) - leakRun + 1 {
		if runs[lower[at:at+leakRun]] {
			failLeak(where, line, at)
		}
	}
}

func failLeak(where, line string, at int) {
	GinkgoHelper()
	Fail(fmt.Sprintf("a secret leaked into %s: …%s…", where, line[max(0, at-200):min(len(line), at+200)]))
}

// expectNoPanic: the operator recovers from panics, so that they show in the log only.
func expectNoPanic() {
	GinkgoHelper()
	for _, o := range operators {
		Expect(o.logs.String()).NotTo(SatisfyAny(ContainSubstring("Observed a panic"), ContainSubstring("WARNING: DATA RACE")))
	}
}

var _ = storiesOf("A GitHub that echoes the request in its errors", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	// said has parts of the secrets, in spellings of theirs.
	said := func(secrets ...string) string {
		var words []string
		for _, s := range secrets {
			words = append(words, s, s[:len(s)/2], s[len(s)-12:], url.QueryEscape(s), url.PathEscape(s[2:]), html.EscapeString(s), fmt.Sprintf("%q", s))
		}
		return strings.Join(words, " ")
	}

	body := func(words string, status int) string {
		text, err := json.Marshal(words)
		Expect(err).NotTo(HaveOccurred())
		return fmt.Sprintf(`{"message":%s,"errors":[{"resource":"Hook","field":"url","message":%s}],"status":"%d"}`, text, text, status)
	}

	// expectHidden looks through the object and its Events.
	expectHidden := func(ctx context.Context, h *hook, more ...string) {
		GinkgoHelper()
		text, err := json.Marshal(h.get(ctx))
		Expect(err).NotTo(HaveOccurred())
		_, status, _ := strings.Cut(string(text), `"status":{`)
		for _, where := range append(h.events(ctx), status) {
			expectNoRun(plantedRuns(), "the object or its Events", where)
			for _, m := range more {
				Expect(where).NotTo(ContainSubstring(m))
			}
		}
	}

	DescribeTable("gets no secret into the object's status or Events",
		func(ctx SpecContext, status int, reason string) {
			secret := w.hmac(ctx, "ci")
			host := w.namespace + ".receiver.example"
			address := "https://" + secretMark + "user:" + secretMark + "pass@" + host + "/" + secretMark + "path?token=" + secretMark + "query"
			w.secret(ctx, "receiver", map[string]string{"url": address})
			words := said(w.token, secret, address, address[len("https://"):], secretMark+"user", secretMark+"path?token="+secretMark+"query")
			fault := sim.AddFault(w.about(githubsim.Fault{
				Method: http.MethodPost, Status: status, Body: body(words, status),
				Header: http.Header{"X-Accepted-Github-Permissions": {said(w.token, secret, address)}},
			}))
			DeferCleanup(fault.Remove)
			h := w.hook(ctx, "ci", withSecret("ci"), withURLFrom("receiver", "url"))

			Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReady).Reason }).Should(Equal(reason), h.trouble)
			if reason == v1alpha1.ReasonValidationFailed {
				h.told(ctx, reason)
			}
			expectHidden(ctx, h, host)

			fault.Remove()
			own := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Status: status, Body: body(said(w.token, secret), status)}))
			DeferCleanup(own.Remove)
			plain := w.hook(ctx, "plain", withSecret("ci"))
			Eventually(ctx, func() string { return plain.condition(ctx, v1alpha1.ConditionReady).Reason }).Should(Equal(reason), plain.trouble)
			expectHidden(ctx, plain)
		},
		Entry("422", http.StatusUnprocessableEntity, v1alpha1.ReasonValidationFailed),
		Entry("401", http.StatusUnauthorized, v1alpha1.ReasonUnauthorized),
		Entry("403", http.StatusForbidden, v1alpha1.ReasonForbidden),
		Entry("404", http.StatusNotFound, v1alpha1.ReasonTargetNotFound),
		Entry("429", http.StatusTooManyRequests, v1alpha1.ReasonRateLimited),
		Entry("500", http.StatusInternalServerError, v1alpha1.ReasonGitHubUnavailable),
		Entry("418", http.StatusTeapot, v1alpha1.ReasonGitHubUnavailable),
	)

	It("is not quoted about a URL from a Secret whatever it refuses", func(ctx SpecContext) {
		host := w.namespace + ".receiver.example"
		address := "https://" + host + "/" + secretMark + "path?token=" + secretMark + "query"
		w.secret(ctx, "receiver", map[string]string{"url": address})
		h := w.readyHook(ctx, "ci", withURLFrom("receiver", "url"))
		refuse := func(method, route string, status int, header http.Header) *githubsim.FaultHandle {
			return sim.AddFault(w.about(githubsim.Fault{
				Method: method, Route: kind.route + "/hooks/{hook_id}" + route, Status: status, Header: header, Body: body("no "+address, status),
			}))
		}

		By("a log of deliveries that cannot be read")
		fault := refuse(http.MethodGet, "/deliveries", http.StatusForbidden, nil)
		h.look(ctx)
		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy).Message }).Should(ContainSubstring("cannot be read"))
		fault.Remove()

		By("a ping that is refused")
		fault = refuse(http.MethodPost, "/pings", http.StatusUnprocessableEntity, nil)
		h.annotate(ctx, v1alpha1.AnnotationPing)
		h.told(ctx, v1alpha1.EventRequestRefused, "ping")
		fault.Remove()

		By("a redirect to another host")
		fault = refuse(http.MethodGet, "", http.StatusFound, http.Header{"Location": {address}})
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReconciling).Message }).Should(ContainSubstring("redirect"))
		fault.Remove()

		By("a deletion")
		fault = refuse(http.MethodDelete, "", http.StatusForbidden, nil)
		h.startDeleting(ctx)
		h.told(ctx, v1alpha1.ReasonDeletionBlocked)
		expectHidden(ctx, h, host)
		fault.Remove()
		h.waitGone(ctx)
	})

	It("is not named with the password that somebody put into its address", func(ctx SpecContext) {
		w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": "https://user:" + secretMark + "@ghe.example.com"})
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
		Expect(ready.Message).NotTo(ContainSubstring(secretMark))
	})
})
