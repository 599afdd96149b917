package controllers_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// chance makes the storm's choices. GitHub's and the API server's proxy ask it, too, from goroutines of their own.
type chance struct {
	mu     sync.Mutex
	random *rand.Rand
}

func newChance(seed uint64) *chance {
	return &chance{random: rand.New(rand.NewPCG(1, seed))} //nolint:gosec // A story's choices.
}

// n chooses one of n.
func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n)
}

// percent is true so often.
func (c *chance) percent(p float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64()*100 < p
}

// blow does one thing after another until the time is over, while GitHub has faults all along.
func (s *soak) blow(ctx context.Context) {
	GinkgoHelper()
	s.addFaults()
	acts := s.possible()
	names := slices.Sorted(maps.Keys(acts))
	for begun := time.Now(); time.Since(begun) < s.lasts; {
		s.limitAnew()
		name := names[s.chance.n(len(names))]
		s.acts[name]++
		acts[name](ctx)
		s.pause(ctx, 500)
		s.revive(ctx)
	}
}

// pause is up to so many milliseconds of the storm's own pace.
func (s *soak) pause(ctx context.Context, milliseconds int) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(s.chance.n(milliseconds)) * time.Millisecond):
	}
}

// possible acts by name. One that stands here under several names happens so much more often.
func (s *soak) possible() map[string]func(context.Context) {
	acts := map[string]func(context.Context){
		"kill": s.kill, "terminate": s.terminate, "API trouble": s.apiTrouble, "cut": s.cut, "stale cache": s.staleCache, "clock": s.jump,
	}
	for i, f := range s.fleets {
		for name, act := range map[string]func(context.Context){
			"make": f.make, "make more": f.make, "edit": f.edit, "edit more": f.edit, "edit much more": f.edit, "remove": f.remove,
			"rotate": f.rotate, "rotate login": f.rotateLogin, "tamper": f.tamper,
		} {
			acts[fmt.Sprintf("%s %d", name, i)] = act
		}
	}
	if s.long {
		acts["API server restarts"] = s.restartAPIServer
	}
	return acts
}

// addFaults makes about one in five requests fail, each fault with a chance of its own.
func (s *soak) addFaults() {
	const unavailable = `{"message":"Server Error","status":"5xx"}`
	secondary := func(status int, header http.Header) githubsim.Fault {
		return githubsim.Fault{Status: status, Header: header, Body: `{"message":"You have exceeded a secondary rate limit.","status":"403"}`}
	}
	faults := []githubsim.Fault{
		{Status: http.StatusInternalServerError, Body: unavailable},
		{Status: http.StatusBadGateway, Body: "<html>", After: true},
		{Status: http.StatusServiceUnavailable},
		{DropBefore: true}, {DropAfter: true}, {Truncate: true}, {Malformed: true},
		{Delay: 300 * time.Millisecond},
		secondary(http.StatusForbidden, http.Header{"Retry-After": {"1"}}),
		secondary(http.StatusTooManyRequests, http.Header{"Retry-After": {"2"}}),
	}
	for _, f := range faults {
		f.Match = func(githubsim.Request) bool { return s.chance.percent(2) }
		s.faults = append(s.faults, sim.AddFault(f))
	}
	if s.long { // At least a minute's wait each.
		f := secondary(http.StatusForbidden, nil)
		f.Match = func(githubsim.Request) bool { return s.chance.percent(0.1) }
		s.faults = append(s.faults, sim.AddFault(f))
	}
}

// limitAnew lets the primary limit be used up now and then, until shortly.
func (s *soak) limitAnew() {
	if s.limit != nil {
		s.limit.Remove()
	}
	s.limit = sim.AddFault(githubsim.Fault{
		Match:  func(githubsim.Request) bool { return s.chance.percent(2) },
		Status: http.StatusForbidden, Body: `{"message":"API rate limit exceeded for user ID 1.","status":"403"}`,
		Header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(time.Now().Add(2 * time.Second).Unix())}},
	})
}

func (s *soak) anyOperator() *operator { return s.operators[s.chance.n(len(s.operators))] }

func (s *soak) kill(ctx context.Context) {
	GinkgoHelper()
	o := s.anyOperator()
	o.kill()
	s.limits.forget()
	o.start(ctx)
}

// terminate one operator; where it led, another one leads now.
func (s *soak) terminate(ctx context.Context) {
	GinkgoHelper()
	o := s.anyOperator()
	o.terminate()
	s.limits.forget()
	o.start(ctx)
}

// apiTrouble lets one operator's requests to the API server fail for a moment, one in three.
func (s *soak) apiTrouble(ctx context.Context) {
	o := s.anyOperator()
	o.api.failing(func(r apiRequest) apiFailure {
		switch {
		case !s.chance.percent(33):
			return pass
		case r.write():
			return []apiFailure{failBefore, failAfter, failWith409}[s.chance.n(3)]
		default:
			return failBefore
		}
	})
	s.pause(ctx, 1000)
	o.api.failing(nil)
}

// cut breaks one operator's connections to the API server, watches included.
func (s *soak) cut(context.Context) { s.anyOperator().api.server.CloseClientConnections() }

// staleCache lets one operator's cache show nothing new for a moment.
func (s *soak) staleCache(ctx context.Context) {
	thaw := s.anyOperator().api.freezeWatches()
	defer thaw()
	s.pause(ctx, 1000)
}

// jump sets GitHub's clock back or forth for a moment: by as much as a hook's created_at may lie from the time that the
// operator noted, and by more than an App's login stands.
func (s *soak) jump(ctx context.Context) {
	const far = 90 * time.Second
	s.skew.Store(int64([]time.Duration{-far, far}[s.chance.n(2)]))
	s.pause(ctx, 1000)
	s.skew.Store(0)
}

// restartAPIServer stops it, by force if need be, and starts it again with the certificates that it had, which
// the first Stop removes.
func (s *soak) restartAPIServer(ctx context.Context) {
	GinkgoHelper()
	server := cluster.ControlPlane.GetAPIServer()
	certificates := server.CertDir
	kept := filepath.Join(GinkgoT().TempDir(), fmt.Sprintf("certificates-%d", time.Now().UnixNano()))
	Expect(os.CopyFS(kept, os.DirFS(certificates))).To(Succeed())
	_ = server.Stop()
	s.pause(ctx, 5000)
	if _, err := os.Stat(certificates); os.IsNotExist(err) {
		Expect(os.CopyFS(certificates, os.DirFS(kept))).To(Succeed())
	}
	server.CertDir = certificates
	Expect(server.Start()).To(Succeed())
	s.revive(ctx)
}
