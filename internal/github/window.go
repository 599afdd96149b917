package github

import (
	"slices"
	"time"
)

// window is a limit on what is used within some time. It counts each request from its sending until a whole window after
// its answer, so that it holds wherever the server's windows begin, fixed or sliding: the server counted it in between.
type window struct {
	limit  int
	length time.Duration
	// of is what the window counts of a cost.
	of func(cost) int

	// flying is for requests that are not answered yet.
	flying int
	// spent is for the others, in the order of the answers; used is their sum.
	spent []spending
	used  int
}

type spending struct {
	at    time.Time
	count int
}

// begin counts a request that is sent now.
func (w *window) begin(c cost) { w.flying += w.of(c) }

// end counts a request that was answered now, or will never be.
func (w *window) end(c cost, now time.Time) {
	count := w.of(c)
	w.flying -= count
	if count > 0 {
		w.spent = append(w.spent, spending{now, count})
		w.used += count
	}
}

// expire forgets what the window has left behind.
func (w *window) expire(now time.Time) {
	gone := 0
	for gone < len(w.spent) && !w.spent[gone].at.Add(w.length).After(now) {
		w.used -= w.spent[gone].count
		gone++
	}
	w.spent = slices.Delete(w.spent, 0, gone)
}

// clear forgets what was spent: the server has no such limit.
func (w *window) clear() { w.spent, w.used = nil, 0 }

// room is what may be used of a share of the limit at a time, now or later, beside the turns of others near it; from is
// the earliest later time at which there may be more.
func (w *window) room(share int, at, now time.Time, others rivals) (room int, from time.Time) {
	room = share
	soonest := func(t time.Time) {
		if t.After(at) && (from.IsZero() || t.Before(from)) {
			from = t
		}
	}
	if answered := now.Add(w.length); answered.After(at) && w.flying > 0 {
		room -= w.flying
		soonest(answered)
	}
	room -= w.used
	for _, s := range w.spent {
		over := s.at.Add(w.length)
		if over.After(at) {
			soonest(over)
			break
		}
		room += s.count
	}
	// Who comes at his turn comes a little later, and so does who follows him.
	reach := w.length + w.length/100
	for t := range others.all {
		count, over := w.of(t.cost), t.at.Add(reach)
		if count > 0 && over.After(at) && at.Add(reach).After(t.at) {
			room -= count
			soonest(over)
		}
	}
	return room, from
}
