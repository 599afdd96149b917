package githubsim

import (
	"encoding/json"
	"maps"
	"strings"
)

// event is something that happened, on its way to the webhooks.
type event struct {
	guid, name, action           string
	payload                      json.RawMessage
	redelivery                   bool
	installationID, repositoryID int64
}

// Emit lets something happen in a repository or an organization: every active webhook of the repository, of its
// organization and of the Apps installed there that is subscribed to the event gets it. What GitHub adds to every
// payload (action, repository, organization, sender) is added, and payload's own fields win. It returns the event's
// GUID, which all these deliveries share, and does not wait for them.
func (s *Server) Emit(target Target, name, action string, payload map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(target)
	if p == nil {
		return ""
	}
	complete := s.commonPayload(p)
	if action != "" {
		complete["action"] = action
	}
	maps.Copy(complete, payload)
	happened := s.newEvent(p, name, action, complete)
	s.broadcast(p, happened)
	if organization := s.places.named[strings.ToLower(p.account.login)]; organization != nil && organization != p {
		s.broadcast(organization, happened)
	}
	s.broadcastToApps(p, happened)
	return happened.guid
}

func (s *Server) broadcast(p *place, happened event) {
	for _, h := range p.hooks {
		if h.subscribes(happened.name) {
			s.dispatch(h, happened)
		}
	}
}

// broadcastToApps: which events an App gets is the App's setting, not its webhook's.
func (s *Server) broadcastToApps(p *place, happened event) {
	for _, installation := range s.installed {
		if installation.Suspended || !installation.covers(p) {
			continue
		}
		for _, h := range installation.app.place.hooks {
			if h.subscribes(happened.name) {
				happened.installationID = installation.ID
				s.dispatch(h, happened)
			}
		}
	}
}

// ping tells a webhook that it exists. An inactive one, and one without an address, gets nothing.
func (s *Server) ping(h *hook) {
	payload := s.commonPayload(h.place)
	payload["zen"] = "Keep it logically awesome."
	payload["hook_id"] = h.ID
	payload["hook"] = s.body(h, s.apiURL())
	s.dispatch(h, s.newEvent(h.place, "ping", "", payload))
}

func (s *Server) newEvent(p *place, name, action string, payload map[string]any) event {
	// payload is made of values that came from JSON or go into it, so that this cannot fail; a test's own value that
	// does not is the test's mistake.
	encoded, err := json.Marshal(payload)
	if err != nil {
		panic("githubsim: a payload that is not JSON: " + err.Error())
	}
	happened := event{guid: newGUID(), name: name, action: action, payload: encoded}
	if p.kind == repositoryKind {
		happened.repositoryID = p.id
	}
	return happened
}

// commonPayload is what every payload about this place has.
func (s *Server) commonPayload(p *place) map[string]any {
	payload := map[string]any{}
	if p.kind == appKind {
		return payload
	}
	payload["sender"] = s.accountBody(p.account)
	if !p.account.user {
		payload["organization"] = map[string]any{"login": p.account.login, "id": p.account.id, "url": s.apiURL() + "/orgs/" + p.account.login}
	}
	if p.kind == repositoryKind {
		payload["repository"] = map[string]any{
			"id": p.id, "name": p.target.Repository(), "full_name": string(p.target), "private": true,
			"owner": s.accountBody(p.account), "html_url": s.webURL() + "/" + string(p.target),
			"url": s.apiURL() + p.path(), "default_branch": "main",
		}
	}
	return payload
}

// pushPayload is a push of one commit to main.
func (s *Server) pushPayload(p *place) map[string]any {
	payload := s.commonPayload(p)
	commit := randomHex(20)
	payload["ref"] = "refs/heads/main"
	payload["before"], payload["after"] = randomHex(20), commit
	payload["head_commit"] = map[string]any{"id": commit, "message": "Update README.md"}
	payload["commits"] = []any{payload["head_commit"]}
	payload["pusher"] = map[string]any{"name": p.account.login}
	return payload
}

// webURL and apiURL are what addresses in payloads begin with. Where the server does not listen they are github.com's.
func (s *Server) webURL() string {
	if url := s.URL(); url != "" {
		return url
	}
	return "https://github.com"
}

func (s *Server) apiURL() string {
	if url := s.URL(); url != "" {
		return url + enterprisePrefix
	}
	return "https://api.github.com"
}
