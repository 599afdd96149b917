package controllers_test

import (
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = Describe("A clock that is off", func() {
	var skew atomic.Int64
	var w *world
	BeforeEach(func(ctx SpecContext) {
		skew.Store(0)
		ownGitHub(githubsim.Options{Now: clock(&skew)})
		w = newWorld(ctx, organizations).withOwnOperator(ctx)
	})

	DescribeTable("keeps an App from logging in, is named, and is no trouble any more once it is set",
		func(ctx SpecContext, off time.Duration) {
			app := w.asApp(ctx)
			sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner})
			skew.Store(int64(off))
			h := w.hook(ctx, "ci")
			ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
			Expect(ready.Message).To(containAll([]string{"GitHub App " + fmt.Sprint(app.ID), "Set the clock of the operator's node"}))

			skew.Store(0)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		},
		Entry("GitHub's is behind", -5*time.Minute),
		Entry("GitHub's is ahead", 15*time.Minute),
	)

	It("that jumps past the end of an App's token is named, too, and the operator logs in anew", func(ctx SpecContext) {
		app := w.asApp(ctx)
		w.installation = sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner}).ID
		h := w.readyHook(ctx, "ci")
		skew.Store(int64(61 * time.Minute)) // The token has ended on GitHub, and not yet by the operator's clock.
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
		skew.Store(0)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	DescribeTable("does not hide the hook whose POST lost its answer",
		func(ctx SpecContext, off time.Duration) {
			lost := sim.AddFault(w.about(githubsim.Fault{Method: "POST", DropAfter: true, Times: 1}))
			DeferCleanup(lost.Remove)
			skew.Store(int64(off))
			h := w.readyHook(ctx, "ci")
			Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		},
		Entry("GitHub's is behind", -time.Hour),
		Entry("GitHub's is ahead", time.Hour),
	)
})
