package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
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
		p.condition(v1alpha1.ConditionReconciling) == nil && p.status.Creating == nil
	named := p.hookSpec.HookID
	if !agreed || !p.ours() || named != 0 && named != p.status.HookID || len(p.requests()) > 0 || !time.Now().Before(p.pollTime()) {
		return edit{}, false
	}
	e := edit{id: p.status.HookID, blind: true}
	if !p.synced() {
		seen, ok := p.seen.Get(p.obj.GetUID())
		if !ok {
			return edit{}, false
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
	if a.ReassertedTime != nil {
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
	e := edit{id: found.ID, observed: found, fields: hook.Drift(p.desired, found), adopt: !p.ours()}
	p.addSecrets(&e)
	if !e.rotated && hook.SecretSuspect(p.desired, found, p.appliedHook(), time.Now()) {
		e.reassert = true
		if len(e.fields) == 0 { // Else somebody else's write is accounted for, and the secret just goes along.
			e.add(hook.SecretRef)
		}
	}
	return p.edit(ctx, e)
}

// edit makes the one write of the pass, if there is anything to write.
func (p *pass) edit(ctx context.Context, e edit) (ctrl.Result, error) {
	if len(e.fields) == 0 {
		return p.unchanged(ctx, e), nil
	}
	if e.config() {
		if err := p.loadSecret(ctx); err != nil {
			return p.failed(ctx, err)
		}
	}
	request := hook.Edit(p.desired, e.observed, e.fields, p.secret.value, p.place.addEvents())
	if e.config() {
		request.Config = hook.Config(p.desired, p.secret.value)
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
	left := hook.Drift(p.desired, *answer)
	switch {
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

// tell says what a write did, in an Event and a log line: fields by name, never by value.
func (p *pass) tell(ctx context.Context, e edit) {
	fields := join(e.fields)
	logger := p.logger(ctx).WithValues("hookID", e.id, "fields", fields)
	switch {
	case e.adopt:
		logger.Info("Adopted hook")
		p.events.Normal(p.obj, v1alpha1.EventAdopted, fields, fmt.Sprintf("Took over webhook %d of the %s%s", e.id, p.place, wrote(fields)))
	case !p.synced():
		logger.Info("Updated hook")
		p.events.Normal(p.obj, v1alpha1.EventUpdated, fields, fmt.Sprintf("Updated %s of webhook %d of the %s", fields, e.id, p.place))
	default:
		p.tellRepair(ctx, e)
	}
}

// tellRepair says what changed without a change of the spec: on GitHub, or in a Secret.
func (p *pass) tellRepair(ctx context.Context, e edit) {
	drifted := e.fields
	if e.rotated {
		var rotated []hook.Field
		drifted = nil
		for _, f := range e.fields {
			if f == hook.SecretRef || f == hook.URL && p.urlFingerprint != p.appliedURL() {
				rotated = append(rotated, f)
			} else {
				drifted = append(drifted, f)
			}
		}
		p.logger(ctx).Info("Applied changed Secret", "fields", join(rotated))
		p.events.Normal(p.obj, v1alpha1.EventSecretApplied, join(rotated)+"@"+p.secret.resourceVersion,
			fmt.Sprintf("Wrote the changed Secret's %s to webhook %d of the %s", join(rotated), e.id, p.place))
	}
	if len(drifted) > 0 {
		p.logger(ctx).Info("Repaired drift", "fields", join(drifted))
		p.events.Normal(p.obj, v1alpha1.EventDriftRepaired, join(drifted),
			fmt.Sprintf("Somebody else had changed %s of webhook %d of the %s: put right%s", join(drifted), e.id, p.place, e.alsoReasserted()))
	}
}

// alsoReasserted says that the secret went along with what visibly differed: nobody can see whether it was changed, too.
func (e edit) alsoReasserted() string {
	if !e.reassert || slices.Contains(e.fields, hook.SecretRef) {
		return ""
	}
	return ", and the secret written again in case it was changed, too"
}

func wrote(fields string) string {
	if fields == "" {
		return ", which agrees with the spec already"
	}
	return " and wrote " + fields
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
	// After somebody else's write only one with the secret makes the hook ours again.
	if e.config() || !hook.Foreign(e.observed, before) {
		a.HookUpdatedAt = updatedAt(answer)
	}
	if e.reassert {
		a.ReassertedTime = &a.Time
	}
	p.status.Applied, p.status.Creating = a, nil
}

func updatedAt(h github.Hook) *metav1.Time {
	if h.UpdatedAt.IsZero() {
		return nil
	}
	return &metav1.Time{Time: h.UpdatedAt.UTC()}
}

// create makes the hook. What it is about to do stands in the status before, so that the hook is found again if the
// answer is lost or the operator dies.
func (p *pass) create(ctx context.Context) (ctrl.Result, error) {
	if current, err := p.readFresh(ctx); !current || err != nil {
		return ctrl.Result{RequeueAfter: cacheLag}, err
	}
	if err := p.loadSecret(ctx); err != nil {
		return p.failed(ctx, err)
	}
	noted := p.status.Creating
	if err := p.noteCreating(ctx); err != nil {
		return retryConflict(client.IgnoreNotFound(err))
	}
	made, err := p.hooks.Create(context.WithoutCancel(ctx), hook.Create(p.desired, p.secret.value))
	if err != nil {
		if !errors.Is(err, github.ErrUnavailable) {
			p.status.Creating = noted // GitHub refused: nothing was made.
		}
		return p.refused(ctx, err)
	}
	p.claims.reserve(p.obj, claim{p.server, made.ID}) // Until the cache shows that it is ours.
	p.logger(ctx).Info("Created hook", "hookID", made.ID)
	p.events.Normal(p.obj, v1alpha1.EventCreated, fmt.Sprint(made.ID), fmt.Sprintf("Created webhook %d of the %s", made.ID, p.place))
	p.noteApplied(edit{blind: true}, *made)
	p.sees(made)
	result := p.agreed()
	if left := hook.Drift(p.desired, *made); len(left) > 0 {
		result, err = p.failed(ctx, p.notTaken(left))
	}
	return result, errors.Join(err, p.patchStatus(ctx)) // The ID is stored at once.
}

// readFresh tells whether the object is the one that the API server has: nothing is created, and no object let go, on a
// stale cache's word.
func (p *pass) readFresh(ctx context.Context) (bool, error) {
	if p.fresh {
		return true, nil
	}
	fresh := p.obj.DeepCopyObject().(HookObject)
	if err := p.apiReader.Get(ctx, client.ObjectKeyFromObject(p.obj), fresh); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	p.fresh = fresh.GetUID() == p.obj.GetUID() && fresh.GetGeneration() == p.obj.GetGeneration() &&
		fresh.GetDeletionTimestamp().IsZero() == p.obj.GetDeletionTimestamp().IsZero() &&
		equality.Semantic.DeepEqual(fresh.HookStatus(), p.before.HookStatus())
	if p.fresh {
		p.obj.SetResourceVersion(fresh.GetResourceVersion())
		p.before.SetResourceVersion(fresh.GetResourceVersion())
	}
	return p.fresh, nil
}

// noteCreating stores the intent to create, unless somebody else changed the object since it was read.
func (p *pass) noteCreating(ctx context.Context) error {
	fingerprint, err := p.fingerprints.Of(ctx, p.desired.URL)
	if err != nil {
		return err
	}
	p.status.Creating = &v1alpha1.Creating{Time: p.now(), URLFingerprint: fingerprint}
	return p.store(ctx, client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{}))
}

// refused is GitHub's no to a create. If it says that there is such a hook, that one is named or taken over.
func (p *pass) refused(ctx context.Context, err error) (ctrl.Result, error) {
	if !errors.Is(err, github.ErrHookExists) {
		return p.failed(ctx, err)
	}
	hooks, listErr := p.hooks.List(ctx)
	if listErr != nil {
		return p.failed(ctx, listErr)
	}
	found, chooseErr := p.choose(ctx, hooks)
	switch {
	case chooseErr != nil:
		return p.failed(ctx, chooseErr)
	case found != nil:
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	default:
		return p.failed(ctx, err)
	}
}
