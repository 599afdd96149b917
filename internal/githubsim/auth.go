package githubsim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// TokenKind is the kind of a user's token.
type TokenKind int

const (
	// Classic is a personal access token (classic), or an OAuth app's token; its rights are scopes. Without the right
	// GitHub answers 404.
	Classic TokenKind = iota
	// FineGrained is a fine-grained personal access token; its rights are permissions. Without one GitHub answers 403
	// and names it.
	FineGrained
)

// Token is a user's token and what it may do. Installation tokens are made by the API.
type Token struct {
	Value string
	Kind  TokenKind
	// User is whose token it is: a user's tokens share one rate limit. Empty is octocat.
	User string
	// Admin lists what the user administers. An organization stands for its repositories too.
	Admin []Target
	// Scopes are a Classic token's; nil is admin:repo_hook and admin:org_hook.
	Scopes []string
	// Permissions are a FineGrained token's, read or write by repository_hooks and organization_hooks; nil is write to
	// both.
	Permissions map[string]string
	// OAuthApp is the OAuth app the token was made for. OAuth apps and users do not see each other's organization
	// webhooks.
	OAuthApp string
	// SSO lists the organizations for which a Classic token is authorized in their SAML single sign-on, where
	// RequireSSO asks for that.
	SSO []Target
	// Expires is when the token becomes a wrong one; GitHub names the time with every answer until then. Zero is never.
	Expires time.Time
}

// AddToken makes a token known, or replaces the one of the same value.
func (s *Server) AddToken(token Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token.User == "" {
		token.User = "octocat"
	}
	if token.Scopes == nil && token.Kind == Classic {
		token.Scopes = []string{"admin:org_hook", "admin:repo_hook"}
	}
	if token.Permissions == nil && token.Kind == FineGrained {
		token.Permissions = map[string]string{repositoryHooks: "write", organizationHooks: "write"}
	}
	s.tokens[token.Value] = &token
}

// RevokeToken makes a user's or an installation's token a wrong one: 401 Bad credentials.
func (s *Server) RevokeToken(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, value)
	delete(s.minted, value)
}

// The permissions to webhooks of fine-grained tokens and Apps.
const (
	repositoryHooks   = "repository_hooks"
	organizationHooks = "organization_hooks"
)

// caller is who asks. One of its pointers is set.
type caller struct {
	token  *Token
	minted *installationToken
	app    *app
	// key tells callers apart: ETags depend on it.
	key string
}

// authenticate finds out who asks.
func (s *Server) authenticate(c *call) *answer {
	if c.route != nil && c.route.login == withJWT {
		return s.authenticateApp(c)
	}
	value := credential(c.request)
	if refusal := s.checkLockout(c, value); refusal != nil {
		return refusal
	}
	if caller := s.callerWith(value, c.now); caller != nil {
		c.caller = caller
		s.lockout.accepted(value)
		return nil
	}
	message := "Requires authentication"
	if value != "" {
		message = "Bad credentials"
		s.lockout.refused(c, value)
	}
	return s.refuseAnonymous(c, message)
}

// callerWith finds whose token this is; nil is nobody's, or one that expired.
func (s *Server) callerWith(value string, now time.Time) *caller {
	if token := s.tokens[value]; token != nil && (token.Expires.IsZero() || now.Before(token.Expires)) {
		return &caller{token: token, key: value}
	}
	if minted := s.minted[value]; minted != nil && now.Before(minted.expires) {
		return &caller{minted: minted, key: value}
	}
	return nil
}

// credential reads the Authorization header: Bearer, token, or Basic with the token as password.
func credential(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	switch strings.ToLower(scheme) {
	case "bearer", "token":
		return value
	case "basic":
		decoded, _ := base64.StdEncoding.DecodeString(value)
		_, password, _ := strings.Cut(string(decoded), ":")
		return password
	}
	return ""
}

// authorize decides whether the caller may do this to the place's webhooks.
func (s *Server) authorize(c *call) *answer {
	switch {
	case c.caller.minted != nil:
		return c.authorizeInstallation(c.caller.minted)
	case c.caller.token != nil && c.caller.token.Kind == FineGrained:
		return c.authorizeFineGrained(c.caller.token)
	case c.caller.token != nil:
		return c.authorizeClassic(c.caller.token)
	}
	return nil
}

func (c *call) authorizeClassic(token *Token) *answer {
	if !token.administers(c.place) || !intersect(token.Scopes, c.route.sufficientScopes()) {
		return c.notFound()
	}
	return nil
}

func (c *call) authorizeFineGrained(token *Token) *answer {
	if !token.administers(c.place) {
		return c.notFound()
	}
	return c.requirePermission(token.Permissions, "Resource not accessible by personal access token")
}

func (c *call) authorizeInstallation(token *installationToken) *answer {
	if token.installation.Suspended {
		return c.refuse(http.StatusForbidden, suspendedMessage)
	}
	if !token.covers(c.place) {
		return c.notFound()
	}
	return c.requirePermission(token.permissions, "Resource not accessible by integration")
}

// requirePermission answers 403 and names the permission where it is not granted.
func (c *call) requirePermission(granted map[string]string, message string) *answer {
	if level := granted[c.route.permission()]; level == string(writeRight) || level == string(c.route.right) {
		return nil
	}
	return c.refuse(http.StatusForbidden, message)
}

// permission is what fine-grained tokens and Apps need for the endpoint.
func (r *route) permission() string {
	if r.ofOrganization() {
		return organizationHooks
	}
	return repositoryHooks
}

func (t *Token) administers(p *place) bool {
	return slices.ContainsFunc(t.Admin, func(admin Target) bool {
		return admin == Everything || admin.key() == p.target.key() || admin.key() == strings.ToLower(p.account.login)
	})
}

// acceptedScopes are the classic scopes of which one may do, as GitHub names them in X-Accepted-OAuth-Scopes (observed
// in recordings). They are exact: to delete takes more than to write, and to read is not enough for a test.
func (r *route) acceptedScopes() []string {
	if r.ofOrganization() {
		return []string{"admin:org_hook"}
	}
	switch {
	case r.method == http.MethodDelete:
		return []string{"admin:repo_hook", "public_repo", "repo"}
	case r.right == readRight && !strings.HasSuffix(r.pattern, "/tests"):
		return []string{"admin:repo_hook", "public_repo", "read:repo_hook", "repo", "write:repo_hook"}
	}
	return []string{"admin:repo_hook", "public_repo", "repo", "write:repo_hook"}
}

// sufficientScopes leave out public_repo, which says nothing about private repositories: all of the simulator's are.
func (r *route) sufficientScopes() []string {
	return slices.DeleteFunc(r.acceptedScopes(), func(scope string) bool { return scope == "public_repo" })
}

func (r *route) ofOrganization() bool { return strings.HasPrefix(r.pattern, "/orgs/") }

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// describeRights names what the endpoint needs, on successes and failures alike: to a classic token's holder the
// scopes, besides those that the token has, to others the permission.
func (a *answer) describeRights(c *call) {
	classic := c.caller != nil && c.caller.token != nil && c.caller.token.Kind == Classic
	if c.caller != nil && c.caller.token != nil && !c.caller.token.Expires.IsZero() {
		a.header.Set("GitHub-Authentication-Token-Expiration", c.caller.token.Expires.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	if classic {
		a.header.Set("X-OAuth-Scopes", strings.Join(c.caller.token.Scopes, ", "))
	}
	if c.caller == nil || c.caller.app != nil || c.route == nil {
		return
	}
	if classic {
		a.header.Set("X-Accepted-OAuth-Scopes", strings.Join(c.route.acceptedScopes(), ", "))
		return
	}
	a.header.Set("X-Accepted-GitHub-Permissions", c.route.permission()+"="+string(c.route.right))
}
