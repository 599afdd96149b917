package controllers

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

var (
	dead    = lane{server: "https://dead.example.com", doubtful: true}
	alive   = lane{server: "https://alive.example.com"}
	other   = lane{server: "https://other.example.com"}
	untried = lane{server: alive.server, login: new(github.Client)}
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

// shop is the workers of one kind, and what was added to its queue.
type shop struct {
	*workers
	added []string
	made  int
}

func newShop(total int) *shop {
	s := &shop{}
	s.workers = newWorkers(total, func(r reconcile.Request) { s.added = append(s.added, r.Name) })
	return s
}

// fill lets so many objects want a worker of a lane, and returns how many got one.
func (s *shop) fill(l lane, objects int) int {
	got := 0
	for range objects {
		if s.enter(l, reconcile.Request{NamespacedName: types.NamespacedName{Name: fmt.Sprint(s.made)}}, noon) {
			got++
		}
		s.made++
	}
	return got
}

func TestWorkersThatALaneMayHave(t *testing.T) {
	deadToo := func(i int) lane { return lane{server: fmt.Sprintf("https://dead-%d.example.com", i), doubtful: true} }
	for name, c := range map[string]struct {
		total int
		fill  func(*shop)
		lane  lane
		want  int
	}{
		"the only server leaves one free":        {10, func(*shop) {}, alive, 9},
		"one of two servers has half":            {10, func(s *shop) { s.fill(other, 1) }, alive, 5},
		"a server that has not answered has one": {10, func(*shop) {}, dead, 1},
		"all of those together have a third": {10, func(s *shop) {
			for i := range 20 {
				s.fill(deadToo(i), 20)
			}
		}, dead, 0},
		"and leave the rest to a server that answers": {10, func(s *shop) {
			for i := range 20 {
				s.fill(deadToo(i), 20)
			}
		}, alive, 5},
		"a login is tried by one object":           {10, func(*shop) {}, untried, 1},
		"and counts as one of its server's":        {10, func(s *shop) { s.fill(alive, 20) }, untried, 0},
		"polls leave half to changes":              {10, func(*shop) {}, lane{server: alive.server, poll: true}, 5},
		"and changes have what polls leave":        {10, func(s *shop) { s.fill(lane{server: alive.server, poll: true}, 20) }, alive, 4},
		"a single worker takes everything":         {1, func(*shop) {}, alive, 1},
		"a single worker tries a dead server, too": {1, func(*shop) {}, dead, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(c.total)
			c.fill(s)
			NewWithT(t).Expect(s.fill(c.lane, 30)).To(Equal(c.want))
		})
	}
}

func TestAParkedObjectComesBackWhenAWorkerIsFree(t *testing.T) {
	g := NewWithT(t)
	s := newShop(10)
	g.Expect(s.fill(dead, 3)).To(Equal(1))
	g.Expect(s.added).To(BeEmpty())

	s.leave(dead, noon)
	g.Expect(s.added).To(Equal([]string{"1"}), "one, in the order in which they came")

	s.settle(dead)
	g.Expect(s.added).To(Equal([]string{"1", "2"}))
	g.Expect(s.parked).To(BeEmpty())
	g.Expect(s.waiting).To(BeEmpty())
	g.Expect(s.busy).To(BeEmpty())
	g.Expect(s.doubtful).To(BeZero())
}

func TestAnObjectIsParkedOnce(t *testing.T) {
	g := NewWithT(t)
	s := newShop(10)
	s.fill(dead, 1)
	for range 5 {
		s.made = 7
		s.fill(dead, 1)
	}
	s.settle(dead)
	g.Expect(s.added).To(Equal([]string{"7"}))
}

func TestAServerThatIsNoLongerInUseDoesNotCount(t *testing.T) {
	g := NewWithT(t)
	s := newShop(10)
	s.fill(other, 1)
	s.leave(other, noon)
	g.Expect(s.hasRoom(alive, noon)).To(BeTrue())
	s.servers[other.server] = noon.Add(-serverInUse - time.Minute)
	g.Expect(s.fill(alive, 30)).To(Equal(9))
}
