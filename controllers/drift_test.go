package controllers_test

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("Drift", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	DescribeTable("is repaired in one write, with an Event that names the field and no value",
		func(ctx SpecContext, edited func(*githubsim.Hook), field string) {
			w.hmac(ctx, "ci")
			h := w.readyHook(ctx, "ci", withSecret("ci"), withEvents("push", "pull_request"))
			before, calls := w.only(), len(w.calls())
			aSecondAfter(ctx, before.UpdatedAt)

			sim.EditHook(w.target, before.ID, edited)
			h.look(ctx)

			after := w.only()
			Expect(after.Config).To(Equal(before.Config))
			Expect(after.Events).To(ConsistOf(before.Events))
			Expect(after.Active).To(Equal(before.Active))
			Expect(after.ID).To(Equal(before.ID))
			Expect(w.calls()[calls:]).To(Equal([]string{"GET /hooks/{hook_id}", "PATCH /hooks/{hook_id}"}))
			h.told(ctx, v1alpha1.EventDriftRepaired, field)
			Expect(h.events(ctx)).NotTo(ContainElement(ContainSubstring("evil")))
		},
		Entry("url", func(h *githubsim.Hook) { h.Config.URL = "https://evil.example.com" }, "url"),
		Entry("contentType", func(h *githubsim.Hook) { h.Config.ContentType = "form" }, "contentType"),
		Entry("insecureSSL", func(h *githubsim.Hook) { h.Config.InsecureSSL = "1" }, "insecureSSL"),
		Entry("secret removed", func(h *githubsim.Hook) { h.Config.Secret = "" }, "secretRef"),
		Entry("secret replaced", func(h *githubsim.Hook) {
			h.Config.Secret = "evil"
		}, "secretRef"),
		Entry("an event more", func(h *githubsim.Hook) { h.Events = append(h.Events, "evil") }, "events"),
		Entry("an event less", func(h *githubsim.Hook) { h.Events = h.Events[:1] }, "events"),
		Entry("all events", func(h *githubsim.Hook) { h.Events = []string{"*"} }, "events"),
		Entry("active", func(h *githubsim.Hook) { h.Active = false }, "active"),
	)

	It("of a secret is put right along with what visibly differs", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		aSecondAfter(ctx, w.only().UpdatedAt)
		calls := len(w.calls())
		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Config.Secret, h.Active = "evil", false })
		h.look(ctx)
		Expect(w.only().Config.Secret).To(Equal(secret))
		Expect(w.only().Active).To(BeTrue())
		Expect(w.calls()[calls:]).To(Equal([]string{"GET /hooks/{hook_id}", "PATCH /hooks/{hook_id}"}))
		h.told(ctx, v1alpha1.EventDriftRepaired, "active", "secret written again")
	})

	It("of a secret that somebody replaces again and again is corrected once an hour", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		replace := func() {
			aSecondAfter(ctx, w.only().UpdatedAt)
			sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Config.Secret = "evil" })
		}
		replace()
		h.look(ctx)
		Expect(w.only().Config.Secret).To(Equal(secret))

		replace()
		writes := len(w.writes())
		h.look(ctx)
		Expect(w.writes()).To(HaveLen(writes))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("is not what a hook looks like that GitHub shows in another order", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withEvents("push", "fork", "release"))
		writes := len(w.writes())
		h.look(ctx)
		h.look(ctx)
		Expect(w.writes()).To(HaveLen(writes))
		Expect(h.events(ctx)).NotTo(ContainElement(HavePrefix(v1alpha1.EventDriftRepaired)))
	})

	It("in events that others add is kept with eventsPolicy AtLeast, and nothing that left the spec is removed", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withEvents("push"), func(o controllers.Webhook) { hookSpec(o).EventsPolicy = v1alpha1.EventsAtLeast })
		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Events = []string{"fork"} })
		h.look(ctx)
		Expect(w.only().Events).To(ConsistOf("fork", "push"))

		h.change(ctx, withEvents("release"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Events).To(ConsistOf("fork", "push", "release"))
	})

	It("includes the whole hook: one that was deleted is made again, with its secret", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		gone, calls := w.only().ID, len(w.calls())
		sim.DeleteHook(w.target, gone)

		h.look(ctx)

		Expect(w.only().ID).NotTo(Equal(gone))
		Expect(w.only().Config.Secret).To(Equal(secret))
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		Expect(w.calls()[calls:]).To(Equal([]string{"GET /hooks/{hook_id}", "GET /hooks", "POST /hooks"}))
	})

	It("is not assumed where access was lost: nothing is created", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		writes := len(w.writes())
		sim.AddToken(githubsim.Token{Value: w.token})
		h.annotate(ctx, v1alpha1.AnnotationReconcile)

		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonTargetNotFound)
		Expect(w.writes()).To(HaveLen(writes))
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID), "what is ours is remembered")

		restoreRights(ctx, w, h)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()).To(HaveLen(writes))
	})

	It("is found at the next poll without anybody asking", func(ctx SpecContext) {
		w.withOwnOperator(ctx, "--default-interval=1s")
		h := w.readyHook(ctx, "ci")
		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Active = false })
		Eventually(ctx, func() bool { return w.only().Active }).Should(BeTrue(), h.trouble)
		h.told(ctx, v1alpha1.EventDriftRepaired, "active")
	})

	It("that is not there costs no write at a poll, and a metric has the time", func(ctx SpecContext) {
		w.withOwnOperator(ctx, "--default-interval=1s")
		h := w.readyHook(ctx, "ci")
		polls := func() int {
			return len(slices.DeleteFunc(w.calls(), func(call string) bool { return call != "GET /hooks/{hook_id}" }))
		}
		Eventually(ctx, func() *v1alpha1.LastDelivery { return h.get(ctx).CommonStatus().LastDelivery }).ShouldNot(BeNil(), h.trouble)
		begin := polls() + 1 // What goes on when the ping of the creation shows up is none of a quiet poll's.
		Eventually(ctx, polls).Should(BeNumerically(">", begin), h.trouble)

		writes, synced, calls := h.apiWrites(), h.lastSync(), polls()
		Eventually(ctx, polls).Should(BeNumerically(">=", calls+3), h.trouble)
		Eventually(ctx, h.lastSync).Should(BeNumerically(">", synced+1))
		Expect(h.apiWrites()).To(Equal(writes))
	})

	It("that is looked for by request costs one read and one status write", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		calls, writes := len(w.calls()), h.statusWrites()
		h.look(ctx)
		Expect(w.calls()[calls:]).To(Equal([]string{"GET /hooks/{hook_id}"}))
		Expect(h.statusWrites()).To(Equal(writes + 1))
	})
})

// aSecondAfter waits for the next second: GitHub's updated_at has whole seconds, so that two changes in one look like one.
func aSecondAfter(ctx context.Context, t time.Time) {
	GinkgoHelper()
	Eventually(ctx, time.Now).Should(BeTemporally(">", t.Add(time.Second)))
}

// lastSync is when GitHub was last seen to agree, as the metric has it.
func (h *hook) lastSync() float64 {
	GinkgoHelper()
	series := regexp.MustCompile(`(?m)^github_webhook_last_sync_timestamp_seconds\{.*name="` + h.name + `",namespace="` + h.namespace + `"\} (\S+)$`)
	shown := series.FindStringSubmatch(h.operator.scrape())
	Expect(shown).To(HaveLen(2), "the metric is shown")
	at, err := strconv.ParseFloat(shown[1], 64)
	Expect(err).NotTo(HaveOccurred())
	return at
}
