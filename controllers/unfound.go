package controllers

import (
	"context"
	"fmt"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// unfound says why a decision ended without a webhook to write to.
func (op *Operator) unfound(ctx context.Context, s *search, step hook.Step) error {
	switch step.Do {
	case hook.Unclear:
		return s.unclear
	case hook.Ambiguous:
		return ambiguous(s.o, step.Hooks)
	case hook.NotFound:
		return verdict.Problem{Reason: v1alpha1.ReasonHookNotFound, Message: s.o.target.missing(step.ID, s.policy.Observe, s.o.status.SettingsURL)}
	case hook.Undated:
		return verdict.Problem{Reason: v1alpha1.ReasonGitHubUnavailable, Message: fmt.Sprintf("%s shows a webhook of the %s that this object may have made, "+
			"but not when it was created in a form that can be read: the operator keeps looking", s.in.server, s.o.target)}
	case hook.Conflict:
		err := op.conflict(ctx, s, step.ID)
		if s.policy.Single {
			s.o.status.Applied = nil
		} else if s.recorded.Own && s.recorded.ID == step.ID {
			s.o.forget()
		}
		return err
	default:
		panic("a step that nobody carries out: " + string(step.Do))
	}
}

// conflict names the webhook, the other object when it is in the same namespace, and the ways out.
func (op *Operator) conflict(ctx context.Context, s *search, id int64) error {
	holder, err := op.claims.owner(ctx, s.o, s.claim(id))
	if err != nil {
		return err
	}
	by := owner{object: holder != nil}
	if holder != nil && holder.GetNamespace() == s.o.GetNamespace() {
		by.name = holder.GetName()
	}
	return verdict.Problem{Reason: v1alpha1.ReasonConflict, Message: s.o.target.conflict(id, by)}
}

func ambiguous(o *object, hooks []github.Hook) error {
	ids := make([]string, len(hooks))
	for i, h := range hooks {
		ids[i] = fmt.Sprint(h.ID)
	}
	return verdict.Problem{Reason: v1alpha1.ReasonAmbiguousMatch, Message: fmt.Sprintf(
		"The %s has %d webhooks with this URL (%s): set spec.hookID to the one to take over, or delete the others",
		o.target, len(hooks), strings.Join(ids, ", "))}
}

// notTaken is GitHub's accepting a write without doing it.
func notTaken(o *object, left []hook.Field) error {
	return verdict.Problem{Reason: v1alpha1.ReasonValidationFailed, Message: fmt.Sprintf(
		"GitHub accepted the webhook of the %s but shows another value for %s: write it as GitHub shows it", o.target, join(left))}
}

// unreadable is GitHub's showing a hook in a form that cannot be read, which is neither drift nor agreement.
func unreadable(s *search, id int64, unknown []hook.Field) error {
	return verdict.Problem{Reason: v1alpha1.ReasonGitHubUnavailable, Message: fmt.Sprintf("%s shows %s of %s in a form that the operator cannot read: "+
		"whether it agrees with the spec is not known, and the operator keeps looking", s.in.server, join(unknown), s.o.target.webhook(id))}
}

func names(fields []hook.Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = string(f)
	}
	return all
}

func join(fields []hook.Field) string { return strings.Join(names(fields), ", ") }
