package github

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestRetryAt(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const (
		date     = "Sun, 01 Mar 2026 11:50:00 GMT" // the server's clock is ten minutes behind
		inAnHour = "1772369400"                    // by the server's clock: 12:50
	)
	for _, c := range []struct {
		name   string
		header map[string]string
		limit  bool
		want   time.Duration
	}{
		{"no limit, nothing said", nil, false, -1},
		{"no limit, numbers only", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inAnHour}, false, -1},
		{"no limit, but Retry-After", map[string]string{"Retry-After": "30"}, false, 30 * time.Second},
		{"nothing said", nil, true, time.Minute},
		{"Retry-After goes before the numbers", map[string]string{"Retry-After": "30", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inAnHour}, true, 30 * time.Second},
		{"Retry-After as a date", map[string]string{"Retry-After": "Sun, 01 Mar 2026 11:51:00 GMT", "Date": date}, true, time.Minute},
		{"Retry-After 0", map[string]string{"Retry-After": "0"}, true, time.Second},
		{"Retry-After that is none", map[string]string{"Retry-After": "soon"}, true, time.Minute},
		{"Retry-After below 0", map[string]string{"Retry-After": "-5"}, true, time.Minute},
		{"Retry-After without sense", map[string]string{"Retry-After": "4000000000"}, true, 24 * time.Hour},
		{"the reset by the server's clock", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inAnHour, "Date": date}, true, time.Hour},
		{"the reset without the server's clock", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": inAnHour}, true, 50 * time.Minute},
		{"the reset was a moment ago", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772366390"}, true, time.Second},
		{"the reset is long over", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, true, time.Minute},
		{"the reset is further away than a window lasts", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772376000"}, true, time.Minute},
		{"no limit, but Retry-After without sense", map[string]string{"Retry-After": "31536000"}, false, time.Hour},
		{"budget is left", map[string]string{"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": inAnHour}, true, time.Minute},
		{"the reset is no number", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "later"}, true, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			for name, value := range c.header {
				header.Set(name, value)
			}
			got := retryAt(header, c.limit, now)
			if c.want < 0 {
				NewWithT(t).Expect(got).To(BeZero())
				return
			}
			NewWithT(t).Expect(got.Sub(now)).To(Equal(c.want))
		})
	}
}
