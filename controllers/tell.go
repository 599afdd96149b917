package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// tell says what a write did, in an Event and a log line: fields by name, never by value.
func (p *pass) tell(ctx context.Context, e edit) {
	fields := join(e.fields)
	logger := p.logger(ctx).WithValues("hookID", e.id, "fields", fields)
	switch {
	case e.adopt:
		logger.Info("Adopted hook")
		p.events.Normal(p.obj, v1alpha1.EventAdopted, fields, fmt.Sprintf("Took over %s%s", p.place.webhook(e.id), wrote(fields)))
	case !p.synced():
		logger.Info("Updated hook")
		p.events.Normal(p.obj, v1alpha1.EventUpdated, fields, fmt.Sprintf("Updated %s of %s", fields, p.place.webhook(e.id)))
	default:
		p.tellRepair(ctx, e)
	}
}

// tellCreated says that there is a hook now.
func (p *pass) tellCreated(id int64) {
	p.events.Normal(p.obj, v1alpha1.EventCreated, fmt.Sprint(id), "Created "+p.place.webhook(id))
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
		p.logger(ctx).Info("Applied changed Secret", "hookID", e.id, "fields", join(rotated))
		p.events.Normal(p.obj, v1alpha1.EventSecretApplied, join(rotated)+"@"+p.secret.resourceVersion,
			fmt.Sprintf("Wrote the changed Secret's %s to %s", join(rotated), p.place.webhook(e.id)))
	}
	if len(drifted) > 0 {
		p.logger(ctx).Info("Repaired drift", "hookID", e.id, "fields", join(drifted))
		for _, f := range drifted {
			p.metrics.DriftRepaired(string(f))
		}
		p.events.Normal(p.obj, v1alpha1.EventDriftRepaired, join(drifted),
			fmt.Sprintf("Somebody else had changed %s of %s: put right%s", join(drifted), p.place.webhook(e.id), e.alsoReasserted()))
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
