package controllers_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("Observing", func(kind hookKind) {
	const url = "https://ci.example.com/github"
	var w *world
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		w.hmac(ctx, "ci")
	})

	there := func() githubsim.Hook {
		return sim.CreateHook(w.target, githubsim.Hook{
			Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: url, ContentType: "json", InsecureSSL: "0", Secret: "theirs"},
		})
	}

	It("reports agreement and drift by field, and writes nothing, not even on deletion", func(ctx SpecContext) {
		made := there()
		h := w.hook(ctx, "ci", withManagement(v1alpha1.Observe), withSecret("ci"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(h.hookStatus(ctx).HookID).To(Equal(made.ID))

		sim.EditHook(w.target, made.ID, func(h *githubsim.Hook) {
			h.Active, h.Config.Secret, h.Events = false, "", []string{"fork"}
		})
		h.look(ctx)
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
		Expect(ready.Message).To(ContainSubstring("secretRef, events, active"))
		Expect(h.get(ctx).CommonStatus().Drift).To(Equal([]string{"secretRef", "events", "active"}))

		sim.EditHook(w.target, made.ID, func(h *githubsim.Hook) {
			h.Active, h.Config.Secret, h.Events = true, "theirs", []string{"push"}
		})
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(h.get(ctx).CommonStatus().Drift).To(BeEmpty())
		Expect(h.events(ctx)).NotTo(ContainElement(HavePrefix(v1alpha1.EventRequestRefused)), "looking is not writing")

		h.delete(ctx)
		Expect(w.only().ID).To(Equal(made.ID))
		Expect(w.writes()).To(BeEmpty())
	})

	It("finds no hook, and says so", func(ctx SpecContext) {
		h := w.hook(ctx, "ci", withSecret("ci"), withManagement(v1alpha1.Observe))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHookNotFound)
		Expect(ready.Message).To(ContainSubstring("no webhook with this URL"))
		there()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("finds several hooks, and says so", func(ctx SpecContext) {
		one := there()
		two := sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"fork"}, Config: githubsim.Config{URL: url}})
		h := w.hook(ctx, "ci", withSecret("ci"), withManagement(v1alpha1.Observe))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonAmbiguousMatch)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(one.ID), fmt.Sprint(two.ID)}))
	})

	It("finds a hook by its ID, whose URL may then differ", func(ctx SpecContext) {
		made := there()
		h := w.hook(ctx, "ci", withSecret("ci"), withManagement(v1alpha1.Observe), withHookID(made.ID), withURL("https://other.example.com"))
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
		Expect(h.get(ctx).CommonStatus().Drift).To(Equal([]string{"url"}))

		sim.DeleteHook(w.target, made.ID)
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHookNotFound)
	})

	It("is no claim: managing afterwards asks the adoption policy", func(ctx SpecContext) {
		made := there()
		h := w.readyHook(ctx, "ci", withSecret("ci"), withManagement(v1alpha1.Observe))

		h.change(ctx, withManagement(v1alpha1.Manage))
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(h.hookStatus(ctx).HookID).To(BeZero())
		Expect(w.writes()).To(BeEmpty())
		Expect(w.only().Config.Secret).To(Equal("theirs"))

		h.change(ctx, withAdoption(v1alpha1.AdoptMatchURL))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(made.ID))
	})

	It("a hook of ours and managing it again keeps it ours", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		id := w.only().ID

		h.change(ctx, withManagement(v1alpha1.Observe))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		sim.EditHook(w.target, id, func(h *githubsim.Hook) { h.Config.URL = "https://moved.example.com" })
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)

		h.change(ctx, withManagement(v1alpha1.Manage))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(id))
		Expect(w.only().Config.URL).To(Equal(url))
		Expect(w.only().Config.Secret).To(Equal(secret))

		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})
})

var _ = storiesOf("Suspending", func(kind hookKind) {
	It("leaves GitHub alone until it is lifted, refuses requests, and lets the object be deleted", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		h := w.readyHook(ctx, "ci")
		h.change(ctx, withSuspend(true))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
		calls := len(w.calls())

		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Active = false })
		h.look(ctx)
		h.told(ctx, v1alpha1.EventRequestRefused, "reconcile", "spec.suspend")
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
		Expect(w.calls()).To(HaveLen(calls))

		h.change(ctx, withSuspend(false))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Events).To(ConsistOf("fork"))
		Expect(w.only().Active).To(BeTrue())

		h.change(ctx, withSuspend(true))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("from the beginning makes nothing", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		h := w.hook(ctx, "ci", withSuspend(true))
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
		Expect(w.calls()).To(BeEmpty())
		h.change(ctx, withSuspend(false))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})
