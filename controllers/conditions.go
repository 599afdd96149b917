package controllers

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// conclude writes the conditions, and the generation that they are about. Nothing else does.
func conclude(status *v1alpha1.WebhookStatus, generation int64, did outcome, seen report, now time.Time) {
	c := conditions{status: status, generation: generation, now: metav1.NewTime(now.UTC().Truncate(time.Second))}
	if did.finding != undecided {
		status.ObservedGeneration = generation
	}
	switch did.finding {
	case undecided:
	case agreed:
		c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSynced, "The webhook on GitHub agrees with the spec")
		c.clear(v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
	case suspended:
		c.set(v1alpha1.ConditionReady, c.statusOf(v1alpha1.ConditionReady), v1alpha1.ReasonSuspended,
			"spec.suspend is true: GitHub is left alone until it is false again")
		c.clear(v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
	case failed:
		c.fail(did)
	}
	c.deliveries(did, seen)
}

// conditions are those of one object while conclude writes them.
type conditions struct {
	status     *v1alpha1.WebhookStatus
	generation int64
	now        metav1.Time
}

// fail sets the conditions that go with a failure: Stalled where nothing but a changed object or Secret helps, else
// Reconciling. Trouble in reaching GitHub says nothing against a webhook that agreed not long ago.
func (c conditions) fail(did outcome) {
	v := did.failure
	reconciling := v1alpha1.ReasonProgressingWithRetry
	switch {
	case v.Transient && stillAgreed(c.status, c.generation, did.agreedUntil, c.now.Time):
		reconciling = v.Reason
	case v.Transient:
		c.set(v1alpha1.ConditionReady, metav1.ConditionUnknown, v.Reason, v.Message)
	default:
		c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, v.Reason, v.Message)
	}
	if v.Stalled {
		c.clear(v1alpha1.ConditionReconciling)
		c.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, v.Reason, v.Message)
		return
	}
	c.clear(v1alpha1.ConditionStalled)
	c.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reconciling, v.Message)
}

// deliveries sets DeliveriesHealthy. A webhook whose log was not read yet has it Unknown.
func (c conditions) deliveries(did outcome, seen report) {
	if did.replaced {
		c.clear(v1alpha1.ConditionDeliveriesHealthy)
	}
	known := meta.FindStatusCondition(c.status.Conditions, v1alpha1.ConditionDeliveriesHealthy) != nil
	switch {
	case seen.reason != "" && !(seen.passing && known):
		c.set(v1alpha1.ConditionDeliveriesHealthy, seen.health, seen.reason, seen.message)
	case did.shown && !known:
		c.set(v1alpha1.ConditionDeliveriesHealthy, metav1.ConditionUnknown, v1alpha1.ReasonNoDeliveries,
			"GitHub's log of deliveries was not looked at yet")
	}
}

// statusOf is the status of a condition; Unknown when it is not there.
func (c conditions) statusOf(conditionType string) metav1.ConditionStatus {
	if condition := meta.FindStatusCondition(c.status.Conditions, conditionType); condition != nil {
		return condition.Status
	}
	return metav1.ConditionUnknown
}

func (c conditions) set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, ObservedGeneration: c.generation, LastTransitionTime: c.now,
	})
}

// clear removes conditions that are present only while they are true.
func (c conditions) clear(conditionTypes ...string) {
	c.status.Conditions = slices.DeleteFunc(c.status.Conditions, func(condition metav1.Condition) bool {
		return slices.Contains(conditionTypes, condition.Type)
	})
}

// stillAgreed reports whether GitHub agreed with this generation not long ago.
func stillAgreed(status *v1alpha1.WebhookStatus, generation int64, until, now time.Time) bool {
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == generation && now.Before(until)
}
