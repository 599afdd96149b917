package githubsim_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// movable starts a server whose clock stands still until it is moved.
func movable(t *testing.T, options githubsim.Options) (githubServer, func(time.Duration)) {
	t.Helper()
	var passed atomic.Int64
	began := time.Now().Truncate(time.Second)
	options.Now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
	return start(t, options), func(d time.Duration) { passed.Add(int64(d)) }
}

func (r reply) limit(name string) string { return r.header.Get("X-RateLimit-" + name) }

func TestWrongCredentialsCarryTheNumbersOfTheAddress(t *testing.T) {
	h, pass := movable(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 5000}})
	for i := 1; i <= 61; i++ {
		answer := h.as("ghp_wrong"+strconv.Itoa(i%2), http.MethodGet, repoHooks, "")
		h.g.Expect(answer.status).To(Equal(http.StatusUnauthorized))
		h.g.Expect(answer.limit("Limit")).To(Equal("60"))
		h.g.Expect(answer.limit("Remaining")).To(Equal(strconv.Itoa(max(0, 60-i))))
		h.g.Expect(answer.limit("Resource")).To(Equal("core"))
	}
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").limit("Remaining")).To(Equal("4999"), "a login that is accepted has its own")
	pass(time.Hour)
	h.g.Expect(h.as("ghp_wrong", http.MethodGet, repoHooks, "").limit("Remaining")).To(Equal("59"))
	app, _ := h.withApp()
	late := signed(app, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(24 * time.Hour).Unix() })
	refused := h.as(late, http.MethodGet, "/app", "")
	h.g.Expect(refused.status).To(Equal(http.StatusUnauthorized))
	h.g.Expect(refused.header).NotTo(HaveKey("X-Ratelimit-Limit"), "a JWT's")
}

func TestWrongCredentialsCarryNoNumbersOnServersWithoutThem(t *testing.T) {
	h := start(t, githubsim.Options{NoAnonymousNumbers: true})
	h.g.Expect(h.as("ghp_wrong", http.MethodGet, repoHooks, "").header).NotTo(HaveKey("X-Ratelimit-Limit"))
}

func TestAnonymousRequestsAreLimited(t *testing.T) {
	h, pass := movable(t, githubsim.Options{Limits: &githubsim.Limits{Anonymous: 2, TimeScale: 60}})
	for range 2 {
		h.g.Expect(h.as("ghp_wrong", http.MethodGet, repoHooks, "").message()).To(Equal("Bad credentials"))
	}
	for _, token := range []string{"ghp_wrong", ""} {
		over := h.as(token, http.MethodGet, repoHooks, "")
		h.g.Expect(over.status).To(Equal(http.StatusForbidden))
		h.g.Expect(over.message()).To(HavePrefix("API rate limit exceeded for 127.0.0.1. (But here's the good news:"))
		h.g.Expect(over.limit("Remaining")).To(Equal("0"))
	}
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	pass(time.Minute)
	h.g.Expect(h.as("ghp_wrong", http.MethodGet, repoHooks, "").message()).To(Equal("Bad credentials"))
}

func TestWrongCredentialsAreLockedOut(t *testing.T) {
	h, pass := movable(t, githubsim.Options{Lockout: &githubsim.Lockout{Attempts: 3, Lasts: time.Hour, TimeScale: 60}})
	wrong := func() reply { return h.as("ghp_wrong", http.MethodGet, repoHooks, "") }
	for range 3 {
		h.g.Expect(wrong().status).To(Equal(http.StatusUnauthorized))
	}
	locked := wrong()
	h.g.Expect(locked.status).To(Equal(http.StatusForbidden))
	h.g.Expect(locked.message()).To(Equal("Maximum number of login attempts exceeded. Please try again later."))
	h.g.Expect(locked.header).NotTo(Or(HaveKey("Retry-After"), HaveKey("X-Ratelimit-Remaining")))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK), "another credential")

	h.AddToken(githubsim.Token{Value: "ghp_wrong", Admin: []githubsim.Target{githubsim.Everything}})
	pass(50 * time.Second)
	h.g.Expect(wrong().status).To(Equal(http.StatusForbidden), "right by now, and locked out all the same")
	pass(50 * time.Second)
	h.g.Expect(wrong().status).To(Equal(http.StatusForbidden), "each try prolongs it")
	pass(time.Minute)
	h.g.Expect(wrong().status).To(Equal(http.StatusOK))
}

func TestLockoutCountsRefusalsInARow(t *testing.T) {
	h, _ := movable(t, githubsim.Options{})
	h.SetLockout(&githubsim.Lockout{Attempts: 2})
	right := func() {
		h.AddToken(githubsim.Token{Value: "ghp_other", Admin: []githubsim.Target{githubsim.Everything}})
	}
	for range 3 {
		h.RevokeToken("ghp_other")
		h.g.Expect(h.as("ghp_other", http.MethodGet, repoHooks, "").status).To(Equal(http.StatusUnauthorized))
		right()
		h.g.Expect(h.as("ghp_other", http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	}
}

func TestLockoutOfAnAddress(t *testing.T) {
	h, pass := movable(t, githubsim.Options{})
	h.SetLockout(&githubsim.Lockout{Attempts: 2, ByAddress: true})
	for _, wrong := range []string{"ghp_1", "ghp_2"} {
		h.g.Expect(h.as(wrong, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusUnauthorized))
	}
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusForbidden), "right ones, too")
	pass(10 * time.Minute)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	h.as("ghp_1", http.MethodGet, repoHooks, "")
	h.as("ghp_2", http.MethodGet, repoHooks, "")
	h.SetLockout(nil)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
}
