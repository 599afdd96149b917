package controllers

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// finalize deletes the hook, or lets it go, and then the object.
func (op *Operator) finalize(ctx context.Context, o *object, w *workers) outcome {
	if !controllerutil.ContainsFinalizer(o.Webhook, v1alpha1.Finalizer) {
		return outcome{}
	}
	if current, err := o.readFresh(ctx, op.apiReader); !current || err != nil {
		return outcome{retry: cacheLag, err: err}
	}
	s := &search{o: o, in: &inputs{}, policy: policyOf(o), recorded: hook.Recorded{ID: *o.id, Own: o.isOwner()}}
	if *o.creating != nil {
		s.recorded.Intent = &hook.Intent{}
	}
	unclaimed := func(int64) hook.Claim { return hook.Unclaimed }
	if step := hook.DecideDeletion(s.policy, s.recorded, s.evidence, unclaimed); step.Do != hook.Delete && step.Do != hook.List {
		return op.letGo(ctx, s, op.part(ctx, s, step)) // Nothing is to be asked of GitHub, and no credentials are needed.
	}
	in, err := op.gatherToDelete(ctx, o)
	s.in = in
	if err != nil {
		return op.letGo(ctx, s, err)
	}
	leave, entered := w.enterFor(o, in, false)
	if !entered {
		return comeBack(parkedAtMost)
	}
	defer leave()
	op.recall(s)
	return op.deleteHook(ctx, s)
}

// deleteHook deletes the hook, one step of hook.DecideDeletion after the other.
func (op *Operator) deleteHook(ctx context.Context, s *search) outcome {
	for {
		others := &others{ctx: ctx, op: op, s: s}
		step := hook.DecideDeletion(s.policy, s.recorded, s.evidence, others.claim)
		switch {
		case others.err != nil:
			return op.letGo(ctx, s, others.err)
		case step.Do == hook.List:
			if err := listToDelete(ctx, s); err != nil {
				return op.letGo(ctx, s, err)
			}
		case step.Do == hook.Delete:
			if deleted, err := op.delete(ctx, s, step.ID); deleted || err != nil {
				return op.letGo(ctx, s, err)
			}
		case step.Do == hook.Wait:
			return comeBack(cacheLag)
		default:
			return op.letGo(ctx, s, op.part(ctx, s, step))
		}
	}
}

// listToDelete reads all hooks of the target. After a DELETE that was answered with 404, so may be the list.
func listToDelete(ctx context.Context, s *search) error {
	err := list(ctx, s)
	if s.evidence.NotDeleted != 0 && errors.Is(err, github.ErrNotFound) {
		s.evidence.Hidden = true
		return nil
	}
	return err
}

// delete the hook, unless GitHub says that it is not there or that the repository is archived, which is evidence.
func (op *Operator) delete(ctx context.Context, s *search, id int64) (deleted bool, err error) {
	err = s.in.hooks.Delete(context.WithoutCancel(ctx), id)
	switch archived := errors.Is(err, github.ErrArchived); {
	case err == nil:
		s.o.logger(ctx).Info("Deleted hook", "hookID", id)
		op.events.Normal(s.o.Webhook, v1alpha1.EventDeleted, fmt.Sprint(id), "Deleted "+s.o.target.webhook(id))
		return true, nil
	case archived, errors.Is(err, github.ErrNotFound):
		s.evidence = hook.Evidence{NotDeleted: id, Archived: archived}
		return false, nil
	}
	return false, err
}

// part with a hook without deleting it.
func (op *Operator) part(ctx context.Context, s *search, step hook.Step) error {
	o := s.o
	switch step.Do {
	case hook.Release:
	case hook.LeaveOrphan:
		o.logger(ctx).Info("Orphaned hook", "hookID", step.ID)
		op.events.Normal(o.Webhook, v1alpha1.EventOrphaned, fmt.Sprint(step.ID),
			fmt.Sprintf("Left webhook %d on the %s, as the object asks", step.ID, o.target))
	case hook.Gone:
		o.logger(ctx).Info("Hook was gone already", "hookID", step.ID)
		op.events.Normal(o.Webhook, v1alpha1.EventDeleted, fmt.Sprint(step.ID), fmt.Sprintf("Webhook %d of the %s was gone already", step.ID, o.target))
	case hook.LeaveArchived:
		op.leaveBehind(ctx, o, step.ID, "the repository is archived and so read-only")
	case hook.LeaveHidden:
		op.leaveBehind(ctx, o, step.ID, "GitHub shows no webhooks there: the target is gone, or the credential lost its access")
	case hook.Disputed:
		return fmt.Errorf("%w: GitHub lists webhook %d but does not find it", github.ErrUnavailable, step.ID)
	default:
		return op.unfound(ctx, s, step)
	}
	return nil
}

// letGo releases the object whose hook was dealt with. An error means that the hook may still be there.
func (op *Operator) letGo(ctx context.Context, s *search, err error) outcome {
	if err == nil {
		return outcome{err: op.release(ctx, s)}
	}
	err = op.blocked(ctx, s, err)
	if released, releaseErr := op.releaseAnyway(ctx, s, err); released || releaseErr != nil {
		return outcome{err: releaseErr}
	}
	return op.failed(ctx, s.o, s.in, err)
}

// blocked says of an error that only a person can remove that it stands in the way of the deletion, and the ways out.
func (op *Operator) blocked(ctx context.Context, s *search, err error) error {
	v := op.judge(ctx, s.o, s.in, err)
	if v.Transient || v.Reason == "" {
		return err
	}
	return verdict.Problem{Reason: v1alpha1.ReasonDeletionBlocked, Message: fmt.Sprintf("%s cannot be deleted. %s. Mend that, "+
		"or set spec.deletionPolicy to Orphan to leave the webhook on GitHub and let the object go", remains(s.o, *s.o.id), v.Message)}
}

// releaseAnyway lets an object go whose hook could not be deleted when its namespace is being deleted: there nobody can
// change anything any more.
func (op *Operator) releaseAnyway(ctx context.Context, s *search, err error) (bool, error) {
	v := op.judge(ctx, s.o, s.in, err)
	if v.Reason != v1alpha1.ReasonDeletionBlocked {
		return false, nil
	}
	terminating, err := op.isNamespaceTerminating(ctx, s.o)
	if !terminating || err != nil {
		return false, err
	}
	op.leaveBehind(ctx, s.o, *s.o.id, "its namespace is being deleted and the webhook could not be: "+v.Message)
	return true, op.release(ctx, s)
}

// release lets the object go.
func (op *Operator) release(ctx context.Context, s *search) error {
	if err := s.o.release(ctx, op); err != nil {
		return err
	}
	if s.in.client != nil {
		s.in.client.StopPolling(string(s.o.GetUID()))
	}
	return nil
}
