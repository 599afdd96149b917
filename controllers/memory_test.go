package controllers

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func TestRoomIsSharedAndNeverExceeded(t *testing.T) {
	g := NewWithT(t)
	r := newRoom(1000, 300)
	uid := func(i int) types.UID { return types.UID(fmt.Sprint(i)) }
	g.Expect(r.hold(uid(0), 288_000)).To(Equal(250), "a quarter of what is free")
	g.Expect(r.hold(uid(1), 10)).To(Equal(10))
	for i := range 1000 {
		r.hold(uid(i), 288_000)
		g.Expect(r.total).To(BeNumerically("<=", 1000))
	}
	g.Expect(r.hold(uid(0), 288_000)).To(BeNumerically(">=", 250), "what an object has it may keep")
	g.Expect(r.hold(uid(0), 5)).To(Equal(5))
	g.Expect(r.hold(uid(5000), 40)).To(Equal(40), "what was given back may be used")
	for i := range 6000 {
		r.release(uid(i))
	}
	g.Expect(r.total).To(BeZero())
	g.Expect(r.held).To(BeEmpty())
	g.Expect(newRoom(1000, 100).hold(uid(1), 288_000)).To(Equal(100), "what one object may have")
}
