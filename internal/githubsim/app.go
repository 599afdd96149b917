package githubsim

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// App is a GitHub App.
type App struct {
	ID       int64
	ClientID string
	Slug     string
	// Owner is the account that the App belongs to.
	Owner string
	// Permissions are what installations grant by default; nil is write to the webhooks of repositories and organizations.
	Permissions map[string]string
	// Events are what the App is subscribed to.
	Events []string
	// PrivateKey is PEM, PKCS #1 as GitHub gives it out. Empty: a key is made, which takes a moment.
	PrivateKey string
	// Webhook is how the App's own webhook is configured.
	Webhook Config
	// WebhookOff: the App's webhook is switched off. Its configuration cannot be read then (observed).
	WebhookOff bool
}

// Installation is an App on an account.
type Installation struct {
	ID    int64
	AppID int64
	// Account is the organization or user.
	Account string
	// Repositories limits the installation to some of the account's repositories; nil is all.
	Repositories []Target
	// Permissions are what the account granted; nil is what the App asks for.
	Permissions map[string]string
	Suspended   bool
}

// app is an App with its place, which holds its webhook unless that is switched off.
type app struct {
	App
	key     *rsa.PrivateKey
	place   *place
	hook    *hook
	created time.Time
}

// installation is an Installation with its App and account.
type installation struct {
	Installation
	app     *app
	account *account
	created time.Time
}

func (i *installation) covers(p *place) bool {
	if p.account != i.account || p.kind == appKind {
		return false
	}
	return p.kind == organizationKind || i.Repositories == nil ||
		slices.ContainsFunc(i.Repositories, func(t Target) bool { return t.key() == p.target.key() })
}

// AddApp makes an App and returns it with what GitHub gives: ID, client ID, slug, key, where they are not set. It panics
// when the private key is none.
func (s *Server) AddApp(settings App) App {
	key := privateKey(&settings)
	s.mu.Lock()
	defer s.mu.Unlock()
	if settings.ID == 0 {
		settings.ID = s.ids.next()
	}
	id := strconv.FormatInt(settings.ID, 10)
	settings.ClientID = cmp.Or(settings.ClientID, "Iv23li"+id)
	settings.Slug = cmp.Or(settings.Slug, "app-"+id)
	settings.Owner = cmp.Or(settings.Owner, "octo-org")
	if settings.Permissions == nil {
		settings.Permissions = map[string]string{"metadata": "read", repositoryHooks: "write", organizationHooks: "write"}
	}
	settings.Webhook.ContentType = cmp.Or(settings.Webhook.ContentType, "form")
	settings.Webhook.InsecureSSL = cmp.Or(settings.Webhook.InsecureSSL, "0")
	now := s.now().Truncate(time.Second)
	p := &place{kind: appKind, id: settings.ID, target: AppTarget(settings.ID), account: s.accountOf(settings.Owner)}
	a := &app{App: settings, key: key, place: p, created: now}
	a.hook = &hook{place: p, Hook: Hook{
		Name: "web", Active: true, Events: slices.Clone(settings.Events), Config: settings.Webhook, CreatedAt: now, UpdatedAt: now,
		LastResponse: LastResponse{Status: "unused"},
	}}
	if !settings.WebhookOff {
		p.hooks = []*hook{a.hook}
	}
	s.apps[settings.ID] = a
	s.places.add(p)
	return settings
}

// privateKey reads the App's key or makes one.
func privateKey(settings *App) *rsa.PrivateKey {
	if settings.PrivateKey != "" {
		block, _ := pem.Decode([]byte(settings.PrivateKey))
		if block == nil {
			panic("githubsim: the App's private key is not PEM")
		}
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			panic(fmt.Sprintf("githubsim: the App's private key: %v", err))
		}
		return key
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("githubsim: no key for the App: %v", err))
	}
	settings.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return key
}

// SetAppWebhookOff switches an App's webhook off or on again.
func (s *Server) SetAppWebhookOff(appID int64, off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[appID]
	if a == nil {
		return
	}
	a.place.hooks = nil
	if !off {
		a.place.hooks = []*hook{a.hook}
	}
}

// Install installs an App on an account, which becomes an organization where it is not there, and returns the
// installation with its ID. The App must have been added.
func (s *Server) Install(settings Installation) Installation {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[settings.AppID]
	if a == nil {
		panic(fmt.Sprintf("githubsim: there is no App %d to install", settings.AppID))
	}
	if settings.ID == 0 {
		settings.ID = s.ids.next()
	}
	if settings.Permissions == nil {
		settings.Permissions = a.Permissions
	}
	settings.Permissions = maps.Clone(settings.Permissions)
	s.installed[settings.ID] = &installation{
		Installation: settings, app: a, account: s.accountOf(settings.Account), created: s.now().Truncate(time.Second),
	}
	return settings
}

// ChangeInstallation lets the account's owner change an installation: suspend it, grant other permissions, select other
// repositories. Tokens keep the permissions they were made with.
func (s *Server) ChangeInstallation(id int64, change func(*Installation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.installed[id]; i != nil {
		i.Permissions = maps.Clone(i.Permissions)
		change(&i.Installation)
	}
}

// Uninstall removes an installation; its tokens become wrong ones.
func (s *Server) Uninstall(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.installed, id)
	maps.DeleteFunc(s.minted, func(_ string, token *installationToken) bool { return token.installation.ID == id })
}

// installationToken is a token that an App made.
type installationToken struct {
	installation *installation
	// repositories limits the token to some of the installation's; nil is all of them.
	repositories []*place
	permissions  map[string]string
	expires      time.Time
}

func (t *installationToken) covers(p *place) bool {
	if !t.installation.covers(p) {
		return false
	}
	return t.repositories == nil || p.kind == organizationKind || slices.Contains(t.repositories, p)
}

// installationOn finds the App's installation that covers a place.
func (s *Server) installationOn(a *app, p *place) *installation {
	for _, i := range s.installed {
		if i.app == a && i.covers(p) {
			return i
		}
	}
	return nil
}

// installationsOf are the App's installations by ID.
func (s *Server) installationsOf(a *app) []*installation {
	var found []*installation
	for _, i := range s.installed {
		if i.app == a {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(x, y *installation) int { return cmp.Compare(x.ID, y.ID) })
	return found
}

// appNamed finds an App by the iss of its JWT: its App ID or its client ID.
func (s *Server) appNamed(issuer string) *app {
	for _, a := range s.apps {
		if strconv.FormatInt(a.ID, 10) == issuer || !s.options.AppIDOnly && strings.EqualFold(a.ClientID, issuer) {
			return a
		}
	}
	return nil
}
