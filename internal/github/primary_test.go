package github

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestAnswersThatOvertakeOneAnother(t *testing.T) {
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tell := func(remaining int, reset int64) primary {
		return primary{limit: 100, remaining: remaining, reset: reset, ends: begun.Add(time.Duration(reset) * time.Second)}
	}
	for _, c := range []struct {
		name string
		told []primary
		want primary
	}{
		{"one", []primary{tell(90, 1000)}, tell(90, 1000)},
		{"in order", []primary{tell(90, 1000), tell(89, 1000)}, tell(89, 1000)},
		{"out of order", []primary{tell(89, 1000), tell(90, 1000)}, tell(89, 1000)},
		{"the end is a second off", []primary{tell(89, 1000), tell(90, 1001)}, tell(89, 1000)},
		{"the next window", []primary{tell(3, 1000), tell(99, 4600)}, tell(99, 4600)},
		{"the last answer of the window before", []primary{tell(3, 8), tell(99, 3608), tell(1, 8)}, tell(99, 3608)},
		{"a nearer end, as by a clock that was put right", []primary{tell(3, 4000), tell(50, 1000)}, tell(50, 1000)},
		{"after the end of the window", []primary{tell(3, -5), tell(99, -5000)}, tell(99, -5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p primary
			for _, told := range c.told {
				p.merge(told, begun)
			}
			NewWithT(t).Expect(p).To(Equal(c.want))
		})
	}
}

func TestHeadersOfAPrimaryLimit(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for _, c := range []struct {
		name                              string
		limit, remaining, reset, resource string
		date                              string
		ends                              time.Duration // 0: there is no limit
	}{
		{"GitHub's", "5000", "4999", in(time.Hour), "core", "", time.Hour},
		{"without a resource", "5000", "0", in(time.Hour), "", "", time.Hour},
		{"of another resource", "30", "29", in(time.Minute), "search", "", 0},
		{"by a clock that is behind", "5000", "4999", in(time.Hour), "core", now.Add(-10 * time.Minute).Format(http.TimeFormat), 70 * time.Minute},
		{"without an end", "5000", "4999", "", "core", "", 0},
		{"no numbers", "many", "4999", in(time.Hour), "core", "", 0},
		{"below nothing", "5000", "-1", in(time.Hour), "core", "", 0},
		{"no limit", "0", "0", in(time.Hour), "core", "", 0},
		{"ended just now", "5000", "0", in(-time.Second), "core", "", -time.Second},
		{"ended long ago", "5000", "0", in(-time.Hour), "core", "", 0},
		{"in seconds from now", "5000", "0", "3600", "core", "", 0},
		{"in milliseconds", "5000", "0", in(time.Hour) + "000", "core", "", 0},
		{"further away than an hour, as clocks may have it", "5000", "0", in(74 * time.Minute), "core", "", 74 * time.Minute},
		{"further away than a window lasts", "5000", "0", in(80 * time.Minute), "core", "", 0},
		{"too far away", "5000", "0", "8589934591", "core", "", 0},
		{"too far away by the server's own clock", "5000", "0", in(30 * time.Minute), "core", now.Add(-time.Hour).Format(http.TimeFormat), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			header := http.Header{}
			for name, value := range map[string]string{
				"X-RateLimit-Limit": c.limit, "X-RateLimit-Remaining": c.remaining, "X-RateLimit-Reset": c.reset,
				"X-RateLimit-Resource": c.resource, "Date": c.date,
			} {
				if value != "" {
					header.Set(name, value)
				}
			}
			p, ok := readPrimary(header, now)
			g.Expect(ok).To(Equal(c.ends != 0))
			if ok {
				g.Expect(p.ends.Sub(now)).To(Equal(c.ends))
				g.Expect(strconv.Itoa(p.limit) + " " + strconv.Itoa(p.remaining)).To(Equal(c.limit + " " + c.remaining))
			}
		})
	}
}

// Whatever a server says, a budget ends its silence, and no number is below nothing.
func FuzzLimitHeaders(f *testing.F) {
	f.Add("5000", "4999", "1767326645", "60", "Fri, 02 Jan 2026 03:04:05 GMT", 403)
	f.Add("0", "0", "-1", "Fri, 02 Jan 2026 03:04:05 GMT", "", 429)
	f.Add("99999999999999999999", "1e3", "9223372036854775807", "-1", "yesterday", 200)
	f.Fuzz(func(t *testing.T, limit, remaining, reset, after, date string, status int) {
		g := NewWithT(t)
		w := newWorld(1)
		header := http.Header{
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset},
			"Retry-After": {after}, "Date": {date},
		}
		sent, _ := w.budgets.begin(w.account, get("/", Change))
		retryAt := w.budgets.answered(sent, &http.Response{StatusCode: status, Header: header}, meaningOf(status), false)
		switch {
		case status == http.StatusTooManyRequests:
			g.Expect(retryAt).To(BeTemporally(">", w.now))
			g.Expect(retryAt).To(BeTemporally("<=", w.now.Add(longestWait)))
		case isDown(status) && !retryAt.IsZero():
			g.Expect(retryAt).To(BeTemporally(">", w.now))
			g.Expect(retryAt).To(BeTemporally("<=", w.now.Add(longestOutage)))
		}
		if told, ok := readPrimary(header, w.now); ok {
			g.Expect(told.limit).To(BeNumerically(">", 0))
			g.Expect(told.remaining).To(BeNumerically(">=", 0))
			g.Expect(told.ends).To(BeTemporally("<=", w.now.Add(longestWindow)))
		}
		w.now = w.now.Add(longestWait + time.Second)
		again, _ := w.budgets.begin(w.account, get("/", Redelivery))
		g.Expect(again).NotTo(BeNil())
	})
}
