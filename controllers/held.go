package controllers

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// ours tells whether the hook in status was created or taken over by this object. One that was only observed is not.
func (p *pass) ours() bool {
	return *p.id != 0 && p.status.Applied != nil
}

// forget drops what the status says of a hook that is not, or no longer, this object's.
func (p *pass) forget() {
	*p.id, p.status.Applied, p.status.SettingsURL = 0, nil, ""
	p.status.LastDelivery, p.status.Deliveries, p.status.Redelivering = nil, nil, nil
	p.did.replaced = true
	p.watch = watch{}
	p.hookMemory.Remove(p.obj.GetUID())
}

// hold makes the hook that a lost answer created the object's own, and stores its ID before anything is written to it: once
// a write has changed its URL, the noted creation no longer leads to it.
func (p *pass) hold(ctx context.Context, made github.Hook) error {
	if *p.id != made.ID {
		p.forget() // What was applied to a hook that is gone says nothing of this one.
	}
	p.status.Server, *p.id = p.server, made.ID
	p.noteApplied(hook.Step{Hook: made}, made)
	if err := p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})); err != nil {
		p.revert()
		return err
	}
	p.claims.reserve(p.obj, claim{p.server, made.ID}) // Until the cache shows that it is ours.
	p.logger(ctx).Info("Found the hook again that a lost answer had made", "hookID", made.ID)
	p.tellCreated(made.ID)
	return nil
}

// noteAdoption stores which hook is about to be taken over. It is the object's own only after an answered write.
func (p *pass) noteAdoption(ctx context.Context, id int64) error {
	if !p.place.owns() || *p.before.StatusID() == id && p.before.CommonStatus().Applied == nil {
		p.status.Server, *p.id = p.server, id
		return nil
	}
	p.status.Server, *p.id = p.server, id
	err := p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		p.revert()
	}
	return err
}

// noteApplied keeps what the write carried. With it the hook is ours, and no longer one whose ID may be lost.
func (p *pass) noteApplied(step hook.Step, answer github.Hook) {
	before := p.appliedHook()
	a := &v1alpha1.Applied{}
	if p.status.Applied != nil {
		a = p.status.Applied.DeepCopy()
	}
	a.Time = p.now()
	if step.SendsConfig() || step.Adopt {
		a.SecretFingerprint, a.SecretResourceVersion = p.desired.SecretFingerprint, p.secret.resourceVersion
		a.URLFingerprint = p.desired.URLFingerprint
	}
	if step.SendsConfig() {
		a.SecretTime = nil
		if p.desired.SecretFingerprint != "" {
			a.SecretTime = &a.Time
		}
	}
	// After somebody else's write only one with the secret makes the hook ours again.
	if step.SendsConfig() || !hook.Foreign(step.Hook, before) {
		a.HookUpdatedAt = p.updatedAt(answer)
	}
	if step.Reassert {
		a.ReassertedTime = &a.Time
	}
	p.status.Applied, *p.creating = a, nil
}

// updatedAt is when GitHub changed the hook as we wrote it: the server's own time of the answer where it cannot be read, so
// that a later write of somebody else's still shows.
func (p *pass) updatedAt(h github.Hook) *metav1.Time {
	if h.Unknown.Has(github.PropertyUpdatedAt) {
		return wholeSeconds(p.github.ServerTime())
	}
	if h.UpdatedAt.IsZero() {
		return nil
	}
	return &metav1.Time{Time: h.UpdatedAt.UTC()}
}

// appliedHook is what the last write carried, as package hook knows it.
func (p *pass) appliedHook() hook.Applied {
	a := p.status.Applied
	if a == nil {
		return hook.Applied{}
	}
	applied := hook.Applied{SecretFingerprint: a.SecretFingerprint, URLFingerprint: a.URLFingerprint}
	if a.HookUpdatedAt != nil {
		applied.UpdatedAt = a.HookUpdatedAt.Time
	}
	if a.ReassertedTime != nil && time.Until(a.ReassertedTime.Time) < clockStep {
		applied.ReassertedAt = a.ReassertedTime.Time
	}
	return applied
}

// sees notes the hook that GitHub showed.
func (p *pass) sees(h *github.Hook) {
	last, known := p.hookMemory.Get(p.obj.GetUID())
	if name := p.place.renamed(*h); name != "" && p.shows(name) && (!known || p.place.renamed(last) != name) {
		p.events.Normal(p.obj, v1alpha1.EventRenamed, name, fmt.Sprintf("The %s is called %s on GitHub now; its webhook goes on working", p.place, name))
	}
	p.recall(*h)
	p.did.shown = true
	p.status.Server, *p.id = p.server, h.ID
	if page := p.hooks.SettingsURL(h.ID); page != "" {
		p.status.SettingsURL = page
	}
}
