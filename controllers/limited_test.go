package controllers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// limits remembers whom GitHub told to wait, and until when, and who asked all the same.
type limits struct {
	mu sync.Mutex
	// installations of the tokens that were made: a new token does not help who has to wait.
	installations map[string]string
	told          map[string]wait
	broken        []string
}

// wait is until when a budget has nothing, and when its holder was told.
type wait struct{ told, until time.Time }

// underway is how long a request may have been sent for before the answer that says to wait was read.
const underway = 500 * time.Millisecond

func newLimits() *limits {
	return &limits{installations: map[string]string{}, told: map[string]wait{}}
}

// budget that a request counts against; empty for an App's own, which has no limit.
func (l *limits) budget(r githubsim.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.Count(token, ".") == 2 {
		return ""
	}
	if installation, ok := l.installations[token]; ok {
		return installation
	}
	return token
}

// answered takes up what GitHub says.
func (l *limits) answered(e githubsim.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.HasSuffix(e.Path, "/access_tokens") && e.Status == http.StatusCreated {
		var made struct{ Token string }
		if json.Unmarshal(e.ResponseBody, &made) == nil {
			l.installations[made.Token] = path.Base(path.Dir(e.Path))
		}
	}
	budget := l.budget(e.Request)
	if until := retryTime(e); budget != "" && until.After(l.told[budget].until) {
		l.told[budget] = wait{time.Now(), until}
	}
}

// retryTime is until when an answer says to wait; zero when it does not.
func retryTime(e githubsim.Exchange) time.Time {
	if e.Status != http.StatusForbidden && e.Status != http.StatusTooManyRequests {
		return time.Time{}
	}
	if seconds, err := strconv.Atoi(e.ResponseHeader.Get("Retry-After")); err == nil {
		return time.Now().Add(time.Duration(seconds) * time.Second)
	}
	if reset, err := strconv.ParseInt(e.ResponseHeader.Get("X-Ratelimit-Reset"), 10, 64); err == nil &&
		e.ResponseHeader.Get("X-Ratelimit-Remaining") == "0" {
		return time.Unix(reset, 0)
	}
	if strings.Contains(string(e.ResponseBody), "secondary rate limit") {
		return time.Now().Add(time.Minute)
	}
	return time.Time{}
}

// arrived judges a request. It is the Match of a fault that never happens, which sees each request when it comes.
func (l *limits) arrived(r githubsim.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	budget, now := l.budget(r), time.Now()
	if w := l.told[budget]; now.After(w.told.Add(underway)) && now.Before(w.until) {
		l.broken = append(l.broken, fmt.Sprintf("%s %s %s before the end of a limit", r.Method, r.Route, w.until.Sub(now).Round(time.Millisecond)))
	}
	return false
}

// forget what operators were told that are no more: one that starts knows nothing of it.
func (l *limits) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.told)
}

func (l *limits) expectKept() {
	l.mu.Lock()
	defer l.mu.Unlock()
	Expect(l.broken).To(BeEmpty(), "requests that were sent while limited")
}
