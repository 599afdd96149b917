package controllers

import (
	"context"
	"errors"
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
	if p.released || !p.changed(time.Now()) {
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

// syncNoted is how old lastSyncTime may get while nothing else is written. The exact time is a metric.
const syncNoted = time.Hour

// changed tells whether the status is worth a write, and brings lastSyncTime up to date if it is.
func (p *pass) changed(now time.Time) bool {
	noted := p.status.LastSyncTime
	synced := wholeSeconds(p.watch.synced)
	if synced == nil || noted != nil && !synced.After(noted.Time) {
		return !equality.Semantic.DeepEqual(p.before, p.obj)
	}
	if noted != nil && now.Sub(noted.Time) < syncNoted && equality.Semantic.DeepEqual(p.before, p.obj) {
		return false
	}
	p.status.LastSyncTime = synced
	return true
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
	p.metrics.LastSync(p.situation().lastSync(time.Now()))
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

// rotated tells whether the secret, or the URL from a Secret, is another one than GitHub was given last.
func (p *pass) rotated() bool {
	if p.status.Applied == nil || p.spec.ManagementPolicy == v1alpha1.Observe {
		return false
	}
	return len(hook.Rotated(p.desired, p.appliedHook())) > 0
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

// agreed is the verdict that GitHub agrees with the spec, as it was just seen.
func (p *pass) agreed() ctrl.Result {
	p.watch.synced, p.watch.again = time.Now(), false
	p.looked()
	p.agree()
	return ctrl.Result{RequeueAfter: p.situation().untilPoll(p.watch.synced, time.Now())}
}

// agree says that GitHub agrees, as far as is known.
func (p *pass) agree() {
	p.status.Drift = nil
	p.watch.judged = p.obj.GetGeneration()
	p.did.finding = agreed
}

// suspended leaves GitHub alone.
func (p *pass) suspended() {
	p.refuseRequests("spec.suspend is true: set it to false and ask again")
	p.did.finding = suspended
}

// failed turns an error into a verdict and tells when to come back.
func (p *pass) failed(ctx context.Context, err error) (ctrl.Result, error) {
	if errors.Is(err, context.Canceled) {
		return ctrl.Result{}, err // The operator was told to stop, which is no verdict on the object.
	}
	v := p.judge(err)
	if v.reason == "" {
		return retryConflict(err) // The Kubernetes API's trouble is no verdict on the object.
	}
	agreedUntil := plan(p.situation(), time.Now()).agreedUntil
	p.did.finding, p.did.failure, p.did.agreedUntil = failed, v, agreedUntil
	if !v.queued {
		p.events.Warning(p.obj, v.reason, "", v.message)
	}
	switch {
	case v.stalled:
		p.logger(ctx).Info("Stalled", "reason", v.reason, "message", v.message)
		return ctrl.Result{RequeueAfter: p.interval()}, nil
	case v.retryAfter > 0:
		// Ready turns Unknown in time, whoever has to wait longer.
		if v.transient && stillAgreed(p.status, p.obj.GetGeneration(), agreedUntil, time.Now()) {
			v.retryAfter = min(v.retryAfter, time.Until(agreedUntil))
		}
		log.FromContext(ctx).V(1).Info("Waiting", "reason", v.reason, "retryAfter", v.retryAfter)
		return ctrl.Result{RequeueAfter: v.retryAfter}, nil
	default:
		return ctrl.Result{}, v
	}
}
