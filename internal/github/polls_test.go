package github

import (
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestPollsStretchEvenly(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	poll := func(i int) time.Duration {
		return w.budgets.pollInterval(w.account, strconv.Itoa(i), 10*time.Minute)
	}
	g.Expect(poll(0)).To(Equal(10 * time.Minute))
	for i := range 3600 {
		g.Expect(poll(i)).To(Equal(10*time.Minute), "720 points a minute are there for polls")
	}
	for i := range 10_000 {
		poll(i)
	}
	stretched := poll(0)
	g.Expect(stretched).To(BeNumerically("~", 10*time.Minute*2000/720, 2*time.Minute))
	g.Expect(stretched).To(BeNumerically(">=", 10*time.Minute*2000/720))
	for i := range 10_000 {
		g.Expect(poll(i)).To(Equal(stretched), "the same factor for all")
	}
	g.Expect(w.budgets.pollInterval(w.account, "an hourly one", time.Hour)).To(BeNumerically("~", 6*stretched, time.Microsecond))

	for i := range 200 {
		w.budgets.stopPolling(strconv.Itoa(i))
	}
	g.Expect(poll(5000)).To(Equal(stretched), "a small change does not move it")
	for i := range 7000 {
		w.budgets.stopPolling(strconv.Itoa(i))
	}
	g.Expect(poll(9000)).To(Equal(10 * time.Minute))
	w.budgets.stopPolling("nobody")
}

func TestWhoDoesNotComeBackIsGone(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	for i := range 2 * 7200 {
		w.budgets.pollInterval(w.account, strconv.Itoa(i%7200), 10*time.Minute)
	}
	poll := func() time.Duration { return w.budgets.pollInterval(w.account, "7199", 10*time.Minute) }
	stretched := poll()
	g.Expect(stretched).To(BeNumerically(">", 19*time.Minute))
	w.now = w.now.Add(2 * stretched)
	g.Expect(poll()).To(Equal(stretched))
	w.now = w.now.Add(2 * stretched)
	g.Expect(poll()).To(Equal(10 * time.Minute))
	g.Expect(w.budgets.pollings).To(HaveLen(1))
	g.Expect(w.budgets.known[w.account].polls.objects).To(Equal(1))

	w.now = w.now.Add(20 * time.Minute)
	w.budgets.pollInterval(w.account.installation(7), "7199", 10*time.Minute)
	g.Expect(w.budgets.known[w.account].polls.objects).To(BeZero(), "with another credential it counts there")
}

func TestPollsThatAreNotFree(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	poll := func() time.Duration { return w.budgets.pollInterval(w.account, "0", 10*time.Minute) }
	for i := range 1000 { // 12,000 requests an hour
		w.budgets.pollInterval(w.account, strconv.Itoa(i), 10*time.Minute)
	}
	answer := func(times, status int, cold bool) {
		for range times {
			w.now = w.now.Add(100 * time.Millisecond)
			f, _ := w.budgets.begin(w.account, get("/", Poll))
			w.budgets.answered(f, &http.Response{StatusCode: status, Header: http.Header{
				"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"4000"},
				"X-Ratelimit-Reset": {strconv.FormatInt(w.now.Add(time.Hour).Unix(), 10)},
			}}, meaningOf(status), cold)
			w.budgets.read(f)
		}
	}
	answer(1000, http.StatusOK, true)
	g.Expect(poll()).To(Equal(10*time.Minute), "what is read for the first time is not what polls are like")
	answer(1000, http.StatusNotModified, false)
	g.Expect(poll()).To(Equal(10 * time.Minute))
	answer(1000, http.StatusOK, false)
	paid := poll()
	g.Expect(paid).To(BeNumerically("~", 30*time.Minute, 3*time.Minute), "4000 of 5000 are there for polls")
	answer(2000, http.StatusNotModified, false)
	g.Expect(poll()).To(Equal(10 * time.Minute))
}

func TestWhatIsNotStretched(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	w.account.published = false
	for i := range 20_000 {
		g.Expect(w.budgets.pollInterval(w.account, strconv.Itoa(i), 10*time.Minute)).To(Equal(10*time.Minute), "the server has shown no limits")
	}
	client, err := NewClient(Options{Hosts: hostsOf(t, "github.com"), Budgets: w.budgets, App: &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048)))}})
	g.Expect(err).NotTo(HaveOccurred())
	polls := func(hooks Hooks, id string, interval time.Duration) time.Duration {
		return Poller{id, hooks, interval}.PollInterval(func() []Poller { return nil })
	}
	hooks := client.RepositoryHooks("octo-org", "hello-world")
	g.Expect(polls(hooks, "a", time.Nanosecond)).To(Equal(time.Nanosecond), "the installation is not known yet")
	g.Expect(polls(hooks, "a", 0)).To(BeZero())
	g.Expect(polls(client.AppHook(), "a", time.Microsecond)).To(BeNumerically(">", time.Millisecond), "an App's own budget is known")
	g.Expect(w.budgets.pollings).To(HaveKey("a"))
	client.StopPolling("a")
	g.Expect(w.budgets.pollings).NotTo(HaveKey("a"))

	installed, err := NewClient(Options{Hosts: hostsOf(t, "github.com"), Budgets: w.budgets, App: &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048))), InstallationID: 7}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(polls(installed.RepositoryHooks("octo-org", "hello-world"), "a", time.Hour)).To(Equal(time.Hour))
	g.Expect(w.budgets.known).NotTo(HaveKey(accountsOn(Server{}).installation(7)), "whoever names an installation need not be its App")
	installed.login.(*appLogin).tokens.known = map[int64]bool{7: true}
	g.Expect(polls(installed.RepositoryHooks("octo-org", "hello-world"), "a", time.Hour)).To(Equal(time.Hour))
	g.Expect(w.budgets.known).To(HaveKey(accountsOn(Server{}).installation(7)))
	byToken := clientOf(t, "https://github.com", octoToken, func(o *Options) { o.Budgets = w.budgets })
	g.Expect(polls(byToken.OrganizationHooks("octo-org"), "b", time.Hour)).To(Equal(time.Hour))
	g.Expect(w.budgets.known).To(HaveKey(accountsOn(Server{}).token(NewSecret(octoToken))))
}

// The first object that comes back after a restart waits as long as the last one.
func TestPollersAreCountedBeforeTheFirstOneIsAnswered(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	client := clientOf(t, "https://github.com", octoToken, func(o *Options) { o.Budgets = w.budgets })
	all := make([]Poller, 10_000)
	for i := range all {
		all[i] = Poller{strconv.Itoa(i), client.RepositoryHooks("octo-org", "hello-world"), 10 * time.Minute}
	}
	all[9999].Hooks = client.AppHook() // Of the same budget, since this is no App.
	asked := 0
	others := func() []Poller {
		asked++
		return all
	}
	first := all[0].PollInterval(others)
	g.Expect(first).To(BeNumerically("~", 10*time.Minute*2000/720, 2*time.Minute))
	for _, p := range all {
		g.Expect(p.PollInterval(others)).To(Equal(first))
	}
	g.Expect(asked).To(Equal(1))
	g.Expect(w.budgets.pollings).To(HaveLen(len(all)))
}

// Each installation has a budget of its own; whose the others are may not be known yet.
func TestPollersOfOtherInstallationsAreCountedWithThese(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(1)
	client, err := NewClient(Options{Hosts: hostsOf(t, "github.com"), Budgets: w.budgets, App: &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048)))}})
	g.Expect(err).NotTo(HaveOccurred())
	login := client.login.(*appLogin)
	login.installations.known = map[string]int64{"one": 1, "two": 2}
	login.tokens.known = map[int64]bool{1: true}
	one, two := client.OrganizationHooks("one"), client.OrganizationHooks("two")
	others := func() []Poller { return []Poller{{"a", one, time.Hour}, {"b", two, time.Hour}, {"c", one, time.Hour}} }
	counted := func(installation int64) int {
		if budget := w.budgets.known[accountsOn(Server{}).installation(installation)]; budget != nil {
			return budget.polls.objects
		}
		return 0
	}
	Poller{"a", one, time.Hour}.PollInterval(others)
	g.Expect(counted(1)).To(Equal(2))
	g.Expect(counted(2)).To(BeZero())
	login.tokens.known[2] = true
	Poller{"b", two, time.Hour}.PollInterval(others)
	g.Expect(counted(1)).To(Equal(2))
	g.Expect(counted(2)).To(Equal(1))
}

// TestTenThousandObjectsPoll shows what they take.
func TestTenThousandObjectsPoll(t *testing.T) {
	w := newWorld(1)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = "00000000-0000-4000-8000-" + strconv.Itoa(100_000_000_000+i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, id := range ids {
		w.budgets.pollInterval(w.account, id, 10*time.Minute)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(len(ids))
	t.Logf("An object that polls takes %.0f bytes.", each)
	NewWithT(t).Expect(w.budgets.pollings).To(HaveLen(len(ids)))
	NewWithT(t).Expect(each).To(BeNumerically("<", 500))
	runtime.KeepAlive(w)
}
