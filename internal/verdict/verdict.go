// Package verdict says what an error means for the object that met it: a reason, a sentence for the person who has to act,
// whether anything but a changed object or Secret helps, and when to come back. Nothing else classifies errors.
//
// Everything here is a pure function of its arguments: no clock, no network, no Kubernetes client. What a server said
// enters a sentence only through the functions of Facts, which hide secrets.
package verdict

import (
	"errors"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Verdict is what an error means for the object.
type Verdict struct {
	// Reason is one of the API's; empty where the error is the Kubernetes API's, which says nothing about the object.
	Reason string
	// Message is a sentence for the person who has to act.
	Message string
	// Stalled: nothing but a changed object or Secret helps.
	Stalled bool
	// Transient: GitHub could not, or must not, be asked, which says nothing against the webhook.
	Transient bool
	// Queued: the request was not sent, because it is others' turn.
	Queued bool
	// RetryAfter is when to come back; zero for backoff.
	RetryAfter time.Duration

	cause error
}

func (v Verdict) Error() string { return v.Reason + ": " + v.Message }

// Unwrap returns the error that was judged.
func (v Verdict) Unwrap() error { return v.cause }

// Of is the verdict on an error.
func Of(err error, f Facts) Verdict {
	v := Verdict{cause: err}
	v.Reason, v.Message = f.explain(err)
	switch v.Reason {
	case v1alpha1.ReasonCredentialsInvalid, v1alpha1.ReasonHostNotAllowed, v1alpha1.ReasonURLInvalid,
		v1alpha1.ReasonSecretInvalid, v1alpha1.ReasonValidationFailed, v1alpha1.ReasonAmbiguousMatch:
		v.Stalled = true
	case v1alpha1.ReasonRateLimited:
		v.Transient, v.Queued = true, errors.Is(err, github.ErrNotSent)
		v.RetryAfter = max(f.limitEnds(err).Sub(f.Now), leastWait)
	case v1alpha1.ReasonFingerprintKeyMissing:
		v.Transient = true
	case v1alpha1.ReasonGitHubUnavailable:
		v.Transient, v.Queued = true, errors.Is(err, github.ErrNotSent)
		v.RetryAfter = f.untilRetry(err)
	case v1alpha1.ReasonUnauthorized:
		v.RetryAfter = f.untilRetry(err)
	case v1alpha1.ReasonDriftDetected:
		v.RetryAfter = f.Interval // Nothing went wrong: the webhook is read again when it is time.
	}
	return v
}
