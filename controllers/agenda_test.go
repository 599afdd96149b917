package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// quiet is the situation of an object that agreed five minutes ago and looks every hour.
func quiet(changes ...func(*situation)) situation {
	s := situation{
		uid: "u", generation: 2, server: "https://github.com", interval: time.Hour, started: noon.Add(-24 * time.Hour), identified: true,
		status: &v1alpha1.WebhookStatus{
			Server: "https://github.com", LastSyncTime: &metav1.Time{Time: noon.Add(-5 * time.Minute)},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Synced", 2)},
		},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func TestPlan(t *testing.T) {
	// The phase of the object's UID in the hour.
	due := nextPoll("u", noon, time.Hour)
	g := NewWithT(t)
	g.Expect(due.Sub(noon)).To(BeNumerically(">", 6*time.Minute), "the table below wants no poll between 11:55 and 12:05")

	settled := agenda{synced: true, settled: true, poll: true, trusted: true}
	looking := agenda{synced: true, look: true, poll: true}
	asked := agenda{synced: true, look: true}
	for _, c := range []struct {
		name   string
		change func(*situation)
		want   agenda
	}{
		{"nothing is due", func(*situation) {}, settled},
		{"a new object", func(s *situation) { s.status = &v1alpha1.WebhookStatus{} }, agenda{look: true}},
		{"its spec changed", func(s *situation) { s.generation = 3 }, agenda{trusted: true}},
		{"its spec changed, and the last verdict was about that", func(s *situation) { s.generation, s.judged = 3, 3 }, agenda{poll: true, trusted: true}},
		{"its Secret changed", func(s *situation) { s.rotated = true }, agenda{synced: true, trusted: true}},
		{"its credentials name another server", func(s *situation) { s.server = "https://ghe.example.com" }, agenda{trusted: true}},
		{"a creation's answer was lost", func(s *situation) { s.creating = true }, agenda{synced: true, poll: true}},
		{"somebody asks", func(s *situation) { s.requests = 1 }, asked},
		{"the last reconcile failed", func(s *situation) {
			s.status.Conditions = append(s.status.Conditions, condition("Reconciling", metav1.ConditionTrue, "RateLimited", 2))
		}, agenda{synced: true, poll: true}},
		{"the App is not known", func(s *situation) { s.identified = false }, agenda{synced: true, settled: true, poll: true}},
		{"its poll is due", func(s *situation) { s.status.LastSyncTime.Time = due.Add(-61 * time.Minute) }, looking},
		{"its poll was made, which the status does not have yet", func(s *situation) {
			s.status.LastSyncTime.Time, s.synced = due.Add(-61*time.Minute), noon.Add(-time.Minute)
		}, settled},
		{"a restart makes nothing overdue", func(s *situation) {
			s.status.LastSyncTime.Time, s.started = due.Add(-61*time.Minute), noon.Add(-time.Minute)
		}, settled},
		{"a clock that was set back", func(s *situation) { s.status.LastSyncTime.Time = noon.Add(time.Hour) }, looking},
		{"it has to be read again", func(s *situation) { s.stale = true }, looking},
		{"its deliveries are due", func(s *situation) { s.next = noon }, agenda{synced: true, look: true, settled: true, poll: true, trusted: true}},
		{"its deliveries are due later", func(s *situation) { s.next = noon.Add(time.Second) }, settled},
		{"its log has to be read farther back", func(s *situation) { s.farther = true }, agenda{synced: true, look: true, settled: true, poll: true, trusted: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := plan(quiet(c.change), noon)
			got.nextPoll, got.agreedUntil = time.Time{}, time.Time{}
			NewWithT(t).Expect(got).To(Equal(c.want))
		})
	}
}

func TestPlanTimes(t *testing.T) {
	g := NewWithT(t)
	a := plan(quiet(), noon)
	g.Expect(a.nextPoll).To(Equal(nextPoll("u", noon.Add(-5*time.Minute), time.Hour)))
	g.Expect(a.agreedUntil).To(BeTemporally("==", noon.Add(3*time.Hour-5*time.Minute)))

	// Three intervals count from the start of the process, where that is later: until then it looked at nothing.
	a = plan(quiet(func(s *situation) { s.started, s.status.LastSyncTime.Time = noon, noon.Add(-72*time.Hour) }), noon)
	g.Expect(a.agreedUntil).To(BeTemporally("==", noon.Add(3*time.Hour)))

	a = plan(situation{generation: 1, status: &v1alpha1.WebhookStatus{}, interval: time.Hour}, noon)
	g.Expect(a).To(Equal(agenda{look: true}))
	g.Expect(quiet().untilPoll(noon, noon)).To(Equal(nextPoll("u", noon, time.Hour).Sub(noon)))
	g.Expect(quiet(func(s *situation) { s.interval = time.Millisecond }).untilPoll(noon, noon)).To(Equal(time.Second))
}
