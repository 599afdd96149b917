// Package controllers is everything that talks to the Kubernetes API: the one loop that the three kinds share, and what
// only one of them does.
//
// It promises that a pass makes at most one write to the hook, that nothing on GitHub is lost or doubled by a crash, a
// lost response or a conflict, and that every verdict stands in the object's status with a reason and a way out. What a
// hook should look like is decided in package hook; how GitHub is asked, in package github.
package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	lru "github.com/hashicorp/golang-lru/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// Webhook is an object of one of the three kinds.
type Webhook interface {
	client.Object
	CommonSpec() *v1alpha1.WebhookSpec
	CommonStatus() *v1alpha1.WebhookStatus
	StatusID() *int64
}

// HookObject is a Webhook whose hook can be created and deleted: a repository's or an organization's.
type HookObject interface {
	Webhook
	HookSpec() *v1alpha1.HookSpec
	HookStatus() *v1alpha1.HookStatus
}

// place is where on GitHub the hook of an object lives.
type place interface {
	// String names it in messages, as in `repository octo-org/hello-world`.
	String() string
	// webhook names one of its hooks, as in `webhook 12 of the repository octo-org/hello-world`.
	webhook(id int64) string
	// hooks are its endpoints.
	hooks(*github.Client) github.Hooks
	// accepts refuses credentials that cannot be used for it. It may find that they are about another App than before.
	accepts(context.Context, *pass) error
	// identify asks GitHub for the ID of the one hook that is there, where nobody creates or deletes any.
	identify(context.Context, *pass) (int64, error)
	// conflict says that a hook is another object's, of that name where it is in the same namespace, or somebody else's.
	conflict(id int64, owned, here bool, name string) string
	// missing says that there is no such hook; 0 is one with the object's URL.
	missing(id int64, p *pass) string
	// owns tells whether hooks are created and deleted there, so that objects need a finalizer.
	owns() bool
	// scope is the classic token scope that administers its hooks.
	scope() string
	// requests are the annotations that ask for something there, in the order in which it is done.
	requests() []string
	// addEvents tells whether it understands add_events.
	addEvents() bool
	// renamed is the name that GitHub has for it now, when that is another one than the spec's.
	renamed(github.Hook) string
}

// Reconciler is the one loop, generic over the three kinds.
type Reconciler[T Webhook] struct {
	*Operator
	kind   string
	claims *claims
	place  func(T) place
	// seen remembers the hooks as GitHub showed them last, so that a changed spec needs no read before its PATCH.
	// Losing an entry costs one read.
	seen *lru.Cache[types.UID, github.Hook]
	// watches remembers the deliveries that are under way.
	watches *lru.Cache[types.UID, watch]
	workers *workers
}

// seenHooks bounds the number of seen and watches; memory.go bounds what they hold.
const seenHooks = 20_000

// pass is one run of the loop over one object.
type pass struct {
	*Operator
	kind       string
	claims     *claims
	hookMemory *lru.Cache[types.UID, github.Hook]
	watch      watch
	// workers are the kind's; lane is where the pass has one of them, nil for none.
	workers *workers
	lane    *lane

	obj      Webhook
	before   Webhook // obj as it was read, to patch the status against
	spec     *v1alpha1.WebhookSpec
	hookSpec *v1alpha1.HookSpec // Zero for an App.
	status   *v1alpha1.WebhookStatus
	id       *int64              // The hook's in status; the App's for an App.
	creating **v1alpha1.Creating // The intent in status; none for an App.
	place    place

	fresh    bool // obj was read past the cache in this pass
	released bool // obj was let go

	did  outcome
	seen report
	todo agenda

	metrics metrics.Object
	// ctx is the pass's own, for what is read when a server's words are to be repeated.
	ctx context.Context //nolint:containedctx // It lives as long as the pass.

	// Known after connect.
	github  *github.Client
	hooks   github.Hooks
	server  string
	desired hook.Desired
	secret  hmacSecret
	// stretched is the interval between polls where the credential's limits are too small for all objects.
	stretched time.Duration
}

func (r *Reconciler[T]) begin(obj T) *pass {
	remembered, _ := r.watches.Get(obj.GetUID()) // The status in the cache may be older.
	p := &pass{
		watch: remembered, metrics: metrics.Object{Kind: r.kind, Namespace: obj.GetNamespace(), Name: obj.GetName()},
		Operator: r.Operator, kind: r.kind, claims: r.claims, hookMemory: r.seen, workers: r.workers,
		obj: obj, before: obj.DeepCopyObject().(Webhook), place: r.place(obj),
		spec: obj.CommonSpec(), hookSpec: &v1alpha1.HookSpec{},
		status: obj.CommonStatus(), id: obj.StatusID(), creating: new(*v1alpha1.Creating),
	}
	if h, ok := Webhook(obj).(HookObject); ok {
		p.hookSpec, p.creating = h.HookSpec(), &h.HookStatus().Creating
	}
	p.recallHandled()
	return p
}

// intent to create, as it stands in an object's status.
func intent(obj Webhook) *v1alpha1.Creating {
	if h, ok := obj.(HookObject); ok {
		return h.HookStatus().Creating
	}
	return nil
}

// Reconcile makes GitHub agree with one object, and the object's status with what was found.
func (r *Reconciler[T]) Reconcile(ctx context.Context, obj T) (_ ctrl.Result, err error) {
	p := r.begin(obj)
	p.ctx = ctx
	defer func() { // once, whatever happens below
		conclude(p.status, obj.GetGeneration(), p.did, p.seen, time.Now())
		r.remember(p)
		err = errors.Join(err, p.patchStatus(ctx))
		if p.did.shown {
			err = errors.Join(err, p.tellOverlap(ctx))
		}
		p.measure(ctx)
		p.leave()
	}()

	if !obj.GetDeletionTimestamp().IsZero() {
		return p.finalize(ctx)
	}
	if err := p.ensureFinalizer(ctx); err != nil {
		return retryConflict(client.IgnoreNotFound(err))
	}
	p.refuseUnknown()
	if p.spec.Suspend {
		p.suspended()
		return ctrl.Result{}, nil
	}
	if err := p.connect(ctx); err != nil {
		return p.failed(ctx, err)
	}
	p.todo = plan(p.situation(), time.Now())
	next := p.watch.next
	if (p.todo.look || !p.todo.settled) && !p.enter() {
		return ctrl.Result{RequeueAfter: parkedAtMost}, nil
	}
	if p.todo.look {
		p.watch.next = time.Time{}
	}
	if p.todo.settled {
		return p.follow(ctx), nil
	}
	result, err := p.sync(p.prioritized(ctx))
	switch {
	case err != nil || *p.id == 0:
		p.watch.next = next
		return result, err
	case p.did.created: // Its ID is stored at once; what else there is to do comes after.
		if len(p.requests()) > 0 {
			result.RequeueAfter = cacheLag
		}
		return result, nil
	case !p.did.shown && !p.todo.look:
		return p.sooner(result), nil
	}
	p.carryOut(ctx)
	if p.todo.look {
		p.watchDeliveries(ctx)
	}
	return p.sooner(result), nil
}

// remember keeps what the next pass wants to know of the deliveries, unless the object went.
func (r *Reconciler[T]) remember(p *pass) {
	if p.released {
		r.watches.Remove(p.obj.GetUID())
		return
	}
	p.rows.hold(p.obj.GetUID(), p.watch.rows())
	r.watches.Add(p.obj.GetUID(), p.watch)
}

// situation is what the agenda follows from.
func (p *pass) situation() situation {
	return situation{
		uid: p.obj.GetUID(), generation: p.obj.GetGeneration(), status: p.status, creating: *p.creating != nil, server: p.server,
		interval: p.interval(), started: p.started, requests: len(p.requests()), rotated: p.rotated(),
		// Which App the credentials are of may have changed while nobody looked.
		identified: p.place.owns() || p.hookMemory.Contains(p.obj.GetUID()), farther: p.farther(),
		synced: p.watch.synced, judged: p.watch.judged, next: p.watch.next, again: p.watch.again,
	}
}

// prioritized says whether the pass does what a user wants, or only looks.
func (p *pass) prioritized(ctx context.Context) context.Context {
	if p.todo.poll {
		return github.WithPriority(ctx, github.Poll)
	}
	return ctx
}

// follow looks at the deliveries of a hook that agrees, when something under way is due.
func (p *pass) follow(ctx context.Context) ctrl.Result {
	if p.todo.look {
		p.watchDeliveries(ctx)
	}
	return p.sooner(ctrl.Result{RequeueAfter: max(time.Until(p.todo.nextPoll), time.Second)})
}

// sooner comes back before the next poll where deliveries want it.
func (p *pass) sooner(result ctrl.Result) ctrl.Result {
	if p.watch.next.IsZero() {
		return result
	}
	wait := max(time.Until(p.watch.next), time.Millisecond)
	if result.RequeueAfter == 0 || wait < result.RequeueAfter {
		result.RequeueAfter = wait
	}
	return result
}

// ensureFinalizer adds ours and goes on with the object as the API server then has it: a new object is thereby read past
// the cache before anything is created for it.
func (p *pass) ensureFinalizer(ctx context.Context) error {
	if !p.place.owns() || controllerutil.ContainsFinalizer(p.obj, v1alpha1.Finalizer) {
		return nil
	}
	before := p.obj.DeepCopyObject().(Webhook)
	controllerutil.AddFinalizer(p.obj, v1alpha1.Finalizer)
	// The lock keeps finalizers that others add meanwhile, and refuses to bring one back that deletion took away.
	err := p.Patch(ctx, p.obj, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), fieldOwner)
	if err != nil {
		return err
	}
	p.before, p.fresh = p.obj.DeepCopyObject().(Webhook), true
	return nil
}

// retryConflict comes back shortly where the cache is behind; anything else is an error.
func retryConflict(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	}
	return ctrl.Result{}, err
}

// cacheLag is about how long the cache needs to show what was just written.
const cacheLag = time.Second

// logger has the object's fields already; this adds where its hook lives.
func (p *pass) logger(ctx context.Context) logr.Logger {
	return log.FromContext(ctx).WithValues("target", p.place.String())
}
