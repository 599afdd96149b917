package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// recordWrite says what a write did, in an Event and a log line: fields by name, never by value.
func (op *Operator) recordWrite(ctx context.Context, s *search, step hook.Step) {
	o, fields := s.o, join(step.Fields)
	logger := o.logger(ctx).WithValues("hookID", step.ID, "fields", fields)
	switch {
	case step.Adopt:
		logger.Info("Adopted hook")
		op.events.Normal(o.Webhook, v1alpha1.EventAdopted, fields, fmt.Sprintf("Took over %s%s", o.target.webhook(step.ID), wrote(fields)))
	case !s.todo.synced:
		logger.Info("Updated hook")
		op.events.Normal(o.Webhook, v1alpha1.EventUpdated, fields, fmt.Sprintf("Updated %s of %s", fields, o.target.webhook(step.ID)))
	default:
		op.recordRepair(ctx, s, step)
	}
}

// recordCreated says that there is a hook now.
func (op *Operator) recordCreated(o *object, id int64) {
	op.events.Normal(o.Webhook, v1alpha1.EventCreated, fmt.Sprint(id), "Created "+o.target.webhook(id))
}

// recordRepair says what changed without a change of the spec: on GitHub, or in a Secret.
func (op *Operator) recordRepair(ctx context.Context, s *search, step hook.Step) {
	o, drifted := s.o, step.Fields
	if step.Rotated {
		var rotated []hook.Field
		drifted = nil
		for _, f := range step.Fields {
			if f == hook.SecretRef || f == hook.URL && s.in.desired.URLFingerprint != appliedTo(o).URLFingerprint {
				rotated = append(rotated, f)
			} else {
				drifted = append(drifted, f)
			}
		}
		o.logger(ctx).Info("Applied changed Secret", "hookID", step.ID, "fields", join(rotated))
		op.events.Normal(o.Webhook, v1alpha1.EventSecretApplied, join(rotated)+"@"+s.in.secret.resourceVersion,
			fmt.Sprintf("Wrote the changed Secret's %s to %s", join(rotated), o.target.webhook(step.ID)))
	}
	if len(drifted) > 0 {
		o.logger(ctx).Info("Repaired drift", "hookID", step.ID, "fields", join(drifted))
		for _, f := range drifted {
			o.counters().DriftRepaired(string(f))
		}
		op.events.Normal(o.Webhook, v1alpha1.EventDriftRepaired, join(drifted),
			fmt.Sprintf("Somebody else had changed %s of %s: put right%s", join(drifted), o.target.webhook(step.ID), alsoReasserted(step)))
	}
}

// alsoReasserted says that the secret went along with what visibly differed: nobody can see whether it was changed, too.
func alsoReasserted(step hook.Step) string {
	if !step.Reassert || slices.Contains(step.Fields, hook.SecretRef) {
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
