package github

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// appLogin logs in as an App: with a JSON web token to the App's own endpoints, and to the webhooks of repositories and
// organizations with a token of the installation there, made for the one permission that it takes.
type appLogin struct {
	signer        signer
	accounts      account
	now           func() time.Time
	next          http.RoundTripper
	installations installations
	tokens        installationTokens
}

func newAppLogin(app AppCredentials, accounts account, now func() time.Time, next http.RoundTripper) (*appLogin, error) {
	signer, err := app.signer()
	if err != nil {
		return nil, err
	}
	return &appLogin{
		signer: signer, accounts: accounts, now: now, next: next,
		installations: installations{given: app.InstallationID, known: map[string]int64{}},
		tokens:        installationTokens{now: now, kept: map[tokenKey]*InstallationToken{}},
	}, nil
}

// RoundTrip sends the request with the credential that its target takes.
func (l *appLogin) RoundTrip(request *http.Request) (*http.Response, error) {
	if t := targetOf(request); t != nil {
		return l.asInstallation(request, t)
	}
	token, err := l.signer.jwt(l.now())
	if err != nil {
		return nil, err
	}
	return l.next.RoundTrip(authorized(request, token, l.accounts.app(l.signer)))
}

// asInstallation sends the request, and once more where that can help.
func (l *appLogin) asInstallation(request *http.Request, t *target) (*http.Response, error) {
	again := false
	for {
		id, token, err := l.token(request.Context(), t)
		if err != nil {
			return nil, err
		}
		response, err := l.next.RoundTrip(authorized(request, token, l.accounts.installation(id)))
		if err != nil || again {
			return response, err
		}
		again, err = l.again(request.Context(), t, id, token, response)
		if err == nil && !again {
			return response, nil
		}
		drain(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		if request, err = rewound(request); err != nil {
			return nil, err
		}
	}
}

// token is a token for the target, and the installation that it is of. An installation that is gone is looked up again:
// the App may have been installed anew.
func (l *appLogin) token(ctx context.Context, t *target) (int64, Secret, error) {
	id, err := l.installations.of(ctx, t)
	if err != nil {
		return 0, Secret{}, err
	}
	token, err := l.tokenOf(ctx, t, id)
	if !errors.Is(err, ErrNotInstalled) || !l.installations.forget(id) {
		return id, token, err
	}
	if id, err = l.installations.of(ctx, t); err != nil {
		return 0, Secret{}, err
	}
	token, err = l.tokenOf(ctx, t, id)
	return id, token, err
}

func (l *appLogin) tokenOf(ctx context.Context, t *target, installation int64) (Secret, error) {
	key := tokenKey{installation, t.Permission(), writeAccess}
	if t.reads {
		return l.tokens.reading(ctx, t.client, key)
	}
	return l.tokens.of(ctx, t.client, key)
}

// again tells whether the same request could fare better with another token: after a 401, because a token can end before
// its time, and after a 404 on the whole place, if another installation of the App has it.
func (l *appLogin) again(ctx context.Context, t *target, id int64, token Secret, response *http.Response) (bool, error) {
	switch {
	case isRefusal(response.StatusCode) && !readRefusal(response).isGitHubs():
		return false, nil
	case response.StatusCode == http.StatusUnauthorized:
		l.tokens.discard(token)
		return true, nil
	case response.StatusCode == http.StatusNotFound && t.whole:
		return l.installations.moved(ctx, t, id)
	}
	return false, nil
}

// refused throws a token away that lacks a permission: it keeps those that it was made with, and the next one has what
// was granted meanwhile. Of a JSON web token it says what is wrong with it.
func (l *appLogin) refused(e *Error, response *http.Response) {
	e.AppID = l.signer.issuer
	if targetOf(response.Request) == nil {
		l.signer.explain(e, response.Header, l.now())
		return
	}
	if errors.Is(e, ErrForbidden) && !errors.Is(e, ErrBlocked) {
		l.tokens.discard(sentToken(response.Request))
	}
}

// account is the App's own for its webhook, and else that of the installation, once the App has got a token for it: a
// Secret that only names another's installation shall not take of its budget.
func (l *appLogin) account(of Hooks) (account, bool) {
	if of.kind == app {
		return l.accounts.app(l.signer), true
	}
	id, ok := l.installations.given, l.installations.given != 0
	if !ok {
		id, ok = l.installations.remembered(&target{Hooks: of})
	}
	return l.accounts.installation(id), ok && l.tokens.minted(id)
}

func (l *appLogin) identity() account { return l.accounts.app(l.signer) }

// Permission is the one that the place's webhooks take of Apps and fine-grained tokens, as GitHub's API names it.
func (h Hooks) Permission() string {
	if h.kind == organization {
		return "organization_hooks"
	}
	return "repository_hooks"
}
