package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// tell says what a write did, in an Event and a log line: fields by name, never by value.
func (p *pass) tell(ctx context.Context, s hook.Step) {
	fields := join(s.Fields)
	logger := p.logger(ctx).WithValues("hookID", s.ID, "fields", fields)
	switch {
	case s.Adopt:
		logger.Info("Adopted hook")
		p.events.Normal(p.obj, v1alpha1.EventAdopted, fields, fmt.Sprintf("Took over %s%s", p.place.webhook(s.ID), wrote(fields)))
	case !p.todo.synced:
		logger.Info("Updated hook")
		p.events.Normal(p.obj, v1alpha1.EventUpdated, fields, fmt.Sprintf("Updated %s of %s", fields, p.place.webhook(s.ID)))
	default:
		p.tellRepair(ctx, s)
	}
}

// tellCreated says that there is a hook now.
func (p *pass) tellCreated(id int64) {
	p.events.Normal(p.obj, v1alpha1.EventCreated, fmt.Sprint(id), "Created "+p.place.webhook(id))
}

// tellRepair says what changed without a change of the spec: on GitHub, or in a Secret.
func (p *pass) tellRepair(ctx context.Context, s hook.Step) {
	drifted := s.Fields
	if s.Rotated {
		var rotated []hook.Field
		drifted = nil
		for _, f := range s.Fields {
			if f == hook.SecretRef || f == hook.URL && p.desired.URLFingerprint != p.appliedHook().URLFingerprint {
				rotated = append(rotated, f)
			} else {
				drifted = append(drifted, f)
			}
		}
		p.logger(ctx).Info("Applied changed Secret", "hookID", s.ID, "fields", join(rotated))
		p.events.Normal(p.obj, v1alpha1.EventSecretApplied, join(rotated)+"@"+p.secret.resourceVersion,
			fmt.Sprintf("Wrote the changed Secret's %s to %s", join(rotated), p.place.webhook(s.ID)))
	}
	if len(drifted) > 0 {
		p.logger(ctx).Info("Repaired drift", "hookID", s.ID, "fields", join(drifted))
		for _, f := range drifted {
			p.metrics.DriftRepaired(string(f))
		}
		p.events.Normal(p.obj, v1alpha1.EventDriftRepaired, join(drifted),
			fmt.Sprintf("Somebody else had changed %s of %s: put right%s", join(drifted), p.place.webhook(s.ID), alsoReasserted(s)))
	}
}

// alsoReasserted says that the secret went along with what visibly differed: nobody can see whether it was changed, too.
func alsoReasserted(s hook.Step) string {
	if !s.Reassert || slices.Contains(s.Fields, hook.SecretRef) {
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
