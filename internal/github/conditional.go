package github

import (
	"net/http"
	"strings"
)

// conditional asks GitHub whether an answer that was kept is still true, and gives it out again when it is: a 304 costs
// nothing of the primary limit. Nothing is ever given out unasked, so that the age of what is kept, a foreign edit and
// GitHub's Cache-Control do not matter. Answers are kept for one credential; an App's token changes hourly, and with it
// the ETags of repositories and organizations: then the answer is a 200 that replaces what was kept.
type conditional struct {
	kept *keptAnswers
	next http.RoundTripper
}

// RoundTrip sends the request.
func (t conditional) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchangeOf(request)
	if !x.conditional {
		return t.change(request)
	}
	// What was sent on by a redirect is kept where it was found.
	known := t.kept.begin(x, request.URL.String())
	x.cold = known == nil && !t.kept.refusing()
	if x.afresh {
		known = nil
	}
	if known != nil {
		request = request.Clone(request.Context())
		request.Header.Set("If-None-Match", known.etag)
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusNotModified:
		if known != nil {
			x.unlinked = response.Header.Get("Link") == ""
			return known.answer(response), nil
		}
	case http.StatusOK:
		x.fresh = worthKeeping(response)
	case http.StatusNotFound:
		t.kept.drop(x.key)
	}
	return response, nil
}

// change sends a request that is no poll. What it may have changed is not asked for again, whatever the answer: a write can
// take effect without one.
func (t conditional) change(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if x := exchangeOf(request); x.changes {
		t.kept.changed(x.about, request.URL)
	}
	return response, err
}

// worthKeeping is what to keep of an answer once its body was understood; nil is nothing.
func worthKeeping(response *http.Response) *keptAnswer {
	etag := response.Header.Get("ETag")
	if etag == "" || strings.Contains(response.Header.Get("Cache-Control"), "no-store") {
		return nil
	}
	return &keptAnswer{etag: etag, link: strings.Join(response.Header.Values("Link"), ", ")}
}
