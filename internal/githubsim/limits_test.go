package githubsim_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// limited starts a server with limits whose clock stands still until it is moved.
func limited(t *testing.T, limits githubsim.Limits) (githubServer, func(time.Duration)) {
	t.Helper()
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := start(t, githubsim.Options{Limits: &limits, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	return h, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
}

func TestPrimaryLimit(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
		h, pass := limited(t, githubsim.Limits{Hourly: 3, Status: status})
		first := h.do(http.MethodGet, repoHooks, "")
		for name, want := range map[string]string{"Limit": "3", "Remaining": "2", "Used": "1", "Resource": "core", "Reset": strconv.FormatInt(h.Requests()[0].Time.Add(time.Hour).Unix(), 10)} {
			h.g.Expect(first.header.Get("X-RateLimit-"+name)).To(Equal(want), name)
		}
		free := h.do(http.MethodGet, repoHooks, "", "If-None-Match", first.header.Get("ETag"))
		h.g.Expect(free.status).To(Equal(http.StatusNotModified))
		h.g.Expect(free.header.Get("X-RateLimit-Remaining")).To(Equal("2"))

		h.AddToken(githubsim.Token{Value: "ghp_same_user", Admin: []githubsim.Target{"*"}})
		h.AddToken(githubsim.Token{Value: "ghp_other_user", User: "mona", Admin: []githubsim.Target{"*"}})
		h.as("ghp_same_user", http.MethodGet, orgHooks, "")
		h.g.Expect(h.do(http.MethodGet, orgHooks+"/1", "").header.Get("X-RateLimit-Remaining")).To(Equal("0"), "errors count too")
		over := h.as("ghp_same_user", http.MethodGet, repoHooks, "")
		h.g.Expect(over.status).To(Equal(status))
		h.g.Expect(over.message()).To(HavePrefix("API rate limit exceeded for user octocat"))
		h.g.Expect(over.header.Get("X-RateLimit-Remaining")).To(Equal("0"))
		h.g.Expect(over.header).NotTo(HaveKey("Retry-After"))
		h.g.Expect(h.as("ghp_other_user", http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
		pass(time.Hour)
		h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	}
}

func TestSecondaryLimits(t *testing.T) {
	read := func(h githubServer, _ int) reply { return h.do(http.MethodGet, repoHooks, "") }
	write := func(h githubServer, _ int) reply { return h.do(http.MethodDelete, repoHooks+"/1", "") }
	create := func(h githubServer, i int) reply {
		return h.do(http.MethodPost, repoHooks, fmt.Sprintf(`{"config":{"url":"https://%d.example.com"}}`, i))
	}
	for name, tc := range map[string]struct {
		limits githubsim.Limits
		do     func(githubServer, int) reply
		room   int
		wait   string
		lasts  time.Duration
	}{
		"reads a minute":         {githubsim.Limits{PointsPerMinute: 10}, read, 10, "60", time.Minute},
		"writes a minute":        {githubsim.Limits{PointsPerMinute: 10}, write, 2, "60", time.Minute},
		"creates a minute":       {githubsim.Limits{CreatesPerMinute: 3}, create, 3, "60", time.Minute},
		"creates an hour":        {githubsim.Limits{CreatesPerHour: 4}, create, 4, "3600", time.Hour},
		"a shorter hour":         {githubsim.Limits{CreatesPerHour: 4, TimeScale: 60}, create, 4, "60", time.Minute},
		"nobody says how long":   {githubsim.Limits{CreatesPerHour: 1, NoRetryAfter: true}, create, 1, "", time.Hour},
		"the longest of several": {githubsim.Limits{CreatesPerMinute: 2, CreatesPerHour: 2}, create, 2, "3600", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			h, pass := limited(t, tc.limits)
			for i := range tc.room {
				h.g.Expect(tc.do(h, i).status).NotTo(Equal(http.StatusForbidden))
			}
			over := tc.do(h, tc.room)
			h.g.Expect(over.status).To(Equal(http.StatusForbidden))
			h.g.Expect(over.message()).To(HavePrefix("You have exceeded a secondary rate limit"))
			h.g.Expect(over.header.Get("Retry-After")).To(Equal(tc.wait))
			h.g.Expect(over.header).NotTo(HaveKey("X-Ratelimit-Remaining"))
			pass(tc.lasts)
			h.g.Expect(tc.do(h, tc.room+1).status).NotTo(Equal(http.StatusForbidden))
		})
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	h, _ := limited(t, githubsim.Limits{Concurrent: 2})
	// All three are in before any is answered, so that the first one judged finds too many.
	var together sync.WaitGroup
	together.Add(3)
	gathering := h.AddFault(githubsim.Fault{Match: func(githubsim.Request) bool {
		together.Done()
		together.Wait()
		return false
	}})
	statuses := make(chan int, 3)
	for range 3 {
		go func() {
			answer, _ := h.try(adminToken, http.MethodGet, repoHooks, "")
			statuses <- answer.status
		}()
	}
	got := []int{<-statuses, <-statuses, <-statuses}
	h.g.Expect(got).To(ContainElement(http.StatusForbidden))
	gathering.Remove()
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
}

func TestInstallationsHaveALimitOfTheirOwnAndJWTsNone(t *testing.T) {
	h := start(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 1}})
	app, installation := h.withApp()
	token := h.minted(app, installation, "")
	for range 3 {
		answer := h.as(signed(app, nil), http.MethodGet, "/app", "")
		h.g.Expect(answer.status).To(Equal(http.StatusOK))
		h.g.Expect(answer.header).NotTo(HaveKey("X-Ratelimit-Limit"))
	}
	h.g.Expect(h.as(token, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	h.g.Expect(h.as(h.minted(app, installation, ""), http.MethodGet, repoHooks, "").message()).To(HavePrefix("API rate limit exceeded for installation ID"))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
}

func TestGitHubsOwnLimits(t *testing.T) {
	NewWithT(t).Expect(githubsim.GitHubLimits()).To(Equal(githubsim.Limits{
		Hourly: 5000, PointsPerMinute: 900, CreatesPerMinute: 80, CreatesPerHour: 500, Concurrent: 100, Anonymous: 60,
	}))
}
