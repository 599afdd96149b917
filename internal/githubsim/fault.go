package githubsim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is trouble that GitHub or the network makes. Delay goes with every other effect; of the others a fault has one.
type Fault struct {
	// Method is the requests' method; empty is any.
	Method string
	// Route is the endpoint's pattern, such as /repos/{owner}/{repo}/hooks; empty is any path.
	Route string
	// Match, when set, must also agree. Its argument is the request before it is answered.
	Match func(Request) bool
	// Times is how often the fault happens; 0 is every time until it is removed.
	Times int

	// Delay is waited before anything else happens.
	Delay time.Duration
	// Status is answered, with Body and Header, and the request has no effect.
	Status int
	Body   string
	Header http.Header
	// After lets the request take effect before Status is answered, or before the fault hangs.
	After bool
	// Hang answers nothing until the fault is removed, the client goes away or the server is closed.
	Hang bool
	// Change, when set, alters GitHub's own answer after the request took effect: Rows, LinkTo and Page are usual ways.
	Change func(*Answer)
	// DropBefore closes the connection before the request takes effect.
	DropBefore bool
	// DropAfter closes the connection without an answer after the request took effect.
	DropAfter bool
	// Truncate announces the whole answer and closes the connection after half of it.
	Truncate bool
	// Malformed answers with a body that is not JSON, after the request took effect.
	Malformed bool
}

// replaces tells whether the fault answers in GitHub's stead.
func (f Fault) replaces() bool { return f.Status != 0 && !f.After }

// changesAnswer tells whether what the client gets is not what GitHub would have said.
func (f Fault) changesAnswer() bool {
	return f.Status != 0 || f.DropAfter || f.Truncate || f.Malformed || f.Hang || f.Change != nil
}

func (f Fault) answer() answer {
	a := answer{status: f.Status, header: f.Header.Clone(), payload: []byte(f.Body)}
	if a.header == nil {
		a.header = http.Header{}
	}
	if a.header.Get("Content-Type") == "" && f.Body != "" {
		a.header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return a
}

// malformed is a payload that no JSON parser takes.
func malformed(payload []byte) []byte {
	return append([]byte("<html>"), payload...)
}

// faultList holds the faults in the order they were added.
type faultList struct {
	mu     sync.Mutex
	faults []*armedFault
}

type armedFault struct {
	Fault
	hits int
	// removed is closed when the fault is taken out: it frees those who hang.
	removed chan struct{}
}

// FaultHandle is a fault that was put in.
type FaultHandle struct {
	list  *faultList
	fault *armedFault
}

// AddFault puts a fault in. Of several that fit a request, the one added first and not used up happens.
func (s *Server) AddFault(fault Fault) *FaultHandle {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	armed := &armedFault{Fault: fault, removed: make(chan struct{})}
	s.faults.faults = append(s.faults.faults, armed)
	return &FaultHandle{list: &s.faults, fault: armed}
}

// Remove takes the fault out and lets go of the requests that hang in it. It may be called more than once.
func (h *FaultHandle) Remove() {
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	if i := slices.Index(h.list.faults, h.fault); i >= 0 {
		h.list.faults = slices.Delete(h.list.faults, i, i+1)
		close(h.fault.removed)
	}
}

// Hits is how often the fault has happened.
func (h *FaultHandle) Hits() int {
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	return h.fault.hits
}

// take is the fault for this request; the zero one does nothing.
func (l *faultList) take(request Request) armedFault {
	l.mu.Lock()
	candidates := slices.Clone(l.faults)
	l.mu.Unlock()
	for _, f := range candidates {
		// Match is the test's own code and may call the server, so it runs without the lock.
		if f.fits(request) && l.use(f) {
			return armedFault{Fault: f.Fault, removed: f.removed}
		}
	}
	return armedFault{}
}

// use counts a hit, unless the fault was used up or removed meanwhile.
func (l *faultList) use(f *armedFault) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.faults, f) || f.Times > 0 && f.hits >= f.Times {
		return false
	}
	f.hits++
	return true
}

func (f *armedFault) fits(request Request) bool {
	return (f.Method == "" || f.Method == request.Method) &&
		(f.Route == "" || f.Route == request.Route) &&
		(f.Match == nil || f.Match(request))
}
