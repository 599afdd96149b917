package githubsim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Received is a delivery as it arrived.
type Received struct {
	Event  string
	Action string
	GUID   string
	HookID string
	Header http.Header
	// Body is what was signed; Payload is the JSON in it, taken out of the form where it is one.
	Body    []byte
	Payload json.RawMessage
	// Verified: the signature is that of one of the receiver's secrets.
	Verified bool
	// Status is what the receiver answered; 0 where it did not.
	Status int
	Time   time.Time
}

// Receiver is what webhooks deliver to: an HTTP server on 127.0.0.1 that verifies signatures as GitHub advises, keeps
// what it gets, and fails when told to. A delivery that is not signed with one of its secrets is answered 401; a
// receiver without secrets takes everything and verifies nothing.
type Receiver struct {
	scheme      string
	address     string
	certificate *tls.Certificate

	mu       sync.Mutex
	server   *http.Server
	secrets  []string
	received []Received
	behave   behavior
	// changed is closed and replaced when behave changes: it frees those who hang.
	changed chan struct{}
}

// behavior is how a receiver fails; the zero value does not.
type behavior struct {
	status int
	body   string
	hang   bool
	drop   bool
}

// NewReceiver starts a receiver that accepts any of these secrets. It panics when it cannot listen on 127.0.0.1.
func NewReceiver(secrets ...string) *Receiver { return startReceiver("http", secrets) }

// NewTLSReceiver is a receiver that speaks HTTPS with a certificate of its own, which nobody trusts by default.
func NewTLSReceiver(secrets ...string) *Receiver { return startReceiver("https", secrets) }

func startReceiver(scheme string, secrets []string) *Receiver {
	r := &Receiver{scheme: scheme, address: "127.0.0.1:0", secrets: secrets, changed: make(chan struct{})}
	if scheme == "https" {
		r.certificate = selfSigned()
	}
	if err := r.listen(); err != nil {
		panic(err)
	}
	return r
}

func (r *Receiver) listen() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", r.address)
	if err != nil {
		return fmt.Errorf("the receiver cannot listen: %w", err)
	}
	r.address = listener.Addr().String()
	if r.certificate != nil {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{*r.certificate}, MinVersion: tls.VersionTLS12})
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, ErrorLog: discardLog}
	go func(server *http.Server) { _ = server.Serve(listener) }(r.server)
	return nil
}

// URL is where the receiver is reached. Any path below it will do.
func (r *Receiver) URL() string { return r.scheme + "://" + r.address }

// Address is the receiver's host and port.
func (r *Receiver) Address() string { return r.address }

// CertPool holds the receiver's certificate, for those who shall trust it; nil for plain HTTP.
func (r *Receiver) CertPool() *x509.CertPool {
	if r.certificate == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AddCert(r.certificate.Leaf)
	return pool
}

// Close stops the receiver.
func (r *Receiver) Close() {
	r.become(behavior{})
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.server.Close()
}

// SetSecrets replaces the secrets that are accepted.
func (r *Receiver) SetSecrets(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = slices.Clone(secrets)
}

// Fail answers every delivery with this status until Recover.
func (r *Receiver) Fail(status int) { r.become(behavior{status: status}) }

// FailWith answers every delivery with this status and body until Recover.
func (r *Receiver) FailWith(status int, body string) { r.become(behavior{status: status, body: body}) }

// Hang answers no delivery until Recover.
func (r *Receiver) Hang() { r.become(behavior{hang: true}) }

// Drop closes every connection without an answer until Recover.
func (r *Receiver) Drop() { r.become(behavior{drop: true}) }

// Refuse stops listening, so that nobody can connect until Recover.
func (r *Receiver) Refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.server.Close()
	r.server = nil
}

// Recover ends every failure; after Refuse it listens on the same port again.
func (r *Receiver) Recover() error {
	r.become(behavior{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		return nil
	}
	return r.listen()
}

func (r *Receiver) become(b behavior) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behave = b
	close(r.changed)
	r.changed = make(chan struct{})
}

// Received lists the deliveries, oldest first.
func (r *Receiver) Received() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// Reset forgets the deliveries.
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = nil
}

// ServeHTTP takes one delivery.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, 25<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	got := Received{
		Event: request.Header.Get("X-GitHub-Event"), GUID: request.Header.Get("X-GitHub-Delivery"),
		HookID: request.Header.Get("X-GitHub-Hook-ID"), Header: request.Header.Clone(), Body: body,
		Payload: payloadOf(request.Header.Get("Content-Type"), body), Time: time.Now(),
	}
	got.Action = actionOf(got.Payload)
	behave, changed := r.keep(&got)
	switch {
	case behave.hang:
		select {
		case <-changed:
		case <-request.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case behave.drop:
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(got.Status)
	_, _ = io.WriteString(w, behave.body) // Whoever is gone by then does not matter.
}

// keep verifies and notes the delivery, and decides what is answered.
func (r *Receiver) keep(got *Received) (behavior, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	got.Verified = verify(r.secrets, got.Header.Get("X-Hub-Signature-256"), got.Body)
	switch {
	case r.behave.hang, r.behave.drop:
	case r.behave.status != 0:
		got.Status = r.behave.status
	case len(r.secrets) > 0 && !got.Verified:
		got.Status = http.StatusUnauthorized
	default:
		got.Status = http.StatusOK
	}
	r.received = append(r.received, *got)
	return r.behave, r.changed
}

// verify compares in constant time, and with every secret. GitHub docs: Validating webhook deliveries.
func verify(secrets []string, signature string, body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil {
		return false
	}
	verified := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		verified = hmac.Equal(given, mac.Sum(nil)) || verified
	}
	return verified
}

// payloadOf finds the event's JSON in the body.
func payloadOf(contentType string, body []byte) json.RawMessage {
	if !strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return json.RawMessage(form.Get("payload"))
}

func actionOf(payload json.RawMessage) string {
	var fields struct {
		Action string `json:"action"`
	}
	if json.Unmarshal(payload, &fields) != nil {
		return ""
	}
	return fields.Action
}

// selfSigned makes a certificate for 127.0.0.1 and every example host. It panics only where there is no randomness.
func selfSigned() *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"example.com", "*.example.com"},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}
