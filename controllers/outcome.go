package controllers

import (
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// outcome is what became of the webhook in a reconcile.
type outcome struct {
	finding finding
	// failure is why GitHub does not agree, or could not be asked; with failed only.
	failure verdict.Verdict
	// agreedUntil is until when GitHub's last agreement counts while it cannot be asked.
	agreedUntil time.Time
	// replaced: the status speaks of another webhook than before, or of none any more.
	replaced bool
	// shown: GitHub showed the webhook. created: this reconcile made it.
	shown, created bool
	// retry is when to come back, unless something wants it earlier; err asks for backoff instead.
	retry time.Duration
	err   error
}

// result is what controller-runtime is to do: come back after a time, or with backoff.
func (did outcome) result() (ctrl.Result, error) {
	if did.err != nil {
		return ctrl.Result{}, did.err
	}
	return ctrl.Result{RequeueAfter: did.retry}, nil
}

// before is the outcome with which the object comes back at a time already, where that is earlier. Zero is no time.
func (did outcome) before(at, now time.Time) outcome {
	if at.IsZero() {
		return did
	}
	wait := max(at.Sub(now), time.Millisecond)
	if did.retry == 0 || wait < did.retry {
		did.retry = wait
	}
	return did
}

// comeBack is the outcome of a reconcile that found out nothing.
func comeBack(after time.Duration) outcome { return outcome{retry: after} }

// interrupted is the outcome where the API server did not take a write: its trouble is no verdict on the object. Where the
// cache is behind, the next reconcile sees what somebody else changed.
func interrupted(err error) outcome {
	if apierrors.IsConflict(err) {
		return comeBack(cacheLag)
	}
	return outcome{err: err}
}

// cacheLag is about how long the cache needs to show what was just written.
const cacheLag = time.Second

// finding is the verdict on the webhook.
type finding int

// Findings.
const (
	// undecided: nothing was found out, and the conditions stay as they are.
	undecided finding = iota
	// agreed: GitHub agrees with the spec.
	agreed
	// suspended: GitHub was left alone, as the spec asks.
	suspended
	// failed: see outcome.failure.
	failed
)

// report is what GitHub's log of deliveries says; the zero report is that it was not read.
type report struct {
	health  metav1.ConditionStatus
	reason  string
	message string
	// passing trouble says nothing about the deliveries: a condition that is there stays.
	passing bool
}
