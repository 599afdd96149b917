package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// search is an object's webhook while it is looked for: what is known of it so far.
type search struct {
	o    *object
	in   *inputs
	todo agenda

	policy   hook.Policy
	recorded hook.Recorded
	evidence hook.Evidence
	// unclear is why the list of webhooks cannot be relied on; nil where it can.
	unclear error
}

// policyOf is what the spec says about finding the webhook, and what its target can do.
func policyOf(o *object) hook.Policy {
	return hook.Policy{
		ID: o.hookSpec.HookID, Observe: o.isObserved(),
		Adopt: o.hookSpec.AdoptionPolicy == v1alpha1.AdoptMatchURL, Orphan: o.hookSpec.DeletionPolicy == v1alpha1.DeletionOrphan,
		Single: !o.target.owns(), AddEvents: o.target.addEvents(),
	}
}

// recall takes up what the status and the memory say of the webhook.
func (op *Operator) recall(s *search) {
	o := s.o
	s.recorded = hook.Recorded{
		ID: *o.id, Own: o.isOwner(), Noted: isNoted(o), Applied: appliedTo(o), Intent: op.intended(o, s.in),
		Synced: s.todo.synced, WroteUnknown: o.memory.written == o.GetGeneration(), Trusted: s.todo.trusted,
		Remembered: o.memory.hook,
	}
}

// isNoted reports whether the webhook in the status was about to be adopted when the answer to the write was lost. One that
// was only observed stands there likewise, under other verdicts.
func isNoted(o *object) bool {
	ready := o.condition(v1alpha1.ConditionReady)
	observed := ready != nil && (ready.Reason == v1alpha1.ReasonSynced || ready.Reason == v1alpha1.ReasonDriftDetected)
	return *o.id != 0 && !o.isOwner() && !observed && o.hookSpec.AdoptionPolicy == v1alpha1.AdoptMatchURL && *o.creating == nil
}

// intended is the creation whose answer is not known; nil is none.
func (op *Operator) intended(o *object, in *inputs) *hook.Intent {
	noted := *o.creating
	if noted == nil {
		return nil
	}
	return &hook.Intent{
		Time: noted.Time.Time, Open: untilSettled(o, in) > 0,
		MatchesURL: func(url string) bool { return op.fingerprints.of(url) == noted.URLFingerprint },
	}
}

// untilSettled is how long a creation whose answer is not known may still take effect.
func untilSettled(o *object, in *inputs) time.Duration {
	return (*o.creating).Time.Add(hook.LateEffect).Sub(in.client.ServerTime())
}

// claim on a webhook, as an object's own would be.
func (s *search) claim(id int64) claim { return claim{s.o.kind.name, s.in.server, id} }

// decide asks package hook for the next step.
func (op *Operator) decide(ctx context.Context, s *search) (hook.Step, error) {
	others := &others{ctx: ctx, op: op, s: s}
	step := hook.Decide(s.in.desired, s.policy, s.recorded, s.evidence, others.claim, time.Now())
	return step, others.err
}

// others finds out who else has to do with a webhook, while one decision is made.
type others struct {
	ctx context.Context //nolint:containedctx // It lives as long as the decision.
	op  *Operator
	s   *search
	// err is why that could not be found out.
	err error
}

func (o *others) claim(id int64) hook.Claim {
	claimed, err := o.op.claims.of(o.ctx, o.s.o, o.s.claim(id))
	o.err = errors.Join(o.err, err)
	return claimed
}

// ask for the one piece of evidence that a step asks for.
func (op *Operator) ask(ctx context.Context, s *search, step hook.Step) (err error) {
	forgetUnowned(s)
	switch step.Do {
	case hook.Identify:
		return op.identify(ctx, s)
	case hook.Get:
		s.evidence.Asked = step.ID
		s.evidence.Read, err = s.in.hooks.Get(ctx, step.ID)
		if errors.Is(err, github.ErrNotFound) {
			s.evidence.Read, err = nil, nil
		}
		return err
	case hook.List:
		if step.ID == 0 && !s.policy.Observe {
			ctx = github.BeforeCreate(ctx)
		}
		return list(ctx, s)
	default: // hook.LetGo
		op.leaveBehind(ctx, s.o, step.ID, fmt.Sprintf("spec.hookID names webhook %d now", s.policy.ID))
		s.o.forget()
		s.evidence.LetGo = step.ID
		op.recall(s)
		return nil
	}
}

// identify finds out which is the one webhook that is there, and says so in the status, whatever comes of it.
func (op *Operator) identify(ctx context.Context, s *search) error {
	id, page, err := s.o.target.identify(ctx, s.in.client)
	if err != nil {
		return err
	}
	if *s.o.id != id {
		s.o.forget()
	}
	s.o.status.Server, *s.o.id = s.in.server, id
	if op.shows(ctx, s.o, s.in, page) {
		s.o.status.SettingsURL = page
	}
	s.policy.ID = id
	op.recall(s)
	return nil
}

// list reads all webhooks of the target. One that an unclear list shows is there all the same, and only what it does not
// show may be there, too.
func list(ctx context.Context, s *search) error {
	hooks, err := s.in.hooks.List(ctx)
	if err != nil && !errors.Is(err, github.ErrUnclear) {
		return err
	}
	s.evidence.Listed, s.evidence.Hooks, s.evidence.Unclear, s.unclear = true, hooks, err != nil, err
	return nil
}

// forgetUnowned drops a webhook from the status that was only observed, and which is to be managed now: it is no claim.
func forgetUnowned(s *search) {
	if !s.policy.Observe && !s.policy.Single && !s.o.isOwner() && *s.o.id != 0 {
		s.o.forget()
	}
}
