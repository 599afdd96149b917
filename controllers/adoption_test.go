package controllers_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("A hook that is there already", func(kind hookKind) {
	const url = "https://ci.example.com/github"
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	stranger := func(url string, events ...string) githubsim.Hook {
		return sim.CreateHook(w.target, githubsim.Hook{
			Active: true, Events: events, Config: githubsim.Config{URL: url, ContentType: "form", InsecureSSL: "0", Secret: "theirs"},
		})
	}

	It("is a conflict that names its ID and both ways to take it over", func(ctx SpecContext) {
		there := stranger(url, "push")
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(there.ID), "spec.adoptionPolicy to MatchURL", fmt.Sprintf("spec.hookID to %d", there.ID)}))
		Expect(w.writes()).To(BeEmpty())
		h.told(ctx, v1alpha1.ReasonConflict, fmt.Sprint(there.ID))

		h.change(ctx, withAdoption(v1alpha1.AdoptMatchURL))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(there.ID))
	})

	It("is taken over by its URL, wherever it stands in the list, and given the real secret", func(ctx SpecContext) {
		for i := range 130 {
			stranger(fmt.Sprintf("https://%d.example.com", i), fmt.Sprintf("event_%d", i))
		}
		there := stranger(url, "fork")
		secret := w.hmac(ctx, "ci")

		h := w.readyHook(ctx, "ci", withSecret("ci"), withAdoption(v1alpha1.AdoptMatchURL))

		taken, _ := sim.Hook(w.target, there.ID)
		Expect(taken.Config.Secret).To(Equal(secret))
		Expect(taken.Config.ContentType).To(Equal("json"))
		Expect(taken.Events).To(ConsistOf("push"))
		Expect(h.hookStatus(ctx).HookID).To(Equal(there.ID))
		Expect(w.onGitHub()).To(HaveLen(131))
		h.told(ctx, v1alpha1.EventAdopted, fmt.Sprint(there.ID))
	})

	It("is noted before it is written to, and left alone by a deletion before GitHub has answered a write", func(ctx SpecContext) {
		there := stranger(url, "push")
		failing := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPatch, Status: http.StatusBadGateway, After: true}))
		DeferCleanup(failing.Remove)
		h := w.hook(ctx, "ci", withAdoption(v1alpha1.AdoptMatchURL))
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(h.hookStatus(ctx).HookID).To(Equal(there.ID))
		Expect(h.hookStatus(ctx).Applied).To(BeNil(), "it is not the object's own yet")

		h.delete(ctx)

		Expect(w.only().ID).To(Equal(there.ID))
	})

	It("is taken over once, although the answer to the first write is lost and the URL changes then", func(ctx SpecContext) {
		there := stranger(url, "push")
		lost := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPatch, Status: http.StatusBadGateway, After: true}))
		DeferCleanup(lost.Remove)
		h := w.hook(ctx, "ci", withAdoption(v1alpha1.AdoptMatchURL))
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)

		h.change(ctx, withURL("https://moved.example.com"))
		lost.Remove()

		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(there.ID))
		Expect(w.only().Config.URL).To(Equal("https://moved.example.com"))
	})

	It("is taken over by its ID, and by that alone", func(ctx SpecContext) {
		there, other := stranger("https://old.example.com", "fork"), stranger(url, "issues")
		h := w.readyHook(ctx, "ci", withHookID(there.ID))
		taken, _ := sim.Hook(w.target, there.ID)
		Expect(taken.Config.URL).To(Equal(url))
		left, _ := sim.Hook(w.target, other.ID)
		Expect(left.Config.Secret).To(Equal("theirs"))
		h.told(ctx, v1alpha1.EventAdopted, fmt.Sprint(there.ID))
	})

	It("has to exist when its ID is named", func(ctx SpecContext) {
		h := w.hook(ctx, "ci", withHookID(4711))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHookNotFound)
		Expect(ready.Message).To(containAll([]string{"4711", "spec.hookID"}))
		Expect(w.onGitHub()).To(BeEmpty())

		sim.CreateHook(w.target, githubsim.Hook{ID: 4711, Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: url}})
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("twice cannot be chosen from: the message names both", func(ctx SpecContext) {
		one, two := stranger(url, "fork"), stranger(url, "issues")
		h := w.hook(ctx, "ci", withAdoption(v1alpha1.AdoptMatchURL))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonAmbiguousMatch)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(one.ID), fmt.Sprint(two.ID), "spec.hookID"}))
		Expect(h.condition(ctx, v1alpha1.ConditionStalled).Status).To(Equal(metav1.ConditionTrue))
		Expect(w.writes()).To(BeEmpty())

		h.change(ctx, withHookID(two.ID))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("but that the list did not show ends in the same conflict", func(ctx SpecContext) {
		hidden := sim.AddFault(w.about(githubsim.Fault{Method: "GET", Times: 1, Status: 200, Body: "[]"}))
		DeferCleanup(hidden.Remove)
		there := stranger(url, "push")
		sim.EditHook(w.target, there.ID, func(h *githubsim.Hook) { h.Config.ContentType = "json" })
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(ContainSubstring(fmt.Sprint(there.ID)))
		Expect(h.hookStatus(ctx).Creating).To(BeNil())
		Expect(w.only().Config.Secret).To(Equal("theirs"))
	})

	DescribeTable("and belongs to another object stays that object's; the other takes over when the first is gone",
		func(ctx SpecContext, policy v1alpha1.AdoptionPolicy) {
			first := w.readyHook(ctx, "first", withURL(url))
			id := w.only().ID
			second := w.hook(ctx, "second", withURL(url), withAdoption(policy))
			ready := second.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
			Expect(ready.Message).To(containAll([]string{fmt.Sprint(id), `"first"`}))
			Expect(second.hookStatus(ctx).HookID).To(BeZero())

			first.delete(ctx)
			second.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(w.onGitHub()).To(HaveLen(1))
		},
		Entry("with adoptionPolicy Never", v1alpha1.AdoptNever),
		Entry("with adoptionPolicy MatchURL", v1alpha1.AdoptMatchURL),
	)

	It("is claimed by name of its ID in vain while another object has it, and deleting the loser touches nothing", func(ctx SpecContext) {
		w.readyHook(ctx, "first")
		id := w.only().ID
		second := w.hook(ctx, "second", withHookID(id))
		second.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		writes := len(w.writes())
		second.delete(ctx)
		Expect(w.writes()).To(HaveLen(writes))
		Expect(w.only().ID).To(Equal(id))
	})

	It("is the older object's when two claim it, and the other one lets go of it", func(ctx SpecContext) {
		first := w.readyHook(ctx, "first")
		aSecondAfter(ctx, first.get(ctx).GetCreationTimestamp().Time)
		second := w.readyHook(ctx, "second", withEvents("fork"))
		id, lost := first.hookStatus(ctx).HookID, second.hookStatus(ctx).HookID
		sim.DeleteHook(w.target, lost)
		obj := second.get(ctx)
		*obj.StatusID() = id // As two passes at the same moment could leave it.
		Expect(k8s.Status().Update(ctx, obj)).To(Succeed())

		Eventually(ctx, func() int64 { // The operator's cache has to show the claim first.
			second.annotate(ctx, v1alpha1.AnnotationReconcile)
			return second.hookStatus(ctx).HookID
		}).WithPolling(200 * time.Millisecond).ShouldNot(Equal(id))
		second.told(ctx, v1alpha1.ReasonConflict, fmt.Sprint(id), `"first"`)
		second.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(second.hookStatus(ctx).HookID).NotTo(Equal(id))
		kept, _ := sim.Hook(w.target, id)
		Expect(kept.Config.URL).To(Equal("https://first.example.com/github"))

		first.look(ctx)
		Expect(first.hookStatus(ctx).HookID).To(Equal(id))
		Expect(w.onGitHub()).To(HaveLen(2))
	})

	It("stays a younger object's, whatever an older one claimed before or meant to create", func(ctx SpecContext) {
		first := w.readyHook(ctx, "first", withURL(url), withEvents("push"))
		aSecondAfter(ctx, first.get(ctx).GetCreationTimestamp().Time)
		second := w.hook(ctx, "second", withURL(url), withEvents("fork"))
		second.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		lost := w.about(githubsim.Fault{Method: "POST", DropBefore: true})
		about := lost.Match
		lost.Match = func(r githubsim.Request) bool { return about(r) && strings.Contains(string(r.Body), `"push"`) }
		broken := sim.AddFault(lost)
		DeferCleanup(broken.Remove)

		sim.DeleteHook(w.target, w.only().ID)
		first.annotate(ctx, v1alpha1.AnnotationReconcile)
		Eventually(ctx, func() *v1alpha1.Creating { return first.hookStatus(ctx).Creating }).ShouldNot(BeNil())
		second.annotate(ctx, v1alpha1.AnnotationReconcile)
		second.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		made := w.only()
		Expect(made.Events).To(ConsistOf("fork"))
		broken.Remove()

		ready := first.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(made.ID), `"second"`}))
		first.delete(ctx)
		Expect(w.only().ID).To(Equal(made.ID))
		Expect(w.only().Events).To(ConsistOf("fork"))
		second.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("in another namespace's hands is not named", func(ctx SpecContext) {
		w.readyHook(ctx, "first")
		elsewhere := newWorld(ctx, kind)
		elsewhere.owner, elsewhere.target = w.owner, w.target
		sim.AddToken(githubsim.Token{Value: elsewhere.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		second := elsewhere.hook(ctx, "second", withURL("https://first.example.com/github"), withAdoption(v1alpha1.AdoptMatchURL))
		ready := second.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(ContainSubstring("another namespace"))
		Expect(ready.Message).NotTo(ContainSubstring("first"))
	})
})
