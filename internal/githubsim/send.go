package githubsim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // X-Hub-Signature is SHA-1 by GitHub's definition.
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxResponseKept bounds what the log keeps of a receiver's answer.
const maxResponseKept = 64 << 10

// deliveryQueue sends deliveries with a bounded number of workers, which live only while there is something to send.
type deliveryQueue struct {
	timeout          time.Duration
	verified, unsafe *http.Client
	ctx              context.Context //nolint:containedctx // The queue's own life, ended by close.
	cancel           context.CancelFunc

	mu      sync.Mutex
	jobs    []func(context.Context)
	workers int
	limit   int
	// hosts says where a host of receivers is played.
	hosts map[string]string
	// idle is closed when nothing is queued or under way.
	idle chan struct{}
}

func newDeliveryQueue(options Options) *deliveryQueue {
	q := &deliveryQueue{timeout: options.DeliveryTimeout, limit: options.DeliveryWorkers, hosts: map[string]string{}, idle: make(chan struct{})}
	close(q.idle)
	q.ctx, q.cancel = context.WithCancel(context.Background())
	q.verified = q.client(&tls.Config{RootCAs: options.ReceiverCAs, MinVersion: tls.VersionTLS12})
	q.unsafe = q.client(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // insecure_ssl asks for it.
	return q
}

// client follows no redirects and keeps no connections, so that a receiver that is gone is noticed with each delivery.
func (q *deliveryQueue) client(config *tls.Config) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: q.dial, TLSClientConfig: config, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var errOutside = errors.New("the simulator delivers to this machine only")

// dial reaches loopback addresses and the hosts of ResolveHost, nothing else.
func (q *deliveryQueue) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	played := q.hosts[strings.ToLower(host)]
	q.mu.Unlock()
	if played != "" {
		address = played
	} else if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, errOutside
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// ResolveHost lets the receiver at address, such as 127.0.0.1:8443, play a host of the wide world in webhooks' URLs.
func (s *Server) ResolveHost(host, address string) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.hosts[strings.ToLower(host)] = address
}

// WaitDeliveries waits until no delivery is queued or under way.
func (s *Server) WaitDeliveries(ctx context.Context) error {
	s.queue.mu.Lock()
	idle := s.queue.idle
	s.queue.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *deliveryQueue) add(job func(context.Context)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx.Err() != nil {
		return
	}
	q.jobs = append(q.jobs, job)
	if q.workers == 0 {
		q.idle = make(chan struct{})
	}
	if q.workers < q.limit {
		q.workers++
		go q.work()
	}
}

func (q *deliveryQueue) work() {
	for {
		q.mu.Lock()
		if len(q.jobs) == 0 || q.ctx.Err() != nil {
			q.workers--
			if q.workers == 0 {
				close(q.idle)
			}
			q.mu.Unlock()
			return
		}
		job := q.jobs[0]
		q.jobs = q.jobs[1:]
		q.mu.Unlock()
		job(q.ctx)
	}
}

func (q *deliveryQueue) close() { q.cancel() }

// dispatch queues one delivery of an event to a webhook. An inactive webhook gets none.
func (s *Server) dispatch(h *hook, happened event) {
	if !h.Active || h.Config.URL == "" {
		return
	}
	s.queue.add(func(ctx context.Context) {
		s.mu.Lock()
		config, headers := h.Config, h.deliveryHeaders(happened)
		s.mu.Unlock()
		d := s.queue.deliver(ctx, config, headers, happened)

		s.mu.Lock()
		defer s.mu.Unlock()
		d.DeliveredAt = s.now()
		s.record(h, d)
		h.LastResponse = s.lastResponse(d)
	})
}

// deliveryHeaders are those that do not depend on the body. GitHub docs: Delivery headers.
func (h *hook) deliveryHeaders(happened event) map[string]string {
	contentType := "application/x-www-form-urlencoded"
	if h.Config.ContentType == "json" {
		contentType = "application/json"
	}
	return map[string]string{
		"Accept":                                 "*/*",
		"Content-Type":                           contentType,
		"User-Agent":                             "GitHub-Hookshot/0123abc",
		"X-GitHub-Delivery":                      happened.guid,
		"X-GitHub-Event":                         happened.name,
		"X-GitHub-Hook-ID":                       strconv.FormatInt(h.shownID(), 10),
		"X-GitHub-Hook-Installation-Target-ID":   strconv.FormatInt(h.place.id, 10),
		"X-GitHub-Hook-Installation-Target-Type": string(h.place.kind),
	}
}

// shownID is the ID that deliveries carry; an App's webhook has one there, though the API never shows it.
func (h *hook) shownID() int64 {
	if h.place.kind == appKind {
		return h.place.id
	}
	return h.ID
}

// deliver makes one attempt and tells how it went.
func (q *deliveryQueue) deliver(ctx context.Context, config Config, headers map[string]string, happened event) *Delivery {
	body := []byte(happened.payload)
	if headers["Content-Type"] != "application/json" {
		body = []byte(url.Values{"payload": {string(happened.payload)}}.Encode())
	}
	if config.Secret != "" {
		headers["X-Hub-Signature"] = "sha1=" + sign(sha1.New, config.Secret, body)
		headers["X-Hub-Signature-256"] = "sha256=" + sign(sha256.New, config.Secret, body)
	}
	d := &Delivery{
		GUID: happened.guid, Redelivery: happened.redelivery, Event: happened.name, Action: happened.action,
		InstallationID: happened.installationID, RepositoryID: happened.repositoryID, URL: config.URL,
		Request: DeliveryRequest{Headers: headers, Payload: happened.payload},
	}
	started := time.Now()
	err := q.post(ctx, config, body, d)
	d.Duration = time.Since(started)
	if err != nil {
		d.Status, d.StatusCode = failure(err)
	}
	return d
}

// post sends the request and notes the answer.
func (q *deliveryQueue) post(ctx context.Context, config Config, body []byte, d *Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, config.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range d.Request.Headers {
		request.Header.Set(name, value)
	}
	client := q.verified
	if config.InsecureSSL == "1" {
		client = q.unsafe
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// What a receiver says after its status is kept as far as it came.
	payload, _ := io.ReadAll(io.LimitReader(response.Body, maxResponseKept))
	d.Response = DeliveryResponse{Headers: map[string]string{}, Payload: string(payload)}
	for name, values := range response.Header {
		d.Response.Headers[name] = strings.Join(values, ", ")
	}
	d.Status, d.StatusCode = "OK", response.StatusCode
	if response.StatusCode < 200 || response.StatusCode > 299 {
		d.Status = fmt.Sprintf("Invalid HTTP Response: %d", response.StatusCode)
	}
	return nil
}

func sign(algorithm func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// failure is what GitHub says when nothing answered, and the status code that goes with it.
func failure(err error) (status string, code int) {
	var certificate *tls.CertificateVerificationError
	var hostname x509.HostnameError
	var timeout interface{ Timeout() bool }
	var dial *net.OpError
	switch {
	case errors.As(err, &certificate), errors.As(err, &hostname):
		return "Peer certificate cannot be authenticated with given CA certificates", 0
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out", http.StatusGatewayTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &dial) && dial.Op == "read":
		return "Server returned nothing (no headers, no data)", http.StatusBadGateway
	}
	return "failed to connect to host", http.StatusBadGateway
}

// lastResponse is what a repository's webhook shows of its newest delivery. Which code has which status was observed in
// recordings; the others have none. A receiver that redirects is misconfigured, and so, at times, is one that answers
// 404: the code is then GitHub's own.
func (s *Server) lastResponse(d *Delivery) LastResponse {
	last := LastResponse{Code: d.StatusCode, Message: d.Status}
	switch d.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusUnprocessableEntity:
		last.Code, last.Status = http.StatusUnprocessableEntity, "misconfigured"
	case http.StatusNotFound:
		last.Status = "missing"
		if s.options.OtherLastResponses {
			last.Code, last.Status = http.StatusUnprocessableEntity, "misconfigured"
		}
	case http.StatusGatewayTimeout:
		last.Status, last.Message = "timeout", ""
	default:
		if d.Status == "OK" {
			last.Status = "active"
		}
	}
	return last
}

// unused is what a webhook shows before its first delivery.
func (s *Server) unused() LastResponse {
	if s.options.OtherLastResponses {
		return LastResponse{Status: "unused", Message: "Unused"}
	}
	return LastResponse{Status: "unused"}
}
