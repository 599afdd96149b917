package controllers

import (
	"context"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// retrySpread is the time over which objects come back that wait for the same.
const retrySpread = 2 * time.Second

// judge says what an error means for the object.
func (op *Operator) judge(ctx context.Context, o *object, in *inputs, err error) verdict.Verdict {
	return verdict.Of(err, op.facts(ctx, o, in))
}

// facts are what a verdict follows from besides the error.
func (op *Operator) facts(ctx context.Context, o *object, in *inputs) verdict.Facts {
	f := verdict.Facts{
		Now: time.Now(), Interval: o.memory.interval, Spread: time.Duration(phaseOf(o.GetUID()) % uint64(retrySpread)),
		Secret: o.spec.CredentialsRef.Name, Target: o.target.String(), Server: in.server, Scope: o.target.scope(),
		Permission: in.hooks.Permission(), Observed: o.isObserved(),
		Words: func(said string) string { return op.words(ctx, o, in, said) },
		Shows: func(said string) bool { return op.shows(ctx, o, in, said) },
	}
	if in.client != nil {
		f.UsesPermissions = in.client.UsesPermissions()
	}
	return f
}
