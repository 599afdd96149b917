package delivery_test

import (
	"math"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// usual is the API's default policy.
func usual() delivery.Policy {
	return delivery.Policy{MaxAttempts: 3, Within: 24 * time.Hour, Backoff: time.Minute}
}

func due(guid string, id int64, attempt int) delivery.Due {
	return delivery.Due{GUID: guid, ID: id, Event: "push", Attempt: attempt}
}

const day = 24 * time.Hour

// An event that failed, and its redeliveries that did.
var (
	a1, a2, a3, a4 = failed(1, "a", 0), again(failed(2, "a", 60)), again(failed(3, "a", 180)), again(failed(4, "a", 420))
	// halfway through a second.
	halfway = failed(1, "a", 0.7)
)

// asked are requests made so long after noon.
func asked(at time.Duration, guids ...string) []delivery.Requested {
	var all []delivery.Requested
	for _, guid := range guids {
		all = append(all, delivery.Requested{GUID: guid, At: after(at)})
	}
	return all
}

// refused are requests made so long after noon, to which GitHub said no.
func refused(at time.Duration, guids ...string) []delivery.Requested {
	all := asked(at, guids...)
	for i := range all {
		all[i].Refused = true
	}
	return all
}

// planned is a case: what is known so long after noon, and the plan.
type planned struct {
	name      string
	rows      []github.Delivery
	requested []delivery.Requested
	policy    func(*delivery.Policy)
	now       time.Duration
	want      delivery.Plan
}

var backoffAndAge = []planned{
	{name: "nothing was delivered", now: day},
	{name: "all arrived", rows: []github.Delivery{arrived(failed(2, "b", 1)), arrived(a1)}, now: time.Hour},
	{name: "before the backoff", rows: []github.Delivery{a1}, now: time.Minute - 1,
		want: delivery.Plan{Pending: rowsOf(a1), Next: after(time.Minute)}},
	{name: "at the backoff", rows: []github.Delivery{a1}, now: time.Minute,
		want: delivery.Plan{Pending: rowsOf(a1), Due: []delivery.Due{due("a", 1, 1)}}},
	{name: "before the doubled backoff, which begins with the attempt", rows: []github.Delivery{a2, a1}, now: 3*time.Minute - 1,
		want: delivery.Plan{Pending: rowsOf(a2, a1), Next: after(3 * time.Minute)}},
	{name: "at the doubled backoff", rows: []github.Delivery{a1, a2}, now: 3 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a2, a1), Due: []delivery.Due{due("a", 2, 2)}}},
	{name: "at the backoff doubled twice", rows: []github.Delivery{a3, a2, a1}, now: 7 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a3, a2, a1), Due: []delivery.Due{due("a", 3, 3)}}},
	{name: "no attempt is left", rows: []github.Delivery{a4, a3, a2, a1}, now: 8 * time.Minute,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", Attempts: 3, NewestID: 4, At: a4.DeliveredAt, Reason: delivery.ReasonAttempts}}}},
	{name: "no attempt is left stays so when it is too old", rows: []github.Delivery{a4, a3, a2, a1}, now: 2 * day,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", Attempts: 3, NewestID: 4, At: a4.DeliveredAt, Reason: delivery.ReasonAttempts}}}},
	{name: "arrived at last", rows: []github.Delivery{arrived(a4), a3, a2, a1}, now: 8 * time.Minute},
	{name: "arrived before it failed", rows: []github.Delivery{a2, arrived(a1)}, now: time.Hour},
	{name: "just young enough", rows: []github.Delivery{a1}, now: day,
		want: delivery.Plan{Pending: rowsOf(a1), Due: []delivery.Due{due("a", 1, 1)}}},
	{name: "too old", rows: []github.Delivery{a1}, now: day + 1,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", NewestID: 1, At: after(day), Reason: delivery.ReasonAge}}}},
	{name: "the event's age counts, not the newest row's", rows: []github.Delivery{again(failed(2, "a", 86000)), a1}, now: day + time.Hour,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", Attempts: 1, NewestID: 2, At: after(day), Reason: delivery.ReasonAge}}}},
	{name: "will be too old before the backoff ends", rows: []github.Delivery{a1}, policy: func(p *delivery.Policy) { p.Backoff = 2 * day }, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(a1)}},
	{name: "a backoff as long as the age", rows: []github.Delivery{a1}, policy: func(p *delivery.Policy) { p.Backoff = day }, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(a1), Next: after(day)}},
	{name: "a backoff beyond all time", rows: []github.Delivery{a3, a2, a1}, policy: func(p *delivery.Policy) { p.Backoff = math.MaxInt64/2 + 1 }, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(a3, a2, a1)}},
}

var requests = []planned{
	{name: "a request under way", rows: []github.Delivery{a1}, requested: asked(time.Minute, "a"), now: 6*time.Minute - 1,
		want: delivery.Plan{Pending: rowsOf(a1), Outstanding: asked(time.Minute, "a"), Next: after(6 * time.Minute)}},
	{name: "a request that expired is no attempt", rows: []github.Delivery{a1}, requested: asked(time.Minute, "a"), now: 6 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a1), Due: []delivery.Due{due("a", 1, 1)}}},
	{name: "a request that was answered", rows: []github.Delivery{a2, a1}, requested: asked(time.Minute, "a"), now: 2 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a2, a1), Next: after(3 * time.Minute)}},
	{name: "a request that was answered within its second", rows: []github.Delivery{a2, a1}, requested: asked(time.Minute+999*time.Millisecond, "a"), now: 2 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a2, a1), Next: after(3 * time.Minute)}},
	{name: "a request that an older attempt does not answer", rows: []github.Delivery{a2, a1}, requested: asked(3*time.Minute, "a"), now: 4 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a2, a1), Outstanding: asked(3*time.Minute, "a"), Next: after(8 * time.Minute)}},
	{name: "a first delivery answers no request", rows: []github.Delivery{halfway}, requested: asked(0, "a"), now: 2 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(halfway), Outstanding: asked(0, "a"), Next: after(5 * time.Minute)}},
	{name: "a request for the last attempt", rows: []github.Delivery{a3, a2, a1}, requested: asked(7*time.Minute, "a"), now: 8 * time.Minute,
		want: delivery.Plan{Pending: rowsOf(a3, a2, a1), Outstanding: asked(7*time.Minute, "a"), Next: after(12 * time.Minute)}},
	{name: "two requests for one event", rows: []github.Delivery{a1}, now: 4 * time.Minute,
		requested: append(append(asked(time.Minute, "a"), asked(3*time.Minute, "a")...), asked(2*time.Minute, "a")...),
		want:      delivery.Plan{Pending: rowsOf(a1), Outstanding: asked(3*time.Minute, "a"), Next: after(8 * time.Minute)}},
	{name: "requests for what is not among the rows, and for what arrived", rows: []github.Delivery{arrived(a1)}, requested: asked(time.Minute, "z", "a", "y"), now: 2 * time.Minute,
		want: delivery.Plan{Outstanding: asked(time.Minute, "a", "y", "z"), Next: after(6 * time.Minute)}},
	{name: "hope until the request expires", rows: []github.Delivery{a1}, requested: asked(day, "a"), now: day + time.Minute,
		want: delivery.Plan{Pending: rowsOf(a1), Outstanding: asked(day, "a"), Next: after(day + 5*time.Minute)}},
	{name: "the request expired and it is too old", rows: []github.Delivery{a1}, requested: asked(day, "a"), now: day + 6*time.Minute,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", NewestID: 1, At: after(day + 5*time.Minute), Reason: delivery.ReasonAge}}}},
	{name: "the request expired long before it was too old", rows: []github.Delivery{a1}, requested: asked(time.Hour, "a"), now: 2 * day,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", NewestID: 1, At: after(day), Reason: delivery.ReasonAge}}}},
}

var refusals = []planned{
	{name: "what GitHub refused is not asked for again", rows: []github.Delivery{failed(2, "b", 1), a1}, requested: refused(time.Minute, "a"), now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(failed(2, "b", 1)), Due: []delivery.Due{due("b", 2, 1)}, Refused: refused(time.Minute, "a")}},
	{name: "nor when it is too old, nor is it given up a second time", rows: []github.Delivery{a1}, requested: refused(time.Hour, "a"), now: day + time.Minute,
		want: delivery.Plan{Refused: refused(time.Hour, "a")}},
	{name: "nor after a redelivery by hand that failed", rows: []github.Delivery{a2, a1}, requested: refused(time.Second, "a"), now: time.Hour,
		want: delivery.Plan{Refused: refused(time.Second, "a")}},
	{name: "a refusal is remembered as long as the event may be young enough", rows: []github.Delivery{a1}, requested: refused(time.Hour, "a"), now: day + time.Hour,
		want: delivery.Plan{Refused: refused(time.Hour, "a")}},
	{name: "and no longer", requested: refused(time.Hour, "a"), now: day + time.Hour + 1},
	{name: "a refusal goes before a request without an answer", rows: []github.Delivery{a1}, requested: slices.Concat(refused(time.Minute, "a"), asked(2*time.Minute, "a")), now: 3 * time.Minute,
		want: delivery.Plan{Refused: refused(time.Minute, "a")}},
	{name: "of two refusals the later counts", requested: slices.Concat(refused(2*time.Minute, "a"), refused(time.Minute, "a", "b")), now: time.Hour,
		want: delivery.Plan{Refused: slices.Concat(refused(time.Minute, "b"), refused(2*time.Minute, "a"))}},
}

var leftAlone = []planned{
	{name: "throttled is left alone", rows: []github.Delivery{throttled(a2), a1}, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(throttled(a2), a1)}},
	{name: "throttled and too old is forgotten", rows: []github.Delivery{throttled(a2), a1}, now: day + time.Hour},
	{name: "throttled before, and failed since", rows: []github.Delivery{a2, throttled(a1)}, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(a2, throttled(a1)), Due: []delivery.Due{due("a", 2, 2)}}},
	{name: "only some events", rows: []github.Delivery{failed(2, "b", 1), named(a1, "fork")}, policy: func(p *delivery.Policy) { p.Events = []string{"push"} }, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(failed(2, "b", 1)), Due: []delivery.Due{due("b", 2, 1)}}},
	{name: "the oldest event first, whatever its rows", rows: []github.Delivery{a2, failed(5, "c", 2), failed(4, "b", 1), a1}, now: time.Hour,
		want: delivery.Plan{Pending: rowsOf(a2, a1, failed(4, "b", 1), failed(5, "c", 2)),
			Due: []delivery.Due{due("a", 2, 2), due("b", 4, 1), due("c", 5, 1)}}},
	{name: "redelivered by hand, long after it was decided", rows: []github.Delivery{a2}, now: time.Hour},
	{name: "no time", rows: []github.Delivery{{ID: 1, GUID: "a"}, a2}, now: time.Hour},
	{name: "no guid", rows: []github.Delivery{failed(1, "", 0)}, now: time.Hour},
	{name: "a clock behind GitHub's", rows: []github.Delivery{a1}, now: -time.Hour,
		want: delivery.Plan{Pending: rowsOf(a1), Next: after(time.Minute)}},
	{name: "the next of several", rows: []github.Delivery{failed(2, "b", 30), a1}, requested: asked(-4*time.Minute, "z"), now: 0,
		want: delivery.Plan{Pending: rowsOf(a1, failed(2, "b", 30)), Outstanding: asked(-4*time.Minute, "z"), Next: after(time.Minute)}},
	{name: "no policy", rows: []github.Delivery{a1}, policy: func(p *delivery.Policy) { *p = delivery.Policy{} }, now: time.Hour,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", NewestID: 1, At: noon, Reason: delivery.ReasonAttempts}}}},
	{name: "a policy of nonsense", rows: []github.Delivery{a1}, policy: func(p *delivery.Policy) { p.Within, p.Backoff = -1, -1 }, now: time.Hour,
		want: delivery.Plan{GivenUp: []delivery.GivenUp{{GUID: "a", Event: "push", NewestID: 1, At: after(-1), Reason: delivery.ReasonAge}}}},
}

func TestPlan(t *testing.T) {
	for _, c := range slices.Concat(backoffAndAge, requests, refusals, leftAlone) {
		t.Run(c.name, func(t *testing.T) {
			policy := usual()
			if c.policy != nil {
				c.policy(&policy)
			}
			NewWithT(t).Expect(policy.Plan(delivery.Rows(c.rows), c.requested, after(c.now))).To(Equal(c.want))
		})
	}
}

func TestPlanHoldsAtMost100Requests(t *testing.T) {
	g := NewWithT(t)
	var rows []github.Delivery
	var requested []delivery.Requested
	for i := range 150 {
		rows = append(rows, failed(int64(i+1), guid(i), float64(i)))
	}
	plan := usual().Plan(delivery.Rows(rows), nil, after(time.Hour))
	g.Expect(plan.Due).To(HaveLen(100))
	g.Expect(plan.Due[0].ID).To(BeEquivalentTo(1))
	g.Expect(plan.Pending).To(HaveLen(150), "the others wait for room")

	for _, d := range plan.Due[:90] {
		requested = append(requested, delivery.Requested{GUID: d.GUID, At: after(time.Hour)})
	}
	plan = usual().Plan(delivery.Rows(rows), requested, after(time.Hour))
	g.Expect(plan.Outstanding).To(HaveLen(90))
	g.Expect(plan.Due).To(HaveLen(10))
	g.Expect(plan.Due[0].ID).To(BeEquivalentTo(91))
	g.Expect(plan.Next).To(Equal(after(time.Hour + delivery.RequestTimeout)))

	for i := range 30 {
		requested = append(requested, delivery.Requested{GUID: guid(1000 + i), At: after(time.Hour)})
	}
	plan = usual().Plan(delivery.Rows(rows), requested, after(time.Hour))
	g.Expect(plan.Outstanding).To(HaveLen(120), "what was asked for is not forgotten")
	g.Expect(plan.Due).To(BeEmpty())
}

func TestPlanAsksForNothingMoreWhileItCannotRememberARefusal(t *testing.T) {
	g := NewWithT(t)
	rows, requested := []github.Delivery{}, []delivery.Requested{}
	for i := range delivery.MaxRefused + 10 {
		rows = append(rows, failed(int64(i+1), guid(i), float64(i)))
	}
	for i := range delivery.MaxRefused {
		requested = append(requested, refused(time.Hour+time.Duration(i)*time.Second, guid(i))...)
	}
	plan := usual().Plan(delivery.Rows(rows), requested, after(2*time.Hour))
	g.Expect(plan.Due).To(BeEmpty())
	g.Expect(plan.Refused).To(HaveLen(delivery.MaxRefused))
	g.Expect(plan.Next).To(Equal(after(day+time.Hour+1)), "when the first refusal may be forgotten")

	plan = usual().Plan(delivery.Rows(rows), requested[1:], after(2*time.Hour))
	g.Expect(plan.Due).To(HaveLen(11), "the one that is not remembered, and those that were never asked for")
	plan = usual().Plan(delivery.Rows(rows[:delivery.MaxRefused]), requested, after(2*time.Hour))
	g.Expect(plan.Next).To(BeZero(), "nothing waits for room")
}

// checkPlan holds what is true of every plan.
func checkPlan(g Gomega, p delivery.Policy, rows []github.Delivery, requested []delivery.Requested, now time.Time) delivery.Plan {
	plan := p.Plan(delivery.Rows(rows), requested, now)
	of := map[string][]github.Delivery{}
	for _, row := range rows {
		// A row that is given twice is there once.
		if !slices.ContainsFunc(of[row.GUID], func(r github.Delivery) bool { return r.ID == row.ID }) {
			of[row.GUID] = append(of[row.GUID], row)
		}
	}
	g.Expect(len(plan.Due) + len(plan.Outstanding)).To(BeNumerically("<=", delivery.MaxRequested))
	seen := map[string]bool{}
	for _, d := range plan.Due {
		g.Expect(seen[d.GUID]).To(BeFalse(), "due once")
		seen[d.GUID] = true
		attempts, oldest, newest := 0, of[d.GUID][0], of[d.GUID][0]
		for _, row := range of[d.GUID] {
			g.Expect(delivery.OK(row)).To(BeFalse(), "none arrived")
			if row.Redelivery {
				attempts++
			}
			if row.DeliveredAt.Before(oldest.DeliveredAt) {
				oldest = row
			}
			if row.DeliveredAt.After(newest.DeliveredAt) || row.DeliveredAt.Equal(newest.DeliveredAt) && row.ID > newest.ID {
				newest = row
			}
		}
		g.Expect(d.ID).To(Equal(newest.ID))
		g.Expect(newest.ThrottledAt).To(BeNil())
		g.Expect(d.Attempt).To(And(Equal(attempts+1), BeNumerically("<=", p.MaxAttempts)))
		g.Expect(now.Sub(oldest.DeliveredAt)).To(BeNumerically("<=", p.Within), "young enough")
		g.Expect(now.Sub(newest.DeliveredAt).Seconds()).To(BeNumerically(">=", p.Backoff.Seconds()*math.Pow(2, float64(attempts))), "after the backoff")
		if len(p.Events) > 0 {
			g.Expect(p.Events).To(ContainElement(d.Event))
		}
		for _, r := range requested {
			g.Expect(r.Refused && r.GUID == d.GUID && now.Sub(r.At) <= p.Within).To(BeFalse(), "not refused")
			answered := slices.ContainsFunc(of[d.GUID], func(row github.Delivery) bool {
				return row.Redelivery && !row.DeliveredAt.Before(r.At.Truncate(time.Second))
			})
			g.Expect(r.GUID != d.GUID || answered || now.Sub(r.At) >= delivery.RequestTimeout).To(BeTrue(), "not outstanding")
		}
	}
	for _, u := range plan.GivenUp {
		g.Expect(seen[u.GUID]).To(BeFalse(), "due or given up")
		g.Expect(slices.ContainsFunc(plan.Refused, func(r delivery.Requested) bool { return r.GUID == u.GUID })).To(BeFalse(), "given up or refused")
		g.Expect(slices.ContainsFunc(of[u.GUID], delivery.OK)).To(BeFalse())
	}
	checkNext(g, p, plan, rows, requested, now)
	checkPending(g, p, plan, now)
	return plan
}

// checkNext: nothing becomes due and no request expires before Next, and something does then.
func checkNext(g Gomega, p delivery.Policy, plan delivery.Plan, rows []github.Delivery, requested []delivery.Requested, now time.Time) {
	last := now.Add(1000 * time.Hour)
	if !plan.Next.IsZero() {
		g.Expect(plan.Next).To(BeTemporally(">", now))
		last = plan.Next.Add(-1)
		then := p.Plan(delivery.Rows(rows), requested, plan.Next)
		news := len(then.Outstanding) < len(plan.Outstanding) || slices.ContainsFunc(then.Due, func(d delivery.Due) bool { return !slices.Contains(plan.Due, d) })
		g.Expect(news).To(BeTrue(), "something happens at Next")
	}
	before := p.Plan(delivery.Rows(rows), requested, last)
	g.Expect(before.Outstanding).To(HaveLen(len(plan.Outstanding)))
	for _, d := range before.Due {
		g.Expect(plan.Due).To(ContainElement(d), "nothing becomes due before Next")
	}
}

// checkPending: the pending rows and the outstanding requests lead to the same plan.
func checkPending(g Gomega, p delivery.Policy, plan delivery.Plan, now time.Time) {
	again := p.Plan(plan.Pending, slices.Concat(plan.Outstanding, plan.Refused), now)
	g.Expect(again.Outstanding).To(Equal(plan.Outstanding))
	g.Expect(again.Due).To(Equal(plan.Due))
	g.Expect(again.Next).To(Equal(plan.Next))
	g.Expect(again.Pending).To(Equal(plan.Pending))
	g.Expect(again.GivenUp).To(BeEmpty())
}

// read makes rows and requests of bytes.
func read(data []byte) (rows []github.Delivery, requested []delivery.Requested) {
	for i := 0; i+4 <= len(data) && i < 4*90; i += 4 {
		guid, at, flags := guid(int(data[i]%8)), 137*float64(data[i+1])+float64(data[i+2])/16, data[i+3]
		if flags&0xe0 == 0xe0 {
			requested = append(requested, delivery.Requested{GUID: guid, At: after(time.Duration(at * float64(time.Second))), Refused: flags&0x0f == 0x0f})
			continue
		}
		row := named(failed(int64(i/4+1), guid, at), []string{"push", "fork"}[data[i]%2])
		if flags&1 != 0 {
			row = again(row)
		}
		if flags&0x0e == 0x0e {
			row = arrived(row)
		}
		if flags&0x30 == 0x30 {
			row = throttled(row)
		}
		if flags&0x4f == 0x40 && len(rows) > 0 {
			row = rows[len(rows)-1]
		}
		rows = append(rows, row)
	}
	return rows, requested
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 4, 0, 1, 0, 9, 0, 1}, uint16(40), uint8(3), uint16(600), uint16(60), false)
	f.Add([]byte{0, 0, 0, 0, 1, 4, 0, 0, 0, 9, 0, 0xe0}, uint16(22), uint8(3), uint16(6000), uint16(1), true)
	f.Add([]byte{0, 0, 0, 0, 0, 4, 0, 15, 1, 0, 0, 0x30, 2, 0, 0, 0x40}, uint16(500), uint8(10), uint16(65535), uint16(0), false)
	f.Fuzz(func(t *testing.T, data []byte, minutes uint16, attempts uint8, within, backoff uint16, pushOnly bool) {
		g := NewWithT(t)
		rows, requested := read(data)
		p := delivery.Policy{MaxAttempts: int(attempts % 12), Within: time.Duration(within) * time.Second, Backoff: time.Duration(backoff) * time.Second}
		if pushOnly {
			p.Events = []string{"push"}
		}
		now := after(time.Duration(minutes) * time.Minute)
		plan := checkPlan(g, p, rows, requested, now)
		random := dice(uint64(minutes))
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		random.Shuffle(len(requested), func(i, j int) { requested[i], requested[j] = requested[j], requested[i] })
		g.Expect(p.Plan(delivery.Rows(rows), requested, now)).To(Equal(plan), "the order of what is given does not matter")
		delivery.Summarize(rows)
		delivery.Request{Failed: true}.Select(delivery.Rows(rows))
	})
}

func TestPlanOfRandomRows(t *testing.T) {
	g := NewWithT(t)
	random := dice(20260601)
	var dueEver, givenUpEver, outstandingEver, refusedEver int
	for range 3000 {
		data := make([]byte, 4*random.IntN(40))
		for i := range data {
			data[i] = byte(random.UintN(256) & 0xff)
		}
		rows, requested := read(data)
		p := delivery.Policy{
			MaxAttempts: 1 + random.IntN(10), Within: time.Duration(random.IntN(30)) * time.Hour, Backoff: time.Duration(1+random.IntN(120)) * time.Second,
		}
		plan := checkPlan(g, p, rows, requested, after(time.Duration(random.IntN(20*3600))*time.Second))
		dueEver, givenUpEver, outstandingEver = dueEver+len(plan.Due), givenUpEver+len(plan.GivenUp), outstandingEver+len(plan.Outstanding)
		refusedEver += len(plan.Refused)
	}
	g.Expect([]int{dueEver, givenUpEver, outstandingEver, refusedEver}).To(HaveEach(BeNumerically(">", 300)), "the rows are not trivial")
}
