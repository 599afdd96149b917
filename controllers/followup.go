package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
)

// followUp does what annotations ask for, now that the hook is known, and what GitHub's log of deliveries makes due.
func (op *Operator) followUp(ctx context.Context, o *object, in *inputs) report {
	o.memory.next = time.Time{}
	for _, r := range o.requests() {
		if r.annotation != v1alpha1.AnnotationReconcile { // That one waits for GitHub to be seen.
			op.answer(ctx, o, in, r, op.carryOut(ctx, o, in, r))
		}
	}
	return op.readDeliveries(ctx, o, in)
}

// carryOut does what an annotation asks for.
func (op *Operator) carryOut(ctx context.Context, o *object, in *inputs, r request) error {
	switch {
	case o.isObserved():
		op.refuse(o, r, "managementPolicy is Observe, which leaves GitHub as it is")
		return nil
	case r.annotation == v1alpha1.AnnotationPing:
		return op.sendPing(ctx, o, in, r)
	case r.annotation == v1alpha1.AnnotationTest:
		return op.sendTest(ctx, o, in, r)
	default:
		return op.replayRequest(ctx, o, in, r)
	}
}

// maxDoublings of the time between two tries.
const maxDoublings = 10

// answer reports what became of a request that GitHub did not take. One that could not be sent is tried again.
func (op *Operator) answer(ctx context.Context, o *object, in *inputs, r request, err error) {
	switch {
	case err == nil:
		o.memory.tries = 0
		return
	case errors.Is(err, delivery.ErrRequest), errors.Is(err, errNothing):
		op.refuse(o, r, err.Error())
		return
	}
	now, v := time.Now(), op.judge(ctx, o, in, err)
	switch {
	case v.Reason == v1alpha1.ReasonRateLimited: // Room is kept for who comes at that time.
		o.memory.wake(now.Add(v.RetryAfter))
	case v.Transient || v.Reason == "":
		o.memory.wake(now.Add(max(v.RetryAfter, min(firstRetry<<min(o.memory.tries, maxDoublings), lastRetry))))
		o.memory.tries++
	default:
		op.refuse(o, r, v.Message)
	}
}
