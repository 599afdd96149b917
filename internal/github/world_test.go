package github

import (
	"container/heap"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// world is a GitHub without a network whose time passes by itself: it runs what is on its agenda.
type world struct {
	now     time.Time
	agenda  agenda
	random  *rand.Rand
	budgets *Budgets
	account account
	// latency is the longest that an answer takes.
	latency time.Duration
	// answer, when set, is what the server says besides 200.
	answer func(wish) (status int, header http.Header)
	// seen are the requests by the time at which the server counted them.
	seen []counted
}

type counted struct {
	at       time.Time
	priority Priority
	cost     cost
}

// newWorld begins in 2026 with the published limits.
func newWorld(seed uint64) *world {
	w := &world{
		now:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		random:  rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // A test that repeats itself.
		account: accountsOn(Server{}).token(NewSecret(octoToken)),
		latency: 500 * time.Millisecond,
	}
	w.budgets = NewBudgets(BudgetOptions{Now: func() time.Time { return w.now }})
	return w
}

type happening struct {
	at time.Time
	do func()
}

type agenda []happening

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (w *world) at(t time.Time, do func()) { heap.Push(&w.agenda, happening{t, do}) }

// run lets time pass until nothing is left to do, or until the given time.
func (w *world) run(until time.Time) {
	for len(w.agenda) > 0 && !w.agenda[0].at.After(until) {
		next := heap.Pop(&w.agenda).(happening)
		if next.at.After(w.now) {
			w.now = next.at
		}
		next.do()
	}
}

func (w *world) someTime(most time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(most) + 1))
}

// send sends a request now, and again whenever it is told to come back; then follows what comes after it.
func (w *world) send(request wish, then func()) {
	f, retryAt := w.budgets.begin(w.account, request)
	if f == nil {
		if !retryAt.After(w.now) {
			panic("who is refused has to wait")
		}
		// A workqueue is never on time.
		w.at(retryAt.Add(w.someTime(20*time.Millisecond)), func() { w.send(request, then) })
		return
	}
	latency := w.someTime(w.latency)
	w.seen = append(w.seen, counted{w.now.Add(w.someTime(latency)), request.priority, request.cost})
	w.at(w.now.Add(latency), func() {
		status, header := http.StatusOK, http.Header{}
		if w.answer != nil {
			status, header = w.answer(request)
		}
		w.budgets.answered(f, &http.Response{StatusCode: status, Header: header}, meaningOf(status), false)
		w.budgets.read(f)
		then()
	})
}

// create makes a hook as a pass does it: the list, and then the hook.
func (w *world) create(i int, done func()) {
	path := "/repos/octo-org/repository-" + strconv.Itoa(i) + "/hooks"
	list := wish{method: http.MethodGet, path: path, cost: cost{points: 1}, create: cost{points: 5, creates: 1}}
	w.send(list, func() {
		w.send(wish{method: http.MethodPost, path: path, cost: cost{points: 5, creates: 1}}, done)
	})
}

// most is the largest sum within any window of a length, wherever it begins.
func (w *world) most(length time.Duration, of func(counted) int) int {
	slices.SortFunc(w.seen, func(a, b counted) int { return a.at.Compare(b.at) })
	most, sum, first := 0, 0, 0
	for _, s := range w.seen {
		sum += of(s)
		for !w.seen[first].at.After(s.at.Add(-length)) {
			sum -= of(w.seen[first])
			first++
		}
		most = max(most, sum)
	}
	return most
}

func pointsOf(s counted) int  { return s.cost.points }
func createsOf(s counted) int { return s.cost.creates }
