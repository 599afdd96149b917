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

const (
	// sameWindow is how much the end of one window may differ between two answers, in seconds.
	sameWindow = 2
	// longestWindow is GitHub's hour, and a quarter more for clocks. An end beyond it is none: believed, it would close a
	// budget, or end its accounting, for as long.
	longestWindow = 75 * time.Minute
	// oldestEnd is how long a window may be over when an answer still tells of it. What is older is not a time: some
	// servers write the seconds that are left.
	oldestEnd = time.Minute
)

// isEnd tells whether a window can end in so long.
func isEnd(left time.Duration) bool { return left > -oldestEnd && left <= longestWindow }

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
	left := time.Unix(int64(reset), 0).Sub(serverTime(header, now))
	if !isEnd(left) {
		return primary{}, false
	}
	return primary{limit: int(limit), remaining: int(remaining), reset: int64(reset), ends: now.Add(left)}, true
}

// merge takes in an answer. Answers may overtake one another: within a window the least is true, and one that was under way
// when its window ended says nothing of the next. It had no more than requestTimeout left; a nearer end that is further away
// than that is of a server whose clock was put right.
func (p *primary) merge(told primary, now time.Time) {
	switch {
	case p.over(now), told.reset > p.reset+sameWindow:
		*p = told
	case told.reset >= p.reset-sameWindow:
		p.limit = told.limit
		p.remaining = min(p.remaining, told.remaining)
	case told.ends.Sub(now) > requestTimeout:
		*p = told
	}
}

// over tells whether the window has ended. One that seems to end too late does so because our clock was set back.
func (p *primary) over(now time.Time) bool {
	return !now.Before(p.ends) || !isEnd(p.ends.Sub(now))
}

// opens is the earliest time from now on at which there is room for one more request.
func (p *primary) opens(now time.Time, priority Priority, flying int) time.Time {
	if p.limit == 0 || p.over(now) {
		return now
	}
	kept := p.limit - priority.share(p.limit)
	if p.remaining-flying > kept {
		return now
	}
	return p.ends
}
