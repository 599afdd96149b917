package controllers_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// hangingServer accepts connections and never answers. It returns its address.
func hangingServer() string {
	GinkgoHelper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Local and immediate.
	Expect(err).NotTo(HaveOccurred())
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		var open []net.Conn
		for {
			connection, err := tcp.Accept()
			if err != nil {
				break
			}
			open = append(open, connection)
		}
		for _, connection := range open {
			_ = connection.Close()
		}
	}()
	DeferCleanup(func() error {
		err := tcp.Close()
		<-accepting
		return err
	})
	return "http://" + tcp.Addr().String()
}

// stallingServer is the simulator under another address, which answers no more once it stalls.
func stallingServer() (address string, stalls *atomic.Bool) {
	GinkgoHelper()
	target, err := url.Parse(sim.URL())
	Expect(err).NotTo(HaveOccurred())
	proxy := httputil.NewSingleHostReverseProxy(target)
	stalls = &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stalls.Load() {
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	DeferCleanup(server.Close)
	return server.URL, stalls
}

// objectsOn creates objects, each for a repository of its own, whose credentials lead to a server.
func (w *world) objectsOn(ctx context.Context, server string, n int) []*hook {
	GinkgoHelper()
	w.credentialsFor(ctx, "elsewhere", server, "")
	var hooks []*hook
	for i := range n {
		name := fmt.Sprintf("elsewhere-%d", i)
		sim.AddRepository(githubsim.Target(w.owner + "/" + name))
		Expect(k8s.Create(ctx, w.object(name, withCredentials("elsewhere"), func(obj controllers.Webhook) {
			obj.(*v1alpha1.RepositoryWebhook).Spec.Repository = name
		}))).To(Succeed())
		hooks = append(hooks, &hook{w, name})
	}
	return hooks
}

// latency is how long five changes of a healthy object's URL took to reach GitHub, at the most.
func (h *hook) latency(ctx context.Context) time.Duration {
	GinkgoHelper()
	var slowest time.Duration
	for i := range 5 {
		moved := fmt.Sprintf("https://healthy-%d.example.com", i)
		begun := time.Now()
		h.change(ctx, withURL(moved))
		Eventually(ctx, func() string {
			if hooks := h.onGitHub(); len(hooks) == 1 {
				return hooks[0].Config.URL
			}
			return ""
		}).WithTimeout(time.Minute).Should(Equal(moved), h.trouble)
		slowest = max(slowest, time.Since(begun))
	}
	return slowest
}

// promptly is how soon a healthy object's change is on GitHub, whatever other servers do.
const promptly = 2 * time.Second

var _ = Describe("A server that hangs", func() {
	// operatorFor two worlds: one whose server hangs, and a healthy one.
	operatorFor := func(ctx context.Context, server string, args ...string) (elsewhere, healthy *world) {
		GinkgoHelper()
		elsewhere, healthy = newWorld(ctx, repositories), newWorld(ctx, repositories)
		elsewhere.withUsersOperator(ctx, append([]string{
			"--github-hosts=" + sim.URL() + "," + server, "--watch-namespaces=" + elsewhere.namespace + "," + healthy.namespace,
		}, args...)...)
		healthy.operator, healthy.labels = elsewhere.operator, elsewhere.labels
		return elsewhere, healthy
	}

	DescribeTable("delays no change of an object on another server",
		func(ctx SpecContext, objects int) {
			server := hangingServer()
			elsewhere, healthy := operatorFor(ctx, server)
			hooks := elsewhere.objectsOn(ctx, server, objects)
			begun := time.Now()
			h := healthy.readyHook(ctx, "ci")
			created := time.Since(begun)
			changed := h.latency(ctx)
			GinkgoWriter.Printf("beside %d objects of a server that hangs: created in %v, changed in %v at most\n", objects, created, changed)
			Expect(created).To(BeNumerically("<", promptly))
			Expect(changed).To(BeNumerically("<", promptly))
			ready := hooks[0].waitForWithin(ctx, time.Minute, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
			Expect(ready.Message).To(ContainSubstring("no answer in time"))
		},
		Entry("beside 60 of its objects", 60),
		Entry("beside 1,000 of its objects", 1000),
	)

	It("is reported by each of its objects, and written to their status once", func(ctx SpecContext) {
		server := hangingServer()
		elsewhere, _ := operatorFor(ctx, server)
		hooks := elsewhere.objectsOn(ctx, server, 20)
		for _, h := range hooks {
			ready := h.waitForWithin(ctx, time.Minute, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
			Expect(ready.Message).To(ContainSubstring("keeps trying"))
		}
		versions := func() (all []string) {
			for _, h := range hooks {
				all = append(all, h.get(ctx).GetResourceVersion())
			}
			return all
		}
		written := versions()
		Consistently(ctx, versions).WithTimeout(5 * time.Second).WithPolling(500 * time.Millisecond).Should(Equal(written))
	})

	It("although it answered before and hangs for all its objects at once delays no other server's, and all go on when it answers",
		func(ctx SpecContext) {
			server, stalls := stallingServer()
			elsewhere, healthy := operatorFor(ctx, server)
			hooks := elsewhere.objectsOn(ctx, server, 40)
			for _, h := range hooks {
				h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			}
			h := healthy.readyHook(ctx, "ci")
			stalls.Store(true)
			for _, h := range hooks {
				h.annotate(ctx, v1alpha1.AnnotationReconcile)
			}
			changed := h.latency(ctx)
			GinkgoWriter.Printf("beside %d objects of a server that begins to hang: changed in %v at most\n", len(hooks), changed)
			Expect(changed).To(BeNumerically("<", promptly))

			stalls.Store(false)
			for _, h := range hooks {
				value := h.get(ctx).GetAnnotations()[v1alpha1.AnnotationReconcile]
				Eventually(ctx, func() string { return h.get(ctx).CommonStatus().HandledRequests["reconcile"] }).
					WithTimeout(time.Minute).Should(Equal(value), h.trouble)
			}
		})

	It("at its log of deliveries alone delays no change either", func(ctx SpecContext) {
		elsewhere, healthy := operatorFor(ctx, sim.URL(), "--default-interval=1s")
		hung := elsewhere.about(githubsim.Fault{Route: repositories.route + "/hooks/{hook_id}/deliveries", Delay: time.Hour})
		handle := sim.AddFault(hung)
		DeferCleanup(handle.Remove)
		elsewhere.objectsOn(ctx, sim.URL(), 60)
		Eventually(ctx, handle.Hits).Should(BeNumerically(">", 0))
		h := healthy.readyHook(ctx, "ci")
		changed := h.latency(ctx)
		GinkgoWriter.Printf("beside 60 objects whose log hangs: changed in %v at most\n", changed)
		Expect(changed).To(BeNumerically("<", promptly))
	})
})

// refusedLogins counts the 401s that the world's token got.
func (w *world) refusedLogins() int {
	n := 0
	for _, r := range w.requests() {
		if r.Status == http.StatusUnauthorized {
			n++
		}
	}
	return n
}

var _ = Describe("A login that GitHub refuses", func() {
	const objects = 75

	It("is tried by one of its objects at growing intervals, said by all, and healed by a new Secret for all", func(ctx SpecContext) {
		w := newWorld(ctx, repositories).withOwnOperator(ctx, "--default-interval=5s")
		hooks := w.objectsOn(ctx, sim.URL(), objects)
		for _, h := range hooks {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		begun := time.Now()
		sim.RevokeToken(w.token)
		for _, h := range hooks {
			h.waitForWithin(ctx, time.Minute, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
		}
		// Those that were under way together, and one each after 1, 2, 4, 8, … seconds.
		Consistently(ctx, w.refusedLogins).WithTimeout(10 * time.Second).Should(BeNumerically("<", 25))
		GinkgoWriter.Printf("%d objects: %d requests were answered 401 in %v\n", objects, w.refusedLogins(), time.Since(begun).Round(time.Second))

		w.token = secretMark + "token-renewed"
		sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		renewed := time.Now()
		w.credentialsFor(ctx, "elsewhere", sim.URL(), "")
		for _, h := range hooks {
			h.waitForWithin(ctx, time.Minute, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		GinkgoWriter.Printf("all of them were Synced %v after the Secret changed\n", time.Since(renewed).Round(100*time.Millisecond))
	})

	It("from the start is tried by one object before the others", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		sim.RevokeToken(w.token)
		w.credentialsFor(ctx, "elsewhere", sim.URL(), "")
		w.labels = map[string]string{ownLabel: "own"}
		hooks := w.objectsOn(ctx, sim.URL(), objects)
		w.withOwnOperator(ctx)
		for _, h := range hooks {
			h.waitForWithin(ctx, time.Minute, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
		}
		Expect(w.refusedLogins()).To(BeNumerically("<=", 8))
	})
})

// waitForWithin is waitFor for what takes longer.
func (h *hook) waitForWithin(ctx context.Context, patience time.Duration, status metav1.ConditionStatus, reason string) metav1.Condition {
	GinkgoHelper()
	Eventually(ctx, func() string {
		obj := h.get(ctx)
		if obj == nil || obj.CommonStatus().ObservedGeneration != obj.GetGeneration() {
			return ""
		}
		ready := h.condition(ctx, v1alpha1.ConditionReady)
		return string(ready.Status) + " " + ready.Reason
	}).WithTimeout(patience).WithPolling(100*time.Millisecond).Should(Equal(string(status)+" "+reason), h.trouble)
	return h.waitFor(ctx, status, reason)
}
