package github

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const (
	asJSON = "application/json; charset=utf-8"
	asPage = "text/html; charset=utf-8"
)

func TestWhatAnswersMean(t *testing.T) {
	words := func(message string) string { return fmt.Sprintf(`{"message":%q,"status":"403"}`, message) }
	for _, c := range []struct {
		name      string
		status    int
		kind      string
		body      string
		remaining string
		want      meaning
	}{
		{"a hook", 200, asJSON, `{}`, "", meaning{accepted: true}},
		{"JSON of a kind", 200, "application/vnd.github+json", `{}`, "", meaning{accepted: true}},
		{"not modified", 304, "", "", "", meaning{accepted: true}},
		{"no content", 204, "", "", "", meaning{accepted: true}},
		{"moved", 301, asJSON, words("Moved Permanently"), "", meaning{accepted: true}},
		{"a login page", 200, asPage, `<html>`, "", meaning{}},
		{"the way to a login page", 302, asPage, `<html>`, "", meaning{}},
		{"a refused login", 401, asJSON, words("Bad credentials"), "0", meaning{}},
		{"a locked login", 403, asJSON, words("Maximum number of login attempts exceeded. Please try again later."), "7", meaning{limited: true}},
		{"no such App", 404, asJSON, words("Integration not found"), "7", meaning{}},
		{"the IP address's limit", 403, asJSON, words("API rate limit exceeded for 203.0.113.7. " +
			"(But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)"),
			"0", meaning{}},
		{"no permission", 403, asJSON, words("Resource not accessible by integration"), "0", meaning{accepted: true}},
		{"not there", 404, asJSON, words("Not Found"), "7", meaning{accepted: true}},
		{"refused", 422, asJSON, words("Validation Failed"), "7", meaning{accepted: true}},
		{"a proxy's refusal", 403, asPage, `<html>no`, "7", meaning{}},
		{"a proxy's default backend", 404, "text/plain", "default backend - 404", "7", meaning{}},
		{"other JSON", 404, asJSON, `{"error":"no route"}`, "7", meaning{}},
		{"a server's own trouble", 500, asJSON, words("Server Error"), "7", meaning{}},
		{"a proxy's own trouble", 502, asPage, `<html>`, "7", meaning{}},
		{"the primary limit", 403, asJSON, words("API rate limit exceeded for user ID 1."), "0", meaning{accepted: true, limited: true}},
		{"the primary limit as 429", 429, asJSON, words("API rate limit exceeded for installation ID 1."), "0", meaning{accepted: true, limited: true}},
		{"a secondary limit", 403, asJSON, words("You have exceeded a secondary rate limit."), "7", meaning{accepted: true, limited: true, secondary: true}},
		{"a secondary limit with the last request", 403, asJSON, words("You have exceeded a secondary rate limit."), "0",
			meaning{accepted: true, limited: true, secondary: true}},
		{"a secondary limit without numbers", 429, asJSON, words("Slow down"), "", meaning{accepted: true, limited: true, secondary: true}},
		{"a proxy's limit", 429, asPage, `<html>`, "", meaning{limited: true, secondary: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			response := &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body))}
			response.Header.Set("Content-Type", c.kind)
			if c.remaining != "" {
				response.Header.Set("X-RateLimit-Remaining", c.remaining)
			}
			g.Expect(understand(response)).To(Equal(c.want))
			read, err := io.ReadAll(response.Body)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(read)).To(Equal(c.body), "the body can be read again")
		})
	}
}

// strangers are answers whose numbers are not the account's, with a budget that is used up for half an hour.
func strangers() []string {
	return []string{
		"X-RateLimit-Limit", "60", "X-RateLimit-Remaining", "0", "X-RateLimit-Resource", "core",
		"X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Minute).Unix(), 10),
	}
}

func TestNumbersThatAreSomebodyElses(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"a 401's", answers(http.StatusUnauthorized, `{"message":"Bad credentials","status":"401"}`, strangers()...), ErrUnauthorized},
		{"the IP address's limit", answers(http.StatusForbidden, `{"message":"API rate limit exceeded for 203.0.113.7. `+
			`(But here's the good news: Authenticated requests get a higher rate limit.)"}`, strangers()...), ErrUnauthorized},
		{"a proxy's page", answers(http.StatusForbidden, `<html>`, append(strangers(), "X-RateLimit-Remaining", "5", "Content-Type", asPage)...), ErrNotGitHub},
		{"a login page", answers(http.StatusOK, `<html>`, append(strangers(), "Content-Type", asPage)...), ErrUnavailable},
		{"a gateway's", answers(http.StatusBadGateway, `<html>`, append(strangers(), "Content-Type", asPage)...), ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			told := &notes{}
			budgets := NewBudgets(BudgetOptions{Observer: told, MAC: func(digest string) string { return digest }})
			tried := time.Now()
			breakers := NewBreakers(func() time.Time { return tried })
			hooks := repositoryOn(t, serve(t, c.handler), func(o *Options) { o.Budgets, o.Breakers = budgets, breakers })
			for range 80 {
				tried = tried.Add(longestLoginPause) // Else a refused login would wait.
				_, err := hooks.List(t.Context())
				g.Expect(err).To(MatchError(c.want))
				refused, _ := errors.AsType[*Error](err)
				g.Expect(refused.RetryAt).To(BeZero())
			}
			g.Expect(told.limits).To(BeEmpty(), "nor are they shown")
		})
	}
}

func TestARefusedLoginLeavesAGoodBudgetOpen(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.try(get("/", Change), w.numbers(90)...)
	for i := range 70 {
		f, retryAt := w.budgets.begin(w.account, get(strconv.Itoa(i), Poll))
		g.Expect(f).NotTo(BeNil(), retryAt.String())
		w.reply(f, http.StatusUnauthorized, "X-RateLimit-Limit", "60", "X-RateLimit-Remaining", strconv.Itoa(max(0, 59-i)),
			"X-RateLimit-Reset", strconv.FormatInt(w.now.Add(time.Hour).Unix(), 10))
	}
	b := w.budgets.known[w.account]
	g.Expect(fmt.Sprint(b.primary.limit, " ", b.primary.remaining)).To(Equal("100 90"))
}

// A list that was refused keeps no room for a creation that does not follow: 100 objects of a revoked token are told so.
func TestRoomForACreationIsGivenBack(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	for i := range 300 {
		list := wish{method: http.MethodGet, path: strconv.Itoa(i), cost: cost{points: 1}, create: cost{points: 5, creates: 1}}
		f, retryAt := w.budgets.begin(w.account, list)
		g.Expect(f).NotTo(BeNil(), retryAt.String())
		if i%2 == 0 {
			w.reply(f, http.StatusUnauthorized)
		} else {
			w.budgets.lost(f)
		}
	}
}

func TestResetsThatCannotBe(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	tell := func(remaining int, left time.Duration) time.Time {
		return w.try(get("/", Change), "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", strconv.Itoa(remaining),
			"X-RateLimit-Reset", strconv.FormatInt(w.now.Add(left).Unix(), 10), "Date", w.now.Format(http.TimeFormat))
	}
	for range 3 {
		g.Expect(tell(0, 1000*time.Hour)).To(BeZero(), "a reset in weeks closes nothing")
		g.Expect(tell(0, -1000*time.Hour)).To(BeZero(), "nor does one of weeks ago")
	}
	g.Expect(tell(0, 30*time.Minute)).To(BeZero())
	g.Expect(tell(0, 30*time.Minute)).To(Equal(w.now.Add(30*time.Minute)), "the accounting goes on")

	// The server's clock was weeks ahead, with its resets, and is put right.
	w = newWorld(1)
	ahead := w.now.Add(1000 * time.Hour)
	g.Expect(w.try(get("/", Change), "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "50",
		"X-RateLimit-Reset", strconv.FormatInt(ahead.Add(time.Hour).Unix(), 10), "Date", ahead.Format(http.TimeFormat))).To(BeZero())
	g.Expect(tell(0, 30*time.Minute)).To(BeZero())
	g.Expect(tell(0, 30*time.Minute)).To(Equal(w.now.Add(30 * time.Minute)))

	// Our clock is set back by weeks.
	w.now = w.now.Add(-1000 * time.Hour)
	g.Expect(w.try(get("/other", Change))).To(BeZero())
}

func TestAServerThatSaysWhenToComeBack(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	fail := func(status int, header ...string) time.Duration {
		f, _ := w.budgets.begin(w.account, get("/down", Change))
		g.Expect(f).NotTo(BeNil())
		at := w.reply(f, status, header...)
		if at.IsZero() {
			return 0
		}
		return at.Sub(w.now)
	}
	g.Expect(fail(http.StatusBadGateway)).To(BeZero(), "nothing said")
	g.Expect(fail(http.StatusServiceUnavailable, "Retry-After", "soon")).To(BeZero(), "nothing understood")
	g.Expect(w.try(get("/other", Change))).To(BeZero())

	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout} {
		g.Expect(fail(status, "Retry-After", "40")).To(Equal(40 * time.Second))
		end := w.now.Add(40 * time.Second)
		last := end
		for i := range 5 {
			f, retryAt := w.budgets.begin(w.account, get("/other/"+strconv.Itoa(i), Change))
			g.Expect(f).To(BeNil())
			g.Expect(retryAt).To(BeTemporally(">", last), "one after another")
			last = retryAt
		}
		g.Expect(w.budgets.isDown(w.account)).To(BeTrue())
		other, _ := w.budgets.begin(w.account.installation(9), get("/", Change))
		w.reply(other, http.StatusOK)
		w.now = end.Add(-time.Nanosecond)
		f, retryAt := w.budgets.begin(w.account, get("/down", Change))
		g.Expect(f).To(BeNil())
		g.Expect(retryAt).To(Equal(end), "who comes too early keeps his turn")
		w.now = last
		g.Expect(w.budgets.isDown(w.account)).To(BeFalse())
	}
	g.Expect(fail(http.StatusServiceUnavailable, "Retry-After", "31536000")).To(Equal(time.Hour), "a year is not believed")
}

func TestARequestThatIsHeldBackWhileTheServerIsDown(t *testing.T) {
	g := NewWithT(t)
	asked := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, "<html>Down for maintenance")
	})
	budgets := NewBudgets(BudgetOptions{})
	use := func(o *Options) { o.Budgets = budgets }
	hooks := repositoryOn(t, server, use)
	_, err := hooks.List(t.Context())
	g.Expect(err).To(MatchError(ErrUnavailable))
	g.Expect(err).NotTo(MatchError(ErrNotSent))
	for range 3 {
		_, err = hooks.Create(t.Context(), HookRequest{})
		g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ErrNotSent)))
		g.Expect(err).NotTo(MatchError(ErrRateLimited))
		held, _ := errors.AsType[*Error](err)
		g.Expect(held.RetryAt).To(BeTemporally("~", time.Now().Add(5*time.Minute), 10*time.Second))
	}
	g.Expect(err.Error()).To(Equal("POST /repos/{owner}/{repo}/hooks: it was not sent: the server answered that it is not available, and when to come back"))
	g.Expect(asked).To(Equal(1))

	_, err = clientOf(t, server.URL, "ghp_another0123456", use).RepositoryHooks("octo-org", "hello-world").List(t.Context())
	g.Expect(err).To(MatchError(ErrUnavailable))
	g.Expect(asked).To(Equal(2), "another login tries at once")
}

// 200 creations on an Enterprise Server that has the primary limit of GHE.com and no secondary ones.
func TestCreationsOnAServerOfItsOwn(t *testing.T) {
	g := NewWithT(t)
	took := map[bool]time.Duration{}
	for _, published := range []bool{true, false} {
		w := newWorld(1)
		w.latency = 100 * time.Millisecond
		w.account.published = published
		remaining := 15_000
		reset := strconv.FormatInt(w.now.Add(time.Hour).Unix(), 10)
		w.answer = func(wish) (int, http.Header) {
			remaining--
			return http.StatusOK, http.Header{
				"X-Ratelimit-Limit": {"15000"}, "X-Ratelimit-Remaining": {strconv.Itoa(remaining)}, "X-Ratelimit-Reset": {reset},
			}
		}
		begun, done := w.now, 0
		for i := range 200 {
			w.at(begun.Add(time.Duration(i)*10*time.Millisecond), func() { w.create(i, func() { done++ }) })
		}
		w.run(begun.Add(time.Hour))
		g.Expect(done).To(Equal(200))
		took[published] = w.now.Sub(begun)
	}
	t.Logf("200 creations took %s under github.com's secondary limits, and %s on a server of its own", took[true], took[false])
	g.Expect(took[true]).To(BeNumerically(">", 2*time.Minute))
	g.Expect(took[false]).To(BeNumerically("<", 5*time.Second))
}
