package delivery_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

func TestOK(t *testing.T) {
	g := NewWithT(t)
	g.Expect(delivery.OK(github.Delivery{Status: "OK", StatusCode: 204})).To(BeTrue())
	for _, d := range []github.Delivery{
		{}, {Status: "timed out"}, {Status: "Invalid HTTP Response: 404", StatusCode: 404},
		{Status: "Invalid HTTP Response: 302", StatusCode: 302}, {Status: "failed to connect to host", StatusCode: 502},
		{Status: "Peer certificate cannot be authenticated with given CA certificates", StatusCode: 200},
	} {
		g.Expect(delivery.OK(d)).To(BeFalse(), d.Status)
	}
}

func TestSummarize(t *testing.T) {
	untimed := func(d github.Delivery) github.Delivery {
		d.DeliveredAt = time.Time{}
		return d
	}
	for _, c := range []struct {
		name   string
		rows   []github.Delivery
		newest int64
		want   delivery.Summary
	}{
		{name: "nothing was delivered"},
		{name: "one arrived", rows: []github.Delivery{arrived(failed(1, "a", 0))}, newest: 1,
			want: delivery.Summary{Since: noon, Total: 1, LastSuccess: noon}},
		{name: "one failed", rows: []github.Delivery{failed(1, "a", 0)}, newest: 1,
			want: delivery.Summary{Since: noon, Total: 1, Failed: 1, LastFailure: noon}},
		{name: "arrived when it was sent again", rows: []github.Delivery{arrived(again(failed(2, "a", 60))), failed(1, "a", 0)}, newest: 2,
			want: delivery.Summary{Since: noon, Total: 1, Redelivered: 1, LastSuccess: after(time.Minute), LastFailure: noon}},
		{name: "failed when it was sent again after it had arrived", rows: []github.Delivery{again(failed(2, "a", 60)), arrived(failed(1, "a", 0))}, newest: 2,
			want: delivery.Summary{Since: noon, Total: 1, Redelivered: 1, LastSuccess: noon, LastFailure: after(time.Minute)}},
		{name: "failed again and again", rows: []github.Delivery{again(failed(3, "a", 2)), again(failed(2, "a", 1)), failed(1, "a", 0)}, newest: 3,
			want: delivery.Summary{Since: noon, Total: 1, Failed: 1, Redelivered: 2, LastFailure: after(2 * time.Second)}},
		{name: "in any order", rows: []github.Delivery{arrived(failed(2, "b", 1)), failed(4, "d", 3), failed(1, "a", 0), arrived(failed(3, "c", 2))}, newest: 4,
			want: delivery.Summary{Since: noon, Total: 4, Failed: 2, LastSuccess: after(2 * time.Second), LastFailure: after(3 * time.Second)}},
		{name: "of one second the one with the higher ID is newer", rows: []github.Delivery{failed(7, "a", 0), arrived(failed(8, "b", 0))}, newest: 8,
			want: delivery.Summary{Since: noon, Total: 2, Failed: 1, LastSuccess: noon, LastFailure: noon}},
		{name: "a row read twice", rows: []github.Delivery{failed(2, "b", 1), failed(1, "a", 0), failed(2, "b", 1)}, newest: 2,
			want: delivery.Summary{Since: noon, Total: 2, Failed: 2, LastFailure: after(time.Second)}},
		{name: "a row read twice that arrived in between", rows: []github.Delivery{failed(1, "a", 0), arrived(failed(1, "a", 0))}, newest: 1,
			want: delivery.Summary{Since: noon, Total: 1, LastSuccess: noon}},
		{name: "rows without a time", rows: []github.Delivery{untimed(arrived(failed(9, "b", 0))), failed(1, "a", 0), untimed(failed(8, "c", 0))}, newest: 1,
			want: delivery.Summary{Since: noon, Total: 3, Failed: 2, LastFailure: noon}},
		{name: "no times at all", rows: []github.Delivery{untimed(failed(1, "a", 0)), untimed(failed(2, "b", 0))}, newest: 2,
			want: delivery.Summary{Total: 2, Failed: 2}},
		{name: "rows without a guid are events of their own", rows: []github.Delivery{failed(2, "", 1), arrived(failed(1, "", 0))}, newest: 2,
			want: delivery.Summary{Since: noon, Total: 2, Failed: 1, LastSuccess: noon, LastFailure: after(time.Second)}},
		{name: "throttled has not arrived", rows: []github.Delivery{throttled(failed(1, "a", 0))}, newest: 1,
			want: delivery.Summary{Since: noon, Total: 1, Failed: 1, LastFailure: noon}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			got := delivery.Summarize(c.rows)
			if c.newest == 0 {
				g.Expect(got.Newest).To(BeNil())
			} else {
				g.Expect(got.Newest).To(HaveField("ID", c.newest))
			}
			got.Newest = nil
			g.Expect(got).To(Equal(c.want))
		})
	}
}

func TestSummarizeCountsTheNewest100(t *testing.T) {
	g := NewWithT(t)
	var rows []github.Delivery
	for i := range 150 {
		row := failed(int64(i+1), guid(i), float64(i))
		if i >= 100 {
			row = arrived(row)
		}
		rows = append(rows, row)
	}
	dice(1).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	given := append([]github.Delivery(nil), rows...)
	s := delivery.Summarize(rows)
	g.Expect(s.Newest.ID).To(BeEquivalentTo(150))
	g.Expect([]int{s.Total, s.Failed, s.Redelivered}).To(Equal([]int{100, 50, 0}))
	g.Expect(s.Since).To(Equal(after(50 * time.Second)))
	g.Expect(s.LastFailure).To(Equal(after(99 * time.Second)))
	g.Expect(rows).To(Equal(given), "what was given is left as it is")
}
