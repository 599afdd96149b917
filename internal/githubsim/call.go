package githubsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// enterprisePrefix is where an Enterprise Server has the REST API that github.com has at the root of api.github.com.
const enterprisePrefix = "/api/v3"

// call is one request on its way through the server: what was asked, by whom, about what.
type call struct {
	server  *Server
	request *http.Request
	body    []byte
	now     time.Time
	// base is the API's root as the client wrote it; the addresses in the answer begin with it.
	base string
	// path is what follows base.
	path string

	route *route
	vars  map[string]string
	// fields is the body of a request that has one, as a JSON object.
	fields map[string]any

	caller *caller
	place  *place
	hook   *hook
}

// newCall takes a request apart. It looks nothing up.
func (s *Server) newCall(r *http.Request, body []byte) *call {
	c := &call{server: s, request: r, body: body, now: s.now(), path: r.URL.EscapedPath()}
	c.base = "http://" + r.Host
	if r.TLS != nil {
		c.base = "https://" + r.Host
	}
	if rest, ok := strings.CutPrefix(c.path, enterprisePrefix); ok && (rest == "" || rest[0] == '/') {
		c.path, c.base = rest, c.base+enterprisePrefix
	}
	c.route, c.vars = findRoute(r.Method, c.path)
	return c
}

// logged is the request as Requests shows it.
func (c *call) logged() Request {
	request := Request{
		Method: c.request.Method,
		Path:   c.request.URL.Path,
		Query:  c.request.URL.RawQuery,
		Header: c.request.Header.Clone(),
		Body:   c.body,
		Time:   c.now,
	}
	if c.route != nil {
		request.Route = c.route.pattern
	}
	return request
}

// answer says what GitHub would: the checks that every request goes through, in GitHub's order, then the endpoint.
func (s *Server) answer(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.decide(c)
	a.encode()
	a.conditional(c)
	a.describeRights(c)
	s.limiter.account(c, &a)
	return a
}

func (s *Server) decide(c *call) answer {
	for _, check := range []func(*call) *answer{
		s.checkUserAgent, s.authenticate, s.checkVersion, s.limiter.check, s.checkRoute, s.locate,
		s.authorize, s.checkPolicies, s.checkPlace, s.findHook, s.parseBody,
	} {
		if refusal := check(c); refusal != nil {
			return *refusal
		}
	}
	return c.route.handle(s, c)
}

// apiVersions are the values of X-GitHub-Api-Version that are understood.
var apiVersions = map[string]bool{"": true, "2022-11-28": true, "2026-03-10": true}

func (s *Server) checkUserAgent(c *call) *answer {
	if c.request.UserAgent() == "" {
		return c.refuse(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "+
			"(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.")
	}
	return nil
}

// checkVersion comes after the credential: a wrong one is refused first.
func (s *Server) checkVersion(c *call) *answer {
	if version := c.request.Header.Get("X-GitHub-Api-Version"); !apiVersions[version] {
		return c.refuse(http.StatusBadRequest, fmt.Sprintf("The version %q is not supported. See the documentation for the versions of the REST API.", version))
	}
	return nil
}

func (s *Server) checkRoute(c *call) *answer {
	if c.route == nil {
		return c.refuse(http.StatusNotFound, "Not Found")
	}
	return nil
}

// checkPlace redirects from a former name, and refuses what is blocked or archived.
func (s *Server) checkPlace(c *call) *answer {
	switch {
	case c.place == nil:
		return nil
	case c.place.kind == repositoryKind && !c.atCurrentName():
		return c.redirect()
	case c.place.blocked != 0:
		return c.refuseBlocked()
	case c.place.archived && !reads(c.request):
		return c.refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	return nil
}

// atCurrentName tells whether the repository was asked for by its ID or by the name it has today.
func (c *call) atCurrentName() bool {
	owner, byName := c.vars["owner"]
	return !byName || strings.EqualFold(owner+"/"+c.vars["repo"], string(c.place.target))
}

// redirect sends the client from a repository's former name to its ID: 301 for GET, 307 for what changes something, as
// GitHub documents. The body of either says the same (observed in recordings).
func (c *call) redirect() *answer {
	_, rest, _ := strings.Cut(c.path, "/"+c.vars["owner"]+"/"+c.vars["repo"])
	location := c.base + "/repositories/" + strconv.FormatInt(c.place.id, 10) + rest
	if c.request.URL.RawQuery != "" {
		location += "?" + c.request.URL.RawQuery
	}
	status := http.StatusMovedPermanently
	switch {
	case !reads(c.request):
		status = http.StatusTemporaryRedirect
	case c.server.options.FoundRedirects:
		status = http.StatusFound
	}
	refusal := c.refuse(status, "Moved Permanently")
	body := refusal.body.(apiError)
	body.URL = location
	refusal.body = body
	refusal.header.Set("Location", location)
	return refusal
}

// parseBody reads the JSON object that a POST or PATCH carries. No body is an empty object.
func (s *Server) parseBody(c *call) *answer {
	c.fields = map[string]any{}
	if c.request.Method != http.MethodPost && c.request.Method != http.MethodPatch || strings.TrimSpace(string(c.body)) == "" {
		return nil
	}
	var document any
	if err := json.Unmarshal(c.body, &document); err != nil {
		return c.refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	fields, isObject := document.(map[string]any)
	if !isObject {
		return c.refuse(http.StatusBadRequest, "Body should be a JSON object")
	}
	c.fields = fields
	return nil
}

// id reads a numeric variable of the path. What is no number names nothing.
func (c *call) id(name string) (int64, bool) {
	id, err := strconv.ParseInt(c.vars[name], 10, 64)
	return id, err == nil && id > 0
}
