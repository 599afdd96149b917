package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

func TestParseRequest(t *testing.T) {
	const id = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
	for value, want := range map[string]delivery.Request{
		"failed":               {Failed: true},
		"failed@1763600000":    {Failed: true},
		"Failed @":             {Failed: true},
		id:                     {GUID: id},
		id + "@again":          {GUID: id},
		strings.ToUpper(id):    {GUID: id},
		id + "@a@b":            {GUID: id},
		"9007199254740993":     {ID: 9007199254740993},
		"9223372036854775807":  {ID: 9223372036854775807},
		"12345678@1763600000":  {ID: 12345678},
		"12345678\n":           {ID: 12345678},
		"00000000000000000042": {ID: 42},
	} {
		t.Run(value, func(t *testing.T) {
			g := NewWithT(t)
			got, err := delivery.ParseRequest(value)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(want))
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, value := range []string{
		"", "@1", "all", "failed 1", "0", "-1", "+1", "1.5", "1e3", "9223372036854775808", "0b989ba4-242f-11e5-81e1",
		"0b989ba4242f11e581e1c7b6966d2516", "gb989ba4-242f-11e5-81e1-c7b6966d2516", "１２",
	} {
		t.Run(value, func(t *testing.T) {
			g := NewWithT(t)
			_, err := delivery.ParseRequest(value)
			g.Expect(err).To(MatchError(delivery.ErrRequest))
			g.Expect(err).To(MatchError(ContainSubstring(`"failed", a delivery's guid or its id`)))
		})
	}
	g := NewWithT(t)
	_, err := delivery.ParseRequest(strings.Repeat("x\n", 1<<20))
	g.Expect(len(err.Error())).To(BeNumerically("<", 300))
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{"failed@1", guid(1), "9007199254740993@x", "", "@", "-1", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		g := NewWithT(t)
		r, err := delivery.ParseRequest(value)
		if err != nil {
			g.Expect(err).To(MatchError(delivery.ErrRequest))
			g.Expect(r).To(Equal(delivery.Request{}))
			return
		}
		set := 0
		for _, is := range []bool{r.Failed, r.GUID != "", r.ID != 0} {
			if is {
				set++
			}
		}
		g.Expect(set).To(Equal(1), "exactly one field of %+v", r)
		for _, nonce := range []string{"", "@", "@" + value} {
			g.Expect(delivery.ParseRequest(r.String() + nonce)).To(Equal(r))
		}
	})
}

func TestSelect(t *testing.T) {
	rows := []github.Delivery{
		again(failed(9, guid(1), 90)), failed(8, guid(5), 80), throttled(failed(7, guid(4), 70)), arrived(again(failed(6, guid(3), 60))),
		arrived(failed(5, guid(2), 50)), failed(4, guid(3), 40), failed(3, guid(1), 30), failed(2, "", 20), again(failed(1, guid(6), 10)),
	}
	ids := func(due []delivery.Due) []int64 {
		var all []int64
		for _, d := range due {
			all = append(all, d.ID)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		request delivery.Request
		want    []int64
	}{
		{"all that failed, the oldest event first", delivery.Request{Failed: true}, []int64{1, 9, 8}},
		{"a guid by its newest row", delivery.Request{GUID: guid(1)}, []int64{9}},
		{"a guid that arrived", delivery.Request{GUID: guid(3)}, []int64{6}},
		{"a guid that is throttled", delivery.Request{GUID: guid(4)}, []int64{7}},
		{"a guid that nobody knows", delivery.Request{GUID: guid(99)}, nil},
		{"a row", delivery.Request{ID: 3}, []int64{3}},
		{"a row that arrived", delivery.Request{ID: 5}, []int64{5}},
		{"a row that nobody knows", delivery.Request{ID: 99}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(ids(c.request.Select(delivery.Rows(rows)))).To(Equal(c.want))
		})
	}
	g := NewWithT(t)
	g.Expect(delivery.Request{ID: 3}.Select(delivery.Rows(rows))).To(Equal([]delivery.Due{{GUID: guid(1), ID: 3, Event: "push", Attempt: 2}}))
	g.Expect(delivery.Request{Failed: true}.Select(nil)).To(BeEmpty())
}

func TestChooseLeavesOutWhatWasAskedForLately(t *testing.T) {
	rows := rowsOf(failed(3, guid(3), 30), failed(2, guid(2), 20), failed(1, guid(1), 10))
	all := delivery.Request{Failed: true}.Select(rows)
	for _, c := range []struct {
		name      string
		request   delivery.Request
		requested []delivery.Requested
		want      delivery.Choice
	}{
		{"nothing was asked for", delivery.Request{Failed: true}, nil, delivery.Choice{Due: all}},
		{"one was, and one was refused", delivery.Request{Failed: true}, slices.Concat(asked(time.Hour, guid(1)), refused(time.Hour, guid(3))),
			delivery.Choice{Due: all[1:2], AskedLately: 1, RefusedLately: 1}},
		{"long ago", delivery.Request{Failed: true}, slices.Concat(asked(time.Minute, guid(1)), refused(time.Minute, guid(3))), delivery.Choice{Due: all}},
		{"the later of two counts", delivery.Request{Failed: true}, slices.Concat(refused(time.Hour-time.Minute, guid(1)), asked(time.Hour, guid(1))),
			delivery.Choice{Due: all[1:], AskedLately: 1}},
		{"one by its guid", delivery.Request{GUID: guid(1)}, refused(time.Hour, guid(1)), delivery.Choice{RefusedLately: 1}},
		{"one by its id", delivery.Request{ID: 2}, refused(time.Hour, guid(1)), delivery.Choice{Due: all[1:2]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(c.request.Choose(rows, c.requested, after(time.Hour+4*time.Minute))).To(Equal(c.want))
		})
	}
}
