package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// App is a GitHub App.
type App struct {
	ID       int64  `json:"id"`
	Slug     string `json:"slug"`
	ClientID string `json:"client_id"`
	Name     string `json:"name"`
	// Owner is the account that the App belongs to.
	Owner Account `json:"owner"`
	// HTMLURL is the App's public page.
	HTMLURL     string            `json:"html_url"`
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
}

func (a *App) check() error {
	if a.ID <= 0 {
		return errors.New("id is missing")
	}
	return nil
}

// SettingsURL is the page on which the App's owner edits the App and its webhook; empty where only a page elsewhere is
// known: who follows the link may log in there.
func (a *App) SettingsURL(server Server) string {
	page := "/settings/apps/" + url.PathEscape(a.Slug)
	switch {
	case a.Slug == "" || a.Owner.Login == "": // An enterprise's App: its public page leads on.
		return server.ownPage(a.HTMLURL)
	case a.Owner.Type == "Organization":
		page = "/organizations/" + url.PathEscape(a.Owner.Login) + page
	}
	return server.String() + page
}

// Installation is an App's installation on an organization or a user's account.
type Installation struct {
	ID      int64   `json:"id"`
	AppID   int64   `json:"app_id"`
	AppSlug string  `json:"app_slug"`
	Account Account `json:"account"`
	// TargetType is Organization or User.
	TargetType string `json:"target_type"`
	// RepositorySelection is all or selected.
	RepositorySelection string            `json:"repository_selection"`
	Permissions         map[string]string `json:"permissions"`
	Events              []string          `json:"events"`
	// HTMLURL is the installation's page of settings.
	HTMLURL string `json:"html_url"`
	// SuspendedAt is nil while the installation is not suspended.
	SuspendedAt *time.Time `json:"suspended_at"`
}

func (i *Installation) check() error {
	if i.ID <= 0 {
		return errors.New("id is missing")
	}
	return nil
}

// Account is an organization, a user, or an enterprise, which has a slug instead of a login.
type Account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

// InstallationToken is a token with which an App acts as its installation. It keeps the permissions it was made with.
type InstallationToken struct {
	Token               Secret
	ExpiresAt           time.Time
	Permissions         map[string]string
	RepositorySelection string
}

// InstallationTokenRequest narrows a token down. The zero value asks for all that the installation has.
type InstallationTokenRequest struct {
	// Repositories are names without their owner. Up to 500, together with RepositoryIDs.
	Repositories  []string          `json:"repositories,omitempty"`
	RepositoryIDs []int64           `json:"repository_ids,omitempty"`
	Permissions   map[string]string `json:"permissions,omitempty"`
}

// App reads the App that the client logs in as.
func (c *Client) App(ctx context.Context) (*App, error) {
	var answer App
	if _, err := c.do(ctx, call{method: http.MethodGet, path: "/app", route: "/app"}, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// OwnApp is App, asked for once: a key is of one App for ever.
func (c *Client) OwnApp(ctx context.Context) (*App, error) {
	if own := c.own.Load(); own != nil {
		return own, nil
	}
	own, err := c.App(ctx)
	if err != nil {
		return nil, err
	}
	c.own.Store(own)
	return own, nil
}

// KnowsApp tells whether OwnApp sends nothing.
func (c *Client) KnowsApp() bool { return c.own.Load() != nil }

// Installations lists all installations of the App, from all pages.
func (c *Client) Installations(ctx context.Context) ([]Installation, error) {
	const path = "/app/installations"
	k := call{method: http.MethodGet, path: path, route: path}
	all, err := allPages[Installation](ctx, c, k)
	if err != nil {
		return nil, err
	}
	if all.odd > 0 {
		return nil, k.fail(ErrNotGitHub, malformed+": "+all.why)
	}
	return all.entries, nil
}

// RepositoryInstallation finds the App's installation that a repository belongs to. ErrNotFound: there is none.
func (c *Client) RepositoryInstallation(ctx context.Context, owner, repo string) (*Installation, error) {
	return c.RepositoryHooks(owner, repo).installation(ctx)
}

// OrganizationInstallation finds the App's installation on an organization. ErrNotFound: there is none.
func (c *Client) OrganizationInstallation(ctx context.Context, org string) (*Installation, error) {
	return c.OrganizationHooks(org).installation(ctx)
}

func (h Hooks) installation(ctx context.Context) (*Installation, error) {
	k, err := h.call(http.MethodGet, "/installation", "/installation")
	if err != nil {
		return nil, err
	}
	k.target, k.own = nil, true // The App itself asks.
	var answer Installation
	if _, err := h.client.do(ctx, k, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// CreateInstallationToken makes a token for an installation. It lasts an hour.
func (c *Client) CreateInstallationToken(ctx context.Context, installationID int64, request InstallationTokenRequest) (*InstallationToken, error) {
	k := call{
		method: http.MethodPost,
		path:   fmt.Sprintf("/app/installations/%d/access_tokens", installationID),
		route:  "/app/installations/{installation_id}/access_tokens",
		body:   request,
		own:    true,
	}
	var answer installationTokenBody
	if _, err := c.do(ctx, k, &answer); err != nil {
		return nil, err
	}
	return &InstallationToken{NewSecret(answer.Token), answer.ExpiresAt, answer.Permissions, answer.RepositorySelection}, nil
}

// installationTokenBody holds the token in the clear while it is decoded.
type installationTokenBody struct {
	Token               string            `json:"token"`
	ExpiresAt           time.Time         `json:"expires_at"`
	Permissions         map[string]string `json:"permissions"`
	RepositorySelection string            `json:"repository_selection"`
}

func (b *installationTokenBody) check() error {
	if b.Token == "" || b.ExpiresAt.IsZero() {
		return errors.New("token or expires_at is missing")
	}
	return nil
}
