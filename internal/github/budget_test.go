package github

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// Whatever is asked for, no window of the server's is exceeded, wherever it begins: one that is fixed is one of them.
func TestNoWindowIsExceeded(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			g := NewWithT(t)
			w := newWorld(seed)
			done := 0
			begun := w.now
			for i := range 600 {
				request := anyRequest(w.random, i)
				w.at(begun.Add(w.someTime(3*time.Minute)), func() { w.send(request, func() { done++ }) })
			}
			for i := range 100 {
				w.at(begun.Add(w.someTime(time.Hour)), func() { w.create(i, func() { done++ }) })
			}
			w.run(begun.Add(24 * time.Hour))
			g.Expect(done).To(Equal(700), "nobody waits for ever")
			g.Expect(w.most(time.Minute, pointsOf)).To(BeNumerically("<=", 900))
			g.Expect(w.most(time.Minute, createsOf)).To(BeNumerically("<=", 80))
			g.Expect(w.most(time.Hour, createsOf)).To(BeNumerically("<=", 500))
			g.Expect(w.budgets.known[w.account].turns).To(BeEmpty())
		})
	}
}

func anyRequest(random *rand.Rand, i int) wish {
	w := wish{method: http.MethodGet, path: "/" + strconv.Itoa(i%700), priority: Priority(random.IntN(3)), cost: cost{points: 1}}
	switch random.IntN(3) {
	case 0:
		w.method, w.cost = http.MethodPatch, cost{points: 5}
	case 1:
		w.method, w.cost = http.MethodPost, cost{points: 5, creates: 1}
	}
	return w
}

// 500 creations need six whole minutes: 80 at once, and 80 more with each.
func TestCreationsUseWhatTheLimitsAllow(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.latency = 100 * time.Millisecond
	begun := w.now
	done := 0
	for i := range 500 {
		w.at(begun, func() { w.create(i, func() { done++ }) })
	}
	w.run(begun.Add(time.Hour))
	g.Expect(done).To(Equal(500))
	took, least := w.now.Sub(begun), 6*time.Minute
	t.Logf("500 creations took %s, the least possible is %s: ratio %.3f", took, least, float64(took)/float64(least))
	g.Expect(float64(took) / float64(least)).To(BeNumerically("<=", 1.05))
	g.Expect(w.seen).To(HaveLen(1000), "no list was read in vain")
}

func TestThousandsWait(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	begun := w.now
	done := 0
	for i := range 3000 {
		w.at(begun, func() { w.create(i, func() { done++ }) })
	}
	w.run(begun.Add(24 * time.Hour))
	g.Expect(done).To(Equal(3000))
	took, least := w.now.Sub(begun), 5*time.Hour+6*time.Minute
	t.Logf("3000 creations took %s, the least possible is %s: ratio %.3f", took, least, float64(took)/float64(least))
	g.Expect(took).To(BeNumerically("<=", 6*time.Hour), "no slower than evenly")
	g.Expect(len(w.seen)).To(BeNumerically("<=", 6000))
	g.Expect(w.most(time.Hour, createsOf)).To(BeNumerically("<=", 500))
}

// try asks for a request and has it answered at once where it is sent.
func (w *world) try(request wish, header ...string) (retryAt time.Time) {
	f, retryAt := w.budgets.begin(w.account, request)
	if f != nil {
		w.reply(f, http.StatusOK, header...)
	}
	return retryAt
}

func (w *world) reply(f *sending, status int, header ...string) time.Time {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	retryAt := w.budgets.answered(f, &http.Response{StatusCode: status, Header: h}, meaningOf(status), false)
	w.budgets.read(f)
	return retryAt
}

// meaningOf is what GitHub's own answer of a status means.
func meaningOf(status int) meaning {
	limited := status == http.StatusTooManyRequests
	return meaning{accepted: status != http.StatusUnauthorized && !isDown(status), limited: limited, secondary: limited}
}

func get(path string, priority Priority) wish {
	return wish{method: http.MethodGet, path: path, priority: priority, cost: cost{points: 1}}
}

func change(path string) wish {
	return wish{method: http.MethodPatch, path: path, cost: cost{points: 5}}
}

// numbers are the headers of a primary limit of 100 that ends in half an hour.
func (w *world) numbers(remaining int) []string {
	return []string{
		"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", strconv.Itoa(remaining),
		"X-RateLimit-Reset", strconv.FormatInt(w.now.Add(30*time.Minute).Unix(), 10), "X-RateLimit-Resource", "core",
	}
}

func TestPrioritiesStopOneAfterAnother(t *testing.T) {
	for _, c := range []struct {
		remaining int
		sent      []bool // changes, polls, redeliveries
	}{
		{100, []bool{true, true, true}},
		{41, []bool{true, true, true}},
		{40, []bool{true, true, false}},
		{21, []bool{true, true, false}},
		{20, []bool{true, false, false}},
		{1, []bool{true, false, false}},
		{0, []bool{false, false, false}},
	} {
		t.Run(fmt.Sprintf("%d of 100 left", c.remaining), func(t *testing.T) {
			g := NewWithT(t)
			w := newWorld(1)
			w.try(get("/first", Change), w.numbers(c.remaining)...)
			for priority, sent := range c.sent {
				// What is in flight counts, so each comes alone.
				f, retryAt := w.budgets.begin(w.account, get("/next", Priority(priority)))
				g.Expect(f != nil).To(Equal(sent), fmt.Sprint(priority))
				if !sent {
					g.Expect(retryAt.Sub(w.now)).To(BeNumerically("~", 30*time.Minute, time.Second))
					continue
				}
				w.reply(f, http.StatusNotModified)
			}
		})
	}
}

func TestPointsAreLeftForChanges(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	sent := func(priority Priority) int {
		n := 0
		for w.try(get(fmt.Sprintf("/%d/%d", priority, n), priority)).IsZero() {
			n++
		}
		return n
	}
	g.Expect(sent(Redelivery)).To(Equal(540))
	g.Expect(sent(Poll)).To(Equal(180))
	g.Expect(sent(Change)).To(Equal(180))
}

func TestRequestsInFlightCount(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.try(get("/first", Change), w.numbers(2)...)
	one, _ := w.budgets.begin(w.account, get("/1", Change))
	two, _ := w.budgets.begin(w.account, get("/2", Change))
	g.Expect(one).NotTo(BeNil())
	g.Expect(two).NotTo(BeNil())
	three, retryAt := w.budgets.begin(w.account, get("/3", Change))
	g.Expect(three).To(BeNil())
	g.Expect(retryAt.Sub(w.now)).To(BeNumerically("~", 30*time.Minute, time.Second))

	w.reply(one, http.StatusNotModified, w.numbers(2)...)
	f, _ := w.budgets.begin(w.account, get("/3", Change))
	g.Expect(f).NotTo(BeNil(), "a 304 costs nothing")
	w.budgets.lost(two)
	w.budgets.lost(f)
	none, _ := w.budgets.begin(w.account, get("/4", Change))
	g.Expect(none).To(BeNil(), "what was lost may have been counted")

	w.now = w.now.Add(31 * time.Minute)
	f, _ = w.budgets.begin(w.account, get("/4", Change))
	g.Expect(f).NotTo(BeNil(), "the window is over")
	w.reply(f, http.StatusOK, w.numbers(99)...)
	g.Expect(w.budgets.known[w.account].open).To(BeZero())
}

func TestRequestsAtOnce(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	var flying []*sending
	for range requestsAtOnce {
		f, _ := w.budgets.begin(w.account, get("/", Change))
		g.Expect(f).NotTo(BeNil())
		flying = append(flying, f)
	}
	f, retryAt := w.budgets.begin(w.account, get("/", Change))
	g.Expect(f).To(BeNil())
	g.Expect(retryAt).To(Equal(w.now.Add(time.Second)))
	w.reply(flying[0], http.StatusOK)
	w.now = retryAt
	f, _ = w.budgets.begin(w.account, get("/", Change))
	g.Expect(f).NotTo(BeNil())
}

func TestAServerThatTellsOfNoLimitsHasNone(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.account.published = false
	for i := range 2000 {
		g.Expect(w.try(change(strconv.Itoa(i)))).To(BeZero())
	}
	g.Expect(w.budgets.known[w.account].windows[0].spent).To(BeEmpty(), "nothing is remembered")
	w.try(get("/", Change), w.numbers(50)...)
	sent := 0
	for w.try(change(strconv.Itoa(sent))).IsZero() {
		sent++
	}
	g.Expect(sent).To(Equal(50), "it has a primary one once it tells")
}

// creations sends as many creations as there is room for.
func (w *world) creations() int {
	sent := 0
	for sent < 200 && w.try(wish{method: http.MethodPost, path: strconv.Itoa(sent), cost: cost{points: 5, creates: 1}}).IsZero() {
		sent++
	}
	return sent
}

func TestPublishedSecondaryLimitsCountWhereTheyWerePublished(t *testing.T) {
	g := NewWithT(t)
	for address, want := range map[string]int{"https://github.com": 80, "https://octocorp.ghe.com": 80, "https://ghe.example.com": 200} {
		w := newWorld(1)
		w.account = accountsOn(serverOf(t, address)).token(NewSecret(octoToken))
		g.Expect(w.creations()).To(Equal(want), address)
	}
	simulated := newWorld(1)
	simulated.budgets.published = true
	simulated.account.published = false
	g.Expect(simulated.creations()).To(Equal(80), "a simulator of github.com")
}

func TestAnotherServersSecondaryLimitsCountFromItsFirstRefusalOn(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.account.published = false
	g.Expect(w.try(get("/", Change), "X-RateLimit-Limit", "15000", "X-RateLimit-Remaining", "14999",
		"X-RateLimit-Reset", strconv.FormatInt(w.now.Add(time.Hour).Unix(), 10))).To(BeZero())
	g.Expect(w.creations()).To(Equal(200), "a primary limit is no secondary one")

	f, _ := w.budgets.begin(w.account, change("/"))
	w.now = w.reply(f, http.StatusTooManyRequests, "Retry-After", "5")
	g.Expect(w.creations()).To(Equal(80))
	others := w.account
	w.account = w.account.token(NewSecret("ghp_other"))
	g.Expect(w.creations()).To(Equal(200), "what one login provokes does not slow another down")
	w.account = others
	w.now = w.now.Add(pacedHours * time.Hour)
	g.Expect(w.creations()).To(Equal(200), "who runs the server may have changed its limits")

	f, _ = w.budgets.begin(w.account, change("/"))
	at := w.budgets.answered(f, &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}}, meaning{accepted: true, limited: true}, false)
	w.budgets.read(f)
	w.now = at
	g.Expect(w.creations()).To(Equal(200), "nor is the primary limit's refusal")
}

func TestNothingIsSentWhileLimited(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	limit := func(header ...string) time.Duration {
		f, _ := w.budgets.begin(w.account, get("/limited", Change))
		g.Expect(f).NotTo(BeNil())
		at := w.reply(f, http.StatusTooManyRequests, header...)
		for i := range 10 {
			refused, retryAt := w.budgets.begin(w.account, get(strconv.Itoa(i), Change))
			g.Expect(refused).To(BeNil())
			g.Expect(retryAt.After(at)).To(BeTrue(), "one after another")
			again, same := w.budgets.begin(w.account, get(strconv.Itoa(i), Change))
			g.Expect(again).To(BeNil())
			g.Expect(same).To(Equal(retryAt), "who comes too early keeps his turn")
		}
		waited := at.Sub(w.now)
		w.now = at.Add(-time.Nanosecond)
		early, _ := w.budgets.begin(w.account, get("/limited", Change))
		g.Expect(early).To(BeNil())
		w.now = at
		return waited
	}
	g.Expect(limit("Retry-After", "7")).To(Equal(7 * time.Second))
	g.Expect(limit()).To(Equal(time.Minute))
	g.Expect(limit()).To(Equal(2 * time.Minute))
	g.Expect(limit()).To(Equal(4 * time.Minute))

	together := []*sending{}
	for i := range 5 {
		w.now = w.now.Add(time.Second)
		f, _ := w.budgets.begin(w.account, get("/"+strconv.Itoa(i), Change))
		together = append(together, f)
	}
	for _, f := range together {
		w.reply(f, http.StatusTooManyRequests)
	}
	until := w.budgets.known[w.account].closedUntil
	g.Expect(until.Sub(w.now)).To(Equal(16*time.Minute), "requests that flew together are one strike")
	w.now = until.Add(time.Hour)
	g.Expect(w.try(get("/", Change))).To(BeZero())
	w.now = w.now.Add(time.Second)
	g.Expect(limit()).To(Equal(time.Minute), "a good answer ends the row")
	for range 10 {
		limit()
	}
	g.Expect(limit()).To(Equal(time.Hour), "no longer than a window")
}

func TestTurns(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	for i := range 180 {
		g.Expect(w.try(change(strconv.Itoa(i)))).To(BeZero())
		w.now = w.now.Add(100 * time.Millisecond)
	}
	first := w.try(change("/first"))
	second := w.try(change("/second"))
	g.Expect(first).To(BeTemporally(">", w.now))
	g.Expect(second).To(BeTemporally(">", first))
	poll := w.try(get("/second", Poll))
	g.Expect(poll).To(Equal(second), "what is about the same waits for the same turn")

	w.now = first
	g.Expect(w.try(get("/newcomer", Poll))).NotTo(BeZero())
	g.Expect(w.try(change("/newcomer"))).NotTo(BeZero(), "the room is kept")
	g.Expect(w.try(get("/first", Change))).To(BeZero(), "the pass reads before it writes")
	g.Expect(w.try(change("/first"))).To(BeZero())

	w.now = second.Add(11 * time.Second)
	for i := range 10 {
		g.Expect(w.try(change("/late/"+strconv.Itoa(i)))).To(BeZero(), "who does not come loses his turn")
	}
}

func TestAPollsTurnDoesNotHoldAChangeUp(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	for i := range 720 {
		w.try(get(strconv.Itoa(i), Poll))
	}
	polls := w.try(get("/hook", Poll))
	g.Expect(polls).NotTo(BeZero())
	for i := range 35 {
		g.Expect(w.try(change("/other" + strconv.Itoa(i)))).To(BeZero())
	}
	g.Expect(w.try(change("/hook"))).To(BeZero(), "room for one more")
	changes := w.try(change("/hook"))
	g.Expect(changes).To(BeTemporally("<=", polls.Add(time.Second)))
}

func TestRoomForTheCreationIsKept(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	list := func(i int) wish {
		return wish{method: http.MethodGet, path: strconv.Itoa(i), cost: cost{points: 1}, create: cost{points: 5, creates: 1}}
	}
	create := func(i int) wish {
		return wish{method: http.MethodPost, path: strconv.Itoa(i), cost: cost{points: 5, creates: 1}}
	}
	for i := range 80 {
		g.Expect(w.try(list(i))).To(BeZero())
	}
	g.Expect(w.try(list(80))).NotTo(BeZero(), "it would be read in vain")
	g.Expect(w.try(create(81))).NotTo(BeZero())
	g.Expect(w.try(get("/", Change))).To(BeZero(), "other reads go on")
	for i := range 80 {
		g.Expect(w.try(create(i))).To(BeZero())
	}
}

func TestBudgetsAreForgotten(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	told := &notes{}
	w.budgets.observer = told
	w.budgets.mac = func(string) string { return "0123456789abcdef" }
	w.try(get("/", Change), w.numbers(50)...)
	g.Expect(told.limits).To(Equal([]string{"api.github.com token-01234567 50"}))
	other := w.account.installation(7)
	tick := func(by time.Duration) {
		w.now = w.now.Add(by)
		f, _ := w.budgets.begin(other, get("/", Change))
		w.reply(f, http.StatusOK)
	}
	tick(59 * time.Minute)
	g.Expect(w.budgets.known).To(HaveLen(2))
	tick(2 * time.Minute)
	g.Expect(w.budgets.known).To(HaveLen(1))
	g.Expect(told.forgotten).To(Equal([]string{"api.github.com token-01234567"}))
}

func TestNamesOfBudgets(t *testing.T) {
	g := NewWithT(t)
	w, told := newWorld(1), &notes{}
	w.budgets.observer = told
	key := ""
	w.budgets.mac = func(digest string) string {
		if key == "" {
			return ""
		}
		return strings.Repeat(key, 4) + digest
	}
	plain := fmt.Sprintf("%x", sha256.Sum256([]byte(octoToken)))
	app := func(text string) account {
		s, err := AppCredentials{ID: "123", PrivateKey: NewSecret(text)}.signer()
		g.Expect(err).NotTo(HaveOccurred())
		return accountsOn(Server{}).app(s)
	}
	token, one, two := w.account, app(pkcs1(rsaKey(t, 2048))), app(pkcs1(rsaKey(t, 2048)))
	send := func(of account) {
		w.account = of
		w.try(get("/", Change), w.numbers(50)...)
	}
	send(token)
	g.Expect(told.limits).To(BeEmpty(), "a token has no name before there is a key")
	key = "ab"
	send(token)
	send(token.installation(7))
	send(one)
	send(two)
	g.Expect(told.limits).To(Equal([]string{
		"api.github.com token-abababab 50", "api.github.com installation-7 50", "api.github.com app-123 50", "api.github.com app-123 50",
	}))
	g.Expect(strings.Join(told.limits, " ")).NotTo(ContainSubstring(plain[:8]))

	w.now = w.now.Add(59 * time.Minute)
	send(two)
	w.now = w.now.Add(2 * time.Minute)
	send(two)
	g.Expect(told.forgotten).To(ConsistOf("api.github.com token-abababab", "api.github.com installation-7"),
		"the other key of the App is in use")
}

// notes is an observer that writes down.
type notes struct {
	requests, limits, forgotten []string
}

func (n *notes) Request(host, route, method string, code int, _ time.Duration) {
	n.requests = append(n.requests, fmt.Sprint(host, " ", method, " ", route, " ", code))
}

func (n *notes) RateLimit(host, budget string, remaining int, _ time.Time) {
	n.limits = append(n.limits, fmt.Sprint(host, " ", budget, " ", remaining))
}

func (n *notes) ForgetBudget(host, budget string) {
	n.forgotten = append(n.forgotten, host+" "+budget)
}
