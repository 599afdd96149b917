package githubsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// maskedSecret is what GitHub shows of a secret that is set. Written back, it is a secret of eight asterisks.
const maskedSecret = "********"

// Hook is a webhook as GitHub keeps it, with its real secret.
type Hook struct {
	ID     int64
	Name   string
	Active bool
	Events []string
	Config Config
	// OAuthApp is the OAuth app that made the webhook.
	OAuthApp  string
	CreatedAt time.Time
	UpdatedAt time.Time
	// LastResponse is what the receiver said last; GitHub shows it for repositories only.
	LastResponse LastResponse
}

// Config says how a webhook's deliveries are made.
type Config struct {
	URL string
	// ContentType is as it was sent: GitHub echoes what it does not know, and delivers a form unless it is "json".
	ContentType string
	// InsecureSSL is "1" where the receiver's certificate is not verified, else "0".
	InsecureSSL string
	Secret      string
	// Username and Password are an organization's only.
	Username, Password string
}

// LastResponse is the receiver's last answer in GitHub's words: the code is GitHub's, not always the receiver's. Code 0
// without a message stands for null.
type LastResponse struct {
	Code    int
	Status  string
	Message string
}

// hook is a Hook at its place, with its deliveries.
type hook struct {
	Hook
	place      *place
	deliveries []*Delivery
	// shown is what the config shows in place of Config; nil is Config.
	shown map[string]any
}

func (h *hook) copy() Hook {
	copied := h.Hook
	copied.Events = slices.Clone(h.Events)
	return copied
}

// subscribes tells whether the webhook gets this event. A ping goes to every webhook.
func (h *hook) subscribes(event string) bool {
	return event == "ping" || slices.Contains(h.Events, event) || slices.Contains(h.Events, "*")
}

// update replaces the webhook's settings and moves updated_at when that changes any.
func (s *Server) update(h *hook, settings Hook) {
	s.noteBefore(h.place)
	changed := h.Active != settings.Active || !slices.Equal(h.Events, settings.Events)
	before, after := h.Config, settings.Config
	if s.options.QuietSecretEdits {
		before.Secret, after.Secret = "", ""
	}
	if h.Config != settings.Config {
		h.shown = nil
	}
	h.Active, h.Events, h.Config = settings.Active, slices.Clone(settings.Events), settings.Config
	if changed || before != after {
		h.UpdatedAt = s.now().Truncate(time.Second)
	}
}

// Hooks lists a target's webhooks by ID, secrets included. An App has at most one, without an ID.
func (s *Server) Hooks(target Target) []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(target)
	if p == nil {
		return nil
	}
	hooks := make([]Hook, len(p.hooks))
	for i, h := range p.hooks {
		hooks[i] = h.copy()
	}
	return hooks
}

// Hook is one webhook with its secret. An App's has the ID 0.
func (s *Server) Hook(target Target, id int64) (Hook, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hookAt(target, id); h != nil {
		return h.copy(), true
	}
	return Hook{}, false
}

// CreateHook makes a webhook as somebody else: it is pinged like any other, but nothing about it is refused. Where they
// are not set, the ID and the times are GitHub's to give, the events are push, the content type is form, and the name
// is web.
func (s *Server) CreateHook(target Target, settings Hook) Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(target)
	if p == nil {
		return Hook{}
	}
	if settings.ID == 0 {
		settings.ID = s.ids.hook()
	}
	s.ids.reserve(settings.ID, 0)
	if len(settings.Events) == 0 {
		settings.Events = []string{"push"}
	}
	settings.Events = slices.Clone(settings.Events)
	settings.Name = cmp.Or(settings.Name, "web")
	settings.Config.ContentType = cmp.Or(settings.Config.ContentType, "form")
	settings.Config.InsecureSSL = cmp.Or(settings.Config.InsecureSSL, "0")
	return s.addHook(p, settings).copy()
}

// CreateOldHook makes a webhook as old ones stand in lists to this day: of a GitHub Service that is no more, or from
// before insecure_ssl. Its config shows these settings and nothing else, until somebody edits it.
func (s *Server) CreateOldHook(target Target, settings Hook, config map[string]any) Hook {
	created := s.CreateHook(target, settings)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hookAt(target, created.ID); h != nil {
		h.shown = map[string]any{}
		maps.Copy(h.shown, config)
	}
	return created
}

// addHook puts a new webhook where it belongs and pings it.
func (s *Server) addHook(p *place, settings Hook) *hook {
	now := s.now().Truncate(time.Second)
	s.noteBefore(p)
	h := &hook{Hook: settings, place: p}
	if h.CreatedAt.IsZero() {
		h.CreatedAt = now
	}
	if h.UpdatedAt.IsZero() {
		h.UpdatedAt = h.CreatedAt
	}
	if h.LastResponse == (LastResponse{}) {
		h.LastResponse = s.unused()
	}
	p.insert(h)
	s.ping(h)
	return h
}

// EditHook changes Active, Events and Config of a webhook as a person on GitHub's web pages would, and tells whether
// there is such a webhook.
func (s *Server) EditHook(target Target, id int64, edit func(*Hook)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hookAt(target, id)
	if h == nil {
		return false
	}
	edited := h.copy()
	edit(&edited)
	s.update(h, edited)
	return true
}

// SetLastResponse writes what a repository's webhook says of its receiver, and tells whether there is such a webhook.
func (s *Server) SetLastResponse(target Target, id int64, last LastResponse) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hookAt(target, id)
	if h == nil {
		return false
	}
	h.LastResponse = last
	return true
}

// DeleteHook deletes a webhook as somebody else, and tells whether there was one.
func (s *Server) DeleteHook(target Target, id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hookAt(target, id)
	if h == nil {
		return false
	}
	s.delete(h)
	return true
}

func (s *Server) hookAt(target Target, id int64) *hook {
	if p := s.at(target); p != nil {
		return p.find(id)
	}
	return nil
}

func (s *Server) delete(h *hook) {
	p := h.place
	s.noteBefore(p)
	p.hooks = slices.DeleteFunc(p.hooks, func(other *hook) bool { return other == h })
}

// hookBody is the schemas hook and org-hook of GitHub's description: the fields of the first that the second lacks are
// left out.
type hookBody struct {
	Type          string            `json:"type"`
	ID            int64             `json:"id"`
	Name          string            `json:"name"`
	Active        bool              `json:"active"`
	Events        []string          `json:"events"`
	Config        map[string]any    `json:"config"`
	UpdatedAt     string            `json:"updated_at"`
	CreatedAt     string            `json:"created_at"`
	URL           string            `json:"url"`
	TestURL       string            `json:"test_url,omitempty"`
	PingURL       string            `json:"ping_url"`
	DeliveriesURL string            `json:"deliveries_url"`
	LastResponse  *lastResponseBody `json:"last_response,omitempty"`
}

type lastResponseBody struct {
	Code    *int    `json:"code"`
	Status  *string `json:"status"`
	Message *string `json:"message"`
}

// body shows the webhook as the API does. base is the API's root.
func (s *Server) body(h *hook, base string) hookBody {
	url := base + h.place.path() + "/hooks/" + strconv.FormatInt(h.ID, 10)
	body := hookBody{
		Type: "Organization", ID: h.ID, Name: h.Name, Active: h.Active,
		Events: s.orderedEvents(h), Config: h.config(),
		UpdatedAt: h.UpdatedAt.UTC().Format(time.RFC3339), CreatedAt: h.CreatedAt.UTC().Format(time.RFC3339),
		URL: url, PingURL: url + "/pings", DeliveriesURL: url + "/deliveries",
	}
	if h.place.kind == repositoryKind {
		body.Type, body.TestURL = "Repository", url+"/test"
		body.LastResponse = h.LastResponse.body()
	}
	return body
}

// orderedEvents are the events as they were sent or, with UnstableEvents, every other time the other way round.
func (s *Server) orderedEvents(h *hook) []string {
	events := slices.Clone(h.Events)
	if s.options.UnstableEvents {
		s.renders++
		if s.renders%2 == 0 {
			slices.Reverse(events)
		}
	}
	return events
}

// config is what the API shows of the webhook's config.
func (h *hook) config() map[string]any {
	if h.shown != nil {
		return h.shown
	}
	return h.Config.body()
}

// body is the config without its secrets. What is not set is absent.
func (c Config) body() map[string]any {
	body := map[string]any{"url": c.URL, "content_type": c.ContentType, "insecure_ssl": c.InsecureSSL, "username": c.Username}
	if c.Secret != "" {
		body["secret"] = maskedSecret
	}
	if c.Password != "" {
		body["password"] = maskedSecret
	}
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == "" })
	return body
}

func (r LastResponse) body() *lastResponseBody {
	var body lastResponseBody
	if r.Status != "" {
		body.Status = &r.Status
	}
	if r.Code != 0 || r.Message != "" {
		body.Code, body.Message = &r.Code, &r.Message
	}
	return &body
}
