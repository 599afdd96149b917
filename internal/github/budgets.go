package github

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// account is whose limits a request counts against, as far as the credential tells.
type account struct {
	// host is what the server is called in metrics, and root that of its API.
	host, root string
	// published: the server is one of those whose limits GitHub has published.
	published bool
	// label is what an App or an installation is called in metrics; a token's is made with a key: [BudgetOptions.MAC].
	label string
	// digest tells tokens, and keys of one App, apart. It never leaves the process.
	digest [sha256.Size]byte
}

type accountKey struct{}

// accountOf is whose limits the login has put a request under.
func accountOf(request *http.Request) account {
	a, _ := request.Context().Value(accountKey{}).(account)
	return a
}

// accountsOn is what the accounts on a server have in common.
func accountsOn(s Server) account {
	root := s.APIRoot()
	_, host, _ := strings.Cut(root, "://")
	host, _, _ = strings.Cut(host, "/")
	return account{host: host, root: root, published: !s.selfHosted()}
}

func (a account) token(token Secret) account {
	a.digest = sha256.Sum256([]byte(token.reveal()))
	return a
}

func (a account) installation(id int64) account {
	a.label = "installation-" + strconv.FormatInt(id, 10)
	return a
}

// app is the account of an App as one key makes it: whoever only claims to be the App shall not spend its budget.
func (a account) app(s signer) account {
	a.label = "app-" + s.issuer
	a.digest = sha256.Sum256(x509.MarshalPKCS1PublicKey(&s.key.PublicKey))
	return a
}

// BudgetOptions are the choices for [NewBudgets].
type BudgetOptions struct {
	// Observer is told what is left; nil is nobody.
	Observer Observer
	// MAC makes a keyed MAC, in hexadecimal digits, of a token's digest, and nothing while there is no key. Its beginning is
	// the token's name in metrics: with a plain digest anybody could try tokens against it. It must not wait for anything.
	// Tokens without a MAC are not shown to the Observer.
	MAC func(digest string) string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// TimeScale makes the minutes and hours of GitHub's published limits shorter, for a simulator that does the same: 60 lets
	// an hour last a minute. 0 is 1.
	TimeScale float64
	// PublishedEverywhere takes every server for one whose limits GitHub has published: a simulator of github.com is one.
	PublishedEverywhere bool
}

// Budgets hold requests back before GitHub would refuse them. There is one for each token, each installation of an App and
// each App on each server, whatever clients use it. They know the primary limit from GitHub's answers to an accepted login,
// and GitHub's published secondary limits, which count for github.com and GHE.com. An Enterprise Server has other secondary
// limits, or none: there the published ones count for six hours after it refused the account a request because of one.
//
// What does not fit is an error with a time: its turn, for which room is kept. Those who wait get turns one after another.
// Nothing is sent while GitHub says that a limit is exceeded, or that it is not available until some time. A budget that
// nobody has used for an hour is forgotten.
type Budgets struct {
	observer     Observer
	now          func() time.Time
	minute, hour time.Duration
	mac          func(digest string) string
	published    bool

	mu       sync.Mutex
	known    map[account]*budget
	pollings map[string]polling
	swept    time.Time
}

// NewBudgets makes the budgets that all clients of a program share.
func NewBudgets(options BudgetOptions) *Budgets {
	b := &Budgets{
		observer: options.Observer, now: options.Now, minute: time.Minute, hour: time.Hour,
		known: map[account]*budget{}, pollings: map[string]polling{}, mac: options.MAC, published: options.PublishedEverywhere,
	}
	if b.observer == nil {
		b.observer = unobserved{}
	}
	if b.now == nil {
		b.now = time.Now
	}
	if options.TimeScale > 0 {
		b.minute = time.Duration(float64(b.minute) / options.TimeScale)
		b.hour = time.Duration(float64(b.hour) / options.TimeScale)
	}
	return b
}

// of is an account's budget.
func (b *Budgets) of(a account, now time.Time) *budget {
	known := b.known[a]
	if known == nil {
		known = newBudget(a, b.minute, b.hour, a.published || b.published)
		known.lastUsed = now
		b.known[a] = known
	}
	return known
}

// sweep forgets objects that are gone and budgets that nobody uses, once a minute.
func (b *Budgets) sweep(now time.Time) {
	if now.Sub(b.swept) < b.minute {
		return
	}
	b.swept = now
	for id, p := range b.pollings {
		if !p.expires.After(now) {
			b.removePolling(id)
		}
	}
	for a, budget := range b.known {
		if budget.idle(now) {
			delete(b.known, a)
			b.forget(budget)
		}
	}
}

// tokenDigits of the MAC are a token's name in metrics.
const tokenDigits = 8

// tell shows what is left of a budget that has a name.
func (b *Budgets) tell(of *budget, told primary) {
	if of.label == "" {
		of.label = of.account.label
	}
	if of.label == "" && b.mac != nil {
		if mac := b.mac(hex.EncodeToString(of.account.digest[:])); len(mac) >= tokenDigits {
			of.label = "token-" + mac[:tokenDigits]
		}
	}
	if of.label != "" {
		b.observer.RateLimit(of.account.host, of.label, told.remaining, told.ends)
	}
}

// forget ends a budget's series, unless another key of the same App still uses it.
func (b *Budgets) forget(gone *budget) {
	for a, other := range b.known {
		if a.host == gone.account.host && other.label == gone.label {
			return
		}
	}
	if gone.label != "" {
		b.observer.ForgetBudget(gone.account.host, gone.label)
	}
}

// begin lets a request through, or returns when its turn is.
func (b *Budgets) begin(a account, w wish) (*sending, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	return b.of(a, now).begin(w, now)
}

// lost ends a request without an answer.
func (b *Budgets) lost(f *sending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f.budget.lost(f, b.now())
}

// answered ends a request. What GitHub refused because of a limit, or while it is not available, gets a turn.
func (b *Budgets) answered(f *sending, response *http.Response, m meaning, cold bool) (retryAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, of, header := b.now(), f.budget, response.Header
	// Within the lock, so that nothing is told of a budget after it was forgotten.
	if told, ok := of.answered(f, header, response.StatusCode, m, now); ok {
		b.tell(of, told)
	}
	if m.limited {
		return of.limited(f, header, m, now)
	}
	if left, ok := retryAfter(header, now); ok && isDown(response.StatusCode) {
		return of.unavailable(f, left, now)
	}
	if m.accepted {
		of.polls.learn(f.wish, response.StatusCode, cold)
	}
	return time.Time{}
}

// isDown tells whether an account's requests are held back after an answer that says for how long.
func (b *Budgets) isDown(a account) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.known[a]
	return known != nil && known.downUntil.After(b.now())
}

// read ends the time for which a request counts as one of those at once.
func (b *Budgets) read(f *sending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f.budget.open--
}

// budgeted is the floor that sends what its budget allows.
type budgeted struct {
	budgets *Budgets
	next    http.RoundTripper
}

// RoundTrip sends the request, or returns a notSent.
func (t budgeted) RoundTrip(request *http.Request) (*http.Response, error) {
	f, retryAt := t.budgets.begin(accountOf(request), wishOf(request))
	if f == nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, notSent{retryAt, t.budgets.isDown(accountOf(request))}
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		t.budgets.lost(f)
		return nil, err
	}
	x := exchangeOf(request)
	x.retryAt = t.budgets.answered(f, response, understand(response), x.cold)
	response.Body = &closing{ReadCloser: response.Body, closed: func() { t.budgets.read(f) }}
	return response, nil
}

// closing is a body that tells once that it was closed.
type closing struct {
	io.ReadCloser
	once   sync.Once
	closed func()
}

// Close closes the body.
func (c *closing) Close() error {
	c.once.Do(c.closed)
	return c.ReadCloser.Close()
}

// readAgain is a body that was read already, with what went wrong at its end.
func readAgain(body []byte, err error) io.ReadCloser {
	if err == nil {
		return io.NopCloser(bytes.NewReader(body))
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
