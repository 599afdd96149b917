package github

import (
	"slices"
	"time"
)

// maxTurns bounds the turns that are kept for one priority and cost. Who waits beyond them is told a time without a promise.
const maxTurns = 1024

// turn is room that is kept for a request that was refused, from its time on for a grace period.
type turn struct {
	at       time.Time
	method   string
	path     string
	priority Priority
	cost     cost
	// promised: the read before the creation was let through already.
	promised bool
}

// covers tells whether what is kept is enough.
func (t *turn) covers(need cost) bool {
	return t.cost.points >= need.points && t.cost.creates >= need.creates
}

// turns are in the order of their times.
type turns []turn

// find is the turn of a path, the one with the method before others; -1 is none.
func (t turns) find(path, method string) int {
	found := -1
	for i := range t {
		if t[i].path != path {
			continue
		}
		if t[i].method == method {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

func (t *turns) add(added turn) {
	i := 0
	for i < len(*t) && !(*t)[i].at.After(added.at) {
		i++
	}
	*t = slices.Insert(*t, i, added)
}

func (t *turns) remove(i int) { *t = slices.Delete(*t, i, i+1) }

// expire forgets those who did not come.
func (t *turns) expire(before time.Time) {
	*t = slices.DeleteFunc(*t, func(t turn) bool { return t.at.Before(before) })
}

// rivals are the turns that a priority has to respect, but for one; except -1 is none.
type rivals struct {
	turns    turns
	priority Priority
	except   int
	// due: it is the turn of who asks, so that only a promise goes before.
	due bool
}

func (t turns) rivals(priority Priority, except int) rivals {
	return rivals{turns: t, priority: priority, except: except}
}

// all are the rivals' turns, in the order of their times.
func (r rivals) all(yield func(*turn) bool) {
	for i := range r.turns {
		t := &r.turns[i]
		if i != r.except && t.priority <= r.priority && (t.promised || !r.due) && !yield(t) {
			return
		}
	}
}

// alike are the turns of the same priority and cost: how many there are, and the times of the first and the last.
func (t turns) alike(priority Priority, c cost) (n int, first, last time.Time) {
	for i := range t {
		if t[i].priority != priority || t[i].cost != c {
			continue
		}
		if n == 0 {
			first = t[i].at
		}
		n, last = n+1, t[i].at
	}
	return n, first, last
}

// apart is the earliest time from at on that keeps a distance from all of them.
func (r rivals) apart(at time.Time, distance time.Duration) time.Time {
	for t := range r.all {
		if t.at.Add(distance).After(at) && at.Add(distance).After(t.at) {
			at = t.at.Add(distance)
		}
	}
	return at
}
