package githubsim

import (
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// settingsPath is where a person finds a webhook on GitHub's web pages: a repository's, an organization's or an App's.
var settingsPath = regexp.MustCompile(`^/(?:(?:organizations/([^/]+)/settings/hooks/(\d+))|(?:organizations/[^/]+/)?settings/apps/([^/]+)|([^/]+/[^/]+)/settings/hooks/(\d+))$`)

// settingsPage shows a webhook and its deliveries, as GitHub's settings do. Nobody has to sign in.
var settingsPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Webhook of {{.Target}}</title>
<style>body{font:16px sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}</style>
<h1>Webhook of {{.Target}}</h1>
<p>Payload URL: <code>{{.Hook.Config.URL}}</code><br>Content type: {{.Hook.Config.ContentType}}<br>Active: {{.Hook.Active}}<br>
Events: {{range .Hook.Events}}{{.}} {{end}}<br>Secret: {{if .Hook.Config.Secret}}********{{else}}none{{end}}</p>
<h2>Recent deliveries</h2>
<table><tr><th>time<th>event<th>guid<th>status<th>code<th>redelivery</tr>
{{range .Deliveries}}<tr><td>{{.DeliveredAt.Format "2006-01-02 15:04:05"}}<td>{{.Event}}<td>{{.GUID}}<td>{{.Status}}<td>{{.StatusCode}}<td>{{.Redelivery}}</tr>
{{end}}</table></html>
`))

// showSettings answers a browser that opens a webhook's page, and tells whether it did.
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request) bool {
	found := settingsPath.FindStringSubmatch(r.URL.Path)
	if found == nil || r.Method != http.MethodGet {
		return false
	}
	var target Target
	var id int64
	switch organization, slug, repository := found[1], found[3], found[4]; {
	case slug != "":
		target = s.appWithSlug(slug)
	case organization != "":
		target, id = Target(organization), number(found[2])
	default:
		target, id = Target(repository), number(found[5])
	}
	for _, hook := range s.Hooks(target) {
		if id == 0 || hook.ID == id {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = settingsPage.Execute(w, map[string]any{"Target": target, "Hook": hook, "Deliveries": s.Deliveries(target, id)}) // To a browser that may go away.
			return true
		}
	}
	http.Error(w, "There is no such webhook.", http.StatusNotFound)
	return true
}

// appWithSlug is the target of the App with this slug.
func (s *Server) appWithSlug(slug string) Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.apps {
		if strings.EqualFold(a.Slug, slug) {
			return AppTarget(id)
		}
	}
	return ""
}

// number is a path's; digits that are too many are no ID.
func number(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64)
	return n
}
