package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// edit is a write to a hook that exists, and why.
type edit struct {
	id       int64
	observed github.Hook
	fields   []hook.Field
	// blind: the hook was not read in this pass, so that all of its config is sent.
	blind bool
	// rotated: a Secret changed.
	rotated bool
	// reassert: the secret is sent because somebody else wrote to the hook.
	reassert bool
	// adopt: the hook becomes ours.
	adopt bool
}

// config tells whether the write carries config, and with it the secret.
func (e edit) config() bool {
	return e.blind || e.reassert || slices.ContainsFunc(e.fields, func(f hook.Field) bool { return f != hook.Events && f != hook.Active })
}

// known tells what to write without reading the hook first: the object agreed with GitHub, its next poll is not due, and
// since then only its spec or a Secret changed.
func (p *pass) known() (edit, bool) {
	ready := p.condition(v1alpha1.ConditionReady)
	agreed := ready != nil && ready.Status == metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonSynced &&
		p.condition(v1alpha1.ConditionReconciling) == nil && *p.creating == nil
	named := p.hookSpec.HookID
	if !p.place.owns() && !p.seen.Contains(p.obj.GetUID()) {
		return edit{}, false // Which App the credentials are of may have changed while nobody looked.
	}
	if !agreed || !p.ours() || named != 0 && named != *p.id || len(p.requests()) > 0 || !time.Now().Before(p.pollTime()) {
		return edit{}, false
	}
	e := edit{id: *p.id, blind: true}
	if !p.synced() {
		seen, ok := p.seen.Get(p.obj.GetUID())
		if !ok {
			return edit{}, false
		}
		if len(hook.Unknown(p.desired, seen)) > 0 {
			return edit{}, false // How it differs was not to be seen.
		}
		e.observed, e.fields = seen, hook.Drift(p.desired, seen)
	}
	p.addSecrets(&e)
	// A place without add_events takes the union of events, for which they have to be read.
	blindUnion := p.desired.KeepOtherEvents && !p.place.addEvents() && slices.Contains(e.fields, hook.Events)
	return e, !blindUnion
}

// addSecrets adds the fields whose value in a Secret is another one than was last written.
func (p *pass) addSecrets(e *edit) {
	applied := p.appliedHook()
	if hook.SecretChanged(p.desired, applied) {
		e.rotated = true
		e.add(hook.SecretRef)
	}
	if p.urlFingerprint != p.appliedURL() {
		e.rotated = true
		e.add(hook.URL)
	}
}

func (e *edit) add(f hook.Field) {
	if !slices.Contains(e.fields, f) {
		e.fields = append(e.fields, f)
	}
}

// appliedHook is what the last write carried, as package hook knows it.
func (p *pass) appliedHook() hook.Applied {
	a := p.status.Applied
	if a == nil {
		return hook.Applied{}
	}
	applied := hook.Applied{SecretFingerprint: a.SecretFingerprint}
	if a.HookUpdatedAt != nil {
		applied.UpdatedAt = a.HookUpdatedAt.Time
	}
	if a.ReassertedTime != nil && time.Until(a.ReassertedTime.Time) < clockStep {
		applied.ReassertedAt = a.ReassertedTime.Time
	}
	return applied
}

func (p *pass) appliedURL() string {
	if p.status.Applied == nil {
		return ""
	}
	return p.status.Applied.URLFingerprint
}

// update puts the hook right that was found.
func (p *pass) update(ctx context.Context, found github.Hook) (ctrl.Result, error) {
	if *p.id != found.ID {
		p.forget() // What was applied to a hook that is gone says nothing of this one.
	}
	e := edit{id: found.ID, observed: found, fields: hook.Drift(p.desired, found), adopt: !p.ours()}
	p.addSecrets(&e)
	p.addUnknown(&e)
	if !e.rotated && hook.SecretSuspect(p.desired, found, p.appliedHook(), time.Now()) {
		e.reassert = true
		if len(e.fields) == 0 { // Else somebody else's write is accounted for, and the secret just goes along.
			e.add(hook.SecretRef)
		}
	}
	return p.edit(ctx, e)
}

// addUnknown adds the fields that GitHub shows in a form that cannot be read, where they were not seen to agree before and
// not written yet: each generation writes them once, and not again and again.
func (p *pass) addUnknown(e *edit) {
	if p.watch.written == p.obj.GetGeneration() || p.synced() && !e.adopt {
		return
	}
	for _, f := range hook.Unknown(p.desired, e.observed) {
		if f == hook.Events && p.desired.KeepOtherEvents && !p.place.addEvents() {
			continue // It would remove the events that others added.
		}
		e.add(f)
	}
}

// edit makes the one write of the pass, if there is anything to write.
func (p *pass) edit(ctx context.Context, e edit) (ctrl.Result, error) {
	unknown := hook.Unknown(p.desired, e.observed)
	switch {
	case len(e.fields) == 0 && len(unknown) > 0:
		p.sees(&e.observed)
		return p.failed(ctx, p.unread(e.id, unknown))
	case len(e.fields) == 0:
		return p.unchanged(ctx, e), nil
	}
	if e.config() {
		if err := p.loadSecret(ctx); err != nil {
			return p.failed(ctx, err)
		}
	}
	request := hook.Edit(p.desired, e.observed, e.fields, p.secret.value, p.place.addEvents())
	if e.blind || e.reassert {
		request.Config = hook.Config(p.desired, p.secret.value)
	}
	if e.adopt {
		if err := p.noteAdoption(ctx, e.id); err != nil {
			return retryConflict(client.IgnoreNotFound(err))
		}
	}
	// A write in hand is finished when the operator is told to stop; the client bounds its time.
	answer, err := p.hooks.Edit(context.WithoutCancel(ctx), e.id, request)
	switch {
	case errors.Is(err, github.ErrNotFound) && e.blind:
		return p.look(ctx)
	case err != nil:
		return p.failed(ctx, err)
	}
	return p.edited(ctx, e, answer)
}

// unchanged ends a pass that had nothing to write.
func (p *pass) unchanged(ctx context.Context, e edit) ctrl.Result {
	if e.blind {
		p.agree()
		return p.untilNextPoll()
	}
	if e.adopt {
		p.noteApplied(e, e.observed)
		p.tell(ctx, e)
	}
	p.sees(&e.observed)
	return p.agreed()
}

// edited takes up GitHub's answer to a write.
func (p *pass) edited(ctx context.Context, e edit, answer *github.Hook) (ctrl.Result, error) {
	p.tell(ctx, e)
	p.noteApplied(e, *answer)
	p.sees(answer)
	left, unknown := hook.Drift(p.desired, *answer), hook.Unknown(p.desired, *answer)
	switch {
	case len(left) == 0 && len(unknown) > 0:
		p.watch.written = p.obj.GetGeneration()
		return p.failed(ctx, p.unread(e.id, unknown))
	case len(left) == 0:
		return p.agreed(), nil
	case e.blind: // Somebody else had changed the hook meanwhile: look at it in a pass of its own.
		p.status.LastSyncTime = nil
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	default:
		return p.failed(ctx, p.notTaken(left))
	}
}

// notTaken is GitHub's accepting a write without doing it.
func (p *pass) notTaken(left []hook.Field) error {
	return problem{v1alpha1.ReasonValidationFailed, fmt.Sprintf(
		"GitHub accepted the webhook of the %s but shows another value for %s: write it as GitHub shows it", p.place, join(left))}
}

// unread is GitHub's showing a hook in a form that cannot be read, which is neither drift nor agreement.
func (p *pass) unread(id int64, unknown []hook.Field) error {
	return problem{v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s shows %s of %s in a form that the operator cannot read: "+
		"whether it agrees with the spec is not known, and the operator keeps looking", p.server, join(unknown), p.place.webhook(id))}
}

// noteApplied keeps what the write carried. With it the hook is ours, and no longer one whose ID may be lost.
func (p *pass) noteApplied(e edit, answer github.Hook) {
	before := p.appliedHook()
	a := &v1alpha1.Applied{}
	if p.status.Applied != nil {
		a = p.status.Applied.DeepCopy()
	}
	a.Time = p.now()
	if e.config() || e.adopt {
		a.SecretFingerprint, a.SecretResourceVersion = p.desired.SecretFingerprint, p.secret.resourceVersion
		a.URLFingerprint = p.urlFingerprint
	}
	if e.config() {
		a.SecretTime = nil
		if p.desired.SecretFingerprint != "" {
			a.SecretTime = &a.Time
		}
	}
	// After somebody else's write only one with the secret makes the hook ours again.
	if e.config() || !hook.Foreign(e.observed, before) {
		a.HookUpdatedAt = p.updatedAt(answer)
	}
	if e.reassert {
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
