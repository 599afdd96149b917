package controllers

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// fieldOwner is the operator's name in managedFields.
const fieldOwner = client.FieldOwner("github-webhook-operator")

// storeTimeout bounds a status write that must not be given up when the operator is told to stop.
const storeTimeout = 10 * time.Second

// object is a webhook object while it is reconciled, and the copy of it that the API server has. Its methods are the only
// writers to the API server, but for the fingerprint key.
type object struct {
	Webhook
	kind   kind
	target target
	spec   *v1alpha1.WebhookSpec
	// hookSpec is zero for an App.
	hookSpec *v1alpha1.HookSpec
	status   *v1alpha1.WebhookStatus
	// id is the hook's in status; the App's for an App. creating is the intent there; none for an App.
	id       *int64
	creating **v1alpha1.Creating
	memory   *memory

	// stored is the object as the API server has it: the status is patched against it.
	stored Webhook
	// fresh: it was read past the cache in this reconcile. released: it was let go. replaced: the status speaks of another
	// webhook than before, or of none any more.
	fresh, released, replaced bool
}

func newObject(obj Webhook, k kind, remembered memory) *object {
	o := &object{
		Webhook: obj, kind: k, target: k.target(obj), spec: obj.CommonSpec(), hookSpec: &v1alpha1.HookSpec{},
		status: obj.CommonStatus(), id: obj.StatusID(), creating: new(*v1alpha1.Creating),
		stored: copyOf(obj), memory: &remembered,
	}
	if h, ok := obj.(HookObject); ok {
		o.hookSpec, o.creating = h.HookSpec(), &h.HookStatus().Creating
	}
	return o
}

func copyOf(obj Webhook) Webhook { return obj.DeepCopyObject().(Webhook) }

// intent to create, as it stands in an object's status.
func intent(obj Webhook) *v1alpha1.Creating {
	if h, ok := obj.(HookObject); ok {
		return h.HookStatus().Creating
	}
	return nil
}

func (o *object) isDeleted() bool { return !o.GetDeletionTimestamp().IsZero() }

func (o *object) isObserved() bool { return o.spec.ManagementPolicy == v1alpha1.Observe }

// isOwner reports whether the hook in status was created or taken over by this object. One that was only observed was not.
func (o *object) isOwner() bool { return *o.id != 0 && o.status.Applied != nil }

func (o *object) condition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(o.status.Conditions, conditionType)
}

// inNamespace is the name of something beside the object.
func (o *object) inNamespace(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: name}
}

// logger has the object's fields already; this adds where its webhook lives.
func (o *object) logger(ctx context.Context) logr.Logger {
	return log.FromContext(ctx).WithValues("target", o.target.String())
}

// counters are the object's in the metrics.
func (o *object) counters() metrics.Object { return countersOf(o.kind, o.Webhook) }

func countersOf(k kind, obj client.Object) metrics.Object {
	return metrics.Object{Kind: k.name, Namespace: obj.GetNamespace(), Name: obj.GetName()}
}

// forget drops what the status and the memory say of a hook that is not, or no longer, this object's.
func (o *object) forget() {
	*o.id, o.status.Applied, o.status.SettingsURL = 0, nil, ""
	o.status.LastDelivery, o.status.Deliveries, o.status.Redelivering = nil, nil, nil
	o.replaced = true
	*o.memory = memory{interval: o.memory.interval}
}

// ensureFinalizer adds ours and goes on with the object as the API server then has it: a new object is thereby read past
// the cache before anything is created for it.
func (o *object) ensureFinalizer(ctx context.Context, c client.Client) error {
	if !o.target.owns() || controllerutil.ContainsFinalizer(o.Webhook, v1alpha1.Finalizer) {
		return nil
	}
	before := copyOf(o.Webhook)
	controllerutil.AddFinalizer(o.Webhook, v1alpha1.Finalizer)
	// The lock keeps finalizers that others add meanwhile, and refuses to bring one back that deletion took away.
	if err := c.Patch(ctx, o.Webhook, locked(before), fieldOwner); err != nil {
		return err
	}
	o.stored, o.fresh = copyOf(o.Webhook), true
	return nil
}

// release takes the finalizer away, which lets the object go.
func (o *object) release(ctx context.Context, c client.Client) error {
	before := copyOf(o.Webhook)
	controllerutil.RemoveFinalizer(o.Webhook, v1alpha1.Finalizer)
	if err := c.Patch(ctx, o.Webhook, locked(before), fieldOwner); err != nil {
		return client.IgnoreNotFound(err)
	}
	o.released = true
	return nil
}

// readFresh reports whether the object is the one that the API server has: nothing is created, and no object let go, on a
// stale cache's word.
func (o *object) readFresh(ctx context.Context, past client.Reader) (bool, error) {
	if o.fresh {
		return true, nil
	}
	fresh := copyOf(o.Webhook)
	if err := past.Get(ctx, client.ObjectKeyFromObject(o.Webhook), fresh); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	o.fresh = fresh.GetUID() == o.GetUID() && fresh.GetGeneration() == o.GetGeneration() &&
		fresh.GetDeletionTimestamp().IsZero() == o.GetDeletionTimestamp().IsZero() &&
		equality.Semantic.DeepEqual(fresh.CommonStatus(), o.stored.CommonStatus()) &&
		*fresh.StatusID() == *o.stored.StatusID() && equality.Semantic.DeepEqual(intent(fresh), intent(o.stored))
	if o.fresh {
		o.SetResourceVersion(fresh.GetResourceVersion())
		o.stored.SetResourceVersion(fresh.GetResourceVersion())
	}
	return o.fresh, nil
}

// note stores the status as it stands in the middle of a reconcile, unless somebody else changed the object since it was
// read: an intent, the ID of a webhook, or what GitHub is about to be asked for.
func (o *object) note(ctx context.Context, c client.Client) error {
	return o.store(ctx, c, locked(o.stored))
}

// save writes what the reconcile changed in the status, if anything.
func (o *object) save(ctx context.Context, c client.Client, now time.Time) error {
	if o.released || !o.isChanged(now) {
		return nil
	}
	// A verdict reached is worth the write even when the operator is told to stop meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	patch := client.MergeFrom(o.stored)
	if *o.stored.StatusID() != 0 && *o.id == 0 { // A hook is let go on the newest word only.
		patch = locked(o.stored)
	}
	return client.IgnoreNotFound(o.store(ctx, c, patch))
}

// locked is a patch that fails where somebody else changed the object meanwhile.
func locked(before Webhook) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}

// syncNoted is how old lastSyncTime may get while nothing else is written. The exact time is a metric.
const syncNoted = time.Hour

// isChanged reports whether the status is worth a write, and brings lastSyncTime up to date if it is.
func (o *object) isChanged(now time.Time) bool {
	noted := o.status.LastSyncTime
	synced := wholeSeconds(o.memory.synced)
	if synced == nil || noted != nil && !synced.After(noted.Time) {
		return !equality.Semantic.DeepEqual(o.stored, o.Webhook)
	}
	if noted != nil && now.Sub(noted.Time) < syncNoted && equality.Semantic.DeepEqual(o.stored, o.Webhook) {
		return false
	}
	o.status.LastSyncTime = synced
	return true
}

// store writes the status as it stands. A copy is sent, so that the object is left as it is where the write fails.
func (o *object) store(ctx context.Context, c client.Client, patch client.Patch) error {
	sent := copyOf(o.Webhook)
	if err := c.Status().Patch(ctx, sent, patch, fieldOwner); err != nil {
		return err
	}
	o.SetResourceVersion(sent.GetResourceVersion())
	o.stored = copyOf(o.Webhook)
	return nil
}

// revert takes back what the reconcile changed in the status and could not store.
func (o *object) revert() {
	*o.status, *o.id, *o.creating = *o.stored.CommonStatus().DeepCopy(), *o.stored.StatusID(), intent(o.stored).DeepCopy()
}

// wholeSeconds is a time as the Kubernetes API keeps it; nil for none.
func wholeSeconds(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}
