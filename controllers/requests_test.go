package controllers_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// ask for something with a value, as `kubectl annotate --overwrite` does.
func (h *hook) ask(ctx context.Context, annotation, value string) {
	GinkgoHelper()
	h.change(ctx, func(obj controllers.Webhook) {
		annotations := maps.Clone(obj.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[annotation] = value
		obj.SetAnnotations(annotations)
	})
}

// handled waits until the status says that the request was carried out or refused.
func (h *hook) handled(ctx context.Context, annotation, value string) {
	GinkgoHelper()
	_, name, _ := strings.Cut(annotation, "/")
	Eventually(ctx, func() string { return h.get(ctx).CommonStatus().HandledRequests[name] }).Should(Equal(value), h.trouble)
}

// posts to an endpoint below the hook.
func (w *world) posts(suffix string) int {
	n := 0
	for _, r := range w.requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

var _ = storiesOf("Requests by annotation", func(kind hookKind) {
	var w *world
	var receiver *githubsim.Receiver
	var h *hook
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		var url string
		receiver, url = w.receiving(githubsim.NewReceiver())
		h = w.readyHook(ctx, "ci", withURL(url))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
	})

	It("ping: the ping's outcome is told, each value is sent once", func(ctx SpecContext) {
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		h.told(ctx, v1alpha1.EventPinged, "one", "code 200")
		h.handled(ctx, v1alpha1.AnnotationPing, "one")
		h.look(ctx)
		Expect(w.posts("/pings")).To(Equal(1))

		receiver.Fail(http.StatusNotFound)
		h.ask(ctx, v1alpha1.AnnotationPing, "two")
		h.told(ctx, v1alpha1.EventPingFailed, "two", "answered 404", "path")
		Expect(w.posts("/pings")).To(Equal(2))
		Expect(count(h.events(ctx), v1alpha1.EventPinged)).To(Equal(1))
	})

	It("one that an object is born with is carried out once its webhook is there", func(ctx SpecContext) {
		_, url := w.receiving(githubsim.NewReceiver())
		born := w.readyHook(ctx, "born", withURL(url+"?born"), func(obj controllers.Webhook) {
			obj.SetAnnotations(map[string]string{v1alpha1.AnnotationPing: "first"})
		})
		born.handled(ctx, v1alpha1.AnnotationPing, "first")
		born.told(ctx, v1alpha1.EventPinged, "first", "code 200")
		Expect(w.posts("/pings")).To(Equal(1))
	})

	It("ping: one that never shows up is told after a while", func(ctx SpecContext) {
		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Active = false }) // GitHub pings no inactive hook.
		h.change(ctx, withActive(false))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		Eventually(ctx, func() []string { return h.events(ctx) }).WithTimeout(patience).Should(
			ContainElement(SatisfyAll(HavePrefix(v1alpha1.EventPingFailed), ContainSubstring("does not show"))), h.trouble)
	})

	It("are carried out once, also over a restart", func(ctx SpecContext) {
		h.delete(ctx)
		w.withOwnOperator(ctx)
		h = w.readyHook(ctx, "again")
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		h.handled(ctx, v1alpha1.AnnotationPing, "one")
		w.operator.kill()
		w.operator.start(ctx)
		h.look(ctx)
		Expect(w.posts("/pings")).To(Equal(1))
	})

	It("that come while GitHub is away are carried out when it is back", func(ctx SpecContext) {
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusServiceUnavailable}))
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReconciling).Reason }).Should(Equal(v1alpha1.ReasonGitHubUnavailable))
		Expect(h.get(ctx).CommonStatus().HandledRequests).NotTo(HaveKey("ping"))
		down.Remove()
		h.told(ctx, v1alpha1.EventPinged, "one")
	})

	It("redeliver: what failed, an event by its guid, a delivery by its id", func(ctx SpecContext) {
		guids := w.failing(ctx, receiver, 12)
		Expect(receiver.Recover()).To(Succeed())
		h.ask(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		h.handled(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		Eventually(ctx, func() int { return w.arrived(guids) }).Should(Equal(len(guids)), h.trouble)
		Expect(w.attempts()).To(Equal(len(guids)))
		h.told(ctx, v1alpha1.EventRedelivered, guids[0], "failed@1")

		sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{StatusCode: 200, GUID: "0b989ba4-242f-11e5-81e1-c7b6966d2516"})
		h.ask(ctx, v1alpha1.AnnotationRedeliver, "0b989ba4-242f-11e5-81e1-c7b6966d2516")
		h.told(ctx, v1alpha1.EventRedelivered, "0b989ba4-242f-11e5-81e1-c7b6966d2516")

		byID := sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{Status: "timed out", StatusCode: 504})
		h.ask(ctx, v1alpha1.AnnotationRedeliver, fmt.Sprint(byID.ID))
		h.told(ctx, v1alpha1.EventRedelivered, byID.GUID)
		Expect(w.attempts()).To(Equal(len(guids) + 2))
	})

	DescribeTable("redeliver: what names no delivery is refused", func(ctx SpecContext, value, why string) {
		h.ask(ctx, v1alpha1.AnnotationRedeliver, value)
		h.told(ctx, v1alpha1.EventRequestRefused, "redeliver="+value, why)
		h.handled(ctx, v1alpha1.AnnotationRedeliver, value)
		Expect(w.attempts()).To(BeZero())
	},
		Entry("an unknown guid", "ffffffff-242f-11e5-81e1-c7b6966d2516", "no delivery"),
		Entry("an unknown id", "9007199254740993", "no delivery 9007199254740993"),
		Entry("nothing that failed", "failed@1", "no failed delivery"),
		Entry("nothing of the kind", "everything", "guid"),
	)

	It("are refused while suspended, and with managementPolicy Observe, but for a look", func(ctx SpecContext) {
		annotations := []string{v1alpha1.AnnotationPing, v1alpha1.AnnotationTest, v1alpha1.AnnotationRedeliver}
		for why, changed := range map[string]change{"Observe": withManagement(v1alpha1.Observe), "spec.suspend": withSuspend(true)} {
			h.change(ctx, changed)
			for _, annotation := range annotations {
				h.ask(ctx, annotation, "failed@"+why)
				h.handled(ctx, annotation, "failed@"+why)
			}
			for _, name := range []string{"ping=", "test=", "redeliver="} {
				h.told(ctx, v1alpha1.EventRequestRefused, name+"failed@"+why, why)
			}
			h.change(ctx, withManagement(v1alpha1.Manage), withSuspend(false))
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		Expect(w.posts("/pings") + w.posts("/tests") + w.attempts()).To(BeZero())
	})
})

var _ = Describe("A test push by annotation", func() {
	It("is sent to a repository's webhook that hears of pushes, and else refused", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		receiver, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		receiver.Reset()
		h.ask(ctx, v1alpha1.AnnotationTest, "one")
		h.told(ctx, v1alpha1.EventTested, "one")
		Eventually(ctx, receiver.Received).Should(ConsistOf(HaveField("Event", "push")))
		Eventually(ctx, func() string {
			if last := h.get(ctx).CommonStatus().LastDelivery; last != nil {
				return last.Event
			}
			return ""
		}).Should(Equal("push"), h.trouble)

		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.ask(ctx, v1alpha1.AnnotationTest, "two")
		h.told(ctx, v1alpha1.EventRequestRefused, "test=two", "subscribed to push")
		Expect(w.posts("/tests")).To(Equal(1))
	})

	It("is refused at once where GitHub's API has none, with the requests that there are", func(ctx SpecContext) {
		w := newWorld(ctx, organizations)
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusServiceUnavailable}))
		DeferCleanup(down.Remove)
		h := w.hook(ctx, "ci")
		h.ask(ctx, v1alpha1.AnnotationTest, "one")
		h.told(ctx, v1alpha1.EventRequestRefused, "test=one", "an OrganizationWebhook takes requests by the annotations "+
			"github-webhooks.dev/reconcile, github-webhooks.dev/ping and github-webhooks.dev/redeliver")
		h.handled(ctx, v1alpha1.AnnotationTest, "one")
	})
})

var _ = storiesOf("An annotation that is no request", func(kind hookKind) {
	It("is answered once with those that are", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		h := w.readyHook(ctx, "ci")
		h.ask(ctx, "github-webhooks.dev/pign", "one")
		h.told(ctx, v1alpha1.EventRequestRefused, "pign=one", kind.name+" takes requests by the annotations github-webhooks.dev/reconcile, ")
		h.handled(ctx, "github-webhooks.dev/pign", "one")
		h.look(ctx)
		Expect(count(h.events(ctx), v1alpha1.EventRequestRefused)).To(Equal(1))
	})
})

var _ = Describe("Requests to an App's webhook", func() {
	It("that GitHub's API does not have are refused, a redelivery is not", func(ctx SpecContext) {
		w := newWorld(ctx, apps)
		_, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "app", withURL(url))
		for _, annotation := range []string{v1alpha1.AnnotationPing, v1alpha1.AnnotationTest} {
			h.ask(ctx, annotation, "one")
			h.handled(ctx, annotation, "one")
		}
		for _, request := range []string{"ping=one", "test=one"} {
			h.told(ctx, v1alpha1.EventRequestRefused, request,
				"an AppWebhookConfig takes requests by the annotations github-webhooks.dev/reconcile and github-webhooks.dev/redeliver")
		}
		failed := sim.AddDelivery(w.target, 0, githubsim.Delivery{Status: "timed out", StatusCode: 504, Event: "installation"})
		h.ask(ctx, v1alpha1.AnnotationRedeliver, "failed")
		h.told(ctx, v1alpha1.EventRedelivered, failed.GUID)
	})
})

var _ = Describe("A ping that GitHub does not answer", func() {
	It("is not sent twice: nobody knows whether it was made", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		_, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		lost := sim.AddFault(githubsim.Fault{Match: func(r githubsim.Request) bool {
			return w.mine(r) && strings.HasSuffix(r.Path, "/pings")
		}, DropAfter: true})
		DeferCleanup(lost.Remove)
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		h.told(ctx, v1alpha1.EventPinged, "one")
		Consistently(func() int { return w.posts("/pings") }).Should(Equal(1))
	})
})

var _ = Describe("A request whose handling could not be noted", func() {
	It("is noted later, and not carried out again", func(ctx SpecContext) {
		w := newWorld(ctx, repositories).withOwnOperator(ctx)
		h := w.readyHook(ctx, "ci")
		w.operator.api.failing(func(r apiRequest) apiFailure {
			if r.status() && w.posts("/pings") > 0 {
				return failBefore
			}
			return pass
		})
		h.ask(ctx, v1alpha1.AnnotationPing, "one")
		Eventually(ctx, func() int { return w.posts("/pings") }).Should(Equal(1))
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		Consistently(func() int { return w.posts("/pings") }).Should(Equal(1))
		w.operator.api.failing(nil)
		h.handled(ctx, v1alpha1.AnnotationPing, "one")
		Expect(w.posts("/pings")).To(Equal(1))
	})
})

var _ = Describe("An observed webhook while GitHub limits", func() {
	It("keeps a request to look until GitHub can be asked", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: "https://ci.example.com/github", ContentType: "json", InsecureSSL: "0"}})
		h := w.readyHook(ctx, "ci", withManagement(v1alpha1.Observe))
		limit := sim.AddFault(w.about(githubsim.Fault{
			Status: http.StatusTooManyRequests, Body: `{"message":"You have exceeded a secondary rate limit.","status":"429"}`,
			Header: http.Header{"Retry-After": {"2"}}, Times: 1,
		}))
		DeferCleanup(limit.Remove)
		value := h.annotate(ctx, v1alpha1.AnnotationReconcile)
		h.handled(ctx, v1alpha1.AnnotationReconcile, value)
		Expect(count(h.events(ctx), v1alpha1.EventRequestRefused)).To(BeZero())
		Expect(h.condition(ctx, v1alpha1.ConditionReconciling)).To(BeZero())
	})
})
