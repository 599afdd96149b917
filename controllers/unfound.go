package controllers

import (
	"context"
	"fmt"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// unfound says why a decision ended without a webhook to write to.
func (p *pass) unfound(ctx context.Context, step hook.Step, s search) error {
	switch step.Do {
	case hook.Unclear:
		return s.unclear
	case hook.Ambiguous:
		return p.ambiguous(step.Hooks)
	case hook.NotFound:
		return problem{v1alpha1.ReasonHookNotFound, p.place.missing(step.ID, p)}
	case hook.Undated:
		return problem{v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s shows a webhook of the %s that this object may have made, "+
			"but not when it was created in a form that can be read: the operator keeps looking", p.server, p.place)}
	case hook.Conflict:
		err := p.conflict(ctx, step.ID)
		if s.policy.Single {
			p.status.Applied = nil
		} else if s.recorded.Own && s.recorded.ID == step.ID {
			p.forget()
		}
		return err
	default:
		panic("a step that nobody carries out: " + string(step.Do))
	}
}

// conflict names the webhook, the other object when it is in the same namespace, and the ways out.
func (p *pass) conflict(ctx context.Context, id int64) error {
	owner, err := p.claims.owner(ctx, p.obj, claim{p.server, id})
	if err != nil {
		return err
	}
	name, here := "", false
	if owner != nil {
		name, here = owner.GetName(), owner.GetNamespace() == p.obj.GetNamespace()
	}
	return problem{v1alpha1.ReasonConflict, p.place.conflict(id, owner != nil, here, name)}
}

// conflictOfHook is the message where targets have many webhooks.
func conflictOfHook(target place, id int64, owned, here bool, name string) string {
	switch {
	case !owned:
		return fmt.Sprintf("The %s has webhook %d with this URL already: to take it over, set spec.adoptionPolicy to MatchURL or spec.hookID to %d", target, id, id)
	case here:
		return fmt.Sprintf("Webhook %d of the %s belongs to the object %q: delete one of the two objects, or give this one another URL", id, target, name)
	}
	return fmt.Sprintf("Webhook %d of the %s belongs to an object in another namespace: give this one another URL, or have the other one deleted", id, target)
}

// missingHook is the message where targets have many webhooks.
func missingHook(target place, id int64, observed bool) string {
	switch {
	case id == 0:
		return fmt.Sprintf("The %s has no webhook with this URL to observe", target)
	case observed:
		return fmt.Sprintf("The %s has no webhook %d, which spec.hookID names", target, id)
	}
	return fmt.Sprintf("The %s has no webhook %d, which spec.hookID names: without spec.hookID a new one would be created", target, id)
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

func names(fields []hook.Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = string(f)
	}
	return all
}

func join(fields []hook.Field) string { return strings.Join(names(fields), ", ") }
