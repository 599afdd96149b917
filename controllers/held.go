package controllers

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// hold makes the hook that a lost answer created the object's own, and stores its ID before anything is written to it: once
// a write has changed its URL, the noted creation no longer leads to it.
func (op *Operator) hold(ctx context.Context, s *search, made github.Hook) error {
	o := s.o
	if *o.id != made.ID {
		o.forget() // What was applied to a hook that is gone says nothing of this one.
	}
	o.status.Server, *o.id = s.in.server, made.ID
	markApplied(s, hook.Step{Hook: made}, made)
	if err := o.note(ctx, op); err != nil {
		o.revert()
		return err
	}
	op.claims.reserve(o, s.claim(made.ID)) // Until the cache shows that it is ours.
	o.logger(ctx).Info("Found the hook again that a lost answer had made", "hookID", made.ID)
	op.recordCreated(o, made.ID)
	return nil
}

// noteAdoption stores which hook is about to be taken over. It is the object's own only after an answered write.
func (op *Operator) noteAdoption(ctx context.Context, s *search, id int64) error {
	o := s.o
	isNoted := !o.target.owns() || *o.stored.StatusID() == id && o.stored.CommonStatus().Applied == nil
	o.status.Server, *o.id = s.in.server, id
	if isNoted {
		return nil
	}
	err := o.note(ctx, op)
	if err != nil {
		o.revert()
	}
	return err
}

// markApplied keeps what the write carried. With it the hook is the object's own, and no longer one whose ID may be lost.
func markApplied(s *search, step hook.Step, answer github.Hook) {
	o, in := s.o, s.in
	before := appliedTo(o)
	a := &v1alpha1.Applied{}
	if o.status.Applied != nil {
		a = o.status.Applied.DeepCopy()
	}
	a.Time = *wholeSeconds(time.Now())
	if step.SendsConfig() || step.Adopt {
		a.SecretFingerprint, a.SecretResourceVersion = in.desired.SecretFingerprint, in.secret.resourceVersion
		a.URLFingerprint = in.desired.URLFingerprint
	}
	if step.SendsConfig() {
		a.SecretTime = nil
		if in.desired.SecretFingerprint != "" {
			a.SecretTime = &a.Time
		}
	}
	// After somebody else's write only one with the secret makes the hook the object's own again.
	if step.SendsConfig() || !hook.Foreign(step.Hook, before) {
		a.HookUpdatedAt = updatedAt(in, answer)
	}
	if step.Reassert {
		a.ReassertedTime = &a.Time
	}
	o.status.Applied, *o.creating = a, nil
}

// updatedAt is when GitHub changed the hook as it was written: the server's own time of the answer where it cannot be read,
// so that a later write of somebody else's still shows.
func updatedAt(in *inputs, h github.Hook) *metav1.Time {
	if h.Unknown.Has(github.PropertyUpdatedAt) {
		return wholeSeconds(in.client.ServerTime())
	}
	if h.UpdatedAt.IsZero() {
		return nil
	}
	return &metav1.Time{Time: h.UpdatedAt.UTC()}
}

// markSeen notes the hook that GitHub showed.
func (op *Operator) markSeen(ctx context.Context, s *search, h *github.Hook) {
	o := s.o
	last := o.memory.hook
	name := o.target.renamed(*h)
	if name != "" && op.shows(ctx, o, s.in, name) && (last == nil || o.target.renamed(*last) != name) {
		op.events.Normal(o.Webhook, v1alpha1.EventRenamed, name, fmt.Sprintf("The %s is called %s on GitHub now; its webhook goes on working", o.target, name))
	}
	o.memory.hook = h
	o.status.Server, *o.id = s.in.server, h.ID
	if page := s.in.hooks.SettingsURL(h.ID); page != "" {
		o.status.SettingsURL = page
	}
}

// agreedNow is the outcome where GitHub was just seen to agree with the spec.
func (op *Operator) agreedNow(s *search) outcome {
	o, now := s.o, time.Now()
	o.memory.synced, o.memory.stale = now, false
	o.markReconciled()
	did := agreedStill(o)
	did.shown, did.retry = true, op.situation(o, s.in).untilPoll(now, now)
	return did
}

// agreedStill is the outcome where GitHub agrees, as far as is known.
func agreedStill(o *object) outcome {
	o.status.Drift = nil
	o.memory.judged = o.GetGeneration()
	return outcome{finding: agreed}
}
