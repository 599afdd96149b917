package controllers_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

// apiProxy stands between an operator and the API server: it counts requests, and fails those that a story wants to fail.
type apiProxy struct {
	server *httptest.Server
	config string

	mu       sync.Mutex
	requests []apiRequest
	fail     func(apiRequest) apiFailure

	// watches is held for writing while watches are frozen: the operator's cache then shows nothing new.
	watches sync.RWMutex
}

// watchWriter passes on what a watch says, unless watches are frozen.
type watchWriter struct {
	http.ResponseWriter
	proxy *apiProxy
}

func (w watchWriter) Write(b []byte) (int, error) {
	w.proxy.watches.RLock()
	defer w.proxy.watches.RUnlock()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets the stream be flushed.
func (w watchWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// freezeWatches keeps the operator's cache as it is until thaw is called.
func (p *apiProxy) freezeWatches() (thaw func()) {
	p.watches.Lock()
	return sync.OnceFunc(p.watches.Unlock)
}

// apiRequest is one request of the operator to the API server.
type apiRequest struct {
	method string
	path   string
	watch  bool
	accept string
}

// write tells whether the request asked for a change.
func (r apiRequest) write() bool { return r.method != http.MethodGet }

// status tells whether it is a write to an object's status.
func (r apiRequest) status() bool { return r.write() && strings.HasSuffix(r.path, "/status") }

// apiFailure is what becomes of a request.
type apiFailure int

const (
	pass        apiFailure = iota
	failBefore             // 500, and nothing changed.
	failAfter              // The change took effect, but the answer is lost.
	failWith403            // As for a right that the operator does not have.
	failWith409
)

func newAPIProxy() *apiProxy {
	GinkgoHelper()
	transport, err := rest.TransportFor(config)
	Expect(err).NotTo(HaveOccurred())
	target, err := url.Parse(config.Host)
	Expect(err).NotTo(HaveOccurred())
	p := &apiProxy{}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport = transport
	forward.FlushInterval = -1 // Watches are streams.
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p.record(r) {
		case failBefore:
			http.Error(w, "injected failure", http.StatusInternalServerError)
		case failWith403:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"injected refusal"}`))
		case failWith409:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"injected conflict"}`))
		case failAfter:
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			if r.URL.Query().Get("watch") != "" {
				w = watchWriter{w, p}
			}
			forward.ServeHTTP(w, r)
		}
	}))
	return p
}

func (p *apiProxy) record(r *http.Request) apiFailure {
	request := apiRequest{method: r.Method, path: r.URL.Path, watch: r.URL.Query().Get("watch") != "", accept: r.Header.Get("Accept")}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, request)
	if p.fail == nil {
		return pass
	}
	return p.fail(request)
}

// failing makes fail decide about every request from now on; nil lets all pass. It may count in its own variables.
func (p *apiProxy) failing(fail func(apiRequest) apiFailure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = fail
}

// about are the requests so far for objects of a namespace.
func (p *apiProxy) about(namespace string) []apiRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	var requests []apiRequest
	for _, r := range p.requests {
		if strings.Contains(r.path, "/namespaces/"+namespace+"/") && !r.watch {
			requests = append(requests, r)
		}
	}
	return requests
}

// count is how often a path was asked for, watches included.
func (p *apiProxy) count(method, path string) int {
	return p.counting(func(r apiRequest) bool { return r.method == method && r.path == path })
}

// fullSecretLists is how often Secrets were listed or watched with their data.
func (p *apiProxy) fullSecretLists() int {
	return p.counting(func(r apiRequest) bool {
		return strings.HasSuffix(r.path, "/secrets") && r.method == http.MethodGet && !strings.Contains(r.accept, "PartialObjectMetadata")
	})
}

func (p *apiProxy) counting(is func(apiRequest) bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.requests {
		if is(r) {
			n++
		}
	}
	return n
}

func (p *apiProxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}
