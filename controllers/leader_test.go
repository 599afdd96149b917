package controllers_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// replica is one of two operators of a world, with a way to GitHub of its own, so that one can tell which of them wrote.
type replica struct {
	*operator
	web *internet
}

// takeover is how long a follower may take: the 15 s of the lease, the 2 s between its looks at it, and a slow machine.
const takeover = 30 * time.Second

// replicas starts two, of which the first leads. Only one namespace is theirs, where their Lease is, too.
func (w *world) replicas(ctx context.Context) (leader, follower replica) {
	GinkgoHelper()
	leader.web, follower.web = newInternet(), newInternet()
	w.credentialsFor(ctx, "github", "https://ghe.example.com", leader.web.ca+follower.web.ca)
	args := []string{"--leader-elect=true", "--leader-election-namespace=" + w.namespace, "--github-hosts=ghe.example.com"}
	w.withOwnOperatorEnv(ctx, leader.web.env(""), args...)
	leader.operator = w.operator
	Eventually(ctx, func() string { return w.holder(ctx) }).ShouldNot(BeEmpty())
	options := ownOperator(w.namespace, args...)
	options.env = follower.web.env("")
	follower.operator = startOperator(ctx, options)
	DeferCleanup(follower.stop)
	return leader, follower
}

// holder of the Lease in the world's namespace; empty when nobody leads.
func (w *world) holder(ctx context.Context) string {
	GinkgoHelper()
	var leases coordinationv1.LeaseList
	Expect(k8s.List(ctx, &leases, client.InNamespace(w.namespace))).To(Succeed())
	if len(leases.Items) == 0 {
		return ""
	}
	Expect(leases.Items).To(HaveLen(1))
	return ptr.Deref(leases.Items[0].Spec.HolderIdentity, "")
}

// freeze stops the process where it stands, as a paused virtual machine does, until thaw is called.
func (o *operator) freeze() (thaw func()) {
	GinkgoHelper()
	Expect(syscall.Kill(o.PID(), syscall.SIGSTOP)).To(Succeed())
	thaw = func() { _ = syscall.Kill(o.PID(), syscall.SIGCONT) }
	DeferCleanup(thaw)
	return thaw
}

// alive tells whether the process answers at all.
func (o *operator) alive() bool {
	response, err := http.Get("http://" + o.Probes + "/healthz") //nolint:noctx // As ready.
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

var _ = Describe("A leader", func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, repositories) })

	It("that is frozen is succeeded within the lease, and writes nothing more when it goes on", func(ctx SpecContext) {
		leader, follower := w.replicas(ctx)
		h := w.readyHook(ctx, "ci")
		first := w.holder(ctx)
		thaw := leader.freeze()
		h.change(ctx, withURL("https://second.example.com"))
		Eventually(ctx, func() string { return w.holder(ctx) }).WithTimeout(takeover).ShouldNot(Equal(first))
		h = h.by(follower.operator)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.change(ctx, withURL("https://third.example.com"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		before := leader.web.got()

		thaw()

		Eventually(ctx, leader.Exited()).Should(BeClosed(), "who lost the lease ends at once")
		Expect(leader.Exit()).To(HaveOccurred())
		Expect(leader.web.got()).To(Equal(before))
		Expect(w.only().Config.URL).To(Equal("https://third.example.com"))
		Expect(follower.web.gotWrites()).To(HaveLen(2))
	})

	It("that is cut off from the API server ends before another one begins, which then does the work", func(ctx SpecContext) {
		leader, follower := w.replicas(ctx)
		h := w.readyHook(ctx, "ci")
		Expect(follower.web.got()).To(BeEmpty(), "who does not lead asks GitHub nothing")
		leader.api.failing(func(apiRequest) apiFailure { return failBefore })
		leader.api.server.CloseClientConnections()
		h.change(ctx, withEvents("fork"))

		Eventually(ctx, leader.Exited()).WithTimeout(takeover).Should(BeClosed())
		Expect(leader.Exit()).To(HaveOccurred())
		h = h.by(follower.operator)
		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReady).Reason }).
			WithTimeout(takeover).Should(Equal(v1alpha1.ReasonSynced))
		Eventually(ctx, func() []string { return w.only().Events }).WithTimeout(takeover).Should(ConsistOf("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(leader.web.gotWrites()).To(HaveLen(1))
		Expect(follower.web.gotWrites()).To(HaveLen(1))
	})

	It("that is told to stop finishes the write in hand, and only then lets another one lead", func(ctx SpecContext) {
		leader, follower := w.replicas(ctx)
		first := w.holder(ctx)
		slow := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Delay: 1500 * time.Millisecond, Times: 1}))
		DeferCleanup(slow.Remove)
		h := w.hook(ctx, "ci")
		Eventually(ctx, slow.Hits).Should(Equal(1))
		Expect(leader.Terminate()).To(Succeed())
		Consistently(ctx, func() string { return w.holder(ctx) }).Should(Equal(first), "the write is not finished")

		Eventually(ctx, leader.Exited()).Should(BeClosed())
		Expect(leader.Exit()).NotTo(HaveOccurred())
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		Expect(w.holder(ctx)).NotTo(Equal(first), "the lease is released")
		h = h.by(follower.operator)
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(leader.web.gotWrites()).To(Equal([]string{"POST ghe.example.com/api/v3" + w.apiPath()}))
		Expect(follower.web.gotWrites()).To(HaveLen(1))
	})
})

var _ = Describe("Readiness", func() {
	It("is said only when the caches show what the API server has", func(ctx SpecContext) {
		w := newWorld(ctx, repositories).withOwnOperator(ctx)
		w.readyHook(ctx, "ci")
		w.operator.kill()
		for _, resource := range []string{"/secrets", "/repositorywebhooks", "/organizationwebhooks", "/appwebhookconfigs"} {
			var refused atomic.Int64
			w.operator.api.failing(func(r apiRequest) apiFailure {
				if !r.write() && strings.HasSuffix(r.path, resource) {
					refused.Add(1)
					return failBefore
				}
				return pass
			})
			w.operator.launch()
			Eventually(ctx, refused.Load).Should(BeNumerically(">", 1))
			Eventually(ctx, w.operator.alive).Should(BeTrue())
			Consistently(w.operator.ready).Should(BeFalse(), resource)

			w.operator.api.failing(nil)
			Eventually(ctx, w.operator.ready).Should(BeTrue(), w.operator.logs.String)
			w.operator.kill()
		}
	})
})
