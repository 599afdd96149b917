package controllers

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// Leadership tells whether this process surely holds the Lease of leader election. One that was frozen, or whose machine
// was, goes on with what it had in hand before the elector finds out that another process has taken over.
type Leadership struct {
	// For how long a renewal is relied on; less than the Lease lasts.
	For time.Duration

	renewed atomic.Pointer[time.Time]
}

// ErrNotLeading: another process may hold the Lease by now.
var ErrNotLeading = errors.New("the lease of leader election was not renewed in time: another replica may lead by now")

// Watch makes the client of leader election's config tell when the Lease was renewed.
func (l *Leadership) Watch(config *rest.Config) *rest.Config {
	watched := rest.CopyConfig(config)
	watched.Wrap(func(next http.RoundTripper) http.RoundTripper { return renewals{l, next} })
	return watched
}

// Check is nil while the Lease is surely held, by the steady clock and by the one that counts while the machine sleeps.
func (l *Leadership) Check() error {
	renewed := l.renewed.Load()
	if renewed == nil || time.Since(*renewed) > l.For || time.Now().Round(0).Sub(renewed.Round(0)) > l.For {
		return ErrNotLeading
	}
	return nil
}

// renewals notes when a write to the Lease that succeeded was sent. The elector writes nothing else.
type renewals struct {
	leadership *Leadership
	next       http.RoundTripper
}

func (r renewals) RoundTrip(request *http.Request) (*http.Response, error) {
	sent := time.Now()
	response, err := r.next.RoundTrip(request)
	if err == nil && request.Method != http.MethodGet && response.StatusCode < http.StatusMultipleChoices {
		r.leadership.renewed.Store(&sent)
	}
	return response, err
}
