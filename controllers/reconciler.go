// Package controllers is everything that talks to the Kubernetes API: the one loop that the three kinds share, and what
// only one of them does.
//
// It promises that a reconcile makes at most one write to the hook, that nothing on GitHub is lost or doubled by a crash, a
// lost response or a conflict, and that every verdict stands in the object's status with a reason and a way out. What a
// hook should look like is decided in package hook; how GitHub is asked, in package github.
//
// Files build on one another: the object, its inputs and its memory lie at the bottom; the search for its webhook, the one
// write and the deliveries above; Reconcile at the top. No file needs one above it.
package controllers

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Reconciler is the one loop, generic over the three kinds.
type Reconciler[T Webhook] struct {
	*Operator
	kind    kind
	workers *workers
}

// Reconcile makes GitHub agree with one object, and the object's status with what was found.
func (r *Reconciler[T]) Reconcile(ctx context.Context, obj T) (_ ctrl.Result, err error) {
	o := r.open(obj)
	var did outcome // what happened to the hook
	var seen report // what happened to deliveries and requests
	defer func() {  // the only place that turns facts into conditions, status and memory
		did.replaced = o.replaced
		conclude(o.status, o.GetGeneration(), did, seen, time.Now())
		err = errors.Join(err, o.save(ctx, r, time.Now()), r.remember(ctx, o), r.warnOverlap(ctx, o, did))
	}()

	if o.isDeleted() {
		did = r.finalize(ctx, o, r.workers)
		return did.result()
	}
	if err := o.ensureFinalizer(ctx, r); err != nil {
		return interrupted(client.IgnoreNotFound(err)).result()
	}
	r.refuseUnknown(o)
	if o.spec.Suspend {
		r.refuseRequests(o, "spec.suspend is true: set it to false and ask again")
		did = outcome{finding: suspended}
		return did.result()
	}
	in, err := r.gather(ctx, o)
	if err != nil {
		did = r.failed(ctx, o, in, err)
		return did.result()
	}
	todo := plan(r.situation(o, in), time.Now())
	if todo.asksGitHub() {
		leave, entered := r.workers.enterFor(o, in, todo.poll)
		if !entered {
			return comeBack(parkedAtMost).result()
		}
		defer leave()
	}
	did = r.syncHook(ctx, o, in, todo)
	if did.err != nil || *o.id == 0 {
		return did.result()
	}
	if todo.look && !did.created { // A new hook's ID is stored at once; what else there is to do comes after.
		seen = r.followUp(ctx, o, in)
	}
	return did.before(o.memory.next, time.Now()).result()
}

// open an object: as it is in the cache, with what is remembered of it.
func (r *Reconciler[T]) open(obj T) *object {
	o := newObject(obj, r.kind, r.memories.of(obj.GetUID()))
	o.memory.interval = r.interval(o.spec)
	o.recallHandled()
	return o
}

// remember keeps what the next reconcile wants to know, unless the object went meanwhile.
func (op *Operator) remember(ctx context.Context, o *object) error {
	current := copyOf(o.Webhook)
	err := op.Get(ctx, client.ObjectKeyFromObject(o.Webhook), current)
	switch {
	case apierrors.IsNotFound(err):
		o.counters().Forget()
		op.memories.forget(o.GetUID())
		return nil
	case err == nil && current.GetUID() != o.GetUID(), o.released:
		op.memories.forget(o.GetUID())
	default:
		op.memories.keep(o.GetUID(), *o.memory)
	}
	return err
}
