package githubsim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// login says how a client has to introduce itself.
type login int

const (
	withToken login = iota
	withJWT
)

// right is what an endpoint needs of the permission to its target's webhooks.
type right string

const (
	readRight  right = "read"
	writeRight right = "write"
)

// route is one endpoint of GitHub's REST API.
type route struct {
	method  string
	pattern string
	docs    string
	login   login
	right   right
	handle  func(*Server, *call) answer

	segments []string
}

// routes are all endpoints, by method and number of path segments.
var routes = indexRoutes(hookRoutes(), appRoutes())

const docsRoot = "https://docs.github.com/rest/"

// hookRoutes are the webhook endpoints of repositories and organizations. They differ in two places: only a repository
// has tests, and its pings need no more than to read.
func hookRoutes() []*route {
	repository := hookRoutesUnder("/repos/{owner}/{repo}/hooks", docsRoot+"repos/webhooks#", "a-repository", readRight)
	organization := hookRoutesUnder("/orgs/{org}/hooks", docsRoot+"orgs/webhooks#", "an-organization", writeRight)
	tests := &route{
		method: http.MethodPost, pattern: "/repos/{owner}/{repo}/hooks/{hook_id}/tests", right: readRight,
		docs: docsRoot + "repos/webhooks#test-the-push-repository-webhook", handle: (*Server).testHook,
	}
	return append(append(repository, organization...), tests)
}

// hookRoutesUnder takes the target with its article, as GitHub's anchors have it.
func hookRoutesUnder(list, docs, target string, pingRight right) []*route {
	one := list + "/{hook_id}"
	_, plain, _ := strings.Cut(target, "-")
	return append(deliveryRoutesUnder(one+"/deliveries", docs, target, withToken),
		&route{method: http.MethodGet, pattern: list, right: readRight, docs: docs + "list-" + plain + "-webhooks", handle: (*Server).listHooks},
		&route{method: http.MethodPost, pattern: list, right: writeRight, docs: docs + "create-" + target + "-webhook", handle: (*Server).createHook},
		&route{method: http.MethodGet, pattern: one, right: readRight, docs: docs + "get-" + target + "-webhook", handle: (*Server).getHook},
		&route{method: http.MethodPatch, pattern: one, right: writeRight, docs: docs + "update-" + target + "-webhook", handle: (*Server).updateHook},
		&route{method: http.MethodDelete, pattern: one, right: writeRight, docs: docs + "delete-" + target + "-webhook", handle: (*Server).deleteHook},
		&route{method: http.MethodGet, pattern: one + "/config", right: readRight, docs: docs + "get-a-webhook-configuration-for-" + target, handle: (*Server).getHookConfig},
		&route{method: http.MethodPatch, pattern: one + "/config", right: writeRight, docs: docs + "update-a-webhook-configuration-for-" + target, handle: (*Server).updateHookConfig},
		&route{method: http.MethodPost, pattern: one + "/pings", right: pingRight, docs: docs + "ping-" + target + "-webhook", handle: (*Server).pingHook},
	)
}

// deliveryRoutesUnder are the same for repositories, organizations and Apps.
func deliveryRoutesUnder(list, docs, target string, login login) []*route {
	return []*route{
		{method: http.MethodGet, pattern: list, login: login, right: readRight, docs: docs + "list-deliveries-for-" + target + "-webhook", handle: (*Server).listDeliveries},
		{method: http.MethodGet, pattern: list + "/{delivery_id}", login: login, right: readRight, docs: docs + "get-a-delivery-for-" + target + "-webhook", handle: (*Server).getDelivery},
		{method: http.MethodPost, pattern: list + "/{delivery_id}/attempts", login: login, right: writeRight, docs: docs + "redeliver-a-delivery-for-" + target + "-webhook", handle: (*Server).redeliver},
	}
}

// appRoutes are the endpoints for which an App signs in as itself.
func appRoutes() []*route {
	hooks, apps := docsRoot+"apps/webhooks#", docsRoot+"apps/apps#"
	return append(deliveryRoutesUnder("/app/hook/deliveries", hooks, "an-app", withJWT),
		&route{method: http.MethodGet, pattern: "/app/hook/config", login: withJWT, docs: hooks + "get-a-webhook-configuration-for-an-app", handle: (*Server).getHookConfig},
		&route{method: http.MethodPatch, pattern: "/app/hook/config", login: withJWT, docs: hooks + "update-a-webhook-configuration-for-an-app", handle: (*Server).updateHookConfig},
		&route{method: http.MethodGet, pattern: "/app", login: withJWT, docs: apps + "get-the-authenticated-app", handle: (*Server).getApp},
		&route{method: http.MethodGet, pattern: "/app/installations", login: withJWT, docs: apps + "list-installations-for-the-authenticated-app", handle: (*Server).listInstallations},
		&route{method: http.MethodGet, pattern: "/repos/{owner}/{repo}/installation", login: withJWT, docs: apps + "get-a-repository-installation-for-the-authenticated-app", handle: (*Server).getInstallation},
		&route{method: http.MethodGet, pattern: "/orgs/{org}/installation", login: withJWT, docs: apps + "get-an-organization-installation-for-the-authenticated-app", handle: (*Server).getInstallation},
		&route{
			method: http.MethodPost, pattern: "/app/installations/{installation_id}/access_tokens", login: withJWT,
			docs: apps + "create-an-installation-access-token-for-an-app", handle: (*Server).createInstallationToken,
		},
	)
}

type routeKey struct {
	method   string
	segments int
}

func indexRoutes(groups ...[]*route) map[routeKey][]*route {
	index := map[routeKey][]*route{}
	for _, group := range groups {
		for _, r := range group {
			r.segments = strings.Split(strings.TrimPrefix(r.pattern, "/"), "/")
			key := routeKey{r.method, len(r.segments)}
			index[key] = append(index[key], r)
		}
	}
	return index
}

// findRoute finds the endpoint of a path and its variables. /repositories/{repository_id}/… and
// /organizations/{organization_id}/… are the same endpoints with the target's ID in place of its name. A trailing slash
// is an empty segment, and so no endpoint, as on GitHub. HEAD is GET, and …/test, as webhooks have it in their test_url,
// is …/tests.
func findRoute(method, path string) (*route, map[string]string) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	vars := map[string]string{}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if last := len(segments) - 1; last > 2 && segments[last] == "test" && segments[last-2] == "hooks" {
		segments[last] = "tests"
	}
	switch {
	case len(segments) > 1 && segments[0] == "repositories":
		vars["repository_id"] = segments[1]
		segments = append([]string{"repos", "", ""}, segments[2:]...)
	case len(segments) > 1 && segments[0] == "organizations":
		vars["organization_id"] = segments[1]
		segments = append([]string{"orgs", ""}, segments[2:]...)
	}
	byID := len(vars) > 0
	for _, r := range routes[routeKey{method, len(segments)}] {
		if r.match(segments, byID, vars) {
			return r, vars
		}
	}
	return nil, nil
}

// match compares segment by segment and notes the variables. Where byID, empty segments stand for the target's name.
func (r *route) match(segments []string, byID bool, vars map[string]string) bool {
	for i, want := range r.segments {
		if want[0] != '{' {
			if segments[i] != want {
				return false
			}
			continue
		}
		name := strings.Trim(want, "{}")
		if byID && (name == "owner" || name == "repo" || name == "org") {
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return false
		}
		vars[name] = value
	}
	return true
}

// Endpoint is one endpoint that the simulator has.
type Endpoint struct {
	Method string
	// Route is its pattern as GitHub documents it, such as /repos/{owner}/{repo}/hooks.
	Route string
}

// Endpoints lists all endpoints.
func Endpoints() []Endpoint {
	var all []Endpoint
	for _, group := range routes {
		for _, r := range group {
			all = append(all, Endpoint{Method: r.method, Route: r.pattern})
		}
	}
	slices.SortFunc(all, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Method, b.Method))
	})
	return all
}
