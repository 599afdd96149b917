package githubsim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// findHook finds the webhook that the path names. An App has one webhook or, switched off, none.
func (s *Server) findHook(c *call) *answer {
	_, byID := c.vars["hook_id"]
	switch {
	case byID:
		id, _ := c.id("hook_id")
		c.hook = findHook(c.hooks(), id)
	case c.place.kind == appKind && c.route.onAppHook():
		c.hook = c.place.find(0)
	default:
		return nil
	}
	if c.hook == nil || !c.sees(c.hook) {
		return c.notFound()
	}
	return nil
}

// sees tells whether the caller gets to know of the webhook: OAuth apps and everybody else do not see each other's in an
// organization.
func (c *call) sees(h *hook) bool {
	if h.place.kind != organizationKind {
		return true
	}
	var app string
	if c.caller.token != nil {
		app = c.caller.token.OAuthApp
	}
	return h.OAuthApp == app
}

func (s *Server) listHooks(c *call) answer {
	visible := slices.DeleteFunc(slices.Clone(c.hooks()), func(h *hook) bool { return !c.sees(h) })
	window, link := c.numberedPage(len(visible), c.place.idPath()+"/hooks")
	bodies := []hookBody{}
	for _, h := range visible[window.from:window.to] {
		bodies = append(bodies, s.body(h, c.base))
	}
	a := reply(http.StatusOK, bodies)
	link.set(a.header)
	return a
}

func (s *Server) getHook(c *call) answer { return reply(http.StatusOK, s.body(c.hook, c.base)) }

func (s *Server) createHook(c *call) answer {
	if refusal := c.checkCreateSchema(); refusal != nil {
		return *refusal
	}
	settings := Hook{Name: "web", Active: true, Events: []string{"push"}, Config: Config{ContentType: "form", InsecureSSL: "0"}}
	c.readSettings(&settings)
	if c.caller.token != nil {
		settings.OAuthApp = c.caller.token.OAuthApp
	}
	if refusal := s.validate(c, settings, nil); refusal != nil {
		return *refusal
	}
	settings.ID = s.ids.hook()
	h := s.addHook(c.place, settings)
	a := reply(http.StatusCreated, s.body(h, c.base))
	a.header.Set("Location", c.base+c.place.path()+"/hooks/"+strconv.FormatInt(h.ID, 10))
	return a
}

func (s *Server) updateHook(c *call) answer {
	if refusal := c.checkUpdateSchema(); refusal != nil {
		return *refusal
	}
	settings := c.hook.copy()
	if _, replaced := c.fields["config"]; replaced {
		// GitHub docs: the config is overwritten. What it does not carry is gone, the secret above all; a webhook
		// without a URL cannot be, so that one stays.
		settings.Config = Config{URL: settings.Config.URL, ContentType: "form", InsecureSSL: "0"}
	}
	c.readSettings(&settings)
	if refusal := s.validate(c, settings, c.hook); refusal != nil {
		return *refusal
	}
	s.update(c.hook, settings)
	return reply(http.StatusOK, s.body(c.hook, c.base))
}

func (s *Server) deleteHook(c *call) answer {
	s.delete(c.hook)
	return reply(http.StatusNoContent, nil)
}

func (s *Server) getHookConfig(c *call) answer {
	return reply(http.StatusOK, c.hook.config())
}

// updateHookConfig changes single properties; the others, the secret too, stay.
func (s *Server) updateHookConfig(c *call) answer {
	if refusal := c.checkConfigSchema(c.fields); refusal != nil {
		return *refusal
	}
	settings := c.hook.copy()
	settings.Config.read(c.fields)
	if refusal := s.validate(c, settings, c.hook); refusal != nil {
		return *refusal
	}
	s.update(c.hook, settings)
	return reply(http.StatusOK, c.hook.config())
}

// readSettings takes from a request, whose shape was checked, what it carries.
func (c *call) readSettings(settings *Hook) {
	if config, ok := c.fields["config"].(map[string]any); ok {
		settings.Config.read(config)
		if c.place.kind != organizationKind {
			settings.Config.Username, settings.Config.Password = "", ""
		}
	}
	if active, ok := c.fields["active"].(bool); ok {
		settings.Active = active
	}
	if name, ok := c.fields["name"].(string); ok {
		settings.Name = name
	}
	settings.Events = c.readEvents(settings.Events)
}

// readEvents: an empty list is as good as none, events wins over add_events and remove_events, and an event in both of
// these is added (observed).
func (c *call) readEvents(events []string) []string {
	if given := stringsOf(c.fields["events"]); len(given) > 0 {
		events = given
	} else if c.place.kind == repositoryKind {
		removed := stringsOf(c.fields["remove_events"])
		events = slices.DeleteFunc(slices.Clone(events), func(e string) bool { return slices.Contains(removed, e) })
		events = append(events, stringsOf(c.fields["add_events"])...)
	}
	if slices.Contains(events, "*") {
		return []string{"*"}
	}
	return distinct(events)
}

// read takes the properties that are there. insecure_ssl comes as a string or as a number.
func (c *Config) read(fields map[string]any) {
	for name, property := range map[string]*string{
		"url": &c.URL, "content_type": &c.ContentType, "secret": &c.Secret, "username": &c.Username, "password": &c.Password,
	} {
		if value, ok := fields[name].(string); ok {
			*property = value
		}
	}
	c.ContentType = cmp.Or(c.ContentType, "form")
	switch fields["insecure_ssl"] {
	case nil:
	case "1", float64(1):
		c.InsecureSSL = "1"
	default:
		c.InsecureSSL = "0"
	}
}

func stringsOf(value any) []string {
	list, _ := value.([]any)
	var found []string
	for _, element := range list {
		if text, ok := element.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// distinct drops repetitions and keeps the order.
func distinct(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		repeated := seen[s]
		seen[s] = true
		return repeated
	})
}
