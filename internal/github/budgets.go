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
	// host and root are those of the API.
	host, root string
	// published: the server is one of those whose limits GitHub has published.
	published bool
	// label is what the account is called, and digest a token's SHA-256, of which the label has the beginning.
	label  string
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
	a.label = "token-" + hex.EncodeToString(a.digest[:4])
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
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// TimeScale makes the minutes and hours of GitHub's published limits shorter, for a simulator that does the same: 60 lets
	// an hour last a minute. 0 is 1.
	TimeScale float64
}

// Budgets hold requests back before GitHub would refuse them. There is one for each token, each installation of an App and
// each App on each server, whatever clients use it. They know the primary limit from the answers, and GitHub's published
// secondary limits, which count for github.com, for GHE.com and for a server that tells of a primary limit.
//
// What does not fit is an error with a time: its turn, for which room is kept. Those who wait get turns one after another.
// Nothing is sent while GitHub says that a limit is exceeded. A budget that nobody has used for an hour is forgotten.
type Budgets struct {
	observer     Observer
	now          func() time.Time
	minute, hour time.Duration

	mu       sync.Mutex
	known    map[account]*budget
	pollings map[string]polling
	swept    time.Time
}

// NewBudgets makes the budgets that all clients of a program share.
func NewBudgets(options BudgetOptions) *Budgets {
	b := &Budgets{
		observer: options.Observer, now: options.Now, minute: time.Minute, hour: time.Hour,
		known: map[account]*budget{}, pollings: map[string]polling{},
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
		known = newBudget(a, b.minute, b.hour)
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
			b.observer.ForgetBudget(a.host, a.label)
		}
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

// answered ends a request. What GitHub refused because of a limit gets a turn.
func (b *Budgets) answered(f *sending, response *http.Response, limited, cold bool) (retryAt time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, of := b.now(), f.budget
	of.answered(f, response.Header, response.StatusCode, now)
	// Within the lock, so that nothing is told of a budget after it was forgotten.
	if told, ok := readPrimary(response.Header, now); ok {
		b.observer.RateLimit(of.account.host, of.account.label, told.remaining, told.ends)
	}
	if limited {
		return of.limited(f, response.Header, now)
	}
	of.polls.learn(f.wish, response.StatusCode, cold)
	return time.Time{}
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
		return nil, notSent{retryAt}
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		t.budgets.lost(f)
		return nil, err
	}
	x := exchangeOf(request)
	x.retryAt = t.budgets.answered(f, response, isLimited(response), x.cold)
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
