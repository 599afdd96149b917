package delivery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// OK tells whether the receiver took the delivery. Only the status says so: GitHub's filter status=failure means codes
// from 400 to 599, and where nothing answered the code may be 0.
func OK(d github.Delivery) bool { return d.Status == "OK" }

// newestFirst sorts a copy of rows by time, then ID: times may have whole seconds only. A row that was read twice, as
// happens while pages move, is there once; if it changed in between, as one that arrived.
func newestFirst(rows []github.Delivery) []github.Delivery {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b github.Delivery) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), compareBool(OK(b), OK(a)), b.DeliveredAt.Compare(a.DeliveredAt),
			compareBool(b.Redelivery, a.Redelivery), compareBool(b.ThrottledAt != nil, a.ThrottledAt != nil),
			cmp.Compare(a.GUID, b.GUID))
	})
	sorted = slices.CompactFunc(sorted, func(a, b github.Delivery) bool { return a.ID == b.ID })
	slices.SortFunc(sorted, func(a, b github.Delivery) int {
		return cmp.Or(b.DeliveredAt.Compare(a.DeliveredAt), cmp.Compare(b.ID, a.ID))
	})
	return sorted
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// event is what happened on GitHub, with its deliveries, the newest first.
type event struct {
	guid string
	rows []github.Delivery
}

// events groups rows by guid, the oldest event first. Rows without a guid are left out: they cannot be asked for.
func events(rows []github.Delivery) []event {
	var all []event
	index := map[string]int{}
	for _, row := range newestFirst(rows) {
		if row.GUID == "" {
			continue
		}
		i, known := index[row.GUID]
		if !known {
			i = len(all)
			index[row.GUID] = i
			all = append(all, event{guid: row.GUID})
		}
		all[i].rows = append(all[i].rows, row)
	}
	slices.SortFunc(all, func(a, b event) int {
		return cmp.Or(a.since().Compare(b.since()), strings.Compare(a.guid, b.guid))
	})
	return all
}

func (e event) newest() github.Delivery { return e.rows[0] }

// since is when the event was first delivered, which is its age.
func (e event) since() time.Time { return e.rows[len(e.rows)-1].DeliveredAt }

func (e event) arrived() bool { return slices.ContainsFunc(e.rows, OK) }

// throttled: GitHub holds the delivery back.
func (e event) throttled() bool { return e.newest().ThrottledAt != nil }

// attempts is how often the event was sent again, by whomever.
func (e event) attempts() int {
	n := 0
	for _, row := range e.rows {
		if row.Redelivery {
			n++
		}
	}
	return n
}

// whole tells whether the event's first delivery is among the rows, with its time. Without it neither age nor attempts
// are known, nor whether an earlier delivery arrived.
func (e event) whole() bool { return e.attempts() < len(e.rows) && !e.since().IsZero() }

// due is the event as one to ask for by its newest row.
func (e event) due() Due {
	row := e.newest()
	return Due{GUID: e.guid, ID: row.ID, Event: row.Event, Action: row.Action, Attempt: e.attempts() + 1}
}
