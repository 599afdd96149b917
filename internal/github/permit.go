package github

import (
	"errors"
	"fmt"
	"net/http"
)

var errNotPermitted = errors.New("the request was not sent")

// permitted asks before each request, redirects and logins included, whether it may be sent.
type permitted struct {
	permit func() error
	next   http.RoundTripper
}

// RoundTrip sends the request when it may be sent.
func (p permitted) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := p.permit(); err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, fmt.Errorf("%w: %w", errNotPermitted, err)
	}
	return p.next.RoundTrip(request)
}
