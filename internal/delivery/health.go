package delivery

import (
	"slices"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Counted is how many deliveries a Summary is about.
const Counted = 100

// Summary is the health of a webhook's newest deliveries.
type Summary struct {
	// Newest delivery; nil when there is none.
	Newest *github.Delivery
	// Since is the oldest counted delivery's time. Times are zero where there is none.
	Since time.Time
	// Total is the number of events; Failed of those of which no delivery arrived.
	Total, Failed int
	// Redelivered is the number of deliveries that were sent again.
	Redelivered int
	// LastSuccess and LastFailure are when the newest delivery that arrived, or did not, was sent.
	LastSuccess, LastFailure time.Time
}

// Summarize counts the newest 100 of the deliveries given.
func Summarize(deliveries []github.Delivery) Summary {
	rows := newestFirst(Rows(deliveries))
	rows = rows[:min(len(rows), Counted)]
	if len(rows) == 0 {
		return Summary{}
	}
	newest := deliveries[slices.IndexFunc(deliveries, func(d github.Delivery) bool { return d.ID == rows[0].ID && OK(d) == rows[0].OK })]
	s := Summary{Newest: &newest}
	for _, row := range slices.Backward(rows) {
		at := row.DeliveredAt
		if s.Since.IsZero() {
			s.Since = at
		}
		if row.Redelivery {
			s.Redelivered++
		}
		last := &s.LastFailure
		if row.OK {
			last = &s.LastSuccess
		}
		*last = at
		if row.GUID == "" {
			// Nothing says which other deliveries it belongs to.
			s.count(row.OK)
		}
	}
	for _, e := range events(rows) {
		s.count(e.arrived())
	}
	return s
}

// count counts one event.
func (s *Summary) count(arrived bool) {
	s.Total++
	if !arrived {
		s.Failed++
	}
}
