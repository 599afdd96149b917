package githubsim

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// validate refuses settings that GitHub refuses. before is the webhook that is changed; nil for a new one.
func (s *Server) validate(c *call, settings Hook, before *hook) *answer {
	if settings.Name != "web" {
		return c.invalid(fieldError{Resource: "Hook", Code: "invalid", Field: "name"})
	}
	var faults []fieldError
	if before == nil || before.Config.URL != settings.Config.URL {
		faults = append(faults, urlErrors(settings.Config.URL)...)
	}
	// An App's events are not chosen here, and there is one webhook of each App.
	if c.place.kind != appKind {
		faults = append(faults, eventErrors(c.place.kind, settings.Events)...)
		faults = append(faults, s.limitErrors(c.place, settings, before)...)
	}
	if len(faults) == 0 && c.place.kind != appKind && alreadyExists(c.place, settings, before) {
		faults = append(faults, hookError("", "Hook already exists on this %s", c.place.kind))
	}
	if len(faults) > 0 {
		return c.invalid(faults...)
	}
	return nil
}

// urlErrors judges an address as GitHub does, except that 127.0.0.1 and ::1 are public here: the tests' receivers live
// there. localhost is refused all the same.
func urlErrors(address string) []fieldError {
	if strings.TrimSpace(address) == "" {
		return []fieldError{hookError("url", "url cannot be blank")}
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "" && parsed.Hostname() == "" {
		return []fieldError{hookError("", "The URL you've entered is not valid. Please make sure that you encode all special characters first")}
	}
	if parsed.Scheme != "http" && parsed.Scheme != "https" {
		return []fieldError{hookError("url", "url must use http(s) scheme")}
	}
	if host := parsed.Hostname(); !public(host) {
		return []fieldError{
			hookError("url", "url is not supported because it isn't reachable over the public Internet (%s)", host),
			hookError("", "Sorry, the URL host %s is not supported because it isn't reachable over the public Internet", host),
		}
	}
	return nil
}

func public(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return !address.IsPrivate() && !address.IsLinkLocalUnicast() && !address.IsUnspecified()
	}
	host = strings.ToLower(host)
	return host != "localhost" && !strings.HasSuffix(host, ".localhost")
}

// eventErrors names events that do not exist, one entry each, and those of other kinds of webhooks, in one entry.
func eventErrors(kind placeKind, events []string) []fieldError {
	var faults []fieldError
	var elsewhere []string
	for _, event := range events {
		switch where, known := eventKinds[event]; {
		case !known:
			faults = append(faults, hookError("", "%s is not a valid event name", event))
		case where != anywhere && where != kind:
			elsewhere = append(elsewhere, event)
		}
	}
	if len(elsewhere) > 0 {
		faults = append(faults, hookError("", "These events are not allowed for this hook: %s", strings.Join(elsewhere, ", ")))
	}
	return faults
}

// limitErrors has one entry for each event that the target has too many webhooks of already.
func (s *Server) limitErrors(p *place, settings Hook, before *hook) []fieldError {
	var faults []fieldError
	for _, event := range settings.Events {
		if before != nil && slices.Contains(before.Events, event) {
			continue
		}
		count := 0
		for _, h := range p.hooks {
			if h != before && slices.Contains(h.Events, event) {
				count++
			}
		}
		if count >= s.options.HooksPerEvent {
			faults = append(faults, hookError("", "The %q event cannot have more than %d hooks", event, s.options.HooksPerEvent))
		}
	}
	return faults
}

// alreadyExists tells whether another webhook of the place has the same config and an event in common. GitHub docs:
// webhooks may share a config as long as no event overlaps. The secret does not make a config another one here.
func alreadyExists(p *place, settings Hook, before *hook) bool {
	return slices.ContainsFunc(p.hooks, func(h *hook) bool {
		return h != before && h.Config.URL == settings.Config.URL && h.Config.ContentType == settings.Config.ContentType &&
			h.Config.InsecureSSL == settings.Config.InsecureSSL && overlap(h.Events, settings.Events)
	})
}

func overlap(a, b []string) bool {
	return slices.Contains(a, "*") || slices.Contains(b, "*") || intersect(a, b)
}

// onAppHook tells whether the endpoint is about an App's own webhook.
func (r *route) onAppHook() bool {
	return strings.HasPrefix(r.pattern, "/app/hook/")
}

// ofDeliveries tells whether the endpoint is about a webhook's deliveries.
func (r *route) ofDeliveries() bool {
	return strings.Contains(r.pattern, "/deliveries")
}
