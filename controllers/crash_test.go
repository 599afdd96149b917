package controllers_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("A crash", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	lostAnswer := func() *githubsim.FaultHandle {
		lost := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, DropAfter: true, Times: 1}))
		DeferCleanup(lost.Remove)
		return lost
	}

	DescribeTable("that loses the answer to a POST makes no second hook, whichever adoption policy",
		func(ctx SpecContext, policy v1alpha1.AdoptionPolicy) {
			lost := lostAnswer()
			h := w.readyHook(ctx, "ci", withAdoption(policy))
			Expect(lost.Hits()).To(Equal(1))
			Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
			Expect(h.hookStatus(ctx).Creating).To(BeNil())
			Expect(w.writes()).To(Equal([]string{"POST /hooks"}))
			h.told(ctx, v1alpha1.EventCreated, fmt.Sprint(w.only().ID))
		},
		Entry("Never", v1alpha1.AdoptNever),
		Entry("MatchURL", v1alpha1.AdoptMatchURL),
	)

	It("that loses the answer while the spec's URL changes leaves one hook, with the new URL and the secret", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		secret := w.hmac(ctx, "ci")
		lostAnswer()
		h := w.hook(ctx, "ci", withSecret("ci"))
		Eventually(ctx, w.onGitHub).Should(HaveLen(1))
		w.operator.kill()
		h.change(ctx, withURL("https://moved.example.com"))
		w.operator.start(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Config.URL).To(Equal("https://moved.example.com"))
		Expect(w.only().Config.Secret).To(Equal(secret))
	})

	It("that loses the answers to the POST and to the PATCH after an edit of the URL leaves one hook, which the object knows", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		posted := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Status: http.StatusBadGateway, After: true, Times: 1}))
		DeferCleanup(posted.Remove)
		h := w.hook(ctx, "ci")
		Eventually(ctx, posted.Hits).Should(Equal(1))
		w.operator.kill()
		h.change(ctx, withURL("https://moved.example.com"))
		patched := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPatch, Status: http.StatusBadGateway, After: true, Times: 1}))
		DeferCleanup(patched.Remove)

		w.operator.start(ctx)

		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(patched.Hits()).To(Equal(1))
		Expect(w.only().Config.URL).To(Equal("https://moved.example.com"))
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("that loses the answer while the object is deleted leaves no hook", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		lostAnswer()
		h := w.hook(ctx, "ci")
		Eventually(ctx, w.onGitHub).Should(HaveLen(1))
		w.operator.kill()
		h.startDeleting(ctx)
		w.operator.start(ctx)
		h.waitGone(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	// diesMakingItAgain kills the operator while its POST for a hook that somebody deleted is under way.
	diesMakingItAgain := func(ctx context.Context) *hook {
		GinkgoHelper()
		w.withOwnOperator(ctx)
		h := w.readyHook(ctx, "ci")
		sim.DeleteHook(w.target, w.only().ID)
		slow := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Delay: time.Second, DropAfter: true, Times: 1}))
		DeferCleanup(slow.Remove)
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		Eventually(ctx, slow.Hits).Should(Equal(1))
		w.operator.kill()
		return h
	}

	It("while a hook that somebody deleted is made again leaves one, and it is found at once", func(ctx SpecContext) {
		h := diesMakingItAgain(ctx)
		Eventually(ctx, w.onGitHub).Should(HaveLen(1))
		made := w.only().ID

		w.operator.start(ctx)

		Eventually(ctx, func() int64 { return h.hookStatus(ctx).HookID }).Should(Equal(made), h.trouble)
		Eventually(ctx, func() *v1alpha1.Creating { return h.hookStatus(ctx).Creating }).Should(BeNil())
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("while a hook is made again for an object that is then deleted leaves none", func(ctx SpecContext) {
		h := diesMakingItAgain(ctx)
		h.startDeleting(ctx)
		Eventually(ctx, w.onGitHub).Should(HaveLen(1))
		w.operator.start(ctx)
		h.waitGone(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	DescribeTable("of a status write makes no second hook",
		func(ctx SpecContext, failure apiFailure, nth int) {
			w.withOwnOperator(ctx)
			var writes atomic.Int64
			w.operator.api.failing(func(r apiRequest) apiFailure {
				if r.status() && int(writes.Add(1)) == nth {
					return failure
				}
				return pass
			})
			h := w.readyHook(ctx, "ci")
			Expect(w.onGitHub()).To(HaveLen(1))
			Expect(writes.Load()).To(BeNumerically(">=", nth))
			Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
			Expect(w.writes()).To(Equal([]string{"POST /hooks"}))
		},
		Entry("the intent fails", failBefore, 1),
		Entry("the intent is stored, its answer lost", failAfter, 1),
		Entry("the intent conflicts", failWith409, 1),
		Entry("the ID fails", failBefore, 2),
		Entry("the ID is stored, its answer lost", failAfter, 2),
		Entry("the ID conflicts", failWith409, 2),
	)

	It("of the operator under SIGTERM finishes the request in hand", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		slow := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Delay: 500 * time.Millisecond}))
		DeferCleanup(slow.Remove)
		h := w.hook(ctx, "ci")
		Eventually(ctx, slow.Hits).Should(Equal(1))
		w.operator.terminate()
		Expect(w.operator.Exit()).NotTo(HaveOccurred())
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		Expect(h.condition(ctx, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
	})

	It("is not needed for the cache to be behind: no hook is made on its word, and none is left behind", func(ctx SpecContext) {
		w.withOwnOperator(ctx, "--default-interval=1s")
		slow := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPost, Delay: 300 * time.Millisecond}))
		DeferCleanup(slow.Remove)
		h := w.hook(ctx, "ci")
		Eventually(ctx, slow.Hits).Should(Equal(1))
		thaw := w.operator.api.freezeWatches()
		DeferCleanup(thaw)
		Eventually(ctx, func() int64 { return h.hookStatus(ctx).HookID }).ShouldNot(BeZero())

		passes := len(w.operator.api.about(w.namespace))
		Eventually(ctx, func() int { return len(w.operator.api.about(w.namespace)) }).Should(BeNumerically(">", passes+2),
			"the operator goes on with its stale cache")
		Expect(w.onGitHub()).To(HaveLen(1))
		Expect(w.writes()).To(Equal([]string{"POST /hooks"}))

		thaw()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("and a restart cost GitHub nothing while nothing changed", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		w.hmac(ctx, "ci")
		w.readyHook(ctx, "ci", withSecret("ci"))
		calls := w.calls()
		w.operator.kill()
		w.operator.start(ctx)
		Consistently(w.calls).Should(Equal(calls))
	})

	It("of the leader hands over to the other replica, and no hook is made twice", func(ctx SpecContext) {
		args := []string{"--leader-elect=true", "--leader-election-namespace=" + w.namespace}
		w.withOwnOperator(ctx, args...)
		leader := w.operator
		follower := startOperator(ctx, ownOperator(w.namespace, args...))
		DeferCleanup(follower.stop)
		w.readyHook(ctx, "one")
		leader.terminate() // Releases the lease.
		h := &hook{w, "two"}
		w.operator = follower
		Expect(k8s.Create(ctx, w.object("two", withEvents("fork")))).To(Succeed())
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.onGitHub()).To(HaveLen(2))
	})
})

// kills is how often the operator dies in the story below.
const kills = 50

var _ = Describe("An operator that is killed again and again", func() {
	It("makes exactly one hook for each object, and leaves none behind", func(ctx SpecContext) {
		w := newWorld(ctx, repositories).withOwnOperator(ctx)
		random := rand.New(rand.NewPCG(1, uint64(GinkgoRandomSeed()))) //nolint:gosec // A story's choices.
		story := &killStory{world: w, random: random, secret: w.hmac(ctx, "shared")}
		for range kills {
			story.act(ctx)
			story.killAtRandom(ctx)
		}
		story.expectEachOnce(ctx)
		GinkgoWriter.Printf("%d kills, %d objects made, %d deleted, %d requests\n",
			kills, story.made, story.made-len(story.alive), len(w.requests()))
	})
})

// killStory is a fleet that changes while its operator dies.
type killStory struct {
	*world
	random *rand.Rand
	secret string
	made   int
	alive  []*hook
}

// killedEvents are distinct for objects that live at the same time, so that GitHub's limit of hooks per event is no bound.
var killedEvents = []string{"push", "fork", "release", "issues", "star", "watch", "create", "delete"}

// act makes one or two objects, changes one and deletes one.
func (s *killStory) act(ctx context.Context) {
	GinkgoHelper()
	for range 1 + s.random.IntN(2) {
		policy := []v1alpha1.AdoptionPolicy{v1alpha1.AdoptNever, v1alpha1.AdoptMatchURL}[s.random.IntN(2)]
		s.alive = append(s.alive, s.hook(ctx, fmt.Sprintf("ci-%d", s.made), withSecret("shared"),
			withEvents(killedEvents[s.made%len(killedEvents)]), withAdoption(policy)))
		s.made++
	}
	changed := s.alive[s.random.IntN(len(s.alive))]
	changed.change(ctx, withURL(fmt.Sprintf("https://%s-%d.example.com", changed.name, s.made)))
	if len(s.alive) > 4 {
		i := s.random.IntN(len(s.alive))
		s.alive[i].startDeleting(ctx)
		s.alive = slices.Delete(s.alive, i, i+1)
	}
}

// killAtRandom kills the operator as its next to tenth request to GitHub or the API server is under way, and starts another.
func (s *killStory) killAtRandom(ctx context.Context) {
	GinkgoHelper()
	seen, wanted := s.traffic(), 1+s.random.IntN(12)
	Eventually(ctx, s.traffic).WithPolling(time.Millisecond).WithTimeout(3 * time.Second).
		Should(Or(BeNumerically(">=", seen+wanted), Satisfy(func(int) bool { return s.quiet(ctx) })))
	s.operator.kill()
	s.operator.start(ctx)
}

// traffic counts the operator's requests about this fleet.
func (s *killStory) traffic() int { return len(s.requests()) + len(s.operator.api.about(s.namespace)) }

// quiet tells whether there is nothing left to do.
func (s *killStory) quiet(ctx context.Context) bool {
	for _, h := range s.alive {
		obj := h.get(ctx)
		if obj == nil || obj.CommonStatus().ObservedGeneration != obj.GetGeneration() {
			return false
		}
	}
	return true
}

func (s *killStory) expectEachOnce(ctx context.Context) {
	GinkgoHelper()
	for _, h := range s.alive {
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	}
	Eventually(ctx, func() int {
		list := &v1alpha1.RepositoryWebhookList{}
		Expect(k8s.List(ctx, list, client.InNamespace(s.namespace))).To(Succeed())
		return len(list.Items)
	}).Should(Equal(len(s.alive)))
	byID := map[int64]githubsim.Hook{}
	for _, h := range s.onGitHub() {
		byID[h.ID] = h
	}
	Expect(byID).To(HaveLen(len(s.alive)), "hooks on GitHub:\n"+describeHooks(s.onGitHub()))
	for _, h := range s.alive {
		obj := h.get(ctx)
		made, found := byID[*obj.StatusID()]
		Expect(found).To(BeTrue(), h.name)
		Expect(made.Config.URL).To(Equal(obj.CommonSpec().URL))
		Expect(made.Config.Secret).To(Equal(s.secret))
	}
}

func describeHooks(hooks []githubsim.Hook) string {
	var lines []string
	for _, h := range hooks {
		lines = append(lines, fmt.Sprintf("%d %s %s", h.ID, h.Config.URL, h.CreatedAt))
	}
	return strings.Join(lines, "\n")
}
