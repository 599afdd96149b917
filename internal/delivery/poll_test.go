package delivery_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// log is GitHub's log of a webhook whose receiver fails most of the time, and what GitHub was asked for.
type log struct {
	random *rand.Rand
	now    time.Time
	rows   []github.Delivery
	// coming are rows that show later.
	coming []github.Delivery
	asked  map[string][]time.Time
	// refuses tells which events GitHub never delivers again.
	refuses func(guid string) bool
}

// deliver adds a row that shows after a while.
func (l *log) deliver(guid string, redelivery bool, in time.Duration) {
	row := failed(int64(len(l.rows)+len(l.coming)+1), guid, l.now.Add(in).Sub(noon).Seconds())
	row.Redelivery = redelivery
	if l.random.IntN(8) == 0 {
		row = arrived(row)
	}
	l.coming = append(l.coming, row)
}

// pass lets time go by.
func (l *log) pass(d time.Duration) {
	l.now = l.now.Add(d)
	later := l.coming[:0:0]
	for _, row := range l.coming {
		if row.DeliveredAt.After(l.now) {
			later = append(later, row)
		} else {
			l.rows = append(l.rows, row)
		}
	}
	l.coming = later
}

// redeliver is GitHub's endpoint. Now and then the request is lost. It tells whether GitHub refuses.
func (l *log) redeliver(g Gomega, d delivery.Due) (refused bool) {
	for _, row := range l.rows {
		if row.GUID == d.GUID {
			g.Expect(delivery.OK(row)).To(BeFalse(), "what arrived is not asked for")
		}
	}
	if before := l.asked[d.GUID]; len(before) > 0 {
		last := before[len(before)-1]
		answered := slices.ContainsFunc(l.rows, func(row github.Delivery) bool {
			return row.GUID == d.GUID && row.Redelivery && !row.DeliveredAt.Before(last)
		})
		g.Expect(answered || l.now.Sub(last) >= delivery.RequestTimeout).To(BeTrue(), "asked for again after an answer or 5 min")
	}
	l.asked[d.GUID] = append(l.asked[d.GUID], l.now)
	if l.refuses(d.GUID) {
		return true
	}
	if l.random.IntN(5) != 0 {
		l.deliver(d.GUID, true, time.Duration(l.random.IntN(240))*time.Second)
	}
	return false
}

// operator is what survives in status, and what is lost with the process.
type operator struct {
	policy    delivery.Policy
	requested []delivery.Requested
	pending   []delivery.Row
	seen      int
}

// poll is one pass of the loop. A crash happens after requests were noted, before all, some or none were made.
func (o *operator) poll(g Gomega, l *log, crash bool) {
	rows := append(slices.Clone(o.pending), delivery.Rows(l.rows[o.seen:])...)
	plan := o.policy.Plan(rows, o.requested, l.now)
	o.requested, o.pending, o.seen = slices.Concat(plan.Outstanding, plan.Refused), plan.Pending, len(l.rows)
	batch := plan.Due[:min(10, len(plan.Due))]
	for _, d := range batch {
		o.requested = append(o.requested, delivery.Requested{GUID: d.GUID, At: l.now.Truncate(time.Second)})
	}
	g.Expect(len(o.requested) - len(plan.Refused)).To(BeNumerically("<=", delivery.MaxRequested))
	if crash {
		batch = batch[:l.random.IntN(len(batch)+1)]
		o.pending, o.seen = nil, 0
	}
	for _, d := range batch {
		if l.redeliver(g, d) {
			o.requested[slices.IndexFunc(o.requested, func(r delivery.Requested) bool { return r.GUID == d.GUID })].Refused = true
		}
	}
}

func TestPollsOverDaysWithCrashes(t *testing.T) {
	for seed := range uint64(6) {
		g := NewWithT(t)
		random := dice(seed)
		l := &log{random: random, now: noon, asked: map[string][]time.Time{}, refuses: func(guid string) bool { return strings.HasPrefix(guid, "0000000") && guid[7]%5 == 0 }}
		o := &operator{policy: delivery.Policy{MaxAttempts: 1 + random.IntN(4), Within: 12 * time.Hour, Backoff: time.Duration(1+random.IntN(300)) * time.Second}}
		for i := range 200 {
			l.deliver(guid(i), false, time.Duration(random.IntN(24*3600))*time.Second)
		}
		for l.now.Before(noon.Add(48 * time.Hour)) {
			l.pass(time.Duration(1+random.IntN(180)) * time.Second)
			o.poll(g, l, random.IntN(10) == 0)
		}
		g.Expect(o.pending).To(BeEmpty(), "all is decided")
		g.Expect(o.requested).To(BeEmpty())
		checkEnd(g, o.policy, l)
	}
}

// checkEnd: every event arrived, or was tried as often as the policy allows; none more often.
func checkEnd(g Gomega, p delivery.Policy, l *log) {
	attempts, ok := map[string]int{}, map[string]bool{}
	for _, row := range l.rows {
		if row.Redelivery {
			attempts[row.GUID]++
		}
		ok[row.GUID] = ok[row.GUID] || delivery.OK(row)
	}
	var helped int
	for i := range 200 {
		g.Expect(attempts[guid(i)]).To(BeNumerically("<=", p.MaxAttempts))
		if l.refuses(guid(i)) {
			g.Expect(len(l.asked[guid(i)])).To(BeNumerically("<=", 1), "a refusal is final")
			continue
		}
		if !ok[guid(i)] {
			g.Expect(attempts[guid(i)]).To(Equal(p.MaxAttempts), "no attempt is left out")
		} else if attempts[guid(i)] > 0 {
			helped++
		}
	}
	g.Expect(helped).To(BeNumerically(">", 0))
}
