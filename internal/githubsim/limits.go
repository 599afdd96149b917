package githubsim

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits are GitHub's rate limits. A number that is 0 is no limit. App endpoints have none.
type Limits struct {
	// Hourly is the primary limit: requests an hour of a user's tokens together, or of an installation. 304s are free.
	Hourly int
	// PointsPerMinute, of which a read costs 1 and a write 5, CreatesPerMinute and CreatesPerHour, which count POSTs,
	// and Concurrent, requests at once, are the secondary limits.
	PointsPerMinute  int
	CreatesPerMinute int
	CreatesPerHour   int
	Concurrent       int
	// Anonymous is how many requests an hour an IP address has without a login that is accepted. A 401 counts against
	// them; when they are used up, it becomes the answer of an exceeded primary limit.
	Anonymous int
	// TimeScale makes the limits' minutes and hours shorter: 60 lets an hour last a minute. 0 is 1.
	TimeScale float64
	// Status is what a limited request gets: 403, which 0 means, or 429.
	Status int
	// NoRetryAfter leaves Retry-After out of secondary limits' answers, as GitHub sometimes does.
	NoRetryAfter bool
}

// GitHubLimits are those of github.com for a user.
func GitHubLimits() Limits {
	return Limits{
		Hourly: 5000, PointsPerMinute: 900, CreatesPerMinute: 80, CreatesPerHour: 500, Concurrent: 100, Anonymous: 60,
	}
}

// GitHub's words; the first are followed by whose limit it is.
const (
	primaryMessage   = "API rate limit exceeded for "
	secondaryMessage = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)

// limiter counts requests. A nil limiter limits nothing. Its counters are guarded by the server's lock.
type limiter struct {
	Limits
	now    func() time.Time
	usages map[string]*usage

	flying   sync.Mutex
	inFlight map[string]int
}

// usage is what one user or installation has used up.
type usage struct {
	primary                                 counter
	points, createsPerMinute, createsInHour counter
}

// counter counts within a window that begins with its first request.
type counter struct {
	used int
	ends time.Time
}

func newLimiter(limits *Limits, now func() time.Time) *limiter {
	if limits == nil {
		return nil
	}
	l := &limiter{Limits: *limits, now: now, usages: map[string]*usage{}, inFlight: map[string]int{}}
	setDefault(&l.TimeScale, 1)
	setDefault(&l.Status, http.StatusForbidden)
	return l
}

// enter counts a request in until the function it returns is called.
func (l *limiter) enter(r *http.Request) func() {
	if l == nil {
		return func() {}
	}
	key := r.Header.Get("Authorization")
	l.flying.Lock()
	defer l.flying.Unlock()
	l.inFlight[key]++
	return func() {
		l.flying.Lock()
		defer l.flying.Unlock()
		l.inFlight[key]--
		if l.inFlight[key] == 0 {
			delete(l.inFlight, key)
		}
	}
}

// check refuses a request for which there is no room.
func (l *limiter) check(c *call) *answer {
	if l == nil || c.caller == nil || c.caller.app != nil {
		return nil
	}
	u := l.usage(c)
	if l.Hourly > 0 && u.primary.used >= l.Hourly {
		return c.refuse(l.Status, primaryMessage+c.caller.budget()+".")
	}
	now := l.now()
	// Where several secondary limits are exceeded, the longest counts.
	var until time.Time
	for _, full := range []struct {
		counter counter
		limit   int
		cost    int
	}{
		{u.points, l.PointsPerMinute, points(c.request)},
		{u.createsPerMinute, l.CreatesPerMinute, creates(c.request)},
		{u.createsInHour, l.CreatesPerHour, creates(c.request)},
	} {
		if full.limit > 0 && full.cost > 0 && full.counter.used+full.cost > full.limit && full.counter.ends.After(until) {
			until = full.counter.ends
		}
	}
	if l.tooMany(c.request) {
		until = now.Add(l.scaled(time.Minute))
	}
	if until.IsZero() {
		return nil
	}
	refusal := c.refuse(l.Status, secondaryMessage)
	if !l.NoRetryAfter {
		refusal.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(until.Sub(now).Seconds()))))
	}
	return refusal
}

func (l *limiter) tooMany(r *http.Request) bool {
	l.flying.Lock()
	defer l.flying.Unlock()
	return l.Concurrent > 0 && l.inFlight[r.Header.Get("Authorization")] > l.Concurrent
}

// account counts a request that was answered and tells the client what is left. What was refused by a limit is not
// counted.
func (l *limiter) account(c *call, a *answer) {
	if l == nil || c.caller == nil || c.caller.app != nil {
		return
	}
	u := l.usage(c)
	if !l.refused(a) {
		if a.status != http.StatusNotModified {
			u.primary.used++
		}
		u.points.used += points(c.request)
		u.createsPerMinute.used += creates(c.request)
		u.createsInHour.used += creates(c.request)
	}
	if l.Hourly == 0 {
		return
	}
	u.primary.show(a.header, l.Hourly)
}

// show tells the client what is left of a primary limit.
func (c counter) show(header http.Header, limit int) {
	for name, value := range map[string]int64{
		"X-RateLimit-Limit":     int64(limit),
		"X-RateLimit-Remaining": int64(max(0, limit-c.used)),
		"X-RateLimit-Used":      int64(c.used),
		"X-RateLimit-Reset":     int64(math.Ceil(float64(c.ends.UnixMilli()) / 1000)),
	} {
		header.Set(name, strconv.FormatInt(value, 10))
	}
	header.Set("X-RateLimit-Resource", "core")
}

func (l *limiter) refused(a *answer) bool {
	body, isError := a.body.(apiError)
	return isError && (body.Message == secondaryMessage || strings.HasPrefix(body.Message, primaryMessage))
}

// usage is the caller's, with the windows that are over begun anew.
func (l *limiter) usage(c *call) *usage {
	u := l.usages[c.caller.budget()]
	if u == nil {
		u = &usage{}
		l.usages[c.caller.budget()] = u
	}
	now := l.now()
	for window, lasts := range map[*counter]time.Duration{
		&u.primary: time.Hour, &u.points: time.Minute, &u.createsPerMinute: time.Minute, &u.createsInHour: time.Hour,
	} {
		window.renew(now, l.scaled(lasts))
	}
	return u
}

// renew begins the window anew when it is over.
func (c *counter) renew(now time.Time, lasts time.Duration) {
	if !now.Before(c.ends) {
		*c = counter{ends: now.Add(lasts)}
	}
}

func (l *limiter) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / l.TimeScale)
}

// budget names whose limit a request counts against.
func (c *caller) budget() string {
	if c.minted != nil {
		return "installation ID " + strconv.FormatInt(c.minted.installation.ID, 10)
	}
	return "user " + c.token.User
}

func points(r *http.Request) int {
	if reads(r) {
		return 1
	}
	return 5
}

func creates(r *http.Request) int {
	if r.Method == http.MethodPost {
		return 1
	}
	return 0
}
