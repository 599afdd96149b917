package githubsim

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxRequestBody bounds what is read of a request: far more than any webhook needs.
const maxRequestBody = 1 << 20

// Options are the choices a test has. The zero value is github.com without rate limits.
type Options struct {
	// Addr is where Start listens; empty is a free port of 127.0.0.1.
	Addr string
	// Now is the server's clock; nil is time.Now. Time-outs and delays run on the real clock all the same.
	Now func() time.Time

	// HooksPerEvent is how many webhooks of one target may subscribe to one event; 0 is github.com's 20. An Enterprise
	// Server allows 250.
	HooksPerEvent int
	// UnstableEvents turns the order of events around with every answer. GitHub promises no order.
	UnstableEvents bool
	// OtherLastResponses shows a receiver's 404 as 422 misconfigured in place of 404 missing, and a webhook that has not
	// delivered as 0 Unused in place of nulls. All were observed.
	OtherLastResponses bool
	// QuietSecretEdits leaves updated_at alone when nothing but the secret changes. Nobody knows which GitHub does.
	QuietSecretEdits bool
	// IgnoreStatusFilter makes the lists of deliveries ignore status=success|failure, as older Enterprise Servers may.
	IgnoreStatusFilter bool

	// NoAnonymousNumbers leaves the rate-limit numbers of the IP address out of a 401, as an Enterprise Server does
	// without limits, and github.com now and then (observed).
	NoAnonymousNumbers bool
	// Lockout, when set, stops those who try wrong credentials. SetLockout changes it.
	Lockout *Lockout

	// FoundRedirects answers a GET to a former name with 302 in place of 301. Both were observed.
	FoundRedirects bool

	// AppIDOnly takes the App ID alone as the iss of a JWT, as Enterprise Server up to 3.13 does.
	AppIDOnly bool

	// DeliveryTimeout is how long a receiver may take to answer; 0 is github.com's 10 s.
	DeliveryTimeout time.Duration
	// DeliveryWorkers bounds the deliveries under way at once; 0 is 8.
	DeliveryWorkers int
	// DeliveriesKept bounds the delivery log of one webhook; 0 is 1000.
	DeliveriesKept int
	// DeliveryRetention is how long a delivery is listed and can be redelivered; 0 is github.com's 3 days.
	DeliveryRetention time.Duration
	// ReceiverCAs are trusted in deliveries to https receivers, besides nobody: a webhook with insecure_ssl "0" fails
	// on a certificate that is not signed by one of them. nil is the system's pool.
	ReceiverCAs *x509.CertPool

	// RequestsKept bounds the log of requests; 0 is 10,000.
	RequestsKept int
	// OnExchange, when set, is called with each request and its answer before the answer is sent. It may be called by
	// several goroutines at once.
	OnExchange func(Exchange)
	// Limits, when set, turns on rate limits. An Enterprise Server has none by default.
	Limits *Limits
}

// withDefaults fills in what the zero value means.
func (o Options) withDefaults() Options {
	setDefault(&o.Addr, "127.0.0.1:0")
	setDefault(&o.HooksPerEvent, 20)
	setDefault(&o.DeliveryTimeout, 10*time.Second)
	setDefault(&o.DeliveryWorkers, 8)
	setDefault(&o.DeliveriesKept, 1000)
	setDefault(&o.DeliveryRetention, 72*time.Hour)
	setDefault(&o.RequestsKept, 10_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server is one GitHub. All its methods may be called at any time, by several goroutines at once.
type Server struct {
	options Options
	faults  faultList
	log     requestLog
	limiter *limiter
	queue   *deliveryQueue

	// mu guards everything below. It is never held while something is sent or waited for.
	mu        sync.Mutex
	places    directory
	tokens    map[string]*Token
	apps      map[int64]*app
	installed map[int64]*installation
	minted    map[string]*installationToken
	ids       idSource
	renders   int
	// anonymous counts, by IP address, requests without a login.
	anonymous map[string]*counter
	lockout   *lockouts

	// lifecycle guards listening.
	lifecycle sync.Mutex
	http      *http.Server
	address   string
	closed    chan struct{}
}

// New makes a GitHub with nobody and nothing on it. It answers as an http.Handler; Start makes it listen.
func New(options Options) *Server {
	s := &Server{
		options:   options.withDefaults(),
		places:    newDirectory(),
		tokens:    map[string]*Token{},
		apps:      map[int64]*app{},
		installed: map[int64]*installation{},
		minted:    map[string]*installationToken{},
		ids:       newIDSource(),
		anonymous: map[string]*counter{},
		closed:    make(chan struct{}),
	}
	s.log.keep = s.options.RequestsKept
	s.lockout = newLockouts(s.options.Lockout)
	s.limiter = newLimiter(s.options.Limits, s.options.Now)
	s.queue = newDeliveryQueue(s.options)
	return s
}

// Start listens and serves until Close.
func (s *Server) Start() error {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if s.http != nil {
		return errors.New("the GitHub simulator is started already")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.options.Addr)
	if err != nil {
		return fmt.Errorf("the GitHub simulator cannot listen: %w", err)
	}
	s.address = listener.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: discardLog}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.http)
	return nil
}

// URL is the server's root, such as http://127.0.0.1:40123: what users give as githubURL. The API answers there, as
// api.github.com does, and below /api/v3, as an Enterprise Server does. It is empty before Start.
func (s *Server) URL() string {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	if s.address == "" {
		return ""
	}
	return "http://" + s.address
}

// Close ends all connections and the deliveries under way.
func (s *Server) Close() {
	s.lifecycle.Lock()
	defer s.lifecycle.Unlock()
	select {
	case <-s.closed:
		return
	default:
		close(s.closed)
	}
	s.queue.close()
	if s.http != nil {
		_ = s.http.Close()
	}
}

// ServeHTTP answers one request: faults first, then what GitHub would say.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.showSettings(w, r) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := s.newCall(r, body)
	request := c.logged()

	defer s.limiter.enter(r)()
	fault := s.faults.take(request)
	s.wait(r.Context(), fault.Delay)
	if fault.DropBefore || fault.Hang && !fault.After {
		request.Injected = true
		s.log.add(request)
		s.hang(r.Context(), fault)
		panic(http.ErrAbortHandler)
	}
	var a answer
	if fault.replaces() {
		a = fault.answer()
	} else {
		a = s.answer(c)
		if fault.After && fault.Status != 0 {
			a = fault.answer()
		}
	}
	request.Status = a.status
	request.Injected = fault.changesAnswer()
	if fault.Change != nil {
		a.change(fault.Change)
		request.Status = a.status
	}
	s.send(w, c, request, a, fault)
}

// send logs the exchange, shows it to OnExchange and writes it, whole or as the fault wants it.
func (s *Server) send(w http.ResponseWriter, c *call, request Request, a answer, fault armedFault) {
	if fault.Malformed {
		a.payload = malformed(a.payload)
	}
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat)) // A fault's own Date wins.
	s.log.add(request)
	if s.options.OnExchange != nil {
		s.options.OnExchange(Exchange{Request: request, ResponseHeader: a.header.Clone(), ResponseBody: a.payload})
	}
	if fault.DropAfter || fault.Hang {
		s.hang(c.request.Context(), fault)
		panic(http.ErrAbortHandler)
	}
	if fault.Truncate {
		a.writeHalf(w)
		panic(http.ErrAbortHandler)
	}
	a.write(w, c.request.Method)
}

// hang keeps a request that a fault makes hang until the fault is removed, or the client or the server goes away.
func (s *Server) hang(ctx context.Context, fault armedFault) {
	if !fault.Hang {
		return
	}
	select {
	case <-fault.removed:
	case <-ctx.Done():
	case <-s.closed:
	}
}

// wait is how a fault delays: as long as it says, or until the client or the server goes away.
func (s *Server) wait(ctx context.Context, delay time.Duration) {
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closed:
	}
}

// now is the server's time in UTC.
func (s *Server) now() time.Time { return s.options.Now().UTC() }

// discardLog takes what net/http says about connections that a test broke on purpose.
var discardLog = log.New(io.Discard, "", 0)
