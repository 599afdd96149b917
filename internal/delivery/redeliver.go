package delivery

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// RequestTimeout is how long a request counts although no newer row shows: GitHub redelivers some time after its 202.
	RequestTimeout = 5 * time.Minute
	// MaxRequested is how many requests without an answer status.redelivering holds.
	MaxRequested = 100
	// MaxRefused is how many refusals it holds besides. While it has as many, nothing else is asked for: one that is not
	// remembered would be asked for again and again.
	MaxRefused = 200
)

// Policy says which failed deliveries are asked for again.
type Policy struct {
	// MaxAttempts per event (guid).
	MaxAttempts int
	// Within is the age of the event up to which it is sent again.
	Within time.Duration
	// Backoff is waited before the first attempt, and doubled before each further one.
	Backoff time.Duration
	// Events that are sent again; empty: all.
	Events []string
}

// Requested is an event that GitHub was asked to deliver again, as noted before the request.
type Requested struct {
	GUID string
	At   time.Time
	// Refused: GitHub said no, and is not asked again.
	Refused bool
}

// Due is a delivery to ask GitHub for.
type Due struct {
	GUID string
	// ID of the row to redeliver.
	ID            int64
	Event, Action string
	// Attempt is 1 for the first redelivery of the event.
	Attempt int
}

// Reason is why an event is not sent again.
type Reason string

// Reasons for giving up.
const (
	// ReasonAttempts: the policy's attempts are used up.
	ReasonAttempts Reason = "attempts"
	// ReasonAge: the event is older than the policy allows.
	ReasonAge Reason = "age"
)

// GivenUp is an event that failed for good. It is listed as long as its rows are given: who tells of it tells once, of
// ReasonAttempts when NewestID is new to him, of ReasonAge when At has passed since he looked last.
type GivenUp struct {
	GUID, Event string
	// Attempts that were made.
	Attempts int
	// NewestID is the newest row's.
	NewestID int64
	// At is when it became hopeless: when its last attempt was delivered, or when it grew too old.
	At     time.Time
	Reason Reason
}

// Plan is what to do about failed deliveries.
type Plan struct {
	// Due now, the oldest event first. Together with Outstanding they are at most MaxRequested.
	Due []Due
	// GivenUp are events that failed for good, the oldest first.
	GivenUp []GivenUp
	// Outstanding are the requests whose row does not show yet, the oldest first; one for each guid.
	Outstanding []Requested
	// Refused are the requests that GitHub refused, the oldest first; one for each guid, until the event is too old. Of
	// more than MaxRefused they are the latest.
	Refused []Requested
	// Pending are all rows of the events that are not decided yet, the oldest event first. They must be given again to the
	// next plan, with the rows that are new by then.
	Pending []Row
	// Next is the earliest time after now at which another event becomes due or a request expires; zero: never.
	Next time.Time
}

// Plan decides which failed deliveries to ask for again. rows are those of the last Within, or the Pending ones of the
// plan before and all that are newer; requested are what status.redelivering holds.
//
// An event of which a delivery arrived is done, and so is one that GitHub refused to deliver again. One that GitHub
// throttles is left alone, and so is one whose first delivery is not among rows: somebody redelivered by hand what was
// decided long ago.
func (p Policy) Plan(rows []Row, requested []Requested, now time.Time) Plan {
	var plan Plan
	all := events(rows)
	refused := p.refused(requested, now)
	open := unanswered(requested, all)
	for guid, r := range open {
		if _, final := refused[guid]; final {
			continue
		}
		if expiry := r.At.Add(RequestTimeout); now.Before(expiry) {
			plan.Outstanding = append(plan.Outstanding, r)
			plan.wake(expiry)
		}
	}
	slices.SortFunc(plan.Outstanding, oldestFirst)
	plan.Refused = slices.SortedFunc(maps.Values(refused), oldestFirst)
	plan.Refused = plan.Refused[max(0, len(plan.Refused)-MaxRefused):]
	for _, e := range all {
		if _, final := refused[e.guid]; !final && e.whole() && !e.arrived() && p.wants(e) {
			p.judge(&plan, e, open[e.guid].At, now)
		}
	}
	if len(plan.Refused) >= MaxRefused && len(plan.Due) > 0 {
		plan.Due = nil
		plan.wake(plan.Refused[0].At.Add(p.Within + 1)) // The first moment at which there is room.
	}
	plan.Due = plan.Due[:min(len(plan.Due), max(0, MaxRequested-len(plan.Outstanding)))]
	return plan
}

// refused are the requests that GitHub refused, by guid. An event is at least as old as the request: when that is over
// Within, the event is, too.
func (p Policy) refused(requested []Requested, now time.Time) map[string]Requested {
	refused := map[string]Requested{}
	for _, r := range requested {
		if r.Refused && !now.After(r.At.Add(p.Within)) && !refused[r.GUID].At.After(r.At) {
			refused[r.GUID] = r
		}
	}
	return refused
}

func oldestFirst(a, b Requested) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.GUID, b.GUID))
}

// judge puts a failed event where it belongs. asked is when it was asked for without an answer, or zero.
func (p Policy) judge(plan *Plan, e event, asked, now time.Time) {
	tooOld := e.since().Add(p.Within)
	expiry := asked.Add(RequestTimeout)
	dueAt := e.newest().DeliveredAt.Add(p.wait(e.attempts()))
	switch {
	case e.throttled():
		if now.After(tooOld) {
			return
		}
	case !asked.IsZero() && now.Before(expiry):
	case e.attempts() >= p.MaxAttempts:
		plan.giveUp(e, e.newest().DeliveredAt, ReasonAttempts)
		return
	case now.After(tooOld):
		if !asked.IsZero() && expiry.After(tooOld) {
			// There was hope until the request expired.
			tooOld = expiry
		}
		plan.giveUp(e, tooOld, ReasonAge)
		return
	case now.Before(dueAt):
		if !dueAt.After(tooOld) {
			plan.wake(dueAt)
		}
	default:
		plan.Due = append(plan.Due, e.due())
	}
	plan.Pending = append(plan.Pending, e.rows...)
}

func (plan *Plan) giveUp(e event, at time.Time, reason Reason) {
	newest := e.newest()
	plan.GivenUp = append(plan.GivenUp, GivenUp{
		GUID: e.guid, Event: newest.Event, Attempts: e.attempts(), NewestID: newest.ID, At: at, Reason: reason,
	})
}

func (plan *Plan) wake(at time.Time) {
	if plan.Next.IsZero() || at.Before(plan.Next) {
		plan.Next = at
	}
}

func (p Policy) wants(e event) bool {
	return len(p.Events) == 0 || slices.Contains(p.Events, e.newest().Event)
}

// wait is the backoff after so many attempts.
func (p Policy) wait(attempts int) time.Duration {
	wait := max(0, p.Backoff)
	for range attempts {
		if wait == 0 || wait > math.MaxInt64/2 {
			break
		}
		wait *= 2
	}
	return wait
}

// unanswered are the requests after which no redelivery shows, expired or not, by guid: of several the latest.
// delivered_at may have whole seconds only, and so has what status notes.
func unanswered(requested []Requested, all []event) map[string]Requested {
	open := map[string]Requested{}
	for _, r := range requested {
		if r.Refused {
			continue
		}
		if known, found := open[r.GUID]; !found || known.At.Before(r.At) {
			open[r.GUID] = r
		}
	}
	for _, e := range all {
		asked := open[e.guid].At.Truncate(time.Second)
		if slices.ContainsFunc(e.rows, func(row Row) bool { return row.Redelivery && !row.DeliveredAt.Before(asked) }) {
			delete(open, e.guid)
		}
	}
	return open
}
