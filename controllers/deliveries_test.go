package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// receiving starts a receiver that plays a host of the world's own, and returns it with a URL on that host.
func (w *world) receiving(receiver *githubsim.Receiver) (*githubsim.Receiver, string) {
	DeferCleanup(receiver.Close)
	host := w.namespace + ".example.com"
	sim.ResolveHost(host, receiver.Address())
	scheme, _, _ := strings.Cut(receiver.URL(), ":")
	return receiver, scheme + "://" + host + "/github"
}

// pushed lets an event happen of which the world's hooks hear, and waits until GitHub has made the deliveries.
func (w *world) pushed(ctx context.Context) {
	GinkgoHelper()
	Expect(sim.WaitDeliveries(ctx)).To(Succeed()) // A ping may be under way.
	sim.Emit(w.target, "push", "", nil)
	Expect(sim.WaitDeliveries(ctx)).To(Succeed())
}

// aboutDeliveries are the calls about deliveries, in short.
func (w *world) aboutDeliveries() []string {
	var calls []string
	for _, r := range w.requests() {
		if _, what, ok := strings.Cut(r.Route, "/deliveries"); ok {
			calls = append(calls, r.Method+" /deliveries"+what)
		}
	}
	return calls
}

// waitHealth waits for DeliveriesHealthy.
func (h *hook) waitHealth(ctx context.Context, status metav1.ConditionStatus, reason string, words ...string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		healthy := h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy)
		g.Expect(string(healthy.Status)+" "+healthy.Reason).To(Equal(string(status)+" "+reason), healthy.Message)
		g.Expect(healthy.Message).To(containAll(words))
	}).Should(Succeed(), h.trouble)
}

var _ = storiesOf("Deliveries", func(kind hookKind) {
	var w *world
	var receiver *githubsim.Receiver
	var url string
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		receiver, url = w.receiving(githubsim.NewReceiver())
	})

	It("show in the status with the newest one, counts and times", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url))
		h.waitHealth(ctx, metav1.ConditionUnknown, v1alpha1.ReasonNoDeliveries)
		Expect(w.aboutDeliveries()).To(BeEmpty(), "a new hook costs two requests")
		receiver.Fail(http.StatusTeapot)
		w.pushed(ctx)
		Expect(receiver.Recover()).To(Succeed())
		w.pushed(ctx)
		h.look(ctx)

		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered, "of the newest 3 events 1 did not")
		log := sim.Deliveries(w.target, w.only().ID)
		status := h.get(ctx).CommonStatus()
		Expect(status.LastDelivery.ID).To(Equal(fmt.Sprint(log[0].ID)))
		Expect(status.LastDelivery.GUID).To(Equal(log[0].GUID))
		Expect(status.LastDelivery.Event).To(Equal("push"))
		Expect(status.LastDelivery.Status).To(Equal("OK"))
		Expect(status.LastDelivery.StatusCode).To(BeEquivalentTo(200))
		Expect(status.LastDelivery.DeliveredAt.Time).To(BeTemporally("~", log[0].DeliveredAt, time.Second))
		Expect(status.LastDelivery.Duration).To(HaveSuffix("s"))
		Expect(status.Deliveries.Total).To(BeEquivalentTo(3))
		Expect(status.Deliveries.Failed).To(BeEquivalentTo(1))
		Expect(status.Deliveries.Since.Time).To(BeTemporally("~", log[2].DeliveredAt, time.Second))
		Expect(status.Deliveries.LastFailureTime.Time).To(BeTemporally("~", log[1].DeliveredAt, time.Second))
		Expect(status.Deliveries.LastSuccessTime.Time).To(BeTemporally("~", log[0].DeliveredAt, time.Second))
		h.told(ctx, v1alpha1.EventDeliveryFailed, log[1].GUID, "418")
	})

	DescribeTable("that fail are told with what helps, leave Ready alone, and are told again when they arrive",
		func(ctx SpecContext, start func() *githubsim.Receiver, fail func(*githubsim.Receiver), mend func(*githubsim.Receiver, *hook, SpecContext), words ...string) {
			if start != nil {
				receiver, url = w.receiving(start())
			}
			fail(receiver)
			h := w.readyHook(ctx, "ci", withURL(url))
			w.pushed(ctx)
			h.look(ctx)
			guid := sim.Deliveries(w.target, w.only().ID)[0].GUID
			h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed, append(words, "push", guid)...)
			Expect(h.condition(ctx, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
			h.told(ctx, v1alpha1.EventDeliveryFailed, append(words, guid)...)
			h.expectKstatus(ctx)
			message := h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy).Message
			h.look(ctx)
			Expect(h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy).Message).To(Equal(message), "it stays as it was")

			mend(receiver, h, ctx)
			w.pushed(ctx)
			h.look(ctx)
			h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
			h.told(ctx, v1alpha1.EventDeliveryRecovered, "push")
		},
		Entry("answered 500", nil, func(r *githubsim.Receiver) { r.Fail(500) }, recovered, "answered 500", "receiver's logs"),
		Entry("answered 404", nil, func(r *githubsim.Receiver) { r.Fail(404) }, recovered, "answered 404", "path"),
		Entry("refused", nil, func(r *githubsim.Receiver) { r.Refuse() }, recovered, "could not connect", "firewalls"),
		Entry("without an answer", nil, func(r *githubsim.Receiver) { r.Drop() }, recovered, "502"),
		Entry("timed out", nil, func(r *githubsim.Receiver) { r.Hang() }, recovered, "timed out", "10 s"),
		Entry("over a certificate that nobody trusts", func() *githubsim.Receiver { return githubsim.NewTLSReceiver() }, func(*githubsim.Receiver) {},
			func(_ *githubsim.Receiver, h *hook, ctx SpecContext) {
				h.change(ctx, withInsecureSSL(true))
				h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			}, "certificate", "insecureSSL"),
	)

	It("cost one request a look while nothing happens, and as many pages as the new ones need", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		h.look(ctx)
		calls, writes := len(w.aboutDeliveries()), h.statusWrites()
		h.look(ctx)
		Expect(w.aboutDeliveries()[calls:]).To(Equal([]string{"GET /deliveries"}))
		Expect(h.statusWrites()).To(Equal(writes + 1))

		calls = len(w.aboutDeliveries())
		for i := range 250 {
			status := githubsim.Delivery{Status: "OK", StatusCode: 200}
			if i%10 == 0 {
				status = githubsim.Delivery{Status: "Invalid HTTP Response: 500", StatusCode: 500}
			}
			sim.AddDelivery(w.target, w.only().ID, status)
		}
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered, "of the newest 100 events 10 did not")
		Expect(w.aboutDeliveries()[calls:]).To(Equal([]string{
			"GET /deliveries", "GET /deliveries", "GET /deliveries", // Nobody may see the receiver's answer, so that it is not read.
		}))
		Expect(w.operator.metric("github_webhook_deliveries_total", h.labels(`outcome="failed"`))).To(BeNumerically("==", 25))
		Expect(w.operator.metric("github_webhook_deliveries_total", h.labels(`outcome="delivered"`))).To(BeNumerically("==", 226))
	})

	It("are read back only so far, and what was left out is said", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url))
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		h.look(ctx)
		calls := len(w.aboutDeliveries())
		for range 2150 {
			sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{StatusCode: 200})
		}
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered, "only the newest 2000 deliveries were looked at")
		Expect(w.aboutDeliveries()[calls:]).To(HaveLen(20))
	})

	DescribeTable("that cannot be read are Unknown with the reason, and everything else goes on",
		func(ctx SpecContext, fault githubsim.Fault, reason string) {
			h := w.readyHook(ctx, "ci", withURL(url))
			fault.Match = func(r githubsim.Request) bool { return w.mine(r) && strings.HasSuffix(r.Path, "/deliveries") }
			handle := sim.AddFault(fault)
			h.look(ctx)
			h.waitHealth(ctx, metav1.ConditionUnknown, reason)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			h.change(ctx, withEvents("fork"))
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(w.only().Events).To(ConsistOf("fork"))

			handle.Remove()
			h.look(ctx)
			h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
		},
		Entry("without the permission", githubsim.Fault{
			Status: http.StatusForbidden, Body: `{"message":"Resource not accessible by integration","status":"403"}`,
			Header: http.Header{"X-Accepted-Github-Permissions": {"repository_hooks=read"}},
		}, v1alpha1.ReasonForbidden),
		Entry("on a server without the endpoint", githubsim.Fault{
			Status: http.StatusNotFound, Body: `{"message":"Not Found","status":"404"}`,
		}, v1alpha1.ReasonTargetNotFound),
	)

	It("are looked at with managementPolicy Observe, too", func(ctx SpecContext) {
		made := sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: url, ContentType: "json", InsecureSSL: "0"}})
		w.pushed(ctx)
		h := w.readyHook(ctx, "ci", withURL(url), withManagement(v1alpha1.Observe))
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
		receiver.Fail(500)
		sim.EditHook(w.target, made.ID, func(h *githubsim.Hook) { h.Config.ContentType = "form" })
		w.pushed(ctx)
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
		h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed)
	})

	It("to a URL from a Secret are told without its host", func(ctx SpecContext) {
		w.secret(ctx, "receiver", map[string]string{"url": url + "/" + secretMark})
		h := w.readyHook(ctx, "ci", withURLFrom("receiver", "url"))
		host := w.namespace + ".example.com"
		sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{Status: "Could not resolve host: " + host, StatusCode: 0})
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed, "could not connect")
		h.told(ctx, v1alpha1.EventDeliveryFailed, "could not connect")
		Expect(h.events(ctx)).NotTo(ContainElement(ContainSubstring(host)))
		Expect(fmt.Sprint(h.get(ctx))).NotTo(ContainSubstring(host))
	})

	It("show in the metrics, which go with the object", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url))
		w.pushed(ctx)
		receiver.Fail(503)
		w.pushed(ctx)
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed)
		value := func(name string, more ...string) float64 { return w.operator.metric(name, h.labels(more...)) }
		Eventually(ctx, func() float64 { return value("github_webhook_last_delivery_status_code") }).Should(BeNumerically("==", 503))
		Expect(value("github_webhook_ready", `reason="Synced"`)).To(BeNumerically("==", 1))
		Expect(value("github_webhook_deliveries_total", `outcome="delivered"`)).To(BeNumerically("==", 2))
		Expect(value("github_webhook_deliveries_total", `outcome="failed"`)).To(BeNumerically("==", 1))
		Expect(value("github_webhook_last_delivery_timestamp_seconds")).To(BeNumerically("~", time.Now().Unix(), 60))
		Expect(value("github_webhook_poll_interval_seconds")).To(BeNumerically("==", 600))
		h.delete(ctx)
		Eventually(ctx, w.operator.scrape).ShouldNot(ContainSubstring(w.namespace))
	})
})

var _ = Describe("What a receiver answers", func() {
	It("is quoted only where the operator is told to, and never for a URL from a Secret", func(ctx SpecContext) {
		quoting := newWorld(ctx, repositories).withOwnOperator(ctx, "--receiver-body-in-events")
		silent := newWorld(ctx, repositories)
		const answer = "no such pipeline: alpha"
		for _, w := range []*world{quoting, silent} {
			receiver, url := w.receiving(githubsim.NewReceiver())
			receiver.FailWith(422, answer)
			w.secret(ctx, "receiver", map[string]string{"url": url})
			plain := w.readyHook(ctx, "plain", withURL(url+"/plain"))
			hidden := w.readyHook(ctx, "hidden", withURLFrom("receiver", "url"), withEvents("fork"))
			Expect(sim.WaitDeliveries(ctx)).To(Succeed())
			for _, h := range []*hook{plain, hidden} {
				h.look(ctx)
				h.told(ctx, v1alpha1.EventDeliveryFailed, "answered 422")
			}
			Expect(hidden.events(ctx)).NotTo(ContainElement(ContainSubstring(answer)))
			if w == quoting {
				Expect(plain.events(ctx)).To(ContainElement(ContainSubstring(answer)))
			} else {
				Expect(plain.events(ctx)).NotTo(ContainElement(ContainSubstring(answer)))
			}
		}
	})
})

var _ = Describe("An App's deliveries", func() {
	It("show in the status, the events and the metrics", func(ctx SpecContext) {
		w := newWorld(ctx, apps)
		h := w.readyHook(ctx, "app")
		h.waitHealth(ctx, metav1.ConditionUnknown, v1alpha1.ReasonNoDeliveries)
		sim.AddDelivery(w.target, 0, githubsim.Delivery{Status: "OK", StatusCode: 202, Event: "installation", Action: "created"})
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
		failed := sim.AddDelivery(w.target, 0, githubsim.Delivery{Status: "timed out", StatusCode: 504, Event: "push"})
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed, failed.GUID, "timed out")
		h.told(ctx, v1alpha1.EventDeliveryFailed, failed.GUID)
		Expect(h.condition(ctx, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
		Eventually(ctx, func() float64 { return w.operator.metric("github_webhook_last_delivery_status_code", h.labels()) }).Should(BeNumerically("==", 504))
		h.delete(ctx)
		Eventually(ctx, w.operator.scrape).ShouldNot(ContainSubstring(w.namespace))
	})
})

var _ = Describe("Two webhooks to one URL", func() {
	It("of a repository and its organization are warned of once, where they hear of the same events", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		sim.AddOrganization(w.owner)
		organization := &hook{&world{kind: organizations, namespace: w.namespace, owner: w.owner, operator: w.operator}, "everything"}
		obj := organization.object("everything", withURL("https://ci.example.com/github"), withEvents("push", "fork"))
		Expect(k8s.Create(ctx, obj)).To(Succeed())
		organization.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)

		h := w.readyHook(ctx, "ci", withEvents("push", "release"))
		h.told(ctx, v1alpha1.EventOverlappingHooks, `"everything"`, "[push]", "twice")
		quiet := w.readyHook(ctx, "other", withEvents("push"))
		for range 2 {
			h.look(ctx)
			quiet.look(ctx)
		}
		Expect(count(h.events(ctx), v1alpha1.EventOverlappingHooks)).To(Equal(1))
		Expect(count(quiet.events(ctx), v1alpha1.EventOverlappingHooks)).To(BeZero())
	})
})

// count of events with a reason.
func count(events []string, reason string) int {
	n := 0
	for _, e := range events {
		if strings.HasPrefix(e, reason+": ") {
			n++
		}
	}
	return n
}

func recovered(r *githubsim.Receiver, _ *hook, _ SpecContext) { Expect(r.Recover()).To(Succeed()) }

// labels of the object's series.
func (h *hook) labels(more ...string) []string {
	return append([]string{
		fmt.Sprintf("kind=%q", h.kind.name), fmt.Sprintf("namespace=%q", h.namespace), fmt.Sprintf("name=%q", h.name),
	}, more...)
}

// metric is the value of the series with these labels; -1 when there is none.
func (o *operator) metric(name string, labels []string) float64 {
	GinkgoHelper()
	for line := range strings.Lines(o.scrape()) {
		if !strings.HasPrefix(line, name+"{") {
			continue
		}
		all := true
		for _, label := range labels {
			all = all && strings.Contains(line, label)
		}
		if all {
			var value float64
			_, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &value)
			Expect(err).NotTo(HaveOccurred())
			return value
		}
	}
	return -1
}

func withRedelivery(attempts int32, within, backoff time.Duration, events ...string) change {
	return func(o controllers.Webhook) {
		o.CommonSpec().Redelivery = &v1alpha1.RedeliverySpec{
			MaxAttempts: attempts, Within: &metav1.Duration{Duration: within}, Backoff: &metav1.Duration{Duration: backoff}, Events: events,
		}
	}
}
