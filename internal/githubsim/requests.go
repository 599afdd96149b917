package githubsim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one request as the server got it, secrets included.
type Request struct {
	Method string
	// Path is the path without the query, as sent.
	Path  string
	Query string
	// Route is the endpoint's pattern, such as /repos/{owner}/{repo}/hooks/{hook_id}, also when the target was named by
	// its ID; empty when there is no such endpoint.
	Route  string
	Header http.Header
	Body   []byte
	// Status is what was answered; 0 when the connection was closed before the request took effect.
	Status int
	// Injected: a fault changed the answer or closed the connection.
	Injected bool
	Time     time.Time
}

// Write tells whether the request asked for a change.
func (r Request) Write() bool { return !readMethod(r.Method) }

func reads(r *http.Request) bool { return readMethod(r.Method) }

func readMethod(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// Exchange is a request and its answer.
type Exchange struct {
	Request
	ResponseHeader http.Header
	ResponseBody   []byte
}

// requestLog keeps the newest requests.
type requestLog struct {
	mu      sync.Mutex
	keep    int
	entries []Request
}

func (l *requestLog) add(request Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Trimmed by halves, so that a full log costs no copy per request.
	if len(l.entries) >= 2*l.keep {
		l.entries = slices.Clone(l.entries[len(l.entries)-l.keep:])
	}
	l.entries = append(l.entries, request)
}

// Requests lists the requests since the start or the last ResetRequests, oldest first; no more than Options.RequestsKept,
// the newest. A request is listed before its answer is sent.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.entries[max(0, len(s.log.entries)-s.log.keep):])
}

// ResetRequests empties the log of requests.
func (s *Server) ResetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.entries = nil
}
