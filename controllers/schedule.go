package controllers

import (
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Backoff after a failure: controller-runtime's default begins at 5 ms and storms.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Minute
)

// nextPoll is when an object that was polled last is due again: at most one interval later, at a phase of the
// interval that its UID decides. Objects that share an interval thereby spread evenly over it, however they began, and a
// restart finds the same time.
func nextPoll(uid types.UID, last time.Time, interval time.Duration) time.Time {
	// In whole seconds, as the last time is kept: else a poll would be due again at once.
	phase := time.Duration(phaseOf(uid) % uint64(interval)).Truncate(time.Second) //nolint:gosec // An interval is at least 1s.
	begin := last.Truncate(interval).Add(phase)
	for !begin.After(last) {
		begin = begin.Add(interval)
	}
	return begin
}

// phaseOf spreads objects over time, each always at the same place.
func phaseOf(uid types.UID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid)) // never fails: package hash
	return h.Sum64()
}
