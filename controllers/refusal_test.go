package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// refusing answers the next requests to redeliver with an error, of which GitHub says so and so.
func (w *world) refusing(times, status int, message string, header http.Header) *githubsim.FaultHandle {
	fault := sim.AddFault(githubsim.Fault{
		Match: func(r githubsim.Request) bool { return w.mine(r) && strings.HasSuffix(r.Path, "/attempts") },
		Times: times, Status: status, Header: header, Body: fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest","status":"%d"}`, message, status),
	})
	DeferCleanup(fault.Remove)
	return fault
}

// refused counts the entries of status.redelivering that say so.
func (h *hook) refused(ctx context.Context) int {
	n := 0
	for _, r := range h.get(ctx).CommonStatus().Redelivering {
		if r.Refused {
			n++
		}
	}
	return n
}

// givenUp is the metric.
func (h *hook) givenUp() float64 {
	return h.operator.metric("github_webhook_redeliveries_total", h.labels(`outcome="given_up"`))
}

// statusWrites are the operator's, for objects of the world.
func (w *world) statusWrites() int {
	n := 0
	for _, r := range w.operator.api.about(w.namespace) {
		if r.status() {
			n++
		}
	}
	return n
}

// longer than it takes until GitHub's log is looked at again after a request to redeliver.
const longerThanALook = 7 * time.Second

var _ = Describe("A redelivery that GitHub refuses", func() {
	var w *world
	var receiver *githubsim.Receiver
	var url string
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, repositories)
		receiver, url = w.receiving(githubsim.NewReceiver())
	})

	DescribeTable("is asked for once, reported once and counted once", func(ctx SpecContext, status int, message string) {
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		guid := w.failing(ctx, receiver, 1)[0]
		w.refusing(0, status, message, nil)
		h.look(ctx)
		h.told(ctx, v1alpha1.EventRedeliveryGivenUp, guid, message)
		Consistently(ctx, w.attempts).WithTimeout(longerThanALook).Should(Equal(1))
		h.look(ctx)
		Expect(w.attempts()).To(Equal(1))
		Expect(h.refused(ctx)).To(Equal(1))
		Expect(h.givenUp()).To(BeNumerically("==", 1))
		Expect(count(h.events(ctx), v1alpha1.EventRedeliveryGivenUp)).To(Equal(1))
	},
		Entry("422", http.StatusUnprocessableEntity, "Delivery is too old"),
		Entry("403", http.StatusForbidden, "Resource not accessible by personal access token"),
		Entry("404", http.StatusNotFound, "Not Found"),
	)

	It("is remembered over a restart, and keeps no other from its turn", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		guids := w.failing(ctx, receiver, 12)
		Expect(receiver.Recover()).To(Succeed())
		w.refusing(11, http.StatusUnprocessableEntity, "Delivery is too old", nil)
		h.look(ctx)
		Eventually(ctx, func() int { return w.arrived(guids) }).Should(Equal(1), h.trouble)
		Eventually(ctx, func() int { return h.refused(ctx) }).Should(Equal(11))
		w.operator.kill()
		w.operator.start(ctx)
		h.look(ctx)
		Consistently(ctx, w.attempts).WithTimeout(longerThanALook).Should(Equal(len(guids)))
	})

	It("because of the login says nothing about the event", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		w.failing(ctx, receiver, 2)
		w.refusing(0, http.StatusUnauthorized, "Bad credentials", nil)
		h.look(ctx)
		Eventually(ctx, w.attempts).Should(Equal(1))
		Consistently(ctx, w.attempts).WithTimeout(longerThanALook).Should(Equal(1))
		Expect(h.refused(ctx)).To(BeZero())
		Expect(count(h.events(ctx), v1alpha1.EventRedeliveryGivenUp)).To(BeZero())
	})

	It("is part of the outcome of a request for all that failed, which ends", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withURL(url))
		guids := w.failing(ctx, receiver, 12)
		Expect(receiver.Recover()).To(Succeed())
		w.refusing(3, http.StatusUnprocessableEntity, "Delivery is too old", nil)
		h.ask(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		h.handled(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		h.told(ctx, v1alpha1.EventReplayFinished, "failed@1", "took 9 of 12", "refused 3")
		Consistently(ctx, w.attempts).WithTimeout(longerThanALook).Should(Equal(len(guids)))
		Expect(h.givenUp()).To(BeNumerically("==", 3))
		Expect(count(h.events(ctx), v1alpha1.EventRedeliveryGivenUp)).To(Equal(3))

		i := slices.IndexFunc(h.get(ctx).CommonStatus().Redelivering, func(r v1alpha1.Redelivering) bool { return r.Refused })
		refused := h.get(ctx).CommonStatus().Redelivering[i].GUID
		h.ask(ctx, v1alpha1.AnnotationRedeliver, refused)
		h.handled(ctx, v1alpha1.AnnotationRedeliver, refused)
		h.told(ctx, v1alpha1.EventReplayFinished, refused, "asked in the last 5 minutes")
	})
})

var _ = Describe("A redelivery that a limit holds back", func() {
	It("costs nothing until the limit ends", func(ctx SpecContext) {
		ownGitHub(githubsim.Options{Limits: &githubsim.Limits{Hourly: 100}})
		w := newWorld(ctx, repositories).withOwnOperator(ctx)
		receiver, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url), withRedelivery(3, time.Hour, time.Second))
		w.failing(ctx, receiver, 12)
		for range 60 { // Polls stop while a fifth is left, redeliveries while two fifths are.
			w.askGitHub(ctx, w.apiPath())
		}
		h.look(ctx)
		h.told(ctx, v1alpha1.EventDeliveryFailed)
		asked, writes := len(w.requests()), w.statusWrites()
		Consistently(ctx, func(g Gomega) {
			g.Expect(len(w.requests())).To(BeNumerically("<=", asked+2), "what the look had begun")
			g.Expect(w.statusWrites()).To(BeNumerically("<=", writes+2))
		}).WithTimeout(longerThanALook).Should(Succeed())
		Expect(w.attempts()).To(BeZero())
	})

	It("goes on at the time that the limit names, and a request for all that failed reads the log once", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		receiver, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		guids := w.failing(ctx, receiver, 12)
		for range 120 { // They are on the log's second page.
			sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{StatusCode: 200})
		}
		Expect(receiver.Recover()).To(Succeed())
		w.refusing(1, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
			http.Header{"Retry-After": {"4"}})
		h.ask(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		Eventually(ctx, w.attempts).Should(Equal(1))
		asked, writes := len(w.requests()), w.statusWrites()
		Consistently(ctx, func(g Gomega) {
			g.Expect(len(w.requests())).To(BeNumerically("<=", asked+1), "what the pass had begun")
			g.Expect(w.statusWrites()).To(BeNumerically("<=", writes+2))
		}).WithTimeout(3 * time.Second).Should(Succeed())
		h.handled(ctx, v1alpha1.AnnotationRedeliver, "failed@1")
		Eventually(ctx, func() int { return w.arrived(guids) }).Should(Equal(len(guids)), h.trouble)
		h.told(ctx, v1alpha1.EventReplayFinished, "took 12 of 12")
		further := 0
		for _, r := range w.requests() {
			if strings.Contains(r.Query, "cursor=") {
				further++
			}
		}
		Expect(further).To(Equal(1))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})

// askGitHub makes a request with the world's token, besides the operator.
func (w *world) askGitHub(ctx context.Context, path string) {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.URL()+"/api/v3"+path, http.NoBody)
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("User-Agent", "somebody else")
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	Expect(response.StatusCode).To(Equal(http.StatusOK))
}
