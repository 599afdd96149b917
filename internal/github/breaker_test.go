package github

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// breakerTest plays requests through breakers on a clock of its own.
type breakerTest struct {
	*GomegaWithT
	now      time.Time
	breakers *Breakers
}

func newBreakerTest(t *testing.T) *breakerTest {
	b := &breakerTest{GomegaWithT: NewWithT(t), now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	b.breakers = NewBreakers(func() time.Time { return b.now })
	return b
}

const aRoot = "https://ghe.example.com/api/v3"

var (
	listing   = breakerKey{root: aRoot, endpoint: "GET /repos/{owner}/{repo}/hooks"}
	deleting  = breakerKey{root: aRoot, endpoint: "DELETE /repos/{owner}/{repo}/hooks/{hook_id}"}
	aLogin    = breakerKey{root: aRoot, login: [32]byte{1}}
	itsSecond = breakerKey{root: aRoot, login: [32]byte{2}}
)

// send plays one request that takes so long and ends with an error.
func (b *breakerTest) send(took time.Duration, err error, keys ...breakerKey) error {
	a, refused := b.breakers.begin(requestTimeout, keys...)
	if refused != nil {
		return refused
	}
	b.now = b.now.Add(took)
	a.end(err)
	return err
}

// untilRetry is how long a request is told to wait that is not sent; it fails the test where the request would be sent.
func (b *breakerTest) untilRetry(keys ...breakerKey) time.Duration {
	_, refused := b.breakers.begin(requestTimeout, keys...)
	b.Expect(refused).To(HaveOccurred(), "the request would be sent")
	b.Expect(errors.Is(refused, ErrWaiting)).To(BeTrue())
	return refused.RetryAt.Sub(b.now)
}

func noAnswer() error { return call{}.fail(ErrUnavailable, "there was no answer in time") }

func answered(status int, class error) error {
	e := call{}.fail(class, http.StatusText(status))
	e.StatusCode = status
	return e
}

func TestAServerThatHangsIsTriedByOneRequestAtGrowingIntervals(t *testing.T) {
	b := newBreakerTest(t)
	b.Expect(b.breakers.server(aRoot)).To(Equal(Untried))
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		pause := time.Duration(seconds) * time.Second
		b.Expect(b.send(requestTimeout, noAnswer(), listing, aLogin)).To(MatchError(ErrUnavailable))
		b.Expect(b.untilRetry(listing, itsSecond)).To(Equal(pause))
		b.Expect(b.breakers.server(aRoot)).To(Equal(Failing))
		b.now = b.now.Add(pause)
	}

	probe, refused := b.breakers.begin(requestTimeout, listing, aLogin)
	b.Expect(refused).NotTo(HaveOccurred())
	b.Expect(b.untilRetry(listing, itsSecond)).To(Equal(firstPause), "one request finds out, the others wait for it")
	b.Expect(b.send(0, nil, deleting, aLogin)).To(Succeed(), "another endpoint")
	probe.end(nil)

	b.Expect(b.send(0, nil, listing, itsSecond)).To(Succeed())
	b.Expect(b.breakers.server(aRoot)).To(Equal(Working))
}

func TestWhatCountsAsAServerThatHangs(t *testing.T) {
	stopped := call{}.fail(ErrUnavailable, "the request was broken off")
	stopped.cause = context.Canceled
	for name, c := range map[string]struct {
		took time.Duration
		err  error
		want Standing
	}{
		"an answer":                       {requestTimeout, nil, Working},
		"GitHub's 404":                    {0, answered(404, ErrNotFound), Working},
		"a 502 that came slowly":          {requestTimeout, answered(502, ErrUnavailable), Working},
		"no answer in time":               {requestTimeout, noAnswer(), Failing},
		"a connection that broke at once": {10 * time.Millisecond, noAnswer(), Untried},
		"the operator was told to stop":   {requestTimeout, stopped, Untried},
		"it was not sent":                 {requestTimeout, call{}.lost(context.Background(), notSent{}), Untried},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBreakerTest(t)
			_ = b.send(c.took, c.err, listing, aLogin)
			b.Expect(b.breakers.server(aRoot)).To(Equal(c.want))
		})
	}
}

func TestARefusedLoginIsTriedByOneRequestAtGrowingIntervals(t *testing.T) {
	b := newBreakerTest(t)
	tries := 0
	for end := b.now.Add(90 * time.Second); b.now.Before(end); b.now = b.now.Add(100 * time.Millisecond) {
		for range 75 {
			a, refused := b.breakers.begin(requestTimeout, listing, aLogin)
			if refused != nil {
				b.Expect(refused).To(MatchError(ErrUnauthorized))
				continue
			}
			tries++
			a.end(answered(401, ErrUnauthorized))
		}
	}
	b.Expect(tries).To(BeNumerically("<=", 8))
	b.Expect(b.breakers.login(aLogin)).To(Equal(Failing))
	b.Expect(b.send(0, nil, listing, itsSecond)).To(Succeed(), "another login on the same server")

	for range 12 {
		b.now = b.now.Add(longestLoginPause)
		_ = b.send(0, answered(401, ErrUnauthorized), listing, aLogin)
	}
	b.Expect(b.untilRetry(listing, aLogin)).To(Equal(longestLoginPause))
	b.breakers.tryAgain(aLogin)
	b.Expect(b.untilRetry(listing, aLogin)).To(Equal(askedPause), "a person asks")
	b.now = b.now.Add(askedPause)
	b.Expect(b.send(0, answered(404, ErrNotFound), listing, aLogin)).To(MatchError(ErrNotFound))
	b.Expect(b.breakers.login(aLogin)).To(Equal(Working), "a 404 is said to an accepted login")
}

func TestRequestsUnderWayTogetherAreOneFailure(t *testing.T) {
	b := newBreakerTest(t)
	var together []*attempt
	for range 10 {
		a, refused := b.breakers.begin(requestTimeout, listing, aLogin)
		b.Expect(refused).NotTo(HaveOccurred())
		together = append(together, a)
	}
	b.now = b.now.Add(requestTimeout)
	for _, a := range together {
		a.end(noAnswer())
	}
	b.Expect(b.untilRetry(listing, aLogin)).To(Equal(firstPause))
}

func TestBreakersForgetWhatNobodyAsksFor(t *testing.T) {
	b := newBreakerTest(t)
	_ = b.send(requestTimeout, noAnswer(), listing, aLogin)
	b.now = b.now.Add(breakerKept + time.Minute)
	other := breakerKey{root: "https://api.github.com", endpoint: listing.endpoint}
	b.Expect(b.send(0, nil, other)).To(Succeed())
	b.Expect(b.breakers.known).To(HaveLen(1))
	b.Expect(b.breakers.server(aRoot)).To(Equal(Untried))
}
