package delivery

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Row is what decisions need of a delivery in GitHub's log. Rows are kept by the thousand, so it is small.
type Row struct {
	ID int64
	// GUID of the event; empty where GitHub gave none that can be asked for.
	GUID          string
	DeliveredAt   time.Time
	Event, Action string
	OK            bool
	Redelivery    bool
	Throttled     bool
}

// Bounds of a row's texts, in bytes: GitHub's guids have 36, and its longest names of events about 40.
const (
	maxGUID = 64
	maxName = 100
)

// Rows are deliveries as decisions need them.
func Rows(deliveries []github.Delivery) []Row {
	rows := make([]Row, len(deliveries))
	for i, d := range deliveries {
		rows[i] = Row{
			ID: d.ID, GUID: d.GUID, DeliveredAt: d.DeliveredAt, Event: name(d.Event), Action: name(d.Action),
			OK: OK(d), Redelivery: d.Redelivery, Throttled: d.ThrottledAt != nil,
		}
		if len(d.GUID) > maxGUID {
			rows[i].GUID = ""
		}
	}
	return rows
}

// name is the one copy of a name that all rows share.
func name(s string) string {
	return unique.Make(strings.ToValidUTF8(s[:min(len(s), maxName)], "")).Value()
}

// OK tells whether the receiver took the delivery. Only the status says so: GitHub's filter status=failure means codes
// from 400 to 599, and where nothing answered the code may be 0.
func OK(d github.Delivery) bool { return d.Status == "OK" }

// newestFirst sorts a copy of rows by time, then ID: times may have whole seconds only. A row that was read twice, as
// happens while pages move, is there once; if it changed in between, as one that arrived.
func newestFirst(rows []Row) []Row {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), compareBool(b.OK, a.OK), b.DeliveredAt.Compare(a.DeliveredAt),
			compareBool(b.Redelivery, a.Redelivery), compareBool(b.Throttled, a.Throttled),
			cmp.Compare(a.GUID, b.GUID))
	})
	sorted = slices.CompactFunc(sorted, func(a, b Row) bool { return a.ID == b.ID })
	slices.SortFunc(sorted, func(a, b Row) int {
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
	rows []Row
}

// events groups rows by guid, the oldest event first. Rows without a guid are left out: they cannot be asked for.
func events(rows []Row) []event {
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

func (e event) newest() Row { return e.rows[0] }

// since is when the event was first delivered, which is its age.
func (e event) since() time.Time { return e.rows[len(e.rows)-1].DeliveredAt }

func (e event) arrived() bool {
	return slices.ContainsFunc(e.rows, func(row Row) bool { return row.OK })
}

// throttled: GitHub holds the delivery back.
func (e event) throttled() bool { return e.newest().Throttled }

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
