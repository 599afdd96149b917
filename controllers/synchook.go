package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// syncHook finds the webhook and makes it agree with the spec, one step of hook.Decide after the other. Where it is settled
// already, GitHub is not asked.
func (op *Operator) syncHook(ctx context.Context, o *object, in *inputs, todo agenda) outcome {
	if todo.settled {
		return comeBack(todo.untilPoll(time.Now()))
	}
	if todo.poll {
		ctx = github.WithPriority(ctx, github.Poll)
	}
	s := &search{o: o, in: in, todo: todo, policy: policyOf(o)}
	op.recall(s)
	if s.policy.Observe {
		o.status.Drift = nil
	}
	return op.proceed(ctx, s)
}

// proceed gathers evidence until the decision is final, and carries it out.
func (op *Operator) proceed(ctx context.Context, s *search) outcome {
	for {
		step, err := op.decide(ctx, s)
		if err != nil {
			return outcome{err: err}
		}
		switch step.Do {
		case hook.Identify, hook.Get, hook.List, hook.LetGo:
			if err := op.ask(ctx, s, step); err != nil {
				return op.failed(ctx, s.o, s.in, err)
			}
		case hook.Create:
			return op.create(ctx, s)
		case hook.Wait:
			return comeBack(untilSettled(s.o, s.in))
		case hook.Edit, hook.Keep:
			if s.policy.Observe {
				return op.compare(ctx, s, step)
			}
			return op.write(ctx, s, step)
		default:
			return op.failed(ctx, s.o, s.in, op.unfound(ctx, s, step))
		}
	}
}

// compare reports how the webhook differs that is only observed, and writes nothing to GitHub.
func (op *Operator) compare(ctx context.Context, s *search, step hook.Step) outcome {
	o := s.o
	if *o.id != 0 && *o.id != step.ID {
		if o.isOwner() && s.policy.ID != 0 {
			op.leaveBehind(ctx, o, *o.id, fmt.Sprintf("spec.hookID names webhook %d now", step.ID))
		}
		o.forget()
	}
	op.markSeen(ctx, s, &step.Hook)
	o.markReconciled()
	switch {
	case len(step.Fields) > 0:
		o.status.Drift, o.memory.judged = names(step.Fields), o.GetGeneration()
		return op.failedThere(ctx, s, verdict.Problem{Reason: v1alpha1.ReasonDriftDetected, Message: fmt.Sprintf(
			"The spec differs from %s in %s: managementPolicy Observe leaves it so", o.target.webhook(step.ID), join(step.Fields))})
	case len(step.Unknown) > 0:
		return op.failedThere(ctx, s, unreadable(s, step.ID, step.Unknown))
	}
	return op.agreedNow(s)
}

// failedThere is the outcome of an error about a webhook that GitHub showed.
func (op *Operator) failedThere(ctx context.Context, s *search, err error) outcome {
	did := op.failed(ctx, s.o, s.in, err)
	did.shown = true
	return did
}

// write makes the one write of the reconcile, if there is anything to write.
func (op *Operator) write(ctx context.Context, s *search, step hook.Step) outcome {
	if err := op.take(ctx, s, step); err != nil {
		return op.notStored(ctx, s.o, s.in, err)
	}
	switch {
	case step.Do == hook.Keep && len(step.Unknown) > 0:
		op.markSeen(ctx, s, &step.Hook)
		return op.failedThere(ctx, s, unreadable(s, step.ID, step.Unknown))
	case step.Do == hook.Keep:
		return op.keep(ctx, s, step)
	}
	if step.SendsConfig() {
		if err := op.loadSecret(ctx, s.o, s.in); err != nil {
			return op.failed(ctx, s.o, s.in, err)
		}
	}
	if step.Adopt {
		if err := op.noteAdoption(ctx, s, step.ID); err != nil {
			return interrupted(client.IgnoreNotFound(err))
		}
	}
	// A write in hand is finished when the operator is told to stop; the client bounds its time.
	answer, err := s.in.hooks.Edit(context.WithoutCancel(ctx), step.ID, step.Request(s.in.desired, s.in.secret.value, s.o.target.addEvents()))
	switch {
	case errors.Is(err, github.ErrNotFound) && step.Blind:
		s.recorded.Trusted = false
		return op.proceed(ctx, s)
	case err != nil:
		return op.failed(ctx, s.o, s.in, err)
	}
	return op.edited(ctx, s, step, answer)
}

// take hold of the webhook before anything is written to it.
func (op *Operator) take(ctx context.Context, s *search, step hook.Step) error {
	if step.Recovered {
		return op.hold(ctx, s, step.Hook)
	}
	if step.Adopt && !op.claims.reserve(s.o, s.claim(step.ID)) {
		return op.conflict(ctx, s, step.ID)
	}
	if *s.o.id != step.ID {
		s.o.forget() // What was applied to a webhook that is gone says nothing of this one.
	}
	return nil
}

// keep ends a reconcile that had nothing to write.
func (op *Operator) keep(ctx context.Context, s *search, step hook.Step) outcome {
	if step.Blind {
		did := agreedStill(s.o)
		did.retry = s.todo.untilPoll(time.Now())
		return did
	}
	if step.Adopt {
		markApplied(s, step, step.Hook)
		op.recordWrite(ctx, s, step)
	}
	op.markSeen(ctx, s, &step.Hook)
	return op.agreedNow(s)
}

// edited takes up GitHub's answer to a write.
func (op *Operator) edited(ctx context.Context, s *search, step hook.Step, answer *github.Hook) outcome {
	op.recordWrite(ctx, s, step)
	markApplied(s, step, *answer)
	op.markSeen(ctx, s, answer)
	left, unknown := hook.Drift(s.in.desired, *answer), hook.Unknown(s.in.desired, *answer)
	switch {
	case len(left) == 0 && len(unknown) > 0:
		s.o.memory.written = s.o.GetGeneration()
		return op.failedThere(ctx, s, unreadable(s, step.ID, unknown))
	case len(left) == 0:
		return op.agreedNow(s)
	case step.Blind: // Somebody else had changed the hook meanwhile: it is read in a reconcile of its own.
		s.o.memory.stale = true
		return outcome{shown: true, retry: cacheLag}
	default:
		return op.failedThere(ctx, s, notTaken(s.o, left))
	}
}
