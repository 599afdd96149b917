package controllers_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// attempts are how often GitHub was asked to deliver again.
func (w *world) attempts() int {
	n := 0
	for _, call := range w.aboutDeliveries() {
		if strings.HasSuffix(call, "/attempts") {
			n++
		}
	}
	return n
}

// log of the world's only hook, the newest first.
func (w *world) log() []githubsim.Delivery { return sim.Deliveries(w.target, w.only().ID) }

// arrived tells how many of the guids have a delivery that arrived.
func (w *world) arrived(guids []string) int {
	ok := map[string]bool{}
	for _, d := range w.log() {
		ok[d.GUID] = ok[d.GUID] || d.Status == "OK"
	}
	n := 0
	for _, guid := range guids {
		if ok[guid] {
			n++
		}
	}
	return n
}

// failing lets so many pushes fail and returns their guids.
func (w *world) failing(ctx context.Context, receiver *githubsim.Receiver, pushes int) []string {
	GinkgoHelper()
	receiver.Fail(http.StatusServiceUnavailable)
	var guids []string
	for range pushes {
		guids = append(guids, sim.Emit(w.target, "push", "", nil))
	}
	Expect(sim.WaitDeliveries(ctx)).To(Succeed())
	return guids
}

var _ = storiesOf("Redelivery", func(kind hookKind) {
	var w *world
	var receiver *githubsim.Receiver
	var url string
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		receiver, url = w.receiving(githubsim.NewReceiver())
	})

	It("brings what failed, once each, and what arrived not again", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		w.pushed(ctx)
		guids := w.failing(ctx, receiver, 15)
		Expect(receiver.Recover()).To(Succeed())
		h.look(ctx)

		Eventually(ctx, func() int { return w.arrived(guids) }).Should(Equal(len(guids)), h.trouble)
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
		Eventually(ctx, func() []v1alpha1.Redelivering { return h.get(ctx).CommonStatus().Redelivering }).Should(BeEmpty(), h.trouble)
		Expect(w.attempts()).To(Equal(len(guids)))
		Expect(h.get(ctx).CommonStatus().Deliveries.Redelivered).To(BeEquivalentTo(len(guids)))
		Expect(h.get(ctx).CommonStatus().Deliveries.Failed).To(BeZero())
		for _, guid := range guids {
			h.told(ctx, v1alpha1.EventRedelivered, guid, "attempt 1 of 3")
		}
		Eventually(ctx, func() []string { return h.events(ctx) }).Should(ContainElement(
			MatchRegexp(`^DeliveryRecovered: Deliveries arrive again: push \S+ \(sent again\)$`)), h.trouble)
		Eventually(ctx, func() float64 {
			return w.operator.metric("github_webhook_redeliveries_total", h.labels(`outcome="delivered"`))
		}).Should(BeNumerically("==", len(guids)))
		Expect(w.operator.metric("github_webhook_redeliveries_total", h.labels(`outcome="requested"`))).To(BeNumerically("==", len(guids)))
	})

	It("waits for the backoff, doubles it, and gives up with a warning", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(2, time.Hour, time.Second))
		guid := w.failing(ctx, receiver, 1)[0]
		h.look(ctx)
		Eventually(ctx, func() []string { return h.events(ctx) }).WithTimeout(patience).Should(ContainElement(
			SatisfyAll(HavePrefix(v1alpha1.EventRedeliveryGivenUp), ContainSubstring(guid), ContainSubstring("2 more attempts"))), h.trouble)
		var times []time.Time
		for _, d := range w.log() {
			if d.GUID == guid {
				times = append(times, d.DeliveredAt)
			}
		}
		Expect(times).To(HaveLen(3))
		Expect(times[1].Sub(times[2])).To(BeNumerically(">=", time.Second))
		Expect(times[0].Sub(times[1])).To(BeNumerically(">=", 2*time.Second))
		h.look(ctx)
		Expect(w.attempts()).To(Equal(2))
		Expect(count(h.events(ctx), v1alpha1.EventRedeliveryGivenUp)).To(Equal(1))
		Expect(w.operator.metric("github_webhook_redeliveries_total", h.labels(`outcome="given_up"`))).To(BeNumerically("==", 1))
	})

	It("leaves alone what is throttled, too old, of another event, or not to be sent again at all", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url), withEvents("push", "fork"), withRedelivery(3, time.Hour, time.Second, "push"))
		plain := w.readyHook(ctx, "plain", withURL(url+"/plain"))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		failed := githubsim.Delivery{Status: "Invalid HTTP Response: 500", StatusCode: 500, Event: "push", DeliveredAt: time.Now().Add(-time.Minute)}
		for _, obj := range []*hook{h, plain} {
			id := obj.hookStatus(ctx).HookID
			throttled, old, fork := failed, failed, failed
			throttled.ThrottledAt = time.Now()
			old.DeliveredAt = time.Now().Add(-2 * time.Hour)
			fork.Event = "fork"
			for _, d := range []githubsim.Delivery{throttled, old, fork} {
				sim.AddDelivery(w.target, id, d)
			}
		}
		due := sim.AddDelivery(w.target, h.hookStatus(ctx).HookID, failed)
		sim.AddDelivery(w.target, plain.hookStatus(ctx).HookID, failed)
		h.look(ctx)
		plain.look(ctx)
		h.told(ctx, v1alpha1.EventRedelivered, due.GUID)
		Consistently(w.attempts).Should(Equal(1))
	})

	It("is not asked for twice when the operator dies in the middle", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		guids := w.failing(ctx, receiver, 3)
		lost := sim.AddFault(githubsim.Fault{Match: func(r githubsim.Request) bool {
			return w.mine(r) && strings.HasSuffix(r.Path, "/attempts")
		}, Status: http.StatusBadGateway, Delay: 200 * time.Millisecond})
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		Eventually(ctx, func() []v1alpha1.Redelivering { return h.get(ctx).CommonStatus().Redelivering }).Should(HaveLen(len(guids)), h.trouble)
		Eventually(ctx, w.attempts).ShouldNot(BeZero())
		w.operator.kill()
		asked := map[string]int{}
		lost.Remove()
		Expect(receiver.Recover()).To(Succeed())
		w.operator.start(ctx)
		h.look(ctx)

		for _, r := range w.requests() {
			if strings.HasSuffix(r.Path, "/attempts") {
				asked[r.Path]++
			}
		}
		Expect(asked).To(HaveEach(1))
	})

	It("forgets nothing over a restart", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, 5*time.Second))
		guids := w.failing(ctx, receiver, 2)
		for range 120 { // They are no longer on the log's first page.
			sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{StatusCode: 200})
		}
		h.look(ctx)
		w.operator.terminate()
		Expect(receiver.Recover()).To(Succeed())
		w.operator.start(ctx)
		h.look(ctx)
		Eventually(ctx, func() int { return w.arrived(guids) }).Should(Equal(len(guids)), h.trouble)
		Expect(w.attempts()).To(Equal(len(guids)))
	})
})

var _ = Describe("Redelivery of an App's webhook", func() {
	It("works as of any other", func(ctx SpecContext) {
		w := newWorld(ctx, apps)
		receiver, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "app", withURL(url), withRedelivery(3, time.Hour, time.Second))
		failed := sim.AddDelivery(w.target, 0, githubsim.Delivery{
			Status: "Invalid HTTP Response: 500", StatusCode: 500, Event: "installation", DeliveredAt: time.Now().Add(-time.Minute),
		})
		h.look(ctx)
		h.told(ctx, v1alpha1.EventRedelivered, failed.GUID, "installation")
		Eventually(ctx, receiver.Received).Should(ConsistOf(HaveField("GUID", failed.GUID)))
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
	})
})
