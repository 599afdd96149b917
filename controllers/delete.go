package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	wait, err := p.dispose(ctx)
	switch {
	case wait > 0:
		return ctrl.Result{RequeueAfter: wait}, nil
	case err == nil:
		return ctrl.Result{}, p.release(ctx)
	}
	err = p.blocked(err)
	if released, releaseErr := p.releaseAnyway(ctx, err); released || releaseErr != nil {
		return ctrl.Result{}, releaseErr
	}
	return p.failed(ctx, err)
}

// dispose does with the hook what the object asks for. An error means that the hook may still be there; a time, that it has
// to be tried again after it.
func (p *pass) dispose(ctx context.Context) (time.Duration, error) {
	s := search{policy: p.policy(), recorded: hook.Recorded{ID: *p.id, Own: p.ours()}}
	if *p.creating != nil {
		s.recorded.Intent = &hook.Intent{}
	}
	unclaimed := func(int64) hook.Claim { return hook.Unclaimed }
	if step := hook.DecideDeletion(s.policy, s.recorded, s.evidence, unclaimed); step.Do != hook.Delete && step.Do != hook.List {
		return 0, p.part(ctx, step, s) // Nothing is to be asked of GitHub, and no credentials are needed.
	}
	if err := p.connectToDelete(ctx); err != nil {
		return 0, err
	}
	if !p.enter() {
		return parkedAtMost, nil
	}
	s.recorded = p.recorded()
	return p.deleteHook(ctx, s)
}

// connectToDelete finds the client for the object's credentials, and when their Secret went before the object, the one that
// was made from it last.
func (p *pass) connectToDelete(ctx context.Context) error {
	c, err := p.client(ctx)
	if failure, ok := errors.AsType[problem](err); ok && failure.reason == v1alpha1.ReasonCredentialsNotFound {
		if last, ok := p.credentials.Last(p.inNamespace(p.spec.CredentialsRef.Name)); ok {
			c, err = last, nil
		}
	}
	if err == nil && *p.creating != nil {
		err = p.fingerprints.Ready(ctx)
	}
	if err != nil {
		return err
	}
	return p.use(ctx, c)
}

// deleteHook deletes the hook, one step of hook.DecideDeletion after the other.
func (p *pass) deleteHook(ctx context.Context, s search) (time.Duration, error) {
	var failure error
	others := func(id int64) hook.Claim {
		claim, err := p.claims.of(ctx, p.obj, claim{p.server, id})
		failure = errors.Join(failure, err)
		return claim
	}
	for {
		step := hook.DecideDeletion(s.policy, s.recorded, s.evidence, others)
		switch {
		case failure != nil:
			return 0, failure
		case step.Do == hook.List:
			if err := p.listToDelete(ctx, &s); err != nil {
				return 0, err
			}
		case step.Do == hook.Delete:
			if deleted, err := p.delete(ctx, step.ID, &s); deleted || err != nil {
				return 0, err
			}
		case step.Do == hook.Wait:
			return cacheLag, nil
		default:
			return 0, p.part(ctx, step, s)
		}
	}
}

// listToDelete reads all hooks of the target. After a DELETE that was answered with 404, so may be the list.
func (p *pass) listToDelete(ctx context.Context, s *search) error {
	err := p.list(ctx, s)
	if s.evidence.NotDeleted != 0 && errors.Is(err, github.ErrNotFound) {
		s.evidence.Hidden = true
		return nil
	}
	return err
}

// delete the hook, unless GitHub says that it is not there or that the repository is archived, which is evidence.
func (p *pass) delete(ctx context.Context, id int64, s *search) (deleted bool, err error) {
	err = p.hooks.Delete(context.WithoutCancel(ctx), id)
	switch archived := errors.Is(err, github.ErrArchived); {
	case err == nil:
		p.logger(ctx).Info("Deleted hook", "hookID", id)
		p.events.Normal(p.obj, v1alpha1.EventDeleted, fmt.Sprint(id), "Deleted "+p.place.webhook(id))
		return true, nil
	case archived, errors.Is(err, github.ErrNotFound):
		s.evidence = hook.Evidence{NotDeleted: id, Archived: archived}
		return false, nil
	}
	return false, err
}

// part with a hook without deleting it.
func (p *pass) part(ctx context.Context, step hook.Step, s search) error {
	switch step.Do {
	case hook.Release:
	case hook.LeaveOrphan:
		p.logger(ctx).Info("Orphaned hook", "hookID", step.ID)
		p.events.Normal(p.obj, v1alpha1.EventOrphaned, fmt.Sprint(step.ID),
			fmt.Sprintf("Left webhook %d on the %s, as the object asks", step.ID, p.place))
	case hook.Gone:
		p.logger(ctx).Info("Hook was gone already", "hookID", step.ID)
		p.events.Normal(p.obj, v1alpha1.EventDeleted, fmt.Sprint(step.ID), fmt.Sprintf("Webhook %d of the %s was gone already", step.ID, p.place))
	case hook.LeaveArchived:
		p.leftBehind(ctx, step.ID, "the repository is archived and so read-only")
	case hook.LeaveHidden:
		p.leftBehind(ctx, step.ID, "GitHub shows no webhooks there: the target is gone, or the credential lost its access")
	case hook.Disputed:
		return fmt.Errorf("%w: GitHub lists webhook %d but does not find it", github.ErrUnavailable, step.ID)
	default:
		return p.unfound(ctx, step, s)
	}
	return nil
}

// blocked says of an error that only a person can mend that it stands in the way of the deletion, and the ways out.
func (p *pass) blocked(err error) error {
	v := p.judge(err)
	if v.transient || v.reason == "" {
		return err
	}
	return problem{v1alpha1.ReasonDeletionBlocked, fmt.Sprintf("%s cannot be deleted. %s. Mend that, "+
		"or set spec.deletionPolicy to Orphan to leave the webhook on GitHub and let the object go", p.remains(*p.id), v.message)}
}

// remains names the hook that may still be on GitHub.
func (p *pass) remains(id int64) string {
	if id == 0 {
		return fmt.Sprintf("The webhook that may have been created for the %s", p.place)
	}
	return fmt.Sprintf("Webhook %d of the %s", id, p.place)
}

// leftBehind tells of a hook that stays on GitHub although its object goes or turns away from it: in an Event, a log line
// and a metric.
func (p *pass) leftBehind(ctx context.Context, id int64, why string) {
	note := fmt.Sprintf("%s on %s may remain: %s. Delete it there if it is not wanted", p.remains(id), p.status.Server, why)
	p.logger(ctx).Info("Left hook behind", "hookID", id, "server", p.status.Server, "why", why)
	metrics.LeftBehind.WithLabelValues(p.kind).Inc()
	p.events.Warning(p.obj, v1alpha1.EventHookLeftBehind, fmt.Sprint(id), note)
	if terminating, err := p.namespaceTerminating(ctx); p.pod != nil && (terminating || err != nil) {
		// No Event can be written there any more: the operator's own Pod gets it.
		p.events.Warning(p.pod, v1alpha1.EventHookLeftBehind, fmt.Sprint(id), fmt.Sprintf("In namespace %q: %s", p.obj.GetNamespace(), note))
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
	p.leftBehind(ctx, *p.id, "its namespace is being deleted and the webhook could not be: "+v.message)
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
	p.hookMemory.Remove(p.obj.GetUID())
	if p.github != nil {
		p.github.StopPolling(string(p.obj.GetUID()))
	}
	p.released = true
	return nil
}
