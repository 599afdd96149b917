package main

import (
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// What one object costs of GitHub's limits when it is created: a GET of the target's webhooks, which is a point, and a
// POST, which is five.
const (
	createRequests = 2
	createPoints   = 1 + 5
	createPOSTs    = 1
)

// minimum is the least time in which n webhooks can be created on one budget, whoever does it: all that fit are created
// at the very beginning of each minute and of each hour,
//
//	hours   = ⌈n / perHour⌉ − 1                        full hours that are waited
//	minutes = ⌈(n − hours·perHour) / perMinute⌉ − 1   full minutes that are waited after them
//	minimum = (hours · 60 min + minutes · 1 min) / TimeScale
//
// where perMinute is the smaller of CreatesPerMinute and PointsPerMinute/6, and perHour the smallest of CreatesPerHour,
// Hourly/2 and 60·perMinute. What the work itself takes is left out, so that nobody reaches the minimum.
func minimum(n int, limits githubsim.Limits) time.Duration {
	perMinute := tightest(n, room{limits.CreatesPerMinute, createPOSTs}, room{limits.PointsPerMinute, createPoints})
	perHour := tightest(60*perMinute, room{limits.CreatesPerHour, createPOSTs}, room{limits.Hourly, createRequests})
	hours := (n - 1) / perHour
	minutes := (n - hours*perHour - 1) / perMinute
	wait := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	return time.Duration(float64(wait) / limits.TimeScale)
}

// room is a limit, none where it is 0, and what one object takes of it.
type room struct{ limit, cost int }

// tightest is how many objects fit into all the rooms, at most n.
func tightest(n int, rooms ...room) int {
	for _, r := range rooms {
		if r.limit > 0 {
			n = min(n, max(1, r.limit/r.cost))
		}
	}
	return n
}
