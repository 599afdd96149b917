package main

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestPercentile(t *testing.T) {
	var values []time.Duration
	for i := 200; i > 0; i-- {
		values = append(values, time.Duration(i))
	}
	for percent, want := range map[float64]time.Duration{0: 1, 0.5: 1, 50: 100, 90: 180, 99: 198, 99.1: 199, 100: 200} {
		NewWithT(t).Expect(percentile(values, percent)).To(Equal(want), "p%v", percent)
	}
	g := NewWithT(t)
	g.Expect(percentile([]time.Duration{7}, 50)).To(Equal(time.Duration(7)))
	g.Expect(values[0]).To(Equal(time.Duration(200)), "the values are left in their order")
}
