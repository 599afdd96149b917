package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// login puts the credential on each request.
type login interface {
	http.RoundTripper
	// refused learns from GitHub's refusal, and adds to the error what only the login knows.
	refused(e *Error, response *http.Response)
	// account is whose limits requests about a place count against, where that is known yet.
	account(of Hooks) (account, bool)
	// identity is the login itself: the same for all clients that log in as the same.
	identity() account
}

// newLogin is the login that the options ask for. Errors wrap ErrUnauthorized, ErrAppID or ErrPrivateKey.
func newLogin(options Options, next http.RoundTripper) (login, error) {
	own := accountsOn(options.Server)
	own.host = options.Hosts.label(options.Server)
	if options.App == nil {
		return bearer{options.Token, own.token(options.Token), next}, checkToken(options.Token)
	}
	if !options.Token.IsZero() {
		return nil, fmt.Errorf("%w: there are both a token and an App", ErrUnauthorized)
	}
	return newAppLogin(*options.App, own, options.Now, next)
}

// checkToken refuses what cannot be sent as a token, before it fails on every request.
func checkToken(token Secret) error {
	value := token.reveal()
	switch {
	case value == "":
		return fmt.Errorf("%w: there is no token", ErrUnauthorized)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%w: the token contains a space, a line break or another character that no token has", ErrUnauthorized)
	}
	return nil
}

// bearer logs in with a token that stays the same.
type bearer struct {
	token Secret
	own   account
	next  http.RoundTripper
}

// RoundTrip sends the request with the token.
func (t bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(authorized(request, t.token, t.own))
}

func (bearer) refused(*Error, *http.Response) {
	// GitHub's words say it all: there is one token.
}

func (t bearer) account(Hooks) (account, bool) { return t.own, true }

func (t bearer) identity() account { return t.own }

const bearerPrefix = "Bearer "

// authorized is the request with a token, which counts against the limits of an account.
func authorized(request *http.Request, token Secret, a account) *http.Request {
	request = request.Clone(context.WithValue(request.Context(), accountKey{}, a))
	request.Header.Set("Authorization", bearerPrefix+token.reveal())
	return request
}

// target is the repository or organization that a call is about.
type target struct {
	Hooks
	// whole: the call is about the place itself and not about one of its hooks, so a 404 means that the place is not there.
	whole bool
	// reads: the permission to read is enough.
	reads bool
}

type targetKey struct{}

// withTarget tells the login what the request is about; nil is the App itself.
func withTarget(ctx context.Context, t *target) context.Context {
	return context.WithValue(ctx, targetKey{}, t)
}

func targetOf(request *http.Request) *target {
	t, _ := request.Context().Value(targetKey{}).(*target)
	return t
}
