package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// conditionsOf shows conditions as `Type Status Reason`, in order.
func conditionsOf(status v1alpha1.WebhookStatus) []string {
	shown := []string{}
	for _, c := range status.Conditions {
		shown = append(shown, c.Type+" "+string(c.Status)+" "+c.Reason)
	}
	return shown
}

func condition(conditionType string, status metav1.ConditionStatus, reason string, generation int64) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: status, Reason: reason, ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(noon.Add(-time.Hour))}
}

func TestConclude(t *testing.T) {
	const generation = 2
	synced := condition("Ready", metav1.ConditionTrue, "Synced", generation)
	syncedBefore := condition("Ready", metav1.ConditionTrue, "Synced", 1)
	retrying := condition("Reconciling", metav1.ConditionTrue, "ProgressingWithRetry", generation)
	stalled := condition("Stalled", metav1.ConditionTrue, "ValidationFailed", generation)
	healthy := condition("DeliveriesHealthy", metav1.ConditionTrue, "Delivered", generation)
	refused := verdict.Verdict{Reason: "TargetNotFound", Message: "m"}
	limited := verdict.Verdict{Reason: "RateLimited", Message: "m", Transient: true}
	invalid := verdict.Verdict{Reason: "ValidationFailed", Message: "m", Stalled: true}
	for _, c := range []struct {
		name      string
		before    []metav1.Condition
		did       outcome
		seen      report
		undecided bool
		want      []string
	}{
		{name: "nothing was found out", before: []metav1.Condition{synced, retrying}, undecided: true, want: []string{"Ready True Synced", "Reconciling True ProgressingWithRetry"}},
		{name: "a new object agrees", did: outcome{finding: agreed}, want: []string{"Ready True Synced"}},
		{name: "trouble is over", before: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "ValidationFailed", 1), retrying, stalled}, did: outcome{finding: agreed},
			want: []string{"Ready True Synced"}},
		{name: "an object born suspended", did: outcome{finding: suspended}, want: []string{"Ready Unknown Suspended"}},
		{name: "a suspended object keeps its status", before: []metav1.Condition{synced, retrying}, did: outcome{finding: suspended}, want: []string{"Ready True Suspended"}},
		{name: "a failure", before: []metav1.Condition{synced}, did: outcome{finding: failed, failure: refused},
			want: []string{"Ready False TargetNotFound", "Reconciling True ProgressingWithRetry"}},
		{name: "a failure that only a change helps", before: []metav1.Condition{synced, retrying}, did: outcome{finding: failed, failure: invalid},
			want: []string{"Ready False ValidationFailed", "Stalled True ValidationFailed"}},
		{name: "GitHub cannot be asked about a new object", did: outcome{finding: failed, failure: limited},
			want: []string{"Ready Unknown RateLimited", "Reconciling True ProgressingWithRetry"}},
		{name: "nor about one that agreed not long ago", before: []metav1.Condition{synced}, did: outcome{finding: failed, failure: limited, agreedUntil: noon.Add(time.Second)},
			want: []string{"Ready True Synced", "Reconciling True RateLimited"}},
		{name: "nor about one that agreed long ago", before: []metav1.Condition{synced}, did: outcome{finding: failed, failure: limited, agreedUntil: noon},
			want: []string{"Ready Unknown RateLimited", "Reconciling True ProgressingWithRetry"}},
		{name: "nor about one whose spec changed since", before: []metav1.Condition{syncedBefore}, did: outcome{finding: failed, failure: limited, agreedUntil: noon.Add(time.Second)},
			want: []string{"Ready Unknown RateLimited", "Reconciling True ProgressingWithRetry"}},
		{name: "a webhook whose log was not read yet", did: outcome{finding: agreed, shown: true}, want: []string{"Ready True Synced", "DeliveriesHealthy Unknown NoDeliveries"}},
		{name: "a webhook whose log was read before", before: []metav1.Condition{healthy}, did: outcome{finding: agreed, shown: true},
			want: []string{"DeliveriesHealthy True Delivered", "Ready True Synced"}},
		{name: "another webhook than before", before: []metav1.Condition{healthy}, did: outcome{finding: agreed, shown: true, replaced: true},
			want: []string{"Ready True Synced", "DeliveriesHealthy Unknown NoDeliveries"}},
		{name: "no webhook any more", before: []metav1.Condition{healthy}, did: outcome{replaced: true}, undecided: true, want: []string{}},
		{name: "a delivery failed, which says nothing of Ready", before: []metav1.Condition{synced, healthy}, undecided: true,
			seen: report{health: metav1.ConditionFalse, reason: "DeliveryFailed", message: "m"}, want: []string{"Ready True Synced", "DeliveriesHealthy False DeliveryFailed"}},
		{name: "the log cannot be read for a moment", before: []metav1.Condition{healthy}, undecided: true,
			seen: report{health: metav1.ConditionUnknown, reason: "RateLimited", message: "m", passing: true}, want: []string{"DeliveriesHealthy True Delivered"}},
		{name: "the log of a new webhook cannot be read for a moment", did: outcome{finding: agreed, shown: true},
			seen: report{health: metav1.ConditionUnknown, reason: "RateLimited", message: "m", passing: true},
			want: []string{"Ready True Synced", "DeliveriesHealthy Unknown RateLimited"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			status := v1alpha1.WebhookStatus{ObservedGeneration: 1, Conditions: c.before}
			conclude(&status, generation, c.did, c.seen, noon)
			g.Expect(conditionsOf(status)).To(Equal(c.want))
			g.Expect(status.ObservedGeneration).To(Equal(map[bool]int64{true: 1, false: generation}[c.undecided]))
		})
	}
}

// A condition's time moves with its status only.
func TestConcludeKeepsTimes(t *testing.T) {
	g := NewWithT(t)
	status := v1alpha1.WebhookStatus{Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Synced", 1)}}
	conclude(&status, 2, outcome{finding: agreed}, report{}, noon)
	g.Expect(status.Conditions[0].LastTransitionTime.Time).To(BeTemporally("==", noon.Add(-time.Hour)))
	g.Expect(status.Conditions[0].ObservedGeneration).To(BeNumerically("==", 2))
	conclude(&status, 2, outcome{finding: failed, failure: verdict.Verdict{Reason: "TargetNotFound"}}, report{}, noon)
	g.Expect(status.Conditions[0].LastTransitionTime.Time).To(BeTemporally("==", noon))

	// Nor does a failure that goes on change anything: the status is not written again.
	for _, failure := range []verdict.Verdict{{Reason: "GitHubUnavailable", Transient: true}, {Reason: "TargetNotFound"}, {Reason: "ValidationFailed", Stalled: true}} {
		status = v1alpha1.WebhookStatus{}
		conclude(&status, 2, outcome{finding: failed, failure: failure}, report{}, noon)
		before := status.DeepCopy()
		conclude(&status, 2, outcome{finding: failed, failure: failure}, report{}, noon.Add(time.Minute))
		g.Expect(status).To(Equal(*before), failure.Reason)
	}
}
