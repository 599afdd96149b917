package controllers

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func TestNextPoll(t *testing.T) {
	g := NewWithT(t)
	const interval = 10 * time.Minute
	last := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for i := range 1000 {
		uid := types.UID(fmt.Sprint(i))
		next := nextPoll(uid, last, interval)
		g.Expect(next).To(BeTemporally(">", last))
		g.Expect(next).To(BeTemporally("<=", last.Add(interval)))
		g.Expect(nextPoll(uid, last, interval)).To(Equal(next), "a restart finds the same time")
		g.Expect(nextPoll(uid, next, interval)).To(Equal(next.Add(interval)), "one poll an interval")
		noted := next.Add(200 * time.Millisecond).Truncate(time.Second) // As the status keeps the end of that poll.
		g.Expect(nextPoll(uid, noted, interval)).To(Equal(next.Add(interval)), "one poll an interval")
	}
}

func TestNextPollSpreadsEvenly(t *testing.T) {
	const objects, slots, interval = 10_000, 10, 10 * time.Minute
	last := time.Date(2026, 6, 1, 12, 3, 4, 0, time.UTC)
	var perSlot [slots]int
	for i := range objects {
		wait := nextPoll(types.UID(fmt.Sprintf("f3b5a9d0-%d", i)), last, interval).Sub(last)
		perSlot[min(int(wait*slots/interval), slots-1)]++
	}
	for _, n := range perSlot {
		NewWithT(t).Expect(n).To(BeNumerically("~", objects/slots, objects/slots/5))
	}
}

func TestTruncate(t *testing.T) {
	g := NewWithT(t)
	g.Expect(truncate("short", 10)).To(Equal("short"))
	g.Expect(truncate("exactly 10", 10)).To(Equal("exactly 10"))
	g.Expect(truncate("more than ten", 10)).To(Equal("more th…"))
	g.Expect(truncate("äöüäöüäöü", 10)).To(Equal("äöü…"))
}
