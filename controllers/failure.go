package controllers

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// failed is the outcome of an error: a verdict, and when to come back.
func (op *Operator) failed(ctx context.Context, o *object, in *inputs, err error) outcome {
	if errors.Is(err, context.Canceled) {
		return outcome{err: err} // The operator was told to stop, which is no verdict on the object.
	}
	v := op.judge(ctx, o, in, err)
	if v.Reason == "" {
		return interrupted(err)
	}
	if !v.Queued {
		op.events.Warning(o.Webhook, v.Reason, "", v.Message)
	}
	now := time.Now()
	did := outcome{finding: failed, failure: v, agreedUntil: plan(op.situation(o, in), now).agreedUntil}
	switch {
	case v.Stalled:
		o.logger(ctx).Info("Stalled", "reason", v.Reason, "message", v.Message)
		did.retry = o.memory.interval
	case v.RetryAfter > 0:
		did.retry = v.RetryAfter
		// Ready turns Unknown in time, whoever has to wait longer.
		if v.Transient && stillAgreed(o.status, o.GetGeneration(), did.agreedUntil, now) {
			did.retry = min(did.retry, did.agreedUntil.Sub(now))
		}
		log.FromContext(ctx).V(1).Info("Waiting", "reason", v.Reason, "retryAfter", did.retry)
	default:
		did.err = v
	}
	return did
}

// notStored is the outcome where the status had to be stored first and could not be: another object was faster, or the API
// server did not take the write.
func (op *Operator) notStored(ctx context.Context, o *object, in *inputs, err error) outcome {
	if _, known := errors.AsType[verdict.Problem](err); known {
		return op.failed(ctx, o, in, err)
	}
	return interrupted(client.IgnoreNotFound(err))
}
