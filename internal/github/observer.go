package github

import (
	"context"
	"net/http"
	"time"
)

// Observer is told what goes to GitHub and what is left. Its methods may be called at any time, by several goroutines at
// once, and must call nothing of this package.
type Observer interface {
	// Request is one exchange over HTTP, redirects and the login's own included. The route is the endpoint's pattern, such as
	// /repos/{owner}/{repo}/hooks; a redirected request keeps it. The code is 0 where there was no answer. The duration lasts
	// until the answer's header is there. The host is the API's, or the wildcard's that allows it.
	Request(host, route, method string, code int, duration time.Duration)
	// RateLimit is what GitHub's answer to an accepted login says of the primary limit. The budget names whose:
	// installation-123, app-123, or token- and the beginning of a keyed MAC: [BudgetOptions.MAC].
	RateLimit(host, budget string, remaining int, reset time.Time)
	// ForgetBudget ends a budget's series: nobody uses it any more.
	ForgetBudget(host, budget string)
}

// unobserved is for those who do not want to know.
type unobserved struct{}

func (unobserved) Request(string, string, string, int, time.Duration) {}
func (unobserved) RateLimit(string, string, int, time.Time)           {}
func (unobserved) ForgetBudget(string, string)                        {}

// observed tells of every exchange. It is the floor right above the network.
type observed struct {
	observer Observer
	now      func() time.Time
	// host is what the server is called.
	host string
	next http.RoundTripper
}

// RoundTrip sends the request.
func (t observed) RoundTrip(request *http.Request) (*http.Response, error) {
	begun := t.now()
	response, err := t.next.RoundTrip(request)
	code := 0
	if err == nil {
		code = response.StatusCode
	}
	t.observer.Request(t.host, exchangeOf(request).route, request.Method, code, t.now().Sub(begun))
	return response, err
}

// exchange is what the floors of the transport tell one another about a call. It belongs to one call at a time.
type exchange struct {
	// route is the endpoint's pattern.
	route string
	// conditional: the answer may be kept, and GitHub asked whether it is still true.
	conditional bool
	// afresh: GitHub is asked for the whole answer, whatever is kept.
	afresh bool
	// unlinked: the answer is a kept one, and GitHub's word that it is still true came without Link.
	unlinked bool
	// cold: nothing was kept of the answer, and not for want of room.
	cold bool
	// about is what it reads or, where changes, writes to.
	about   about
	changes bool
	// outdated: a write ended while the answer was on its way, so that it may show what was before. keptAnswers guards it.
	outdated bool
	// key and fresh are where the answer is kept and what goes there once it was understood.
	key   string
	fresh *keptAnswer
	// retryAt is when a request that GitHub refused because of a limit has its turn.
	retryAt time.Time
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeOf(request *http.Request) *exchange {
	if x, ok := request.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}
