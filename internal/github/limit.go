package github

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// leastWait is for a limit that says nothing about its end. GitHub docs: "Exceeding the rate limit".
	leastWait = time.Minute
	// longestWait cuts off what cannot be meant: GitHub's windows last an hour.
	longestWait = 24 * time.Hour
	// longestOutage is how long a server's word keeps requests back that it is not available: whatever stands before it
	// must not stop an object for ever.
	longestOutage = time.Hour
)

// limited tells whether a 403 is a limit. A missing permission can be the last request of the hour too, so what GitHub
// says about a permission, a repository or an installation goes before its numbers.
func limited(header http.Header, says func(string) bool) bool {
	switch {
	case says("rate limit"), says("abuse detection"):
		return true
	case says("not accessible by"), says("archived so is read-only"), says("access blocked"), says("suspended"),
		says("saml enforcement"), says("ip allow list"):
		return false
	}
	return header.Get("Retry-After") != "" || header.Get("X-RateLimit-Remaining") == "0"
}

// anonymous tells whether GitHub holds a request against the IP address's limit for those without a login: it did not accept
// the login that the request came with, which no waiting mends.
func anonymous(says func(string) bool) bool {
	return says("authenticated requests get a higher rate limit")
}

// retryAt is when the server takes requests again, by our clock: after Retry-After, else, of a limit, when its window is
// reset, else in a minute. An answer that is no limit and has no Retry-After says nothing: zero.
func retryAt(header http.Header, limit bool, now time.Time) time.Time {
	wait, found := retryAfter(header, now)
	longest := longestOutage
	if limit {
		longest = longestWait
		if wait, found = limitEnd(header, now); !found {
			wait, found = leastWait, true
		}
	}
	if !found {
		return time.Time{}
	}
	return now.Add(boundWait(wait, longest))
}

// limitEnd is how long a limit lasts that was exceeded, where the answer says so.
func limitEnd(header http.Header, now time.Time) (time.Duration, bool) {
	if wait, found := retryAfter(header, now); found {
		return wait, true
	}
	return untilReset(header, now)
}

func boundWait(wait, longest time.Duration) time.Duration {
	return min(max(wait, time.Second), longest)
}

// retryAfter reads the header in both forms that HTTP knows: seconds or a date.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return date.Sub(serverTime(header, now)), true
}

// untilReset is how long the window lasts whose budget is used up.
func untilReset(header http.Header, now time.Time) (time.Duration, bool) {
	reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || header.Get("X-RateLimit-Remaining") != "0" {
		return 0, false
	}
	left := time.Unix(reset, 0).Sub(serverTime(header, now))
	return left, isEnd(left)
}

// isDown tells whether a status says that the server is not available, not now.
func isDown(status int) bool {
	return status == http.StatusRequestTimeout || status >= http.StatusInternalServerError
}

// serverTime is the server's own clock, so that ours may be wrong.
func serverTime(header http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return now
}
