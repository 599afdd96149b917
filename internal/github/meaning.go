package github

import (
	"errors"
	"mime"
	"net/http"
	"strings"
)

// meaning is what an answer means for the budget of the account that the request was sent for.
type meaning struct {
	// accepted: GitHub itself answered, and to a login that it accepted. Only then the answer's numbers are the account's: a
	// refused login is shown those of the IP address, which may make 60 requests an hour.
	accepted bool
	// limited: the request was refused because of a limit, a secondary one or the primary one.
	limited, secondary bool
}

// understand reads an answer for the budgets. Its body can be read again.
func understand(response *http.Response) meaning {
	status, header := response.StatusCode, response.Header
	switch {
	case status < http.StatusBadRequest:
		empty := status == http.StatusNoContent || status == http.StatusNotModified
		return meaning{accepted: empty || isJSON(header)}
	case status == http.StatusUnauthorized, isDown(status):
		return meaning{} // Of a login that was not looked at, nothing is known.
	}
	r := readRefusal(response)
	words := strings.ToLower(r.sentence())
	says := func(part string) bool { return strings.Contains(words, part) }
	class := classify(status, header, r)
	lockedOut, limited := errors.Is(class, ErrLockedOut), errors.Is(class, ErrRateLimited)
	if lockedOut && header.Get("Retry-After") == "" {
		header.Set("Retry-After", lockOut) // GitHub names no time, and each further try makes it longer.
	}
	return meaning{
		accepted:  r.isGitHubs() && !refusesLogin(says),
		limited:   limited,
		secondary: limited && !lockedOut && isSecondary(header, says),
	}
}

// lockOut is how long no login is tried after too many that failed, in seconds.
const lockOut = "300"

// isJSON tells GitHub's answers from the page of a proxy or a login.
func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// refusesLogin tells whether another answer than a 401 is about the login: after too many attempts, about the IP address's
// own limit, or to a JSON web token of an App that is not there.
func refusesLogin(says func(string) bool) bool {
	return says("number of login attempts") || anonymous(says) || says("integration not found")
}

// isSecondary tells a secondary limit from the primary one, by GitHub's words and else by its numbers.
func isSecondary(header http.Header, says func(string) bool) bool {
	switch {
	case says("secondary rate limit"), says("abuse detection"):
		return true
	case says("rate limit exceeded"):
		return false
	}
	return header.Get("X-RateLimit-Remaining") != "0"
}
