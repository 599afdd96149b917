package controllers_test

import (
	"context"
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("Deleting", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	It("with deletionPolicy Orphan leaves the hook, and says so", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withDeletion(v1alpha1.DeletionOrphan))
		calls := len(w.calls())
		h.delete(ctx)
		Expect(w.only().Active).To(BeTrue())
		Expect(w.calls()).To(HaveLen(calls))
		h.told(ctx, v1alpha1.EventOrphaned, fmt.Sprint(w.only().ID))
	})

	It("an object whose hook is gone already lets it go", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		sim.DeleteHook(w.target, w.only().ID)
		h.delete(ctx)
		h.told(ctx, v1alpha1.EventDeleted, "gone already")
	})

	It("an object whose target is gone lets it go with a warning that the hook may remain", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		id := w.only().ID
		sim.Remove(w.target)
		h.delete(ctx)
		h.told(ctx, v1alpha1.EventHookLeftBehind, fmt.Sprint(id), "may remain")
	})

	It("an object that never made a hook touches nothing", func(ctx SpecContext) {
		sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: "https://ci.example.com/github"}})
		h := w.hook(ctx, "ci")
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		h.delete(ctx)
		Expect(w.writes()).To(BeEmpty())
	})

	DescribeTable("is blocked where a person has to mend something, and goes on when it is mended",
		func(ctx SpecContext, cause func(*world) (mend func()), words ...string) {
			h := w.readyHook(ctx, "ci")
			id := w.only().ID
			mend := cause(w)
			h.startDeleting(ctx)
			ready := h.waitDeleting(ctx, v1alpha1.ReasonDeletionBlocked)
			Expect(ready.Status).To(Equal(metav1.ConditionFalse))
			Expect(ready.Message).To(containAll(append(words, fmt.Sprint(id), "spec.deletionPolicy to Orphan")))
			Expect(w.onGitHub()).To(HaveLen(1))

			mend()
			h.waitGone(ctx)
			Expect(w.onGitHub()).To(BeEmpty())
		},
		Entry("a revoked token", func(w *world) func() {
			sim.RevokeToken(w.token)
			return func() { restoreRights(context.Background(), w, nil) }
		}, "put a valid one there"),
		Entry("a lost permission", func(w *world) func() {
			sim.AddToken(githubsim.Token{
				Value: w.token, Kind: githubsim.FineGrained, Permissions: map[string]string{},
				Admin: []githubsim.Target{githubsim.Target(w.owner)},
			})
			return func() { restoreRights(context.Background(), w, nil) }
		}, "lacks the permission"),
	)

	It("with credentials pruned together with the object still deletes the hook", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		w.removeSecret(ctx, "github")
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	Context("after a restart, with the credentials gone", func() {
		var h *hook
		BeforeEach(func(ctx SpecContext) {
			w.withOwnOperator(ctx)
			h = w.readyHook(ctx, "ci")
			w.operator.terminate()
			w.removeSecret(ctx, "github")
			h.startDeleting(ctx)
			w.operator.start(ctx)
			ready := h.waitDeleting(ctx, v1alpha1.ReasonDeletionBlocked)
			Expect(ready.Message).To(containAll([]string{`Secret "github" does not exist`, "spec.deletionPolicy to Orphan"}))
		})

		It("is blocked until they are back", func(ctx SpecContext) {
			restoreCredentials(ctx, w, h)
			h.waitGone(ctx)
			Expect(w.onGitHub()).To(BeEmpty())
		})

		It("is blocked until the hook may be left behind", func(ctx SpecContext) {
			h.change(ctx, withDeletion(v1alpha1.DeletionOrphan))
			h.waitGone(ctx)
			Expect(w.onGitHub()).To(HaveLen(1))
		})
	})

	It("a namespace never hangs: the hook left behind is named in a log line, a metric and an Event on the operator's Pod", func(ctx SpecContext) {
		pod := "operator-" + w.namespace
		w.withOwnOperatorEnv(ctx, []string{"POD_NAME=" + pod, "POD_UID=" + pod})
		h := w.readyHook(ctx, "ci")
		id := w.only().ID
		w.operator.terminate()
		w.removeSecret(ctx, "github")
		Expect(k8s.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})).To(Succeed())
		h.startDeleting(ctx) // As the namespace controller does.
		w.operator.start(ctx)

		h.waitGone(ctx)

		Expect(w.operator.logs.about(w.namespace)).To(containAll([]string{"Left hook behind", fmt.Sprint(id)}))
		Expect(w.operator.scrape()).To(ContainSubstring(fmt.Sprintf(`github_webhook_left_behind_total{kind=%q} 1`, kind.name)))
		Eventually(ctx, func() []string { return podEvents(ctx, pod) }).Should(ContainElement(
			containAll([]string{v1alpha1.EventHookLeftBehind, fmt.Sprint(id), w.namespace})))
	})

	It("waits for GitHub when it is down", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusBadGateway}))
		h.startDeleting(ctx)
		Expect(h.waitDeleting(ctx, v1alpha1.ReasonGitHubUnavailable).Status).To(Equal(metav1.ConditionUnknown))
		down.Remove()
		h.waitGone(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})
})

var _ = Describe("Deleting the webhook of an archived repository", func() {
	It("lets the object go with a warning", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		h := w.readyHook(ctx, "ci")
		sim.SetArchived(w.target, true)
		h.delete(ctx)
		Expect(w.onGitHub()).To(HaveLen(1))
		h.told(ctx, v1alpha1.EventHookLeftBehind, fmt.Sprint(w.only().ID), "archived")
	})
})

var _ = Describe("A renamed repository", func() {
	It("keeps its webhook working through GitHub's redirects, and an Event says its new name", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		id := w.only().ID
		renamed := githubsim.Target(w.owner + "/goodbye-world")
		sim.Rename(w.target, renamed)

		h.look(ctx)
		h.told(ctx, v1alpha1.EventRenamed, string(renamed))
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		edited, found := sim.Hook(renamed, id)
		Expect(found).To(BeTrue())
		Expect(edited.Events).To(ConsistOf("fork"))

		h.delete(ctx)
		Expect(sim.Hooks(renamed)).To(BeEmpty())
	})

	It("that moved to another owner works, too", func(ctx SpecContext) {
		w, elsewhere := newWorld(ctx, repositories), newWorld(ctx, organizations)
		sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner), githubsim.Target(elsewhere.owner)}})
		h := w.readyHook(ctx, "ci")
		moved := githubsim.Target(elsewhere.owner + "/hello-world")
		sim.Rename(w.target, moved)
		h.look(ctx)
		h.told(ctx, v1alpha1.EventRenamed, string(moved))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.delete(ctx)
		Expect(sim.Hooks(moved)).To(BeEmpty())
	})
})

// waitDeleting waits for Ready's reason of an object that is being deleted.
func (h *hook) waitDeleting(ctx context.Context, reason string) metav1.Condition {
	GinkgoHelper()
	Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReady).Reason }).Should(Equal(reason), h.trouble)
	h.expectKstatus(ctx)
	return h.condition(ctx, v1alpha1.ConditionReady)
}

// podEvents are the Events on the operator's own Pod.
func podEvents(ctx context.Context, pod string) []string {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(k8s.List(ctx, &list, client.InNamespace(operatorNamespace))).To(Succeed())
	var notes []string
	for _, e := range list.Items {
		if e.Regarding.Name == pod {
			notes = append(notes, e.Reason+": "+e.Note)
		}
	}
	return notes
}
