package controllers

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// create makes the hook. What it is about to do stands in the status before, so that the hook is found again if the
// answer is lost or the operator dies.
func (p *pass) create(ctx context.Context, s search) (ctrl.Result, error) {
	if current, err := p.readFresh(ctx); !current || err != nil {
		return ctrl.Result{RequeueAfter: cacheLag}, err
	}
	if err := p.loadSecret(ctx); err != nil {
		return p.failed(ctx, err)
	}
	noted := *p.creating
	if err := p.noteCreating(ctx, p.fingerprints.of(p.desired.URL)); err != nil {
		return retryConflict(client.IgnoreNotFound(err))
	}
	made, err := p.hooks.Create(context.WithoutCancel(ctx), hook.CreateRequest(p.desired, p.secret.value))
	if err != nil {
		if !errors.Is(err, github.ErrUnavailable) || errors.Is(err, github.ErrNotSent) {
			*p.creating = noted // GitHub refused, or was not asked: nothing was made.
		}
		return p.refused(ctx, s, err)
	}
	p.claims.reserve(p.obj, claim{p.server, made.ID}) // Until the cache shows that it is ours.
	p.logger(ctx).Info("Created hook", "hookID", made.ID)
	p.tellCreated(made.ID)
	p.noteApplied(hook.Step{Blind: true}, *made)
	p.sees(made)
	p.did.created = true
	result := p.agreed()
	if left := hook.Drift(p.desired, *made); len(left) > 0 {
		result, err = p.failed(ctx, p.notTaken(left))
	} else if unknown := hook.Unknown(p.desired, *made); len(unknown) > 0 {
		p.watch.written = p.obj.GetGeneration()
		result, err = p.failed(ctx, p.unread(made.ID, unknown))
	}
	return result, err
}

// readFresh tells whether the object is the one that the API server has: nothing is created, and no object let go, on a
// stale cache's word.
func (p *pass) readFresh(ctx context.Context) (bool, error) {
	if p.fresh {
		return true, nil
	}
	fresh := p.obj.DeepCopyObject().(Webhook)
	if err := p.apiReader.Get(ctx, client.ObjectKeyFromObject(p.obj), fresh); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	p.fresh = fresh.GetUID() == p.obj.GetUID() && fresh.GetGeneration() == p.obj.GetGeneration() &&
		fresh.GetDeletionTimestamp().IsZero() == p.obj.GetDeletionTimestamp().IsZero() &&
		equality.Semantic.DeepEqual(fresh.CommonStatus(), p.before.CommonStatus()) &&
		*fresh.StatusID() == *p.before.StatusID() && equality.Semantic.DeepEqual(intent(fresh), intent(p.before))
	if p.fresh {
		p.obj.SetResourceVersion(fresh.GetResourceVersion())
		p.before.SetResourceVersion(fresh.GetResourceVersion())
	}
	return p.fresh, nil
}

// noteCreating stores the intent to create, unless somebody else changed the object since it was read.
func (p *pass) noteCreating(ctx context.Context, fingerprint string) error {
	noted, server := *p.creating, p.status.Server
	*p.creating, p.status.Server = &v1alpha1.Creating{
		Time: *wholeSeconds(p.github.ServerTime()), URLFingerprint: fingerprint, // GitHub's created_at is by GitHub's clock.
	}, p.server
	err := p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		*p.creating, p.status.Server = noted, server // Nothing was sent, so nothing is intended.
	}
	return err
}

// refused is GitHub's no to a create. If it says that there is such a hook, that one is named or taken over.
func (p *pass) refused(ctx context.Context, s search, refusal error) (ctrl.Result, error) {
	if !errors.Is(refusal, github.ErrHookExists) {
		return p.failed(ctx, refusal)
	}
	if err := p.list(ctx, &s); err != nil {
		return p.failed(ctx, err)
	}
	switch step, err := p.decide(ctx, s); {
	case err != nil:
		return ctrl.Result{}, err
	case step.Do == hook.Create:
		return p.failed(ctx, refusal)
	case step.Do == hook.Edit, step.Do == hook.Keep:
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	default:
		return p.failed(ctx, p.unfound(ctx, step, s))
	}
}
