package github

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

const (
	// requestTimeout is for a request with its redirects, from dialling to the last byte of the answer.
	requestTimeout = 10 * time.Second
	// maxBody bounds an answer: a full page of hooks that are subscribed to everything has about 300 KB.
	maxBody = 8 << 20
	// maxErrorBody bounds what is read of an answer that is no success. GitHub's have some hundred bytes.
	maxErrorBody = 64 << 10
	// maxDrain is what is read of an answer's unused rest so that the connection can be used again.
	maxDrain = 256 << 10
)

// Options say whose client it is and where it may go.
type Options struct {
	Server Server
	// Hosts must allow Server.
	Hosts Hosts
	// Token is sent as the bearer token: a personal access token, an installation's token, or an App's JSON web token.
	Token Secret
	// App logs in as an App instead.
	App *AppCredentials
	// RootCAs sign the server's certificate; nil is the system's pool.
	RootCAs *x509.CertPool
	// UserAgent names the program. GitHub refuses requests without one.
	UserAgent string
	// Timeout bounds each request; 0 is 10 s.
	Timeout time.Duration
	// Now is the clock by which an App logs in and answers say when to come back; nil is time.Now.
	Now func() time.Time
	// Budgets hold requests back before GitHub would refuse them. Clients whose credentials may be the same share them; nil
	// is budgets of its own.
	Budgets *Budgets
	// Breakers keep requests back that would only wait for a server that hangs, or try a login again that was refused.
	// Clients share them like Budgets; nil is breakers of its own.
	Breakers *Breakers
	// Kept bounds the answers that are kept to be asked for again. Clients of one process share it; nil is one of its own.
	Kept *KeptAnswers
	// Bodies bounds the answers that are read at one time. Clients of one process share it; nil is one of its own.
	Bodies *Bodies
	// Observer is told of every request; nil is nobody.
	Observer Observer
	// Permit is asked before each request is sent; its error ends the request as if the caller had cancelled it. nil
	// permits all.
	Permit func() error
}

// Client talks to one server with one credential. It is safe for concurrent use.
type Client struct {
	options Options
	root    *url.URL

	// transport is a stack: redirects on top, then the login, the answers that were kept, the budgets, the observer and the
	// network. What is below the login sees each hop with its credential.
	transport http.RoundTripper
	login     login
	kept      *keptAnswers
	budgets   *Budgets
	network   *http.Transport
	// enrolled has a sync.Once for each account whose objects were counted.
	enrolled *sync.Map
	// own is the App that the client logs in as, once it is known.
	own *atomic.Pointer[App]
	// ahead is how far the server's clock is ahead of ours, as far as its answers tell.
	ahead *atomic.Int64
}

// NewClient makes a client. It connects nowhere. Errors wrap ErrHostNotAllowed, ErrUnauthorized where the token is none,
// ErrAppID or ErrPrivateKey, or ErrUnavailable where the proxy in the environment is none.
func NewClient(options Options) (*Client, error) {
	return newClient(options, http.ProxyFromEnvironment)
}

func newClient(options Options, proxy proxyFunc) (*Client, error) {
	options = options.withDefaults()
	if err := options.Hosts.Allow(options.Server); err != nil {
		return nil, err
	}
	root, err := url.Parse(options.Server.APIRoot())
	if err != nil {
		return nil, serverError("its API root is no URL")
	}
	network, err := newNetwork(options, root, proxy)
	if err != nil {
		return nil, err
	}
	sent := budgeted{options.Budgets, permitted{options.Permit, observed{options.Observer, options.Now, options.Hosts.label(options.Server), network}}}
	kept := newKeptAnswers(options.Kept, options.Now)
	login, err := newLogin(options, conditional{kept, sent})
	if err != nil {
		return nil, err
	}
	return &Client{
		enrolled: new(sync.Map), own: new(atomic.Pointer[App]), ahead: new(atomic.Int64),
		options: options, root: root, transport: redirects{root.Path, login}, login: login, kept: kept, budgets: options.Budgets, network: network,
	}, nil
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = requestTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = "github-webhook-operator"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Permit == nil {
		o.Permit = func() error { return nil }
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Breakers == nil {
		o.Breakers = NewBreakers(o.Now)
	}
	if o.Bodies == nil {
		o.Bodies = NewBodies()
	}
	if o.Kept == nil {
		o.Kept = NewKeptAnswers()
	}
	if o.Budgets == nil {
		o.Budgets = NewBudgets(BudgetOptions{Observer: o.Observer, Now: o.Now})
	}
	return o
}

// Server is the server that the client talks to.
func (c *Client) Server() Server { return c.options.Server }

// AppID is the App ID or client ID of the App that the client logs in as; empty with a token.
func (c *Client) AppID() string {
	if c.options.App == nil {
		return ""
	}
	return c.options.App.ID
}

// UsesPermissions tells whether the credential has permissions, as Apps and fine-grained tokens do, and not a classic
// token's scopes.
func (c *Client) UsesPermissions() bool {
	token := c.options.Token.reveal()
	return c.options.App != nil || slices.ContainsFunc([]string{"github_pat_", "ghs_", "ghu_"}, func(prefix string) bool {
		return strings.HasPrefix(token, prefix)
	})
}

// Close closes connections that are not in use, and forgets the answers that were kept. The client can still be used: what
// is under way goes on.
func (c *Client) Close() {
	c.network.CloseIdleConnections()
	c.kept.close()
}

// ServerTime is the server's clock, as far as its last answer told; before the first it is this machine's.
func (c *Client) ServerTime() time.Time {
	return c.options.Now().Add(time.Duration(c.ahead.Load()))
}

// setClock takes the time from an answer's Date, which has whole seconds.
func (c *Client) setClock(header http.Header) {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		c.ahead.Store(int64(date.Sub(c.options.Now())))
	}
}

// call is one request as an endpoint wants it.
type call struct {
	method string
	// path below the API root, and its pattern, which is for errors and has no values.
	path, route string
	query       url.Values
	// page, when set, is the whole address instead.
	page *url.URL
	// body is encoded as JSON; nil is none.
	body any
	// target is the repository or organization that it is about, with its webhooks' permission; nil is the App itself.
	target *target
	// config is what of the body no error may contain.
	config *Config
	// maxBody is another bound for the answer; 0 is the usual one.
	maxBody int64
	// own: the login itself asks, so that whether the login may be tried was decided already.
	own bool
	// read reads an answer; nil reads all of it.
	read func(body io.Reader, bound int64) ([]byte, error)
	// polled: it is read again and again, so the answer is kept, and GitHub asked whether it is still true.
	polled bool
	// success is the one status that GitHub documents for it; 0 is the usual one of the method.
	success int
	// about is what it reads or, where changes, writes to.
	about   about
	changes bool
	// afresh: what is kept is not asked about, so that the answer is a whole one.
	afresh bool
}

// documented is the one status that says that GitHub did what the call asks for. Another one, even of success, is a
// proxy's or a login page's: nothing was done.
func (k call) documented() int {
	switch {
	case k.success != 0:
		return k.success
	case k.method == http.MethodPost:
		return http.StatusCreated
	case k.method == http.MethodDelete:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// answer is what a body is decoded into. check refuses JSON of another kind: a proxy's, or another version's.
type answer interface {
	check() error
}

// streamed is an answer that reads itself, so that it can stop before all of a body is in memory.
type streamed interface {
	answer
	read(*json.Decoder) error
}

// reply is what an answer says besides its body.
type reply struct {
	header http.Header
	// from is the address that answered, after all redirects.
	from *url.URL
	// unlinked: it is a kept answer, and GitHub's word that it is still true came without Link.
	unlinked bool
}

// do makes a request and decodes the answer, unless it would only fail as the last one did. Without into, the answer's body
// does not matter.
func (c *Client) do(ctx context.Context, k call, into answer) (reply, error) {
	keys := []breakerKey{{root: c.options.Server.APIRoot(), endpoint: k.method + " " + k.route}}
	if !k.own {
		keys = append(keys, c.loginKey())
	}
	attempt, failure := c.options.Breakers.begin(c.options.Timeout, keys...)
	if failure != nil {
		return reply{}, failure
	}
	answered, err := c.send(ctx, k, into)
	attempt.end(err)
	return answered, err
}

func (c *Client) loginKey() breakerKey {
	own := c.login.identity()
	return breakerKey{root: own.root, login: own.digest}
}

// Standing is what the last answers say of the server, whoever asked, and of the login on it.
func (c *Client) Standing() (server, login Standing) {
	return c.options.Breakers.server(c.options.Server.APIRoot()), c.options.Breakers.login(c.loginKey())
}

// TryAgain has the next request sent soon that waits for a server that hangs or after a refused login: a person asks.
func (c *Client) TryAgain() { c.options.Breakers.tryAgain(c.loginKey()) }

// send makes a request and decodes the answer.
func (c *Client) send(ctx context.Context, k call, into answer) (reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, errTimeout)
	defer cancel()
	x := &exchange{route: k.route, conditional: k.polled, afresh: k.afresh, about: k.about, changes: k.changes}
	defer c.kept.end(x)
	request, err := c.request(withExchange(ctx, x), k)
	if err != nil {
		return reply{}, err
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return reply{}, k.lost(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	defer drain(response.Body)
	if response.StatusCode != k.documented() || isPage(response.Header) {
		e := k.refused(response, c.options.Server, c.options.Now())
		c.login.refused(e, response)
		return reply{}, e
	}
	c.setClock(response.Header)
	said := reply{response.Header, answeredFrom(response, request), x.unlinked}
	if into == nil {
		return said, nil
	}
	source := io.Reader(response.Body)
	if k.read == nil { // Else next to nothing of it is held.
		counted := c.options.Bodies.read(ctx, c.root.Host, response.Body)
		defer counted.release()
		source = counted
	}
	body := &boundedBody{body: source, left: k.bound(), bound: k.bound()}
	if err := k.decode(body, into); err != nil {
		c.kept.drop(x.key)
		if body.err != nil {
			return reply{}, k.lost(ctx, body.err)
		}
		return reply{}, k.fail(ErrNotGitHub, err.Error())
	}
	c.kept.keep(x, body.text())
	return said, nil
}

// isPage tells a page for people, such as a login page, which is no answer of an API whatever its status.
func isPage(header http.Header) bool {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

func answeredFrom(response *http.Response, request *http.Request) *url.URL {
	if response.Request != nil {
		return response.Request.URL
	}
	return request.URL
}

// request builds the request with the headers that GitHub wants on each.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	address := k.page
	if address == nil {
		address = c.root.JoinPath(k.path)
		address.RawQuery = k.query.Encode()
	}
	var body io.Reader
	if k.body != nil {
		encoded, err := encode(k.body)
		if err != nil {
			return nil, k.fail(nil, "the request cannot be encoded")
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(withTarget(ctx, k.target), k.method, address.String(), body)
	if err != nil {
		return nil, k.fail(nil, "the request has no valid address")
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	request.Header.Set("User-Agent", c.options.UserAgent)
	if k.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// encode leaves <, > and & as they are: what is sent is what the user wrote.
func encode(body any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(body)
	return buffer.Bytes(), err
}

const malformed = "the answer is not what GitHub's API answers"

// decode reports what is wrong without quoting the body: it can hold a token.
func decode(body io.Reader, into answer) error {
	decoder := json.NewDecoder(body)
	read := func() error { return decoder.Decode(into) }
	if stream, ok := into.(streamed); ok {
		read = func() error { return stream.read(decoder) }
	}
	err := read()
	if own, ok := errors.AsType[notUnderstood](err); ok {
		return fmt.Errorf("%s: %w", malformed, own)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		return fmt.Errorf("%s: %s has another type", malformed, redact.Clean(mismatch.Field, maxWord))
	}
	if err != nil {
		return errors.New(malformed)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) { // Something follows.
		return errors.New(malformed)
	}
	if err := into.check(); err != nil {
		return fmt.Errorf("%s: %w", malformed, err)
	}
	return nil
}

// notUnderstood is what is wrong with an answer, in words that quote nothing of it.
type notUnderstood string

func (n notUnderstood) Error() string { return string(n) }

func (k call) bound() int64 {
	if k.maxBody > 0 {
		return k.maxBody
	}
	return maxBody
}

// boundedBody is a body that may be as long as its bound. It remembers what was read as far as that may be kept.
type boundedBody struct {
	body        io.Reader
	left, bound int64
	kept        bytes.Buffer
	long        bool
	// err is why it could not be read to its end.
	err error
}

// Read reads on.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, tooLarge(b.bound)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	b.remember(p[:n])
	return n, err
}

func (b *boundedBody) remember(read []byte) {
	if b.long = b.long || b.kept.Len()+len(read) > maxKeptBody; b.long {
		b.kept = bytes.Buffer{}
		return
	}
	b.kept.Write(read)
}

// text is the whole body; nil where it is too long to be kept.
func (b *boundedBody) text() []byte {
	if b.long {
		return nil
	}
	return b.kept.Bytes()
}

// decode reads what is wanted of an answer.
func (k call) decode(body *boundedBody, into answer) error {
	if k.read == nil {
		return decode(body, into)
	}
	small, err := k.read(body, k.bound())
	if err != nil {
		return errors.New(malformed)
	}
	return decode(bytes.NewReader(small), into)
}

// readBounded reads all of a body, which may be as long as the bound.
func readBounded(body io.Reader, bound int64) ([]byte, error) {
	read, err := io.ReadAll(io.LimitReader(body, bound+1))
	if err == nil && int64(len(read)) > bound {
		return nil, tooLarge(bound)
	}
	return read, err
}

// tooLarge is the error for an answer over its bound, in bytes.
type tooLarge int64

func (t tooLarge) Error() string { return fmt.Sprintf("the answer is larger than %d MiB", t>>20) }

// drain reads the rest of a body, if it is short, so that the connection can be used again. It does not matter if that
// fails: then the connection is closed.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxDrain) }
