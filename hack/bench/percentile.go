package main

import (
	"math"
	"slices"
	"time"
)

// percentile is the smallest of the values that at least percent of them do not exceed (nearest rank). It panics where
// there is no value.
func percentile(values []time.Duration, percent float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
