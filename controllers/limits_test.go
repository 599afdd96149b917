package controllers_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = Describe("A revoked token whose 401s carry the IP address's numbers", func() {
	It("is Unauthorized for all of 60 objects, not RateLimited, and a new Secret heals them at once", func(ctx SpecContext) {
		const objects = 60
		w := newWorld(ctx, repositories)
		old := w.token
		sim.RevokeToken(old)
		usedUp := sim.AddFault(githubsim.Fault{
			Status: http.StatusUnauthorized, Body: `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`,
			Header: http.Header{
				"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Used": {"60"}, "X-Ratelimit-Resource": {"core"},
				"X-Ratelimit-Reset": {fmt.Sprint(time.Now().Add(time.Hour).Unix())},
			},
			Match: func(r githubsim.Request) bool {
				return w.mine(r) && strings.HasSuffix(r.Header.Get("Authorization"), old)
			},
		})
		defer usedUp.Remove()
		fleet := make([]*hook, objects)
		for i := range fleet {
			name := fmt.Sprintf("repository-%d", i/15) // GitHub allows 20 on each.
			sim.AddRepository(githubsim.Target(w.owner + "/" + name))
			fleet[i] = w.hook(ctx, fmt.Sprintf("ci-%d", i), inRepository(name))
		}
		for _, h := range fleet {
			ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
			Expect(ready.Message).To(ContainSubstring("put a valid one there"))
		}
		Expect(w.operator.scrape()).NotTo(MatchRegexp(`github_api_rate_limit_remaining\{.*\} 0\n`), "the numbers are nobody's")

		w.token = old + "-new"
		sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		restoreCredentials(ctx, w, nil)
		begun := time.Now()
		for _, h := range fleet {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		AddReportEntry("60 objects were Synced after a new Secret in", time.Since(begun).Round(time.Millisecond).String())
	})
})

// inRepository puts a webhook into another of the owner's repositories.
func inRepository(name string) change {
	return func(obj controllers.Webhook) { obj.(*v1alpha1.RepositoryWebhook).Spec.Repository = name }
}

var _ = storiesOf("A server that says when to come back", func(kind hookKind) {
	It("is asked again at that time, by nobody before, and each object says until when", func(ctx SpecContext) {
		const seconds, others = 4, 5
		w := newWorld(ctx, kind)
		down := sim.AddFault(w.about(githubsim.Fault{
			Status: http.StatusServiceUnavailable, Body: "<html>Down for maintenance", Times: 1,
			Header: http.Header{"Retry-After": {fmt.Sprint(seconds)}, "Content-Type": {"text/html"}},
		}))
		defer down.Remove()
		first := w.hook(ctx, "first")
		Expect(first.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable).Message).To(containAll([]string{"not available", "until 20"}))
		Expect(w.requests()).To(HaveLen(1))
		end := w.requests()[0].Time.Add(seconds * time.Second)
		fleet := []*hook{first}
		for i := range others {
			h := w.hook(ctx, fmt.Sprintf("other-%d", i))
			Expect(h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable).Message).To(ContainSubstring("it was not sent"))
			fleet = append(fleet, h)
		}
		for _, h := range fleet {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		again := w.requests()[1].Time
		Expect(again).To(BeTemporally(">=", end))
		Expect(again).To(BeTemporally("<", end.Add(2*time.Second)), "not after a backoff of its own")
		expectNoRequests(w.requests()[1:], end)
	})

	It("is tried at once with another login", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		old := w.token
		down := sim.AddFault(githubsim.Fault{
			Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"31536000"}},
			Match: func(r githubsim.Request) bool {
				return w.mine(r) && strings.HasSuffix(r.Header.Get("Authorization"), old)
			},
		})
		defer down.Remove()
		h := w.hook(ctx, "ci")
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)

		w.token = old + "-new"
		restoreRights(ctx, w, h)
		restoreCredentials(ctx, w, h)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(down.Hits()).To(Equal(1))
	})
})

func expectNoRequests(requests []githubsim.Request, before time.Time) {
	GinkgoHelper()
	for _, r := range requests {
		Expect(r.Time).To(BeTemporally(">=", before), r.Method+" "+r.Path)
	}
}

var _ = Describe("An Enterprise Server with a primary limit", func() {
	It("is not held to github.com's secondary limits, and metrics name its token by a keyed MAC", func(ctx SpecContext) {
		const objects, githubDotCom = 200, 2 * time.Minute
		ownGitHub(githubsim.Options{HooksPerEvent: 250, RequestsKept: 10_000, Limits: &githubsim.Limits{Hourly: 15_000}})
		w := newWorld(ctx, repositories).withUsersOperator(ctx)
		begun := time.Now()
		for i := range objects {
			Expect(k8s.Create(ctx, w.object(fmt.Sprintf("ci-%d", i)))).To(Succeed())
		}
		Eventually(ctx, w.onGitHub).WithTimeout(githubDotCom).WithPolling(100 * time.Millisecond).Should(HaveLen(objects))
		took := time.Since(begun).Round(10 * time.Millisecond)
		AddReportEntry("200 hooks were made on a server with a primary limit in", fmt.Sprintf("%s; 80 a minute would take %s", took, githubDotCom))
		Expect(took).To(BeNumerically("<", githubDotCom))

		shown := regexp.MustCompile(`github_api_rate_limit_remaining\{budget="token-([0-9a-f]{8})",host="` + strings.TrimPrefix(sim.URL(), "http://") + `"\} (\S+)`)
		var series [][]string
		Eventually(ctx, func() [][]string { series = shown.FindAllStringSubmatch(w.operator.scrape(), -1); return series }).Should(HaveLen(1))
		Expect(series[0][1]).NotTo(Equal(fmt.Sprintf("%x", sha256.Sum256([]byte(w.token)))[:8]), "a plain digest could be tried")
	})
})
