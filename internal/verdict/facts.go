package verdict

import (
	"errors"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Facts are what a verdict follows from besides the error.
type Facts struct {
	Now time.Time
	// Interval between polls of the object.
	Interval time.Duration
	// Spread is added where many objects wait for the same time, so that they come back one after another.
	Spread time.Duration

	// Secret is the name of the one with the credentials.
	Secret string
	// Target is where the webhook lives, as in `repository octo-org/hello-world`, and Server the address of its GitHub.
	Target, Server string
	// Scope is the classic token scope that administers webhooks there, and Permission the one of Apps and fine-grained
	// tokens. UsesPermissions: the credential is of those.
	Scope, Permission string
	UsesPermissions   bool
	// Observed: the webhook is read and never written.
	Observed bool

	// Words returns what may be repeated of what a server said, in one line; nothing where that is not known.
	Words func(said string) string
	// Shows reports whether a name that a server sent can be shown as it is.
	Shows func(said string) bool
}

const (
	// leastWait before a request that had to wait is tried again.
	leastWait = 10 * time.Millisecond
	// limitPause is GitHub's for limits without a time: "at least one minute".
	// GitHub docs: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
	limitPause = time.Minute
)

// RetryAt is when the server takes requests again; zero where it does not say.
func RetryAt(err error) time.Time {
	if e := answer(err); e != nil {
		return e.RetryAt
	}
	return time.Time{}
}

// untilRetry is how long to wait for a server or login that failed, where that is known; zero for backoff.
func (f Facts) untilRetry(err error) time.Duration {
	at := RetryAt(err)
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(f.Now), leastWait) + f.Spread
}

// limitEnds is when GitHub takes requests again.
func (f Facts) limitEnds(err error) time.Time {
	if at := RetryAt(err); !at.IsZero() {
		return at
	}
	return f.Now.Add(limitPause)
}

// answer is GitHub's answer that an error is about; nil for none.
func answer(err error) *github.Error {
	e, _ := errors.AsType[*github.Error](err)
	return e
}
