package controllers

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// create makes the hook. What it is about to do stands in the status before, so that the hook is found again if the
// answer is lost or the operator dies.
func (op *Operator) create(ctx context.Context, s *search) outcome {
	o, in := s.o, s.in
	if current, err := o.readFresh(ctx, op.apiReader); !current || err != nil {
		return outcome{retry: cacheLag, err: err}
	}
	if err := op.loadSecret(ctx, o, in); err != nil {
		return op.failed(ctx, o, in, err)
	}
	noted := *o.creating
	if err := op.noteCreating(ctx, s); err != nil {
		return interrupted(client.IgnoreNotFound(err))
	}
	made, err := in.hooks.Create(context.WithoutCancel(ctx), hook.CreateRequest(in.desired, in.secret.value))
	if err != nil {
		if !errors.Is(err, github.ErrUnavailable) || errors.Is(err, github.ErrNotSent) {
			*o.creating = noted // GitHub refused, or was not asked: nothing was made.
		}
		return op.refusedCreate(ctx, s, err)
	}
	op.claims.reserve(o, s.claim(made.ID)) // Until the cache shows that it is ours.
	o.logger(ctx).Info("Created hook", "hookID", made.ID)
	op.recordCreated(o, made.ID)
	markApplied(s, hook.Step{Blind: true}, *made)
	op.markSeen(ctx, s, made)
	did := op.agreedNow(s)
	if left := hook.Drift(in.desired, *made); len(left) > 0 {
		did = op.failed(ctx, o, in, notTaken(o, left))
	} else if unknown := hook.Unknown(in.desired, *made); len(unknown) > 0 {
		o.memory.written = o.GetGeneration()
		did = op.failed(ctx, o, in, unreadable(s, made.ID, unknown))
	}
	if len(o.requests()) > 0 { // They are carried out once the hook's ID is stored.
		did = did.before(time.Now().Add(cacheLag), time.Now())
	}
	did.shown, did.created = true, true
	return did
}

// noteCreating stores the intent to create, unless somebody else changed the object since it was read.
func (op *Operator) noteCreating(ctx context.Context, s *search) error {
	o := s.o
	noted, server := *o.creating, o.status.Server
	*o.creating = &v1alpha1.Creating{
		Time:           *wholeSeconds(s.in.client.ServerTime()), // GitHub's created_at is by GitHub's clock.
		URLFingerprint: op.fingerprints.of(s.in.desired.URL),
	}
	o.status.Server = s.in.server
	err := o.note(ctx, op)
	if err != nil {
		*o.creating, o.status.Server = noted, server // Nothing was sent, so nothing is intended.
	}
	return err
}

// refusedCreate is GitHub's no to a create. If it says that there is such a hook, that one is named or taken over.
func (op *Operator) refusedCreate(ctx context.Context, s *search, refusal error) outcome {
	if !errors.Is(refusal, github.ErrHookExists) {
		return op.failed(ctx, s.o, s.in, refusal)
	}
	if err := list(ctx, s); err != nil {
		return op.failed(ctx, s.o, s.in, err)
	}
	switch step, err := op.decide(ctx, s); {
	case err != nil:
		return outcome{err: err}
	case step.Do == hook.Create:
		return op.failed(ctx, s.o, s.in, refusal)
	case step.Do == hook.Edit, step.Do == hook.Keep:
		return comeBack(cacheLag)
	default:
		return op.failed(ctx, s.o, s.in, op.unfound(ctx, s, step))
	}
}
