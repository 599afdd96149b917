package controllers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

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
	for where, text := range said {
		for line := range strings.Lines(text) {
			for _, mark := range []string{secretMark, encodedMark, "PRIVATE KEY", "ghs_"} {
				if at := strings.Index(line, mark); at >= 0 {
					Fail(fmt.Sprintf("a secret leaked into %s: …%s…", where, line[max(0, at-200):min(len(line), at+200)]))
				}
			}
		}
	}
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

	DescribeTable("gets no secret into the object's status or Events",
		func(ctx SpecContext, status int, reason string) {
			secret := w.hmac(ctx, "ci")
			url := "https://ci.example.com/" + secretMark + "url?token=" + secretMark + "query"
			w.secret(ctx, "receiver", map[string]string{"url": url})
			words, err := json.Marshal(fmt.Sprintf("no %s, no %s at %s, %q", w.token, secret, url, url))
			Expect(err).NotTo(HaveOccurred())
			fault := sim.AddFault(w.about(githubsim.Fault{
				Method: http.MethodPost, Status: status,
				Body: fmt.Sprintf(`{"message":%s,"errors":[{"resource":"Hook","field":"url","message":%s}],"status":"%d"}`, words, words, status),
			}))
			DeferCleanup(fault.Remove)
			h := w.hook(ctx, "ci", withSecret("ci"), withURLFrom("receiver", "url"))

			Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReady).Reason }).Should(Equal(reason))
			text, err := json.Marshal(h.get(ctx))
			Expect(err).NotTo(HaveOccurred())
			Expect(string(text)).NotTo(ContainSubstring(secretMark))
			if reason == v1alpha1.ReasonValidationFailed {
				h.told(ctx, reason)
			}
			Expect(h.events(ctx)).NotTo(ContainElement(ContainSubstring(secretMark)))
		},
		Entry("422", http.StatusUnprocessableEntity, v1alpha1.ReasonValidationFailed),
		Entry("401", http.StatusUnauthorized, v1alpha1.ReasonUnauthorized),
		Entry("403", http.StatusForbidden, v1alpha1.ReasonForbidden),
		Entry("404", http.StatusNotFound, v1alpha1.ReasonTargetNotFound),
		Entry("429", http.StatusTooManyRequests, v1alpha1.ReasonRateLimited),
		Entry("500", http.StatusInternalServerError, v1alpha1.ReasonGitHubUnavailable),
		Entry("418", http.StatusTeapot, v1alpha1.ReasonGitHubUnavailable),
	)

	It("is not named with the password that somebody put into its address", func(ctx SpecContext) {
		w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": "https://user:" + secretMark + "@ghe.example.com"})
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
		Expect(ready.Message).NotTo(ContainSubstring(secretMark))
	})
})
