package githubsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long an installation token is good for.
const tokenLife = time.Hour

const suspendedMessage = "This GitHub App installation is currently suspended"

func (s *Server) getApp(c *call) answer {
	return reply(http.StatusOK, s.appBody(c.caller.app))
}

func (s *Server) listInstallations(c *call) answer {
	all := s.installationsOf(c.caller.app)
	window, link := c.numberedPage(len(all), "/app/installations")
	bodies := []installationBody{}
	for _, i := range all[window.from:window.to] {
		bodies = append(bodies, s.installationBody(i, c.base))
	}
	a := reply(http.StatusOK, bodies)
	link.set(a.header)
	return a
}

func (s *Server) getInstallation(c *call) answer {
	i := s.installationOn(c.caller.app, c.place)
	if i == nil {
		return *c.notFound()
	}
	return reply(http.StatusOK, s.installationBody(i, c.base))
}

// createInstallationToken makes a token with the installation's permissions and repositories, or with some of them.
func (s *Server) createInstallationToken(c *call) answer {
	id, _ := c.id("installation_id")
	i := s.installed[id]
	switch {
	case i == nil || i.app != c.caller.app:
		return *c.notFound()
	case i.Suspended:
		return *c.refuse(http.StatusForbidden, suspendedMessage)
	}
	permissions, refusal := c.requestedPermissions(i)
	if refusal != nil {
		return *refusal
	}
	repositories, refusal := s.requestedRepositories(c, i)
	if refusal != nil {
		return *refusal
	}
	token := &installationToken{installation: i, repositories: repositories, permissions: permissions, expires: c.now.Add(tokenLife).Truncate(time.Second)}
	value := "ghs_" + randomHex(18)
	s.minted[value] = token
	return reply(http.StatusCreated, s.tokenBody(value, token))
}

// requestedPermissions are all of the installation's or fewer. None named are all (observed in recordings).
func (c *call) requestedPermissions(i *installation) (map[string]string, *answer) {
	requested, given := c.fields["permissions"].(map[string]any)
	if !given || len(requested) == 0 {
		return maps.Clone(i.Permissions), nil
	}
	permissions := map[string]string{}
	for name, value := range requested {
		level, _ := value.(string)
		if granted := i.Permissions[name]; granted != level && granted != string(writeRight) {
			return nil, c.refuse(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
		}
		permissions[name] = level
	}
	return permissions, nil
}

// requestedRepositories finds repositories by name and by ID; nil is all of the installation's.
func (s *Server) requestedRepositories(c *call, i *installation) ([]*place, *answer) {
	var found []*place
	for _, name := range stringsOf(c.fields["repositories"]) {
		found = append(found, s.places.named[strings.ToLower(i.account.login+"/"+name)])
	}
	for _, id := range arrayOf(c.fields["repository_ids"]) {
		number, _ := id.(float64)
		found = append(found, s.places.byID[placeID{repositoryKind, int64(number)}])
	}
	if len(found) > 500 {
		return nil, c.invalidSchema("Too many repositories: no more than 500 are allowed.")
	}
	if slices.ContainsFunc(found, func(p *place) bool { return p == nil || !i.covers(p) }) {
		return nil, c.refuse(http.StatusUnprocessableEntity,
			"There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	return found, nil
}

// appBody is the schema integration.
func (s *Server) appBody(a *app) map[string]any {
	return map[string]any{
		"id": a.ID, "slug": a.Slug, "node_id": nodeID("App", a.ID), "client_id": a.ClientID,
		"owner": s.accountBody(a.place.account), "name": a.Slug, "description": "", "external_url": s.webURL(),
		"html_url": s.webURL() + "/apps/" + a.Slug, "created_at": a.created.Format(time.RFC3339),
		"updated_at": a.created.Format(time.RFC3339), "permissions": a.Permissions, "events": list(a.Events),
		"installations_count": len(s.installationsOf(a)),
	}
}

// installationBody is the schema installation.
type installationBody map[string]any

func (s *Server) installationBody(i *installation, base string) installationBody {
	created := i.created.Format("2006-01-02T15:04:05.000Z07:00")
	targetType, settings := "Organization", fmt.Sprintf("%s/organizations/%s/settings/installations/%d", s.webURL(), i.account.login, i.ID)
	if i.account.user {
		targetType, settings = "User", fmt.Sprintf("%s/settings/installations/%d", s.webURL(), i.ID)
	}
	body := installationBody{
		"id": i.ID, "account": s.accountBody(i.account), "repository_selection": i.selection(),
		"access_tokens_url": fmt.Sprintf("%s/app/installations/%d/access_tokens", base, i.ID),
		"repositories_url":  base + "/installation/repositories", "html_url": settings,
		"app_id": i.AppID, "client_id": i.app.ClientID, "app_slug": i.app.Slug,
		"target_id": i.account.id, "target_type": targetType, "permissions": i.Permissions, "events": list(i.app.Events),
		"created_at": created, "updated_at": created, "single_file_name": nil, "has_multiple_single_files": false,
		"single_file_paths": []string{}, "suspended_by": nil, "suspended_at": nil,
	}
	if i.Suspended {
		body["suspended_by"], body["suspended_at"] = s.accountBody(i.account), created
	}
	return body
}

func (i *installation) selection() string {
	if i.Repositories != nil {
		return "selected"
	}
	return "all"
}

// tokenBody is the schema installation-token.
func (s *Server) tokenBody(value string, token *installationToken) map[string]any {
	body := map[string]any{
		"token": value, "expires_at": token.expires.Format(time.RFC3339), "permissions": token.permissions,
		"repository_selection": token.installation.selection(),
	}
	if token.repositories != nil {
		bodies := make([]map[string]any, len(token.repositories))
		for i, p := range token.repositories {
			bodies[i] = s.repositoryBody(p)
		}
		body["repository_selection"], body["repositories"] = "selected", bodies
	}
	return body
}

// list is the slice, never nil, so that it shows as [].
func list(elements []string) []string { return append([]string{}, elements...) }
