package githubsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Target names what has webhooks: "octo-org/hello-world" a repository, "octo-org" an organization, and AppTarget an App.
// Case does not matter, as on GitHub.
type Target string

// Everything stands for every repository and organization where rights are given.
const Everything Target = "*"

// AppTarget names the App with this ID.
func AppTarget(id int64) Target { return Target("app:" + strconv.FormatInt(id, 10)) }

// Owner is the account that a repository belongs to, or the organization itself.
func (t Target) Owner() string {
	owner, _, _ := strings.Cut(string(t), "/")
	return owner
}

// Repository is the repository's name without its owner; empty for an organization.
func (t Target) Repository() string {
	_, name, _ := strings.Cut(string(t), "/")
	return name
}

func (t Target) key() string { return strings.ToLower(string(t)) }

type placeKind string

// The kinds of places, as the delivery header X-GitHub-Hook-Installation-Target-Type has them.
const (
	repositoryKind   placeKind = "repository"
	organizationKind placeKind = "organization"
	appKind          placeKind = "integration"
)

// place is what has webhooks.
type place struct {
	kind   placeKind
	id     int64
	target Target
	// account owns the repository, is the organization, or owns the App.
	account *account
	// hooks are in the order of their IDs, which is the order GitHub lists them in.
	hooks []*hook
	// lag is how reads fall behind writes.
	lag lag

	archived bool
	// blocked is the status that GitHub answers with when it has taken the repository down; 0 when it has not.
	blocked int
}

// path is the place's own path in the API.
func (p *place) path() string {
	switch p.kind {
	case repositoryKind:
		return "/repos/" + string(p.target)
	case organizationKind:
		return "/orgs/" + string(p.target)
	default:
		return "/app"
	}
}

// idPath is the path that survives a rename. GitHub's Link headers use it.
func (p *place) idPath() string {
	switch p.kind {
	case repositoryKind:
		return "/repositories/" + strconv.FormatInt(p.id, 10)
	case organizationKind:
		return "/organizations/" + strconv.FormatInt(p.id, 10)
	default:
		return "/app"
	}
}

func (p *place) find(id int64) *hook { return findHook(p.hooks, id) }

func findHook(hooks []*hook, id int64) *hook {
	i, found := slices.BinarySearchFunc(hooks, id, byHookID)
	if !found {
		return nil
	}
	return hooks[i]
}

func (p *place) insert(h *hook) {
	i, _ := slices.BinarySearchFunc(p.hooks, h.ID, byHookID)
	p.hooks = slices.Insert(p.hooks, i, h)
}

func byHookID(h *hook, id int64) int { return cmp.Compare(h.ID, id) }

// account is a user or an organization.
type account struct {
	id    int64
	login string
	user  bool

	policy policy
}

type placeID struct {
	kind placeKind
	id   int64
}

// directory finds places by name and by ID.
type directory struct {
	accounts map[string]*account
	// named has repositories under every name they ever had, until another takes the name.
	named map[string]*place
	byID  map[placeID]*place
}

func newDirectory() directory {
	return directory{accounts: map[string]*account{}, named: map[string]*place{}, byID: map[placeID]*place{}}
}

func (d *directory) add(p *place) {
	d.named[p.target.key()] = p
	d.byID[placeID{p.kind, p.id}] = p
}

// remove forgets the place and all its names.
func (d *directory) remove(p *place) {
	delete(d.byID, placeID{p.kind, p.id})
	maps.DeleteFunc(d.named, func(_ string, named *place) bool { return named == p })
}

// AddOrganization makes an organization, unless there is one of that name, and returns its ID.
func (s *Server) AddOrganization(login string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accountOf(login).id
}

// AddUser makes a person's account, unless there is an account of that name, and returns its ID. An account that
// AddRepository meets for the first time is an organization.
func (s *Server) AddUser(login string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.places.accounts[strings.ToLower(login)]; known != nil {
		return known.id
	}
	person := &account{id: s.ids.next(), login: login, user: true}
	s.places.accounts[strings.ToLower(login)] = person
	return person.id
}

// AddRepository makes a repository, and the organization it belongs to where there is none, and returns its ID. It
// leaves one that is there already as it is.
func (s *Server) AddRepository(target Target) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.accountOf(target.Owner())
	if p := s.places.named[target.key()]; p != nil && p.target.key() == target.key() {
		return p.id
	}
	p := &place{kind: repositoryKind, id: s.ids.next(), target: Target(owner.login + "/" + target.Repository()), account: owner}
	s.places.add(p)
	return p.id
}

// accountOf finds an account, or makes an organization.
func (s *Server) accountOf(login string) *account {
	if known := s.places.accounts[strings.ToLower(login)]; known != nil {
		return known
	}
	organization := &account{id: s.ids.next(), login: login}
	s.places.accounts[strings.ToLower(login)] = organization
	s.places.add(&place{kind: organizationKind, id: organization.id, target: Target(login), account: organization})
	return organization
}

// Remove deletes a repository or an organization with its webhooks and, for an organization, its repositories.
func (s *Server) Remove(target Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places.named[target.key()]
	if p == nil {
		return
	}
	s.places.remove(p)
	if p.kind != organizationKind {
		return
	}
	delete(s.places.accounts, strings.ToLower(p.account.login))
	for _, other := range s.repositoriesOf(p.account) {
		s.places.remove(other)
	}
}

// Rename gives a repository or an organization a new name; another owner in it is a transfer. The repository's former
// names redirect, an organization's do not, and IDs stay.
func (s *Server) Rename(from, to Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places.named[from.key()]
	if p == nil {
		return
	}
	if p.kind == repositoryKind {
		p.account = s.accountOf(to.Owner())
		p.target = to
		s.places.add(p)
		return
	}
	delete(s.places.named, p.target.key())
	delete(s.places.accounts, strings.ToLower(p.account.login))
	p.target, p.account.login = to, string(to)
	s.places.accounts[to.key()] = p.account
	s.places.add(p)
	for _, repository := range s.repositoriesOf(p.account) {
		repository.target = to + "/" + Target(repository.target.Repository())
		s.places.add(repository)
	}
}

func (s *Server) repositoriesOf(owner *account) []*place {
	var found []*place
	for _, p := range s.places.byID {
		if p.kind == repositoryKind && p.account == owner {
			found = append(found, p)
		}
	}
	return found
}

// SetArchived archives a repository or takes that back: what would change anything is then refused.
func (s *Server) SetArchived(target Target, archived bool) {
	s.change(target, func(p *place) { p.archived = archived })
}

// Block takes a repository down, as GitHub's staff may: every request is answered with this status, 451 or 403. 0 gives
// it back.
func (s *Server) Block(target Target, status int) {
	s.change(target, func(p *place) { p.blocked = status })
}

func (s *Server) change(target Target, how func(*place)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.at(target); p != nil {
		how(p)
	}
}

// at finds a repository, organization or App.
func (s *Server) at(target Target) *place {
	if id, isApp := strings.CutPrefix(string(target), "app:"); isApp {
		number, _ := strconv.ParseInt(id, 10, 64)
		return s.places.byID[placeID{appKind, number}]
	}
	return s.places.named[target.key()]
}

// locate finds what the request is about.
func (s *Server) locate(c *call) *answer {
	if c.route.login == withJWT && c.caller.app != nil {
		c.place = c.caller.app.place
	}
	switch vars := c.vars; {
	case vars["repository_id"] != "":
		id, _ := c.id("repository_id")
		c.place = s.places.byID[placeID{repositoryKind, id}]
	case vars["organization_id"] != "":
		id, _ := c.id("organization_id")
		c.place = s.places.byID[placeID{organizationKind, id}]
	case vars["owner"] != "":
		c.place = s.places.named[Target(vars["owner"]+"/"+vars["repo"]).key()]
	case vars["org"] != "":
		c.place = s.places.named[Target(vars["org"]).key()]
	}
	if c.place == nil {
		return c.notFound()
	}
	return nil
}
