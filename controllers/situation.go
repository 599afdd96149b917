package controllers

import (
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// situation is what the agenda of an object follows from.
func (op *Operator) situation(o *object, in *inputs) situation {
	m := o.memory
	return situation{
		uid: o.GetUID(), generation: o.GetGeneration(), status: o.status, creating: *o.creating != nil, server: in.server,
		interval: m.interval, started: op.started, requests: len(o.requests()), rotated: isRotated(o, in),
		// Which App the credentials are of may have changed while nobody looked.
		identified: o.target.owns() || m.hook != nil, farther: wantsFarther(o),
		synced: m.synced, judged: m.judged, next: m.next, stale: m.stale,
	}
}

// isRotated reports whether the secret, or the URL from a Secret, is another one than GitHub was given last.
func isRotated(o *object, in *inputs) bool {
	if o.status.Applied == nil || o.isObserved() {
		return false
	}
	return len(hook.Rotated(in.desired, appliedTo(o))) > 0
}

// wantsFarther reports whether a changed policy wants the log of deliveries read farther back than it was.
func wantsFarther(o *object) bool {
	policy, ok := redeliveryPolicy(o)
	return ok && o.memory.reach < policy.Within && o.status.ObservedGeneration != o.GetGeneration()
}

// appliedTo is what the last write carried, as package hook knows it.
func appliedTo(o *object) hook.Applied {
	a := o.status.Applied
	if a == nil {
		return hook.Applied{}
	}
	applied := hook.Applied{SecretFingerprint: a.SecretFingerprint, URLFingerprint: a.URLFingerprint}
	if a.HookUpdatedAt != nil {
		applied.UpdatedAt = a.HookUpdatedAt.Time
	}
	if a.ReassertedTime != nil && time.Until(a.ReassertedTime.Time) < clockStep {
		applied.ReassertedAt = a.ReassertedTime.Time
	}
	return applied
}
