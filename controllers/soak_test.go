package controllers_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// A storm of everything that goes wrong. It is short in the suite and as long as SOAK_TIME says with `make soak`, which
// adds what takes long: an API server that restarts, leaders that die, limits without Retry-After.
const shortStorm = 8 * time.Second

var _ = Describe("A storm", func() {
	It("leaves every object Ready with exactly one hook and the right secret, and no hook of a deleted object", func(ctx SpecContext) {
		s := newSoak(ctx)
		GinkgoWriter.Printf("SOAK_SEED=%d, %s\n", s.seed, s.lasts)
		s.start(ctx)
		s.blow(ctx)
		s.calm(ctx)
		for _, f := range s.fleets {
			f.expectEachOnce(ctx)
		}
		s.report()
		s.limits.expectKept()
	})
})

// soak is a small fleet of each kind with its operators, and the storm around it.
type soak struct {
	seed  uint64
	lasts time.Duration
	// long: `make soak`.
	long   bool
	chance *chance
	fleets []*fleet
	// operators are one in the suite, and two that may lead in a long storm.
	operators []*operator
	faults    []*githubsim.FaultHandle
	limit     *githubsim.FaultHandle
	// skew is how far GitHub's clock is ahead of the operator's.
	skew atomic.Int64
	acts map[string]int
	// limits that GitHub told of.
	limits *limits
}

// newSoak reads SOAK_TIME and SOAK_SEED, and gives the storm a GitHub of its own, whose clock may jump.
func newSoak(ctx context.Context) *soak {
	GinkgoHelper()
	s := &soak{seed: uint64(GinkgoRandomSeed()), lasts: shortStorm, acts: map[string]int{}, limits: newLimits()} //nolint:gosec // Any number will do.
	if lasts := os.Getenv("SOAK_TIME"); lasts != "" {
		var err error
		s.lasts, err = time.ParseDuration(lasts)
		Expect(err).NotTo(HaveOccurred(), "SOAK_TIME is no duration, such as 10m")
		s.long = true
	}
	if seed := os.Getenv("SOAK_SEED"); seed != "" {
		var err error
		s.seed, err = strconv.ParseUint(seed, 10, 64)
		Expect(err).NotTo(HaveOccurred(), "SOAK_SEED is no number")
	}
	s.chance = newChance(s.seed)
	options := githubsim.Options{RequestsKept: 100_000, Now: clock(&s.skew), OnExchange: s.limits.answered}
	if s.long { // Windows of limits do not go together with short stories of a clock that jumps back.
		options.Limits = &githubsim.Limits{Hourly: 20_000, PointsPerMinute: 900, CreatesPerMinute: 80, Concurrent: 100, TimeScale: 6}
	}
	ownGitHub(options)
	sim.AddFault(githubsim.Fault{Match: s.limits.arrived})
	if s.long {
		s.ownCluster(ctx)
	}
	return s
}

// ownGitHub takes the place of the suite's until the story ends. Stories of one process run one after another.
func ownGitHub(options githubsim.Options) {
	GinkgoHelper()
	suites := sim
	options.UnstableEvents = true
	if also := options.OnExchange; openapi != nil {
		options.OnExchange = func(e githubsim.Exchange) {
			openapi.Check(e)
			if also != nil {
				also(e)
			}
		}
	}
	sim = githubsim.New(options)
	DeferCleanup(func() { sim.Close(); sim = suites })
	Expect(sim.Start()).To(Succeed())
}

// clock is GitHub's: so far ahead of the operator's as skew says.
func clock(skew *atomic.Int64) func() time.Time {
	return func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
}

// ownCluster takes the place of the suite's, because its API server restarts.
func (s *soak) ownCluster(ctx context.Context) {
	GinkgoHelper()
	suitesCluster, suitesConfig, suitesClient := cluster, config, k8s
	GinkgoT().Setenv("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT", "5s") // Open watches keep an API server from ending; then it is killed.
	startCluster(ctx)
	DeferCleanup(func() {
		_ = cluster.Stop()
		cluster, config, k8s = suitesCluster, suitesConfig, suitesClient
	})
	SetDefaultEventuallyTimeout(5 * time.Minute) // Backoff and limits without Retry-After take their time.
	DeferCleanup(func() { SetDefaultEventuallyTimeout(15 * time.Second) })
}

// start the fleets, repositories by token and organizations by App, and what looks after them.
func (s *soak) start(ctx context.Context) {
	GinkgoHelper()
	repositoryWorld, organizationWorld := newWorld(ctx, repositories), newWorld(ctx, organizations)
	app := organizationWorld.asApp(ctx)
	organizationWorld.installation = sim.Install(githubsim.Installation{AppID: app.ID, Account: organizationWorld.owner}).ID
	s.fleets = []*fleet{{world: repositoryWorld}, {world: organizationWorld, login: &app}}
	args := []string{
		"--watch-namespaces=" + repositoryWorld.namespace + "," + organizationWorld.namespace,
		"--default-interval=2s", "--leader-elect=" + strconv.FormatBool(s.long), "--leader-election-namespace=" + repositoryWorld.namespace,
	}
	replicas := 1
	if s.long {
		replicas = 2
	}
	for range replicas {
		o := startOperator(ctx, operatorOptions{args: args})
		DeferCleanup(o.stop)
		s.operators = append(s.operators, o)
	}
	for _, f := range s.fleets {
		f.soak, f.operator, f.labels = s, s.operators[0], map[string]string{ownLabel: "own"}
		f.secret = f.hmac(ctx, "shared")
		for range 4 {
			f.make(ctx)
		}
	}
}

// calm ends the storm: GitHub, the API server and the clock are well again, and one operator was just started.
func (s *soak) calm(ctx context.Context) {
	GinkgoHelper()
	for _, fault := range append(s.faults, s.limit) {
		fault.Remove()
	}
	s.skew.Store(0)
	for _, o := range s.operators {
		o.api.failing(nil)
	}
	s.operators[0].kill()
	s.limits.forget()
	s.operators[0].start(ctx)
	s.revive(ctx)
}

// revive starts operators that ended, as Kubernetes does.
func (s *soak) revive(ctx context.Context) {
	GinkgoHelper()
	for _, o := range s.operators {
		select {
		case <-o.Exited():
			s.limits.forget()
			o.start(ctx)
		default:
		}
	}
}

func (s *soak) report() {
	for _, f := range s.fleets {
		GinkgoWriter.Printf("%s: %d objects made, %d deleted, %d requests\n", f.kind.name, f.made, f.made-len(f.alive), len(f.requests()))
	}
	hits := 0
	for _, fault := range s.faults {
		hits += fault.Hits()
	}
	GinkgoWriter.Printf("%d faults of GitHub besides limits; acts: %v\n", hits, s.acts)
}

// fleet is a world whose objects come and go.
type fleet struct {
	*world
	soak *soak
	// login is the App that the fleet uses; nil is the token.
	login  *githubsim.App
	secret string
	made   int
	alive  []*hook
}

// make one more object, up to eight, so that GitHub's limit of hooks per event is no bound.
func (f *fleet) make(ctx context.Context) {
	GinkgoHelper()
	if len(f.alive) >= len(killedEvents) {
		return
	}
	policy := []v1alpha1.AdoptionPolicy{v1alpha1.AdoptNever, v1alpha1.AdoptMatchURL}[f.soak.chance.n(2)]
	h := f.hook(ctx, fmt.Sprintf("ci-%d", f.made), withSecret("shared"), withEvents(f.event()), withAdoption(policy))
	f.alive = append(f.alive, h)
	f.made++
}

func (f *fleet) event() string { return killedEvents[f.soak.chance.n(len(killedEvents))] }

// edit one object's spec.
func (f *fleet) edit(ctx context.Context) {
	GinkgoHelper()
	if len(f.alive) == 0 {
		return
	}
	h := f.alive[f.soak.chance.n(len(f.alive))]
	moved := withURL(fmt.Sprintf("https://%s-%d.example.com", h.name, f.soak.chance.n(1_000_000)))
	changes := []change{
		moved, moved, moved, moved, // A hook whose answer was lost is known by the URL that it was made with.
		withEvents(f.event(), "pull_request"),
		withActive(f.soak.chance.n(2) == 0),
		func(o controllers.Webhook) {
			o.SetAnnotations(map[string]string{v1alpha1.AnnotationReconcile: f.event()})
		},
	}
	h.change(ctx, changes[f.soak.chance.n(len(changes))])
}

// remove one object.
func (f *fleet) remove(ctx context.Context) {
	GinkgoHelper()
	if len(f.alive) == 0 {
		return
	}
	i := f.soak.chance.n(len(f.alive))
	f.alive[i].startDeleting(ctx)
	f.alive = slices.Delete(f.alive, i, i+1)
}

// rotate the secret of all hooks.
func (f *fleet) rotate(ctx context.Context) {
	GinkgoHelper()
	f.secret = f.hmac(ctx, "shared")
}

// rotateLogin makes what was used so far wrong at once: the token, or the App's installation.
func (f *fleet) rotateLogin(ctx context.Context) {
	GinkgoHelper()
	if f.login != nil {
		sim.Uninstall(f.installation)
		f.installation = sim.Install(githubsim.Installation{AppID: f.login.ID, Account: f.owner}).ID
		return
	}
	sim.RevokeToken(f.token)
	f.token = fmt.Sprintf("%stoken-%d", secretMark, f.soak.chance.n(1_000_000_000))
	restoreRights(ctx, f.world, nil)
	restoreCredentials(ctx, f.world, nil)
}

// tamper deletes or edits a hook on GitHub.
func (f *fleet) tamper(context.Context) {
	hooks := f.onGitHub()
	if len(hooks) == 0 {
		return
	}
	victim := hooks[f.soak.chance.n(len(hooks))]
	if f.soak.chance.n(2) == 0 {
		sim.DeleteHook(f.target, victim.ID)
		return
	}
	sim.EditHook(f.target, victim.ID, func(h *githubsim.Hook) { h.Active, h.Events = false, []string{"label"} })
}

// expectEachOnce holds GitHub against what the fleet's objects say.
func (f *fleet) expectEachOnce(ctx context.Context) {
	GinkgoHelper()
	for _, h := range f.alive {
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	}
	Eventually(ctx, func() int { return f.objects(ctx) }).Should(Equal(len(f.alive)), f.trouble)
	Eventually(ctx, func(g Gomega) {
		byID := map[int64]githubsim.Hook{}
		for _, h := range f.onGitHub() {
			byID[h.ID] = h
		}
		g.Expect(byID).To(HaveLen(len(f.alive)), describeHooks(f.onGitHub()))
		for _, h := range f.alive {
			obj := h.get(ctx)
			g.Expect(byID).To(HaveKey(*obj.StatusID()), h.name)
			made := byID[*obj.StatusID()]
			g.Expect(made.Config.URL).To(Equal(obj.CommonSpec().URL))
			g.Expect(made.Config.Secret).To(Equal(f.secret))
			g.Expect(made.Events).To(ConsistOf(hookSpec(obj).Events))
			g.Expect(made.Active).To(Equal(*hookSpec(obj).Active))
		}
	}).Should(Succeed(), f.trouble)
}

func (f *fleet) trouble() string { return (&hook{f.world, ""}).trouble() }

// objects of the fleet in the cluster.
func (f *fleet) objects(ctx context.Context) int {
	GinkgoHelper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(f.kind.name + "List"))
	Expect(k8s.List(ctx, list, client.InNamespace(f.namespace))).To(Succeed())
	return len(list.Items)
}
