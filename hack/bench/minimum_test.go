package main

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestMinimum(t *testing.T) {
	for _, c := range []struct {
		what   string
		n      int
		change func(*githubsim.Limits)
		want   time.Duration
	}{
		{"one is made at once", 1, nil, 0},
		{"a minute's creates are", 80, nil, 0},
		{"one more waits a minute", 81, nil, time.Minute},
		{"160 take no more", 160, nil, time.Minute},
		{"an hour's creates", 500, nil, 6 * time.Minute},
		{"one more waits an hour", 501, nil, time.Hour},
		{"two hours' creates", 1000, nil, time.Hour + 6*time.Minute},
		{"ten thousand", 10_000, nil, 19*time.Hour + 6*time.Minute},
		{"time that passes faster", 1000, func(l *githubsim.Limits) { l.TimeScale = 60 }, 66 * time.Second},
		{"few points a minute", 100, func(l *githubsim.Limits) { l.PointsPerMinute = 60 }, 9 * time.Minute},
		{"few requests an hour", 100, func(l *githubsim.Limits) { l.Hourly = 100 }, time.Hour},
		{"a minute's limit that fills no hour", 601, func(l *githubsim.Limits) { l.CreatesPerMinute, l.CreatesPerHour = 5, 0 }, 2 * time.Hour},
		{"no limit", 10_000, func(l *githubsim.Limits) { *l = githubsim.Limits{TimeScale: 1} }, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			limits := githubsim.GitHubLimits()
			limits.TimeScale = 1
			if c.change != nil {
				c.change(&limits)
			}
			NewWithT(t).Expect(minimum(c.n, limits)).To(Equal(c.want))
		})
	}
}
