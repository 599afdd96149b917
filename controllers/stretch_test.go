package controllers_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = Describe("A fleet whose polls github.com's limits do not allow", func() {
	It("polls at an interval that they do allow, after a restart from the first object on", func(ctx SpecContext) {
		// Each takes 24 points a minute, and 720 are there: a third more than fit.
		const objects, wanted, allowed = 40, 5, 6.66
		const url = "https://ci.example.com/github"
		web, w := newInternet(), newWorld(ctx, repositories)
		w.withOwnOperatorEnv(ctx, web.env(""), "--github-hosts=github.com", fmt.Sprintf("--default-interval=%ds", wanted))
		w.credentialsFor(ctx, "github", "", web.ca)
		sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: url, ContentType: "json", InsecureSSL: "0"}})
		fleet := make([]*hook, objects)
		for i := range fleet {
			fleet[i] = w.hook(ctx, fmt.Sprintf("ci-%d", i), withURL(url), withManagement(v1alpha1.Observe))
		}
		for _, h := range fleet {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}

		w.operator.terminate()
		w.operator.start(ctx)
		series := regexp.MustCompile(`(?m)^github_webhook_poll_interval_seconds\{.*namespace="` + w.namespace + `".*\} (\S+)$`)
		Eventually(ctx, func() []string {
			shown := series.FindAllStringSubmatch(w.operator.scrape(), -1)
			for _, interval := range shown {
				seconds, err := strconv.ParseFloat(interval[1], 64)
				Expect(err).NotTo(HaveOccurred())
				Expect(seconds).To(BeNumerically(">=", allowed), "at any time")
			}
			return slices.Concat(shown...)
		}).Should(HaveLen(2 * objects))
	})
})
