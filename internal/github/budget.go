package github

import (
	"errors"
	"net/http"
	"time"
)

// GitHub's published secondary limits. GitHub docs: "About secondary rate limits".
const (
	pointsPerMinute  = 900
	createsPerMinute = 80
	createsPerHour   = 500
	// requestsAtOnce are 100, of which ten are left: what was answered can count for a moment longer.
	requestsAtOnce = 90
)

// budget is what one credential may use, and who waits for it. Budgets guards it.
type budget struct {
	account account
	// label is the name in metrics; empty before anything was shown.
	label string
	// minute and hour are what GitHub's limits mean by these.
	minute, hour time.Duration

	primary primary
	// windows are the published secondary limits. They count where published is true, and for an account of another server
	// until pacedUntil, which is some hours after the server refused a request because of a secondary limit.
	windows    []*window
	published  bool
	pacedUntil time.Time
	// flying counts requests without an answer, open those whose answer was not read to its end.
	flying, open int

	// closedUntil is when GitHub takes requests again after it refused one because of a limit, at closedAt. strikes counts
	// such answers, without a good one in between, that do not say when.
	closedAt, closedUntil time.Time
	strikes               int
	// downUntil is when the server is to be asked again after it answered that it is not available, and for how long.
	downUntil time.Time

	turns turns
	// beyond is the last time that was told without a turn.
	beyond time.Time

	polls    demand
	lastUsed time.Time
}

func newBudget(a account, minute, hour time.Duration, published bool) *budget {
	points := func(c cost) int { return c.points }
	creates := func(c cost) int { return c.creates }
	return &budget{
		account: a, minute: minute, hour: hour, published: published, polls: demand{factor: 1},
		windows: []*window{
			{limit: pointsPerMinute, length: minute, of: points},
			{limit: createsPerMinute, length: minute, of: creates},
			{limit: createsPerHour, length: hour, of: creates},
		},
	}
}

// pacedHours is for how many hours after a refusal GitHub's published secondary limits count on another server: whoever
// runs it may change its limits.
const pacedHours = 6

// paced tells whether the published secondary limits count.
func (b *budget) paced(now time.Time) bool { return b.published || now.Before(b.pacedUntil) }

// sending is a request under way.
type sending struct {
	budget *budget
	wish   wish
	begun  time.Time
}

// begin lets a request through, or says when its turn is.
func (b *budget) begin(w wish, now time.Time) (f *sending, retryAt time.Time) {
	b.expire(now)
	b.lastUsed = now
	mine := b.turns.find(w.path, w.method)
	if mine >= 0 && !b.turns[mine].covers(w.need()) {
		b.turns.remove(mine)
		mine = -1
	}
	due := mine >= 0 && !b.turns[mine].at.After(now)
	others := b.turns.rivals(w.priority, mine)
	if due {
		// The room is kept for this one, and for the reads before a change too.
		others.due, w.priority = true, min(w.priority, b.turns[mine].priority)
	}
	from := b.opens(w.priority, now)
	if !from.After(now) && b.fits(w.need(), w.priority, now, now, others) {
		b.admit(w, mine, now)
		return &sending{b, w, now}, time.Time{}
	}
	return nil, b.refuse(w, mine, from, now)
}

// refuse says when a request has its turn; mine is the one that it has.
func (b *budget) refuse(w wish, mine int, from, now time.Time) time.Time {
	if mine < 0 {
		return b.wait(w.turn(), from, now)
	}
	kept := b.turns[mine]
	due := !kept.at.After(now)
	if !due && !kept.at.Before(from) && kept.priority <= w.priority {
		return kept.at
	}
	b.turns.remove(mine)
	kept.priority = min(kept.priority, w.priority)
	if !due || from.After(now) {
		return b.wait(kept, from, now)
	}
	// Who came at his turn, and a little too early all the same, is not sent to the end.
	kept.at = b.free(kept, from, now, rivals{turns: b.turns, priority: kept.priority, except: -1, due: true})
	b.turns.add(kept)
	return kept.at
}

// opens is the earliest time from now on at which anything may be sent.
func (b *budget) opens(priority Priority, now time.Time) time.Time {
	opens := b.primary.opens(now, priority, b.flying)
	if b.closedUntil.After(opens) {
		opens = b.closedUntil
	}
	if b.downUntil.After(opens) {
		opens = b.downUntil
	}
	if atOnce := now.Add(b.minute / 60); b.paced(now) && b.open >= priority.share(requestsAtOnce) && atOnce.After(opens) {
		opens = atOnce
	}
	return opens
}

// fits tells whether there is room within the secondary limits at a time, now or later.
func (b *budget) fits(need cost, priority Priority, at, now time.Time, others rivals) bool {
	return !b.fitsFrom(need, priority, at, now, others).After(at)
}

// fitsFrom is at where there is room then, and else a later time at which there may be.
func (b *budget) fitsFrom(need cost, priority Priority, at, now time.Time, others rivals) time.Time {
	if !b.paced(now) {
		return at
	}
	for _, w := range b.windows {
		if w.of(need) == 0 {
			continue
		}
		room, from := w.room(priority.share(w.limit), at, now, others)
		if room < w.of(need) {
			return from
		}
	}
	return at
}

// admit counts a request that is sent now. mine is its turn, -1 for none.
func (b *budget) admit(w wish, mine int, now time.Time) {
	b.flying++
	b.open++
	for _, window := range b.windows {
		window.begin(w.cost)
	}
	creates := w.create != cost{}
	if mine >= 0 && (creates || b.turns[mine].method == w.method) {
		b.turns.remove(mine)
	}
	if creates {
		b.turns.add(turn{at: now, method: http.MethodPost, path: w.path, priority: w.priority, cost: w.create, promised: true})
	}
}

// wait gives a request its turn, one after another among its like.
func (b *budget) wait(wanted turn, from, now time.Time) time.Time {
	n, first, last := b.turns.alike(wanted.priority, wanted.cost)
	if n >= maxTurns {
		return b.beyondTurns(last, last.Sub(first)/maxTurns, now)
	}
	if last.After(from) {
		from = last
	}
	wanted.at = b.free(wanted, from, now, b.turns.rivals(wanted.priority, -1))
	b.turns.add(wanted)
	return wanted.at
}

// free is the earliest time from a time on at which there is room beside the turns of rivals.
func (b *budget) free(wanted turn, from, now time.Time, others rivals) time.Time {
	pace := b.minute / pointsPerMinute
	end := now.Add(longestWait)
	for at := from; at.Before(end); {
		next := others.apart(at, pace)
		if next.Equal(at) {
			next = b.fitsFrom(wanted.cost, wanted.priority, at, now, others)
		}
		if next.Equal(at) {
			return at
		}
		at = next
	}
	return end
}

// beyondTurns is a time for somebody for whom there is no turn: as far behind the others as these are from each other.
func (b *budget) beyondTurns(last time.Time, distance time.Duration, now time.Time) time.Time {
	if last.After(b.beyond) || b.beyond.After(now.Add(longestWait)) {
		b.beyond = last
	}
	b.beyond = b.beyond.Add(max(distance, b.minute/pointsPerMinute))
	return b.beyond
}

// expire forgets what is over.
func (b *budget) expire(now time.Time) {
	for _, w := range b.windows {
		w.expire(now)
		if !b.paced(now) {
			w.clear()
		}
	}
	b.turns.expire(now.Add(-b.minute / 6))
}

// answered counts a request whose answer is there. It returns the primary limit that the answer tells of, if it is the
// account's.
func (b *budget) answered(f *sending, header http.Header, status int, m meaning, now time.Time) (told primary, ok bool) {
	b.end(f, now)
	if status >= http.StatusBadRequest {
		b.renounce(f)
	}
	told, ok = readPrimary(header, now)
	ok = ok && m.accepted
	switch {
	case ok:
		b.primary.merge(told, now)
	case m.accepted && status != http.StatusNotModified, status >= http.StatusInternalServerError:
		b.primary.remaining-- // Whatever became of it, GitHub may have counted it.
	}
	if m.accepted && status < http.StatusBadRequest && f.begun.After(b.closedAt) {
		b.strikes = 0
	}
	return told, ok
}

// renounce gives the room back that was kept for a creation: after this answer, or none, it does not follow.
func (b *budget) renounce(f *sending) {
	if f.wish.create == (cost{}) {
		return
	}
	if kept := b.turns.find(f.wish.path, http.MethodPost); kept >= 0 && b.turns[kept].promised {
		b.turns.remove(kept)
	}
}

// lost counts a request without an answer: the server may have counted it.
func (b *budget) lost(f *sending, now time.Time) {
	b.end(f, now)
	b.renounce(f)
	b.open--
	b.primary.remaining--
}

func (b *budget) end(f *sending, now time.Time) {
	b.flying--
	if !b.paced(now) {
		for _, w := range b.windows {
			w.flying -= w.of(f.wish.cost)
		}
		return
	}
	for _, w := range b.windows {
		w.end(f.wish.cost, now)
	}
}

// limited closes the budget after an answer that says so, and says when the request's turn is. Requests that flew
// together are one strike.
func (b *budget) limited(f *sending, header http.Header, m meaning, now time.Time) time.Time {
	if m.secondary {
		b.pacedUntil = now.Add(pacedHours * b.hour)
	}
	left, known := limitEnd(header, now)
	if !known {
		left = min(b.minute<<min(b.strikes, 10), b.hour)
		if f.begun.After(b.closedAt) {
			b.strikes++
		}
	}
	b.closedAt = now
	if until := now.Add(boundWait(left, longestWait)); until.After(b.closedUntil) {
		b.closedUntil = until
	}
	b.turns.expire(b.closedUntil) // They come in vain, and are given other turns then.
	return b.wait(f.wish.turn(), b.closedUntil, now)
}

// unavailable stops the account's requests as long as an answer says that the server is not available, and says when the
// request's turn is.
func (b *budget) unavailable(f *sending, left time.Duration, now time.Time) time.Time {
	if until := now.Add(boundWait(left, longestOutage)); until.After(b.downUntil) {
		b.downUntil = until
	}
	b.turns.expire(b.downUntil)
	return b.wait(f.wish.turn(), b.downUntil, now)
}

// idle tells whether nothing would be lost with the budget.
func (b *budget) idle(now time.Time) bool {
	b.expire(now)
	return b.open == 0 && b.polls.objects == 0 && len(b.turns) == 0 &&
		!b.closedUntil.After(now) && !b.downUntil.After(now) && !b.pacedUntil.After(now) && b.primary.over(now) && now.Sub(b.lastUsed) > b.hour
}

// ErrNotSent: the request was held back here, so that nothing came of it. It is an ErrRateLimited; an ErrUnavailable while
// the server wants to be left alone or does not answer; or an ErrUnauthorized while another request tries the login again.
// Error.RetryAt says when the request has its turn.
var ErrNotSent = errors.New("the request was not sent")

// notSent is a request that was refused here.
type notSent struct {
	retryAt time.Time
	// down: the server is not available, and said for how long.
	down bool
}

func (n notSent) Error() string {
	if n.down {
		return "it was not sent: the server answered that it is not available, and when to come back"
	}
	return "it was not sent: GitHub's limit on the credential's requests is reached"
}

// class is what kind of error it is.
func (n notSent) class() error {
	if n.down {
		return ErrUnavailable
	}
	return ErrRateLimited
}
