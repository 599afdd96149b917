package github

import (
	"net/http"
	"strconv"
	"time"
)

// primary is the limit that the server's answers tell of: requests within a window, an hour at GitHub.
type primary struct {
	// limit and remaining are the server's newest numbers; no limit before the first answer.
	limit, remaining int
	// reset tells windows apart: seconds since 1970 by the server's clock.
	reset int64
	// ends is the same by our clock.
	ends time.Time
}

// sameWindow is how much the end of one window may differ between two answers, in seconds.
const sameWindow = 2

// readPrimary reads GitHub's headers. They are optional, and all or nothing.
func readPrimary(header http.Header, now time.Time) (primary, bool) {
	limit, err1 := strconv.ParseUint(header.Get("X-RateLimit-Limit"), 10, 31)
	remaining, err2 := strconv.ParseUint(header.Get("X-RateLimit-Remaining"), 10, 31)
	reset, err3 := strconv.ParseUint(header.Get("X-RateLimit-Reset"), 10, 33)
	if err1 != nil || err2 != nil || err3 != nil || limit == 0 {
		return primary{}, false
	}
	if resource := header.Get("X-RateLimit-Resource"); resource != "" && resource != "core" {
		return primary{}, false
	}
	left := min(time.Unix(int64(reset), 0).Sub(serverTime(header, now)), longestWait)
	return primary{limit: int(limit), remaining: int(remaining), reset: int64(reset), ends: now.Add(left)}, true
}

// merge takes in an answer. Answers may overtake one another: within a window the least is true, and a window that ended
// before this one says nothing.
func (p *primary) merge(told primary) {
	switch {
	case told.reset > p.reset+sameWindow:
		*p = told
	case told.reset >= p.reset-sameWindow:
		p.limit = told.limit
		p.remaining = min(p.remaining, told.remaining)
	}
}

// opens is the earliest time from now on at which there is room for one more request.
func (p *primary) opens(now time.Time, priority Priority, flying int) time.Time {
	if p.limit == 0 || !now.Before(p.ends) {
		return now
	}
	kept := p.limit - priority.share(p.limit)
	if p.remaining-flying > kept {
		return now
	}
	return p.ends
}
