package github

import (
	"net/http"
	"sync"
	"time"
)

// requestsPerPoll are the hook and its deliveries.
const requestsPerPoll = 2

// polling is an object that looks at GitHub at an interval.
type polling struct {
	budget   *budget
	interval time.Duration
	// expires is when an object that did not come back is taken for gone.
	expires time.Time
}

// demand is what the objects of one budget ask for, and how far that has to be stretched.
type demand struct {
	objects int
	// points a minute.
	points float64
	// factor is what all intervals are multiplied by, at least 1. It moves when it has to, and not with every poll.
	factor float64
	// paid is the share of polls that are not free, learnt from those that were made.
	paid float64
}

// add counts an object in, or out with -1.
func (d *demand) add(objects int, interval, minute time.Duration) {
	d.objects += objects
	d.points += float64(objects) * requestsPerPoll * float64(minute) / float64(interval)
	if d.objects == 0 {
		d.points = 0
	}
}

// stretch brings the factor up to date and returns it. What the objects ask for must fit into the share of the limits that
// polls may use.
func (b *budget) stretch(now time.Time) float64 {
	needed := 1.0
	if b.paced(now) {
		needed = max(needed, b.polls.points/float64(Poll.share(pointsPerMinute)))
	}
	if b.primary.limit > 0 {
		hourly := b.polls.points * b.polls.paid * float64(b.hour) / float64(b.minute)
		needed = max(needed, hourly/float64(max(Poll.share(b.primary.limit), 1)))
	}
	const spare, slack, rounding = 1.05, 0.9, 1e-6
	switch {
	case needed <= 1+rounding:
		b.polls.factor = 1
	case needed > b.polls.factor, needed*spare < b.polls.factor*slack:
		b.polls.factor = needed * spare
	}
	return b.polls.factor
}

// learn notes whether a poll was free. One that nothing was kept of yet is not taken for what polls are like.
func (d *demand) learn(w wish, status int, cold bool) {
	const weight = 1.0 / 256
	switch {
	case w.priority != Poll || !isRead(w.method):
	case status == http.StatusNotModified:
		d.paid -= d.paid * weight
	case !cold:
		d.paid += (1 - d.paid) * weight
	}
}

// Poller is an object that looks at a hook and its deliveries at an interval.
type Poller struct {
	// ID is the object's UID.
	ID string
	// Hooks are those of the place where its hook is.
	Hooks Hooks
	// Interval at which it would look.
	Interval time.Duration
}

// PollInterval says that an object polls, and returns the interval at which it may: where the credential's limits are too
// small for all objects, each waits the same factor longer. Who does not ask again within three such intervals is taken
// for gone. It sends nothing; while it is not known yet which of an App's installations the place belongs to, nothing is
// stretched.
//
// others are all objects that use the client. They are asked for once for each of its budgets, so that after a restart
// the first ones are not told an interval as if they were alone.
func (p Poller) PollInterval(others func() []Poller) time.Duration {
	c := p.Hooks.client
	a, ok := c.login.account(p.Hooks)
	if !ok || p.Interval <= 0 {
		return p.Interval
	}
	once, _ := c.enrolled.LoadOrStore(a, &sync.Once{})
	once.(*sync.Once).Do(func() {
		for _, other := range others() {
			if its, ok := c.login.account(other.Hooks); ok && its == a && other.Interval > 0 {
				c.budgets.pollInterval(a, other.ID, other.Interval)
			}
		}
	})
	return c.budgets.pollInterval(a, p.ID, p.Interval)
}

// StopPolling says that an object polls no more, with whatever client it did.
func (c *Client) StopPolling(id string) { c.budgets.stopPolling(id) }

func (b *Budgets) pollInterval(a account, id string, interval time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	b.removePolling(id)
	budget := b.of(a, now)
	budget.polls.add(1, interval, budget.minute)
	stretched := max(interval, min(longestWait, time.Duration(float64(interval)*budget.stretch(now))))
	b.pollings[id] = polling{budget, interval, now.Add(3 * stretched)}
	return stretched
}

func (b *Budgets) stopPolling(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removePolling(id)
}

func (b *Budgets) removePolling(id string) {
	if p, ok := b.pollings[id]; ok {
		p.budget.polls.add(-1, p.interval, p.budget.minute)
		delete(b.pollings, id)
	}
}
