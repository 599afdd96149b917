package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// search is what is known of the object's webhook while it is looked for.
type search struct {
	policy   hook.Policy
	recorded hook.Recorded
	evidence hook.Evidence
	// unclear is why the list of webhooks cannot be relied on; nil where it can.
	unclear error
}

// sync finds the webhook and makes it agree with the spec, one step of hook.Decide after the other.
func (p *pass) sync(ctx context.Context) (ctrl.Result, error) {
	s := search{policy: p.policy(), recorded: p.recorded()}
	if s.policy.Observe {
		p.status.Drift = nil
	}
	return p.proceed(ctx, s)
}

// proceed gathers evidence until the decision is final, and carries it out.
func (p *pass) proceed(ctx context.Context, s search) (ctrl.Result, error) {
	for {
		step, err := p.decide(ctx, s)
		if err != nil {
			return ctrl.Result{}, err
		}
		switch step.Do {
		case hook.Identify, hook.Get, hook.List, hook.LetGo:
			if err := p.gather(ctx, step, &s); err != nil {
				return p.failed(ctx, err)
			}
		case hook.Create:
			return p.create(ctx, s)
		case hook.Wait:
			return ctrl.Result{RequeueAfter: p.untilSettled()}, nil
		case hook.Edit, hook.Keep:
			if s.policy.Observe {
				return p.compared(ctx, step, s)
			}
			return p.write(ctx, step, s)
		default:
			return p.failed(ctx, p.unfound(ctx, step, s))
		}
	}
}

// decide asks package hook for the next step.
func (p *pass) decide(ctx context.Context, s search) (hook.Step, error) {
	var failure error
	others := func(id int64) hook.Claim {
		claim, err := p.claims.of(ctx, p.obj, claim{p.server, id})
		failure = errors.Join(failure, err)
		return claim
	}
	return hook.Decide(p.desired, s.policy, s.recorded, s.evidence, others, time.Now()), failure
}

// policy is what the spec says about finding the webhook, and what its target can do.
func (p *pass) policy() hook.Policy {
	return hook.Policy{
		ID: p.hookSpec.HookID, Observe: p.spec.ManagementPolicy == v1alpha1.Observe,
		Adopt: p.hookSpec.AdoptionPolicy == v1alpha1.AdoptMatchURL, Orphan: p.hookSpec.DeletionPolicy == v1alpha1.DeletionOrphan,
		Single: !p.place.owns(), AddEvents: p.place.addEvents(),
	}
}

// recorded is what the status and the memory say of the webhook.
func (p *pass) recorded() hook.Recorded {
	r := hook.Recorded{
		ID: *p.id, Own: p.ours(), Noted: p.noted(), Applied: p.appliedHook(), Intent: p.intended(),
		Synced: p.todo.synced, WroteUnknown: p.watch.written == p.obj.GetGeneration(), Trusted: p.todo.trusted,
	}
	if seen, ok := p.hookMemory.Get(p.obj.GetUID()); ok {
		r.Remembered = &seen
	}
	return r
}

// intended is the creation whose answer is not known; nil is none.
func (p *pass) intended() *hook.Intent {
	noted := *p.creating
	if noted == nil {
		return nil
	}
	return &hook.Intent{
		Time: noted.Time.Time, Open: p.untilSettled() > 0,
		MatchesURL: func(url string) bool { return p.fingerprints.of(url) == noted.URLFingerprint },
	}
}

// untilSettled is how long a creation whose answer is not known may still take effect.
func (p *pass) untilSettled() time.Duration {
	return (*p.creating).Time.Add(hook.LateEffect).Sub(p.github.ServerTime())
}

// noted tells whether the webhook in the status was about to be adopted when the answer to the write was lost. One that was
// only observed stands there likewise, under other verdicts.
func (p *pass) noted() bool {
	ready := p.condition(v1alpha1.ConditionReady)
	observed := ready != nil && (ready.Reason == v1alpha1.ReasonSynced || ready.Reason == v1alpha1.ReasonDriftDetected)
	return *p.id != 0 && !p.ours() && !observed && p.hookSpec.AdoptionPolicy == v1alpha1.AdoptMatchURL && *p.creating == nil
}

// gather the one piece of evidence that a step asks for.
func (p *pass) gather(ctx context.Context, step hook.Step, s *search) (err error) {
	p.forgetUnowned(s)
	switch step.Do {
	case hook.Identify:
		s.policy.ID, err = p.place.identify(ctx, p)
		s.recorded = p.recorded()
		return err
	case hook.Get:
		s.evidence.Asked = step.ID
		s.evidence.Read, err = p.hooks.Get(ctx, step.ID)
		if errors.Is(err, github.ErrNotFound) {
			s.evidence.Read, err = nil, nil
		}
		return err
	case hook.List:
		if step.ID == 0 && !s.policy.Observe {
			ctx = github.BeforeCreate(ctx)
		}
		return p.list(ctx, s)
	default: // hook.LetGo
		p.leftBehind(ctx, step.ID, fmt.Sprintf("spec.hookID names webhook %d now", s.policy.ID))
		p.forget()
		s.evidence.LetGo, s.recorded = step.ID, p.recorded()
		return nil
	}
}

// list reads all webhooks of the target. One that an unclear list shows is there all the same, and only what it does not
// show may be there, too.
func (p *pass) list(ctx context.Context, s *search) error {
	hooks, err := p.hooks.List(ctx)
	if err != nil && !errors.Is(err, github.ErrUnclear) {
		return err
	}
	s.evidence.Listed, s.evidence.Hooks, s.evidence.Unclear, s.unclear = true, hooks, err != nil, err
	return nil
}

// forgetUnowned drops a webhook from the status that was only observed, and which is to be managed now: it is no claim.
func (p *pass) forgetUnowned(s *search) {
	if !s.policy.Observe && !s.policy.Single && !p.ours() && *p.id != 0 {
		p.forget()
	}
}

// compared reports how the webhook differs that is only observed, and writes nothing to GitHub.
func (p *pass) compared(ctx context.Context, step hook.Step, s search) (ctrl.Result, error) {
	if *p.id != 0 && *p.id != step.ID {
		if p.ours() && s.policy.ID != 0 {
			p.leftBehind(ctx, *p.id, fmt.Sprintf("spec.hookID names webhook %d now", step.ID))
		}
		p.forget()
	}
	p.sees(&step.Hook)
	p.looked()
	switch {
	case len(step.Fields) > 0:
		p.status.Drift, p.watch.judged = names(step.Fields), p.obj.GetGeneration()
		return p.failed(ctx, problem{v1alpha1.ReasonDriftDetected, fmt.Sprintf(
			"The spec differs from %s in %s: managementPolicy Observe leaves it so", p.place.webhook(step.ID), join(step.Fields))})
	case len(step.Unknown) > 0:
		return p.failed(ctx, p.unread(step.ID, step.Unknown))
	}
	return p.agreed(), nil
}

// write makes the one write of the pass, if there is anything to write.
func (p *pass) write(ctx context.Context, step hook.Step, s search) (ctrl.Result, error) {
	if err := p.take(ctx, step); err != nil {
		return p.unheld(ctx, err)
	}
	switch {
	case step.Do == hook.Keep && len(step.Unknown) > 0:
		p.sees(&step.Hook)
		return p.failed(ctx, p.unread(step.ID, step.Unknown))
	case step.Do == hook.Keep:
		return p.unchanged(ctx, step), nil
	}
	if step.SendsConfig() {
		if err := p.loadSecret(ctx); err != nil {
			return p.failed(ctx, err)
		}
	}
	if step.Adopt {
		if err := p.noteAdoption(ctx, step.ID); err != nil {
			return retryConflict(client.IgnoreNotFound(err))
		}
	}
	// A write in hand is finished when the operator is told to stop; the client bounds its time.
	answer, err := p.hooks.Edit(context.WithoutCancel(ctx), step.ID, step.Request(p.desired, p.secret.value, p.place.addEvents()))
	switch {
	case errors.Is(err, github.ErrNotFound) && step.Blind:
		s.recorded.Trusted = false
		return p.proceed(ctx, s)
	case err != nil:
		return p.failed(ctx, err)
	}
	return p.edited(ctx, step, answer)
}

// take hold of the webhook before anything is written to it.
func (p *pass) take(ctx context.Context, step hook.Step) error {
	if step.Recovered {
		return p.hold(ctx, step.Hook)
	}
	if step.Adopt && !p.claims.reserve(p.obj, claim{p.server, step.ID}) {
		return p.conflict(ctx, step.ID)
	}
	if *p.id != step.ID {
		p.forget() // What was applied to a webhook that is gone says nothing of this one.
	}
	return nil
}

// unheld is a webhook that could not be taken hold of: another object was faster, or the status could not be stored.
func (p *pass) unheld(ctx context.Context, err error) (ctrl.Result, error) {
	if _, known := errors.AsType[problem](err); known {
		return p.failed(ctx, err)
	}
	return retryConflict(client.IgnoreNotFound(err))
}

// unchanged ends a pass that had nothing to write.
func (p *pass) unchanged(ctx context.Context, step hook.Step) ctrl.Result {
	if step.Blind {
		p.agree()
		return ctrl.Result{RequeueAfter: max(time.Until(p.todo.nextPoll), time.Second)}
	}
	if step.Adopt {
		p.noteApplied(step, step.Hook)
		p.tell(ctx, step)
	}
	p.sees(&step.Hook)
	return p.agreed()
}

// edited takes up GitHub's answer to a write.
func (p *pass) edited(ctx context.Context, step hook.Step, answer *github.Hook) (ctrl.Result, error) {
	p.tell(ctx, step)
	p.noteApplied(step, *answer)
	p.sees(answer)
	left, unknown := hook.Drift(p.desired, *answer), hook.Unknown(p.desired, *answer)
	switch {
	case len(left) == 0 && len(unknown) > 0:
		p.watch.written = p.obj.GetGeneration()
		return p.failed(ctx, p.unread(step.ID, unknown))
	case len(left) == 0:
		return p.agreed(), nil
	case step.Blind: // Somebody else had changed the hook meanwhile: look at it in a pass of its own.
		p.watch.again = true
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	default:
		return p.failed(ctx, p.notTaken(left))
	}
}
