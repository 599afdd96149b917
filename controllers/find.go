package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
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
	p.clear(v1alpha1.ConditionDeliveriesHealthy)
	p.watch = watch{}
	p.seen.Remove(p.obj.GetUID())
}

// find looks for the object's hook: the one that is ours, the one that the spec names, the one that a lost answer made,
// or the one to take over. It returns nil when there is none and one has to be created.
func (p *pass) find(ctx context.Context) (*github.Hook, error) {
	var hooks []github.Hook
	if p.ours() {
		found, all, err := p.findOurs(ctx)
		if found != nil || err != nil {
			return found, err
		}
		hooks = all
	} else {
		noted := p.noted()
		p.forget() // A hook that was only observed is no claim.
		if found, err := p.findNoted(ctx, noted); found != nil || err != nil {
			return found, err
		}
	}
	if p.hookSpec.HookID != 0 && *p.creating == nil {
		return p.findNamed(ctx)
	}
	var unclear error
	if hooks == nil {
		if hooks, unclear = p.hooks.List(github.BeforeCreate(ctx)); isFailure(unclear) {
			return nil, unclear
		}
	}
	if p.hookSpec.HookID != 0 {
		return p.findInstead(ctx, hooks, unclear)
	}
	return p.choose(ctx, hooks, unclear)
}

// isFailure tells that there is no list, from one that is not clear: a hook that this one shows is there all the same, and
// only what it does not show may be there, too.
func isFailure(err error) bool { return err != nil && !errors.Is(err, github.ErrUnclear) }

// noted is the hook that adoptionPolicy MatchURL was about to take over when the answer to the write was lost; 0 is none.
// A hook that was only observed stands in the status likewise, under other verdicts.
func (p *pass) noted() int64 {
	ready := p.condition(v1alpha1.ConditionReady)
	observed := ready != nil && (ready.Reason == v1alpha1.ReasonSynced || ready.Reason == v1alpha1.ReasonDriftDetected)
	if observed || p.hookSpec.AdoptionPolicy != v1alpha1.AdoptMatchURL || p.hookSpec.HookID != 0 || *p.creating != nil {
		return 0
	}
	return *p.id
}

// findNoted finds the hook that was about to be taken over, whatever spec.url is by now. It returns nil when the hook is
// gone or another object's.
func (p *pass) findNoted(ctx context.Context, id int64) (*github.Hook, error) {
	if id == 0 {
		return nil, nil
	}
	owner, err := p.claims.owner(ctx, p.obj, claim{p.server, id})
	if owner != nil || err != nil || !p.claims.reserve(p.obj, claim{p.server, id}) {
		return nil, err
	}
	found, _, err := p.get(ctx, id)
	return found, err
}

// findInstead takes over the hook that spec.hookID names by now, and tells of another one whose creation was noted.
func (p *pass) findInstead(ctx context.Context, hooks []github.Hook, unclear error) (*github.Hook, error) {
	made, err := p.created(ctx, hooks)
	if err == nil && made == nil {
		err = unclear
	}
	if err != nil {
		return nil, err
	}
	switch {
	case made == nil:
	case made.ID == p.hookSpec.HookID:
		return made, p.hold(ctx, *made)
	default:
		*p.id = made.ID
		p.leftBehind(ctx, fmt.Sprintf("spec.hookID names webhook %d now", p.hookSpec.HookID))
		p.forget()
	}
	return p.findNamed(ctx)
}

// findOurs reads the hook in status. When the hook is gone it returns the target's hooks instead; it returns neither when
// the spec names another one by now. An older object's claim is a conflict.
func (p *pass) findOurs(ctx context.Context) (*github.Hook, []github.Hook, error) {
	id := *p.id
	owner, err := p.claims.owner(ctx, p.obj, claim{p.server, id})
	switch {
	case err != nil:
		return nil, nil, err
	case owner != nil:
		p.forget()
		return nil, nil, p.conflict(id, owner)
	case p.hookSpec.HookID != 0 && p.hookSpec.HookID != id:
		p.leftBehind(ctx, fmt.Sprintf("spec.hookID names webhook %d now", p.hookSpec.HookID))
		p.forget()
		return nil, nil, nil
	}
	// A hook that is gone is forgotten only when there is another one: an organization's list may leave out hooks that
	// another credential sees.
	return p.get(ctx, id)
}

// get reads a hook. On 404 it reads all hooks of the target, and returns them, before it says that the hook is gone: no
// access is not absence.
func (p *pass) get(ctx context.Context, id int64) (*github.Hook, []github.Hook, error) {
	found, err := p.hooks.Get(ctx, id)
	if !errors.Is(err, github.ErrNotFound) {
		return found, nil, err
	}
	hooks, err := p.hooks.List(ctx)
	if found = hook.ByID(hooks, id); found == nil && err != nil {
		return nil, nil, err
	}
	return found, hooks, nil
}

// findNamed takes over the hook that spec.hookID names.
func (p *pass) findNamed(ctx context.Context) (*github.Hook, error) {
	id := p.hookSpec.HookID
	found, _, err := p.get(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, problem{v1alpha1.ReasonHookNotFound, fmt.Sprintf(
			"The %s has no webhook %d, which spec.hookID names: without spec.hookID a new one would be created", p.place, id)}
	}
	return found, p.mayAdopt(ctx, id)
}

// choose among all hooks of the target. Where their list is not clear, none is taken over and none is missing: another one
// may have this URL.
func (p *pass) choose(ctx context.Context, hooks []github.Hook, unclear error) (*github.Hook, error) {
	made, err := p.created(ctx, hooks)
	switch {
	case err != nil:
		return nil, err
	case made != nil:
		return made, p.hold(ctx, *made)
	}
	same := hook.WithURL(hooks, p.desired.URL)
	switch {
	case len(same) == 0:
		return nil, unclear
	case p.hookSpec.AdoptionPolicy != v1alpha1.AdoptMatchURL:
		owner, err := p.claims.owner(ctx, p.obj, claim{p.server, same[0].ID})
		if err != nil {
			return nil, err
		}
		return nil, p.conflict(same[0].ID, owner)
	case len(same) > 1:
		return nil, p.ambiguous(same)
	case unclear != nil:
		return nil, unclear
	}
	return &same[0], p.mayAdopt(ctx, same[0].ID)
}

// created finds the hook whose creation was noted but whose ID was lost, whatever the spec's URL is by now.
func (p *pass) created(ctx context.Context, hooks []github.Hook) (*github.Hook, error) {
	noted := *p.creating
	if noted == nil {
		return nil, nil
	}
	var failure error
	intent := hook.Intent{
		Time: noted.Time.Time,
		MatchesURL: func(url string) bool {
			fingerprint, err := p.fingerprints.Of(ctx, url)
			failure = errors.Join(failure, err)
			return fingerprint == noted.URLFingerprint
		},
	}
	owned := func(id int64) bool {
		owner, err := p.claims.owner(ctx, p.obj, claim{p.server, id})
		failure = errors.Join(failure, err)
		return owner != nil || p.claims.reserved(p.obj, claim{p.server, id})
	}
	made := hook.Created(intent, hooks, owned)
	if made == nil && failure == nil && hook.MayBeCreated(intent, hooks, owned) {
		return nil, problem{v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s shows a webhook of the %s that this object may have made, "+
			"but not when it was created in a form that can be read: the operator keeps looking", p.server, p.place)}
	}
	return made, failure
}

// hold makes the hook that a lost answer created the object's own, and stores its ID before anything is written to it: once
// a write has changed its URL, the noted creation no longer leads to it.
func (p *pass) hold(ctx context.Context, made github.Hook) error {
	if *p.id != made.ID {
		p.forget() // What was applied to a hook that is gone says nothing of this one.
	}
	p.status.Server, *p.id = p.server, made.ID
	p.noteApplied(edit{observed: made}, made)
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

// mayAdopt refuses a hook that another object owns.
func (p *pass) mayAdopt(ctx context.Context, id int64) error {
	wanted := claim{p.server, id}
	owner, err := p.claims.owner(ctx, p.obj, wanted)
	switch {
	case err != nil:
		return err
	case owner != nil || !p.claims.reserve(p.obj, wanted):
		return p.conflict(id, owner)
	}
	return nil
}

// conflict names the hook, the other object when it is in the same namespace, and the ways out.
func (p *pass) conflict(id int64, owner Webhook) error {
	var message string
	switch {
	case owner == nil:
		message = fmt.Sprintf("The %s has webhook %d with this URL already: to take it over, set spec.adoptionPolicy to MatchURL or spec.hookID to %d",
			p.place, id, id)
	case owner.GetNamespace() == p.obj.GetNamespace():
		message = fmt.Sprintf("Webhook %d of the %s belongs to the object %q: delete one of the two objects, or give this one another URL",
			id, p.place, owner.GetName())
	default:
		message = fmt.Sprintf("Webhook %d of the %s belongs to an object in another namespace: give this one another URL, or have the other one deleted",
			id, p.place)
	}
	return problem{v1alpha1.ReasonConflict, message}
}

func (p *pass) ambiguous(hooks []github.Hook) error {
	ids := make([]string, len(hooks))
	for i, h := range hooks {
		ids[i] = fmt.Sprint(h.ID)
	}
	return problem{v1alpha1.ReasonAmbiguousMatch, fmt.Sprintf(
		"The %s has %d webhooks with this URL (%s): set spec.hookID to the one to take over, or delete the others",
		p.place, len(hooks), strings.Join(ids, ", "))}
}

// observe reports how the hook differs, and writes nothing to GitHub.
func (p *pass) observe(ctx context.Context) (ctrl.Result, error) {
	p.status.Drift = nil
	found, err := p.place.observed(ctx, p)
	if err != nil {
		return p.failed(ctx, err)
	}
	if p.ours() && *p.id != found.ID {
		p.leftBehind(ctx, fmt.Sprintf("spec.hookID names webhook %d now", found.ID))
		p.forget()
	}
	p.sees(found)
	p.looked()
	if fields := hook.Drift(p.desired, *found); len(fields) > 0 {
		p.status.Drift, p.watch.judged = names(fields), p.obj.GetGeneration()
		return p.failed(ctx, problem{v1alpha1.ReasonDriftDetected, fmt.Sprintf(
			"The spec differs from %s in %s: managementPolicy Observe leaves it so", p.place.webhook(found.ID), join(fields))})
	}
	if unknown := hook.Unknown(p.desired, *found); len(unknown) > 0 {
		return p.failed(ctx, p.unread(found.ID, unknown))
	}
	return p.agreed(), nil
}

// findObserved looks by the ID that is known or named, else by URL, whatever the adoption policy.
func (p *pass) findObserved(ctx context.Context) (*github.Hook, error) {
	id, byURL := p.hookSpec.HookID, p.hookSpec.HookID == 0 && !p.ours()
	if id == 0 {
		id = *p.id
	}
	if id != 0 {
		found, _, err := p.get(ctx, id)
		if err != nil || found != nil && (!byURL || found.Config.URL == p.desired.URL || found.Unknown.Has(github.PropertyURL)) {
			return found, err
		}
		if p.hookSpec.HookID != 0 {
			return nil, problem{v1alpha1.ReasonHookNotFound, fmt.Sprintf("The %s has no webhook %d, which spec.hookID names", p.place, id)}
		}
		p.forget()
	}
	hooks, unclear := p.hooks.List(ctx)
	if isFailure(unclear) {
		return nil, unclear
	}
	same := hook.WithURL(hooks, p.desired.URL)
	switch len(same) {
	case 0:
		if unclear != nil {
			return nil, unclear
		}
		return nil, problem{v1alpha1.ReasonHookNotFound, fmt.Sprintf("The %s has no webhook with this URL to observe", p.place)}
	case 1:
		return &same[0], nil
	default:
		return nil, p.ambiguous(same)
	}
}

// sees notes the hook that GitHub showed.
func (p *pass) sees(h *github.Hook) {
	last, known := p.seen.Get(p.obj.GetUID())
	if name := p.place.renamed(*h); name != "" && p.shows(name) && (!known || p.place.renamed(last) != name) {
		p.events.Normal(p.obj, v1alpha1.EventRenamed, name, fmt.Sprintf("The %s is called %s on GitHub now; its webhook goes on working", p.place, name))
	}
	p.recall(*h)
	p.shown = true
	p.undelivered()
	p.status.Server, *p.id = p.server, h.ID
	if page := p.hooks.SettingsURL(h.ID); page != "" {
		p.status.SettingsURL = page
	}
}

func names(fields []hook.Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = string(f)
	}
	return all
}

func join(fields []hook.Field) string { return strings.Join(names(fields), ", ") }
