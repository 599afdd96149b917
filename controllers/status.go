package controllers

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// fieldOwner is the operator's name in managedFields.
const fieldOwner = client.FieldOwner("github-webhook-operator")

// storeTimeout bounds a status write that must not be given up when the operator is told to stop.
const storeTimeout = 10 * time.Second

// patchStatus writes what the pass changed in the status, if anything.
func (p *pass) patchStatus(ctx context.Context) error {
	if p.released || equality.Semantic.DeepEqual(p.before, p.obj) {
		return nil
	}
	// A verdict reached is worth the write even when the operator is told to stop meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	patch := client.MergeFrom(p.before)
	if *p.before.StatusID() != 0 && *p.id == 0 { // A hook is let go on the newest word only.
		patch = client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})
	}
	return client.IgnoreNotFound(p.store(ctx, patch))
}

// store writes the status as it stands. The object's own copy is sent, so that the pass's obj is left as it is where the
// write fails.
func (p *pass) store(ctx context.Context, patch client.Patch) error {
	sent := p.obj.DeepCopyObject().(Webhook)
	if err := p.Status().Patch(ctx, sent, patch, fieldOwner); err != nil {
		return err
	}
	p.obj.SetResourceVersion(sent.GetResourceVersion())
	p.before = p.obj.DeepCopyObject().(Webhook)
	return nil
}

// revert takes back what the pass changed in the status and could not store.
func (p *pass) revert() {
	*p.status, *p.id, *p.creating = *p.before.CommonStatus().DeepCopy(), *p.before.StatusID(), intent(p.before).DeepCopy()
}

// measure shows in the metrics where the object stands.
func (p *pass) measure(ctx context.Context) {
	if p.released {
		return
	}
	defer p.forgetGone(ctx)
	if ready := p.condition(v1alpha1.ConditionReady); ready != nil {
		p.metrics.Ready(ready.Reason, ready.Status == metav1.ConditionTrue)
	}
	p.metrics.PollInterval(p.interval())
	p.metrics.SecretApplied(p.secretTime())
	if last := p.status.LastDelivery; last != nil {
		p.metrics.LastDelivery(last.DeliveredAt.Time, int(last.StatusCode))
	} else {
		p.metrics.LastDelivery(time.Time{}, 0)
	}
}

// forgetGone takes the metrics of an object back that went while the pass ran.
func (p *pass) forgetGone(ctx context.Context) {
	current := p.obj.DeepCopyObject().(Webhook)
	if err := p.Get(ctx, client.ObjectKeyFromObject(p.obj), current); apierrors.IsNotFound(err) {
		p.metrics.Forget()
	}
}

// secretTime is when the secret was last written; zero for never.
func (p *pass) secretTime() time.Time {
	if a := p.status.Applied; a != nil && a.SecretTime != nil {
		return a.SecretTime.Time
	}
	return time.Time{}
}

// now in the whole seconds that the Kubernetes API keeps.
func (p *pass) now() metav1.Time {
	return metav1.NewTime(time.Now().UTC().Truncate(time.Second))
}

// reasonOf an object's Ready; empty when it has none.
func reasonOf(obj Webhook) string {
	if ready := meta.FindStatusCondition(obj.CommonStatus().Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

func (p *pass) condition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(p.status.Conditions, conditionType)
}

func (p *pass) setCondition(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&p.status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message, ObservedGeneration: p.obj.GetGeneration(),
	})
}

// clear removes conditions that are present only while they are true.
func (p *pass) clear(conditionTypes ...string) {
	p.status.Conditions = slices.DeleteFunc(p.status.Conditions, func(c metav1.Condition) bool {
		return slices.Contains(conditionTypes, c.Type)
	})
}

// synced tells whether the last verdict on this generation was that GitHub agrees.
func (p *pass) synced() bool {
	ready := p.condition(v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonSynced &&
		ready.ObservedGeneration == p.obj.GetGeneration() && p.status.Server == p.server
}

// settled tells whether there is nothing to ask GitHub: the spec and the secret are those that were applied, nobody asks
// for a look, and the next poll is not due.
func (p *pass) settled() bool {
	return p.synced() &&
		*p.creating == nil &&
		p.condition(v1alpha1.ConditionReconciling) == nil &&
		p.secretsApplied() &&
		len(p.requests()) == 0 &&
		time.Now().Before(p.pollTime())
}

// secretsApplied tells whether the secret, and the URL from a Secret, are those that GitHub was given last.
func (p *pass) secretsApplied() bool {
	if p.status.Applied == nil || p.spec.ManagementPolicy == v1alpha1.Observe {
		return true
	}
	return len(hook.Rotated(p.desired, p.appliedHook())) == 0
}

// interval between polls.
func (p *pass) interval() time.Duration {
	if p.stretched > 0 {
		return p.stretched
	}
	return p.intervalOf(p.spec)
}

// intervalOf is what a spec asks for.
func (o *Operator) intervalOf(spec *v1alpha1.WebhookSpec) time.Duration {
	if i := spec.Interval; i != nil {
		return i.Duration
	}
	return o.defaultInterval
}

// clockStep is how far ahead a time in the status may be: another replica's clock wrote it.
const clockStep = time.Minute

// pollTime is when the object is due.
func (p *pass) pollTime() time.Time {
	if last := p.status.LastSyncTime; last == nil || time.Until(last.Time) > clockStep {
		return time.Time{} // Never looked, or by a clock that was set back since.
	}
	return nextPoll(p.obj.GetUID(), p.status.LastSyncTime.Time, p.interval())
}

func (p *pass) untilNextPoll() ctrl.Result {
	return ctrl.Result{RequeueAfter: max(time.Until(p.pollTime()), time.Second)}
}

// agreed is the verdict that GitHub agrees with the spec.
func (p *pass) agreed() ctrl.Result {
	now := p.now()
	p.status.LastSyncTime = &now
	p.looked()
	p.agree()
	return p.untilNextPoll()
}

// agree says that GitHub agrees, as far as is known.
func (p *pass) agree() {
	p.status.Drift = nil
	p.watch.judged = p.obj.GetGeneration()
	p.verdict(metav1.ConditionTrue, v1alpha1.ReasonSynced, "The webhook on GitHub agrees with the spec")
	p.clear(v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
}

// suspended leaves GitHub alone.
func (p *pass) suspended() {
	status := metav1.ConditionUnknown
	if ready := p.condition(v1alpha1.ConditionReady); ready != nil {
		status = ready.Status
	}
	p.refuseRequests("spec.suspend is true: set it to false and ask again")
	p.verdict(status, v1alpha1.ReasonSuspended, "spec.suspend is true: GitHub is left alone until it is false again")
	p.clear(v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
}

// verdict says how the object's generation stands.
func (p *pass) verdict(ready metav1.ConditionStatus, reason, message string) {
	p.status.ObservedGeneration = p.obj.GetGeneration()
	p.setCondition(v1alpha1.ConditionReady, ready, reason, message)
}

// failed turns an error into a verdict in the object's status and tells when to come back.
func (p *pass) failed(ctx context.Context, err error) (ctrl.Result, error) {
	if errors.Is(err, context.Canceled) {
		return ctrl.Result{}, err // The operator was told to stop, which is no verdict on the object.
	}
	v := p.judge(err)
	if v.reason == "" {
		return retryConflict(err) // The Kubernetes API's trouble is no verdict on the object.
	}
	p.status.ObservedGeneration = p.obj.GetGeneration()
	p.setFailure(v)
	if !v.queued {
		p.events.Warning(p.obj, v.reason, "", v.message)
	}
	switch {
	case v.stalled:
		p.logger(ctx).Info("Stalled", "reason", v.reason, "message", v.message)
		return ctrl.Result{RequeueAfter: p.interval()}, nil
	case v.retryAfter > 0:
		if v.transient && p.stillAgreed() { // Ready turns Unknown in time, whoever has to wait longer.
			v.retryAfter = min(v.retryAfter, time.Until(p.unknownTime()))
		}
		log.FromContext(ctx).V(1).Info("Waiting", "reason", v.reason, "retryAfter", v.retryAfter)
		return ctrl.Result{RequeueAfter: v.retryAfter}, nil
	default:
		return ctrl.Result{}, v
	}
}

// setFailure sets the conditions that go with a failure.
func (p *pass) setFailure(v verdict) {
	p.clear(v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled)
	reconciling := v1alpha1.ReasonProgressingWithRetry
	switch {
	case v.transient && p.stillAgreed():
		reconciling = v.reason
	case v.transient:
		p.setCondition(v1alpha1.ConditionReady, metav1.ConditionUnknown, v.reason, v.message)
	default:
		p.setCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, v.reason, v.message)
	}
	if v.stalled {
		p.setCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v.reason, v.message)
		return
	}
	p.setCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reconciling, v.message)
}

// stillAgreed tells whether GitHub agreed with this generation not long ago, so that trouble in reaching it says nothing
// against the hook.
func (p *pass) stillAgreed() bool {
	ready := p.condition(v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == p.obj.GetGeneration() &&
		time.Now().Before(p.unknownTime())
}

// unknownTime is until when GitHub's last agreement counts.
func (p *pass) unknownTime() time.Time {
	const intervals = 3
	if p.status.LastSyncTime == nil {
		return time.Time{}
	}
	return p.status.LastSyncTime.Add(intervals * p.interval())
}
