package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Hooks are the webhooks of one place: a repository, an organization, or an App, which has exactly one, without an ID.
// Methods that GitHub does not offer for the place send nothing and return an error that is errors.ErrUnsupported.
type Hooks struct {
	client *Client
	kind   place
	// path of the place, and its pattern.
	path, route string
	// account is the owner or organization, in lower case.
	account string
	// settings is the place's page of webhooks.
	settings string
	// misnamed: GitHub has no names such as these.
	misnamed bool
}

type place int

const (
	repository place = iota
	organization
	app
)

func (p place) String() string { return [...]string{"a repository", "an organization", "an App"}[p] }

// RepositoryHooks are the webhooks of a repository.
func (c *Client) RepositoryHooks(owner, repo string) Hooks {
	return Hooks{
		client: c, kind: repository,
		path: "/repos/" + owner + "/" + repo, route: "/repos/{owner}/{repo}",
		account:  strings.ToLower(owner),
		settings: c.Server().String() + "/" + owner + "/" + repo + "/settings/hooks/",
		misnamed: !isName(owner) || !isName(repo),
	}
}

// OrganizationHooks are the webhooks of an organization.
func (c *Client) OrganizationHooks(org string) Hooks {
	return Hooks{
		client: c, kind: organization,
		path: "/orgs/" + org, route: "/orgs/{org}",
		account:  strings.ToLower(org),
		settings: c.Server().String() + "/organizations/" + org + "/settings/hooks/",
		misnamed: !isName(org),
	}
}

// AppHook is the webhook of the App that the client logs in as. IDs are ignored.
func (c *Client) AppHook() Hooks {
	return Hooks{client: c, kind: app, path: "/app", route: "/app"}
}

// isName tells whether GitHub could have an account or a repository of this name. Anything else could lead a request to
// another endpoint.
func isName(name string) bool {
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return name != "" && name != "." && name != ".."
}

// SettingsURL is the page on which a person sees and edits the hook. It is empty for an App's, whose page has the App's
// slug in its address.
func (h Hooks) SettingsURL(id int64) string {
	if h.kind == app {
		return ""
	}
	return h.settings + strconv.FormatInt(id, 10)
}

// List reads all hooks of the place, from all pages. A list that cannot be read to its end is an error. One with an entry
// whose ID or URL cannot be read is ErrUnclear, and comes with the entries that can: who is on it is there, but who is not
// may be there, too.
func (h Hooks) List(ctx context.Context) ([]Hook, error) {
	c, err := h.all(http.MethodGet)
	if err != nil {
		return nil, err
	}
	c.polled = true
	all, err := allPages[Hook](ctx, h.client, c)
	if err != nil {
		return nil, err
	}
	if all.odd > 0 {
		return all.entries, c.fail(ErrUnclear, "the list has an entry that is not what GitHub's API shows of a webhook: "+all.why)
	}
	for _, hook := range all.entries {
		if hook.Unknown.Has(PropertyURL) {
			return all.entries, c.fail(ErrUnclear, fmt.Sprintf("the list shows webhook %d with a URL that cannot be read", hook.ID))
		}
	}
	return all.entries, nil
}

// Get reads one hook. Of an App's it reads the configuration, which is all that GitHub shows; ErrNotFound means that the
// App's webhook is switched off.
func (h Hooks) Get(ctx context.Context, id int64) (*Hook, error) {
	if h.kind == app {
		config, err := h.Config(ctx, id)
		return configured(id, config), err
	}
	return h.hook(ctx, http.MethodGet, id, HookRequest{})
}

// Create makes a hook. ErrUnavailable leaves open whether it was made.
func (h Hooks) Create(ctx context.Context, request HookRequest) (*Hook, error) {
	c, err := h.all(http.MethodPost)
	if err != nil {
		return nil, err
	}
	c.body, c.config = request.body("web"), request.Config
	var made Hook
	if _, err := h.client.do(ctx, c, &made); err != nil {
		return nil, err
	}
	return &made, nil
}

// Edit changes what the request names and returns the whole hook. Of an App's it changes the configuration.
func (h Hooks) Edit(ctx context.Context, id int64, request HookRequest) (*Hook, error) {
	if h.kind == app {
		if request.Config == nil {
			return nil, h.unsupported("edit of a webhook without its configuration")
		}
		config, err := h.EditConfig(ctx, id, *request.Config)
		return configured(id, config), err
	}
	return h.hook(ctx, http.MethodPatch, id, request)
}

// Delete deletes the hook. One that is not there is ErrNotFound.
func (h Hooks) Delete(ctx context.Context, id int64) error {
	c, err := h.one(http.MethodDelete, id, "")
	if err != nil {
		return err
	}
	_, err = h.client.do(ctx, c, nil)
	return err
}

func (h Hooks) hook(ctx context.Context, method string, id int64, request HookRequest) (*Hook, error) {
	c, err := h.one(method, id, "")
	if err != nil {
		return nil, err
	}
	c.polled = method == http.MethodGet
	if method == http.MethodPatch {
		c.body, c.config = request.body(""), request.Config
	}
	var answer Hook
	if _, err := h.client.do(ctx, c, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// Config reads the hook's configuration alone; an App's is ErrNotFound while its webhook is switched off.
func (h Hooks) Config(ctx context.Context, id int64) (*HookConfig, error) {
	return h.config(ctx, http.MethodGet, id, nil)
}

// EditConfig changes the configuration alone. An empty secret is not sent, and GitHub documents this endpoint as changing
// what is sent only; whether it then keeps the hook's secret is not known, so send the real one.
func (h Hooks) EditConfig(ctx context.Context, id int64, config Config) (*HookConfig, error) {
	return h.config(ctx, http.MethodPatch, id, &config)
}

func (h Hooks) config(ctx context.Context, method string, id int64, config *Config) (*HookConfig, error) {
	c, err := h.below(method, id, "/config")
	if err != nil {
		return nil, err
	}
	c.polled = method == http.MethodGet
	if config != nil {
		c.body, c.config = config.body(), config
	}
	var answer configAnswer
	if _, err := h.client.do(ctx, c, &answer); err != nil {
		return nil, err
	}
	return &answer.HookConfig, nil
}

// configured is an App's webhook as far as its configuration tells; nil for none.
func configured(id int64, config *HookConfig) *Hook {
	if config == nil {
		return nil
	}
	return &Hook{ID: id, Config: *config, Unknown: config.Unknown}
}

// Ping has GitHub send a ping event to the hook.
func (h Hooks) Ping(ctx context.Context, id int64) error {
	return h.trigger(ctx, id, "/pings")
}

// Test has GitHub send the repository's latest push again. For a hook that is not subscribed to push it sends nothing
// and says nothing.
func (h Hooks) Test(ctx context.Context, id int64) error {
	if h.kind != repository {
		return h.unsupported("test push")
	}
	return h.trigger(ctx, id, "/tests")
}

func (h Hooks) trigger(ctx context.Context, id int64, what string) error {
	c, err := h.one(http.MethodPost, id, what)
	if err != nil {
		return err
	}
	c.success, c.changes = http.StatusNoContent, false
	c.target.reads = h.kind == repository // An organization's pings take the permission to write.
	_, err = h.client.do(ctx, c, nil)
	return err
}

// all is a call to the list of hooks.
func (h Hooks) all(method string) (call, error) {
	if h.kind == app {
		return call{}, h.unsupported("list of webhooks")
	}
	c, err := h.call(method, "/hooks", "/hooks")
	if c.target != nil {
		c.target.whole = true
	}
	return c, err
}

// one is a call to a hook by its ID, or to what lies below it.
func (h Hooks) one(method string, id int64, below string) (call, error) {
	if h.kind == app {
		return call{}, h.unsupported("webhook with an ID")
	}
	c, err := h.call(method, "/hooks/"+strconv.FormatInt(id, 10)+below, "/hooks/{hook_id}"+below)
	c.about.hook = id
	return c, err
}

// below is a call to what an App's webhook has as well, there without an ID.
func (h Hooks) below(method string, id int64, below string) (call, error) {
	if h.kind == app {
		return h.call(method, "/hook"+below, "/hook"+below)
	}
	return h.one(method, id, below)
}

func (h Hooks) call(method, path, route string) (call, error) {
	c := call{
		method: method, path: h.path + path, route: h.route + route,
		about: about{place: strings.ToLower(h.path)}, changes: !isRead(method),
	}
	if h.misnamed {
		return call{}, c.fail(ErrNotFound, "GitHub has no names such as this")
	}
	if h.kind != app {
		c.target = &target{Hooks: h, reads: isRead(method)}
	}
	return c, nil
}

func (h Hooks) unsupported(what string) error {
	return fmt.Errorf("GitHub's API has no %s for %s: %w", what, h.kind, errors.ErrUnsupported)
}
