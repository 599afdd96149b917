package github

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// firstPause is how long an endpoint or a login is left alone after it failed; each further failure doubles it.
	firstPause = time.Second
	// longestEndpointPause and longestLoginPause bound that. A server that hangs costs one request its timeout; a refused
	// login tried too often has GitHub lock the user out.
	longestEndpointPause = time.Minute
	longestLoginPause    = 15 * time.Minute
	// hangs is how long a request without an answer took that may have held its caller up.
	hangs = time.Second
	// askedPause is the least pause where a user asks for another try.
	askedPause = 10 * time.Second
	// breakerKept is how long a breaker is kept that nobody asks.
	breakerKept = time.Hour
)

// ErrWaiting: another request finds out whether a server that gave no answer, or a login that was refused, works again. It is
// an ErrNotSent.
var ErrWaiting = fmt.Errorf("%w: another one finds out whether it would fare better", ErrNotSent)

// Standing is what the last answers say of a server or a login.
type Standing int

const (
	// Untried: nothing is known yet.
	Untried Standing = iota
	// Working: the server answers, or the login was accepted.
	Working
	// Failing: the server gave no answer in time, or refused the login.
	Failing
)

// Breakers let one request at a time find out whether a server answers again that gave no answer in time, and whether a
// login is accepted again that was refused, at growing intervals. The other requests fail with the same error at once, so
// that a server that hangs holds up nobody and a dead login is not tried by every object that uses it. All clients of a
// process share them. They are circuit breakers, one for each endpoint of each server and one for each login.
type Breakers struct {
	now func() time.Time

	mu      sync.Mutex
	known   map[breakerKey]*breaker
	servers map[string]Standing
	swept   time.Time
}

// breakerKey names an endpoint of a server, or a login there.
type breakerKey struct {
	root string
	// endpoint is the method and the route; empty for a login.
	endpoint string
	login    [sha256.Size]byte
}

// breaker is closed while failure is nil.
type breaker struct {
	standing Standing
	failure  *Error
	failures int
	failedAt time.Time
	// opensAt is when the next request may try.
	opensAt  time.Time
	trying   bool
	lastUsed time.Time
}

// NewBreakers makes breakers that know nothing yet. now is the clock; nil is time.Now.
func NewBreakers(now func() time.Time) *Breakers {
	if now == nil {
		now = time.Now
	}
	return &Breakers{now: now, known: map[breakerKey]*breaker{}, servers: map[string]Standing{}}
}

// attempt is a request that the breakers let through.
type attempt struct {
	breakers *Breakers
	keys     []breakerKey
	// tries are the keys for which it finds out whether they work again.
	tries map[breakerKey]bool
	begun time.Time
}

// begin lets a request through, or fails it as the last one failed. keys are those of its endpoint and of its login.
func (b *Breakers) begin(timeout time.Duration, keys ...breakerKey) (*attempt, *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	for _, key := range keys {
		if failure := b.of(key, now).refuse(now, timeout); failure != nil {
			return nil, failure
		}
	}
	a := &attempt{breakers: b, keys: keys, tries: map[breakerKey]bool{}, begun: now}
	for _, key := range keys {
		if known := b.known[key]; known.failure != nil {
			known.trying, a.tries[key] = true, true
		}
	}
	return a, nil
}

func (b *Breakers) of(key breakerKey, now time.Time) *breaker {
	known := b.known[key]
	if known == nil {
		known = &breaker{}
		b.known[key] = known
	}
	known.lastUsed = now
	return known
}

// refuse is the error for a request that has to wait; nil lets it through.
func (k *breaker) refuse(now time.Time, timeout time.Duration) *Error {
	if k.failure == nil || !k.trying && !now.Before(k.opensAt) {
		return nil
	}
	failure := *k.failure
	failure.RetryAt = k.opensAt
	if k.trying { // Its answer is there by then.
		failure.RetryAt = now.Add(min(timeout, firstPause))
	}
	failure.cause = ErrWaiting
	return &failure
}

// end notes what became of the request. An error that says nothing of a server or login leaves it as it was.
func (a *attempt) end(err error) {
	b := a.breakers
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, key := range a.keys {
		known := b.of(key, now)
		known.trying = known.trying && !a.tries[key]
		standing, failure := verdictOn(key, err, now.Sub(a.begun))
		if key.endpoint != "" && standing != Untried {
			b.servers[key.root] = standing
		}
		known.note(standing, failure, now, a.begun, key.longestPause())
	}
}

func (k breakerKey) longestPause() time.Duration {
	if k.endpoint == "" {
		return longestLoginPause
	}
	return longestEndpointPause
}

// note what a request says. Requests that were under way together are one failure.
func (k *breaker) note(standing Standing, failure *Error, now, begun time.Time, longest time.Duration) {
	switch standing {
	case Untried:
		return
	case Working:
		k.failure, k.failures, k.opensAt = nil, 0, time.Time{}
	case Failing:
		if k.failure == nil || !begun.Before(k.failedAt) {
			k.failures++
		}
		k.failure, k.failedAt = failure, now
		k.opensAt = now.Add(min(firstPause<<min(k.failures-1, 16), longest))
	}
	k.standing = standing
}

// verdictOn tells what a request's outcome says of an endpoint or a login; Untried is nothing.
func verdictOn(key breakerKey, err error, took time.Duration) (Standing, *Error) {
	failure, isOurs := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return Working, nil
	case !isOurs, errors.Is(err, ErrNotSent):
		return Untried, nil
	case key.endpoint != "":
		return verdictOnEndpoint(failure, took)
	case errors.Is(err, ErrUnauthorized):
		return Failing, failure
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound), errors.Is(err, ErrValidation), errors.Is(err, ErrArchived):
		return Working, nil
	}
	return Untried, nil
}

func verdictOnEndpoint(failure *Error, took time.Duration) (Standing, *Error) {
	switch {
	case failure.StatusCode != 0:
		return Working, nil
	case failure.cause == nil && errors.Is(failure, ErrUnavailable) && took >= hangs:
		return Failing, failure
	}
	return Untried, nil
}

// server is what the last request to a server says of it.
func (b *Breakers) server(root string) Standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.servers[root]
}

func (b *Breakers) login(key breakerKey) Standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.known[key]; known != nil {
		return known.standing
	}
	return Untried
}

// tryAgain brings the next try of a login, and of all that a server's endpoints failed at, forward.
func (b *Breakers) tryAgain(login breakerKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, known := range b.known {
		if key == login || key.root == login.root && key.endpoint != "" {
			if asked := known.failedAt.Add(askedPause); asked.Before(known.opensAt) {
				known.opensAt = asked
			}
		}
	}
}

// sweep forgets what nobody asks for any more.
func (b *Breakers) sweep(now time.Time) {
	if now.Sub(b.swept) < time.Minute {
		return
	}
	b.swept = now
	inUse := map[string]bool{}
	for key, known := range b.known {
		if !known.trying && now.Sub(known.lastUsed) > breakerKept {
			delete(b.known, key)
			continue
		}
		inUse[key.root] = true
	}
	for root := range b.servers {
		if !inUse[root] {
			delete(b.servers, root)
		}
	}
}
