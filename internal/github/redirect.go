package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ErrRedirect: the server sends us to another host, where the credential must not go, or around in circles. It was not
// followed.
var ErrRedirect = errors.New("refused to follow a redirect")

// maxRedirects is more than a repository that was renamed and transferred needs.
const maxRedirects = 5

// redirects follows redirects on the same scheme, host and port, with method and body kept: GitHub answers GET with 301
// and the rest with 307 once a repository has another name, and net/http's own client would turn a PATCH into a GET
// on 301, which looks like success.
//
// What leads out of the API, to a login page for one, is left as it is, and so is a write's 302, which is how login pages
// are announced: neither is a success that GitHub documents.
type redirects struct {
	// root is the path below which the API is.
	root string
	next http.RoundTripper
}

var (
	redirectCodes = []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	}
	// writeRedirectCodes are those that GitHub and its older versions send on a write.
	writeRedirectCodes = []int{http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}
)

// RoundTrip follows until there is another answer.
func (t redirects) RoundTrip(request *http.Request) (*http.Response, error) {
	for range maxRedirects + 1 {
		response, err := t.next.RoundTrip(request)
		if err != nil || !t.leadsOn(request, response) {
			return response, err
		}
		drain(response.Body)
		_ = response.Body.Close()
		if request, err = redirected(request, response); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: there were more than %d", ErrRedirect, maxRedirects)
}

// leadsOn tells a redirect to another part of the API, or one that has to be refused, from an answer.
func (t redirects) leadsOn(request *http.Request, response *http.Response) bool {
	codes := redirectCodes
	if !isRead(request.Method) {
		codes = writeRedirectCodes
	}
	if !slices.Contains(codes, response.StatusCode) {
		return false
	}
	location, err := response.Location()
	return err != nil || !sameOrigin(location, request.URL) || strings.HasPrefix(location.Path, t.root+"/")
}

// redirected is the same request to another address of the same host.
func redirected(request *http.Request, response *http.Response) (*http.Request, error) {
	location, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("%w: it names no valid address", ErrRedirect)
	}
	if !sameOrigin(location, request.URL) {
		return nil, fmt.Errorf("%w to another host: the credential goes to %s only", ErrRedirect, request.URL.Host)
	}
	location.Fragment = ""
	again, err := rewound(request)
	if err != nil {
		return nil, err
	}
	again.URL = location
	return again, nil
}

// rewound is the same request, to be sent again from its beginning.
func rewound(request *http.Request) (*http.Request, error) {
	again := request.Clone(request.Context())
	if request.GetBody == nil {
		return again, nil
	}
	var err error
	again.Body, err = request.GetBody()
	return again, err
}
