package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// finalize deletes the hook, or lets it go, and then the object.
func (p *pass) finalize(ctx context.Context) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(p.obj, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	if current, err := p.readFresh(ctx); !current || err != nil {
		return ctrl.Result{RequeueAfter: cacheLag}, err
	}
	err := p.dispose(ctx)
	switch {
	case errors.Is(err, errUnsettled):
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	case errors.Is(err, errParked):
		return ctrl.Result{RequeueAfter: parkedAtMost}, nil
	}
	if err != nil {
		if released, releaseErr := p.releaseAnyway(ctx, err); released || releaseErr != nil {
			return ctrl.Result{}, releaseErr
		}
		return p.failed(ctx, err)
	}
	return ctrl.Result{}, p.release(ctx)
}

// dispose does with the hook what the object asks for. An error means that the hook may still be there.
func (p *pass) dispose(ctx context.Context) error {
	switch {
	case !p.ours() && *p.creating == nil:
		return nil // Nothing on GitHub is this object's.
	case p.hookSpec.DeletionPolicy == v1alpha1.DeletionOrphan || p.spec.ManagementPolicy == v1alpha1.Observe:
		if p.ours() {
			p.logger(ctx).Info("Orphaned hook", "hookID", *p.id)
			p.events.Normal(p.obj, v1alpha1.EventOrphaned, fmt.Sprint(*p.id),
				fmt.Sprintf("Left webhook %d on the %s, as the object asks", *p.id, p.place))
		}
		return nil
	}
	c, err := p.lastClient(ctx)
	if err != nil {
		return p.blocked(err)
	}
	if err := p.use(ctx, c); err != nil {
		return p.blocked(err)
	}
	if !p.enter() {
		return errParked
	}
	id, err := p.doomed(ctx)
	if err != nil || id == 0 {
		return p.blocked(err)
	}
	return p.blocked(p.delete(ctx, id))
}

// lastClient is the client for the object's credentials, and when their Secret went before the object, the one that was
// made from it last.
func (p *pass) lastClient(ctx context.Context) (*github.Client, error) {
	c, err := p.client(ctx)
	if failure, ok := errors.AsType[problem](err); ok && failure.reason == v1alpha1.ReasonCredentialsNotFound {
		if last, ok := p.credentials.Last(p.inNamespace(p.spec.CredentialsRef.Name)); ok {
			return last, nil
		}
	}
	return c, err
}

// errUnsettled: a hook whose creation was under way a moment ago may still show up.
var errUnsettled = errors.New("a creation may still take effect")

// doomed is the ID of the hook that goes with the object: the one that a lost answer made, or the one in status, which
// was gone before another one was made. It is zero when there is none, or when an older object claims it.
func (p *pass) doomed(ctx context.Context) (int64, error) {
	if *p.creating != nil {
		hooks, unclear := p.hooks.List(ctx)
		if isFailure(unclear) {
			return 0, unclear
		}
		made, err := p.created(ctx, hooks)
		if err != nil {
			return 0, err
		}
		if made != nil {
			return made.ID, nil
		}
		if unclear != nil {
			return 0, unclear
		}
		if p.unsettled("") > 0 {
			return 0, errUnsettled
		}
	}
	if !p.ours() {
		return 0, nil
	}
	owner, err := p.claims.owner(ctx, p.obj, claim{p.server, *p.id})
	if err != nil || owner != nil {
		return 0, err
	}
	return *p.id, nil
}

// delete the hook. A hook that is gone is deleted; a target that is gone, or archived, lets the object go with a warning.
func (p *pass) delete(ctx context.Context, id int64) error {
	err := p.hooks.Delete(context.WithoutCancel(ctx), id)
	switch {
	case err == nil:
		p.logger(ctx).Info("Deleted hook", "hookID", id)
		p.events.Normal(p.obj, v1alpha1.EventDeleted, fmt.Sprint(id), "Deleted "+p.place.webhook(id))
		return nil
	case errors.Is(err, github.ErrArchived):
		*p.id = id
		p.leftBehind(ctx, "the repository is archived and so read-only")
		return nil
	case errors.Is(err, github.ErrNotFound):
		return p.gone(ctx, id)
	default:
		return err
	}
}

// gone finds out what a 404 on the hook means. The list of hooks can be read without the right to read the repository.
func (p *pass) gone(ctx context.Context, id int64) error {
	hooks, err := p.hooks.List(ctx)
	switch {
	case errors.Is(err, github.ErrNotFound):
		*p.id = id
		p.leftBehind(ctx, "GitHub shows no webhooks there: the target is gone, or the credential lost its access")
		return nil
	case err != nil:
		return err
	case hook.ByID(hooks, id) != nil:
		return fmt.Errorf("%w: GitHub lists webhook %d but does not find it", github.ErrUnavailable, id)
	}
	p.logger(ctx).Info("Hook was gone already", "hookID", id)
	p.events.Normal(p.obj, v1alpha1.EventDeleted, fmt.Sprint(id), fmt.Sprintf("Webhook %d of the %s was gone already", id, p.place))
	return nil
}

// blocked says of an error that only a person can mend that it stands in the way of the deletion, and the ways out.
func (p *pass) blocked(err error) error {
	if err == nil {
		return nil
	}
	v := p.judge(err)
	if v.transient || v.reason == "" {
		return err
	}
	return problem{v1alpha1.ReasonDeletionBlocked, fmt.Sprintf("%s cannot be deleted. %s. Mend that, "+
		"or set spec.deletionPolicy to Orphan to leave the webhook on GitHub and let the object go", p.remains(), v.message)}
}

// remains names the hook that may still be on GitHub.
func (p *pass) remains() string {
	if *p.id == 0 {
		return fmt.Sprintf("The webhook that may have been created for the %s", p.place)
	}
	return fmt.Sprintf("Webhook %d of the %s", *p.id, p.place)
}

// leftBehind tells of a hook that stays on GitHub although its object goes or turns away from it: in an Event, a log line
// and a metric.
func (p *pass) leftBehind(ctx context.Context, why string) {
	note := fmt.Sprintf("%s on %s may remain: %s. Delete it there if it is not wanted", p.remains(), p.status.Server, why)
	p.logger(ctx).Info("Left hook behind", "hookID", *p.id, "server", p.status.Server, "why", why)
	metrics.LeftBehind.WithLabelValues(p.kind).Inc()
	p.events.Warning(p.obj, v1alpha1.EventHookLeftBehind, fmt.Sprint(*p.id), note)
	if terminating, err := p.namespaceTerminating(ctx); p.pod != nil && (terminating || err != nil) {
		// No Event can be written there any more: the operator's own Pod gets it.
		p.events.Warning(p.pod, v1alpha1.EventHookLeftBehind, fmt.Sprint(*p.id), fmt.Sprintf("In namespace %q: %s", p.obj.GetNamespace(), note))
	}
}

// releaseAnyway lets an object go whose hook could not be deleted when its namespace is being deleted: there nobody can
// mend anything any more.
func (p *pass) releaseAnyway(ctx context.Context, err error) (bool, error) {
	v := p.judge(err)
	if v.reason != v1alpha1.ReasonDeletionBlocked {
		return false, nil
	}
	terminating, err := p.namespaceTerminating(ctx)
	if !terminating || err != nil {
		return false, err
	}
	p.leftBehind(ctx, "its namespace is being deleted and the webhook could not be: "+v.message)
	return true, p.release(ctx)
}

func (p *pass) namespaceTerminating(ctx context.Context) (bool, error) {
	var namespace corev1.Namespace
	err := p.apiReader.Get(ctx, client.ObjectKey{Name: p.obj.GetNamespace()}, &namespace)
	return !namespace.DeletionTimestamp.IsZero(), err
}

// release takes the finalizer away, which lets the object go.
func (p *pass) release(ctx context.Context) error {
	before := p.obj.DeepCopyObject().(Webhook)
	controllerutil.RemoveFinalizer(p.obj, v1alpha1.Finalizer)
	err := p.Patch(ctx, p.obj, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), fieldOwner)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	p.seen.Remove(p.obj.GetUID())
	if p.github != nil {
		p.github.StopPolling(string(p.obj.GetUID()))
	}
	p.released = true
	return nil
}
