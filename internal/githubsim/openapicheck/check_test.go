package openapicheck_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim/openapicheck"
)

// miniature writes a small description by hand: every endpoint, and one of them with schemas.
func miniature(t *testing.T, name string) string {
	t.Helper()
	g := NewWithT(t)
	type object = map[string]any
	content := func(schema object) object { return object{"application/json": object{"schema": schema}} }
	ok := object{"description": "", "content": content(object{"type": "array", "items": object{"type": "object", "properties": object{"account": object{}}}})}
	operation := object{"responses": object{"200": ok, "201": object{"description": ""}, "202": object{"description": ""}, "204": object{"description": ""}}}
	paths := object{"/not/ours": object{"get": object{"responses": object{"200": object{"$ref": "#/components/responses/unneeded"}}}}}
	for _, endpoint := range githubsim.Endpoints() {
		path, _ := paths[endpoint.Route].(object)
		if path == nil {
			path = object{"parameters": pathParameters(endpoint.Route)}
		}
		path[map[string]string{"GET": "get", "POST": "post", "PATCH": "patch", "DELETE": "delete"}[endpoint.Method]] = operation
		paths[endpoint.Route] = path
	}
	paths[hookRoute] = object{
		"parameters": pathParameters(hookRoute),
		"get":        object{"responses": object{"200": object{"description": "", "content": content(object{"$ref": "#/components/schemas/hook"})}}},
		"patch": object{
			"requestBody": object{"content": content(object{"type": "object", "properties": object{"active": object{"type": "boolean"}}})},
			"responses":   object{"200": object{"description": "", "content": content(object{"$ref": "#/components/schemas/hook"})}},
		},
		"delete": object{"responses": object{"204": object{"description": ""}}},
	}
	document := object{
		"openapi": "3.0.3", "info": object{"title": "GitHub", "version": "1"}, "paths": paths,
		"components": object{"schemas": object{
			"hook": object{"type": "object", "required": []string{"id"}, "properties": object{"id": object{"$ref": "#/components/schemas/id"}}},
			"id":   object{"type": "integer"},
		}},
	}
	raw, err := json.Marshal(document)
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	g.Expect(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(dir, name), raw, 0o600)).To(Succeed())
	return dir
}

// pathParameters declares the variables of a pattern: numbers where they are IDs.
func pathParameters(route string) []map[string]any {
	var declared []map[string]any
	for _, variable := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(route, -1) {
		kind := "string"
		if strings.HasSuffix(variable[1], "_id") {
			kind = "integer"
		}
		declared = append(declared, map[string]any{"name": variable[1], "in": "path", "required": true, "schema": map[string]any{"type": kind}})
	}
	return declared
}

func TestDescriptionsAreFoundInBothLayouts(t *testing.T) {
	for name, flavor := range map[string]openapicheck.Flavor{
		"github.com.json": openapicheck.GitHub, "generated/api.github.com.json": openapicheck.GitHub,
		"ghes-3.19.json": openapicheck.EnterpriseServer, "generated/ghes-3.19.json": openapicheck.EnterpriseServer,
	} {
		_, err := openapicheck.Load(miniature(t, name), flavor)
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), name)
	}
	_, err := openapicheck.Load(t.TempDir(), openapicheck.GitHub)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("OpenAPI description is missing")))
}

func TestGitHubsDescriptionsLoad(t *testing.T) {
	dir := os.Getenv("GITHUB_OPENAPI_DIR")
	if dir == "" {
		t.Log("GITHUB_OPENAPI_DIR is not set: GitHub's own descriptions were not loaded.")
		return
	}
	for _, flavor := range []openapicheck.Flavor{openapicheck.GitHub, openapicheck.EnterpriseServer} {
		_, err := openapicheck.Load(dir, flavor)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	}
}

const (
	hookRoute = "/repos/{owner}/{repo}/hooks/{hook_id}"
	notFound  = `{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}`
)

func TestViolations(t *testing.T) {
	description, err := openapicheck.Load(miniature(t, "github.com.json"), openapicheck.GitHub)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	type exchange = githubsim.Exchange
	get := func(status int, body string) exchange {
		return exchange{
			Request:      githubsim.Request{Method: http.MethodGet, Route: hookRoute, Path: "/api/v3/repos/o/r/hooks/1", Status: status},
			ResponseBody: []byte(body),
		}
	}
	patch := func(sent string, status int, body string) exchange {
		e := get(status, body)
		e.Method, e.Body, e.Header = http.MethodPatch, []byte(sent), http.Header{"Content-Type": {"application/json"}}
		return e
	}
	at := func(path string, e exchange) exchange { e.Path = path; return e }
	injected := func(e exchange) exchange { e.Injected = true; return e }
	for name, tc := range map[string]struct {
		exchange exchange
		want     string
	}{
		"all is well":              {get(200, `{"id":1}`), ""},
		"by the repository's ID":   {at("/repositories/7/hooks/1", get(200, `{"id":1}`)), ""},
		"a hook that is no number": {at("/repos/o/r/hooks/x", get(404, notFound)), `parameter "hook_id" in path has an error`},
		"an answer lacks a field":  {get(200, `{}`), `property "id" is missing`},
		"of the wrong type":        {get(200, `{"id":"1"}`), "value must be an integer"},
		"not JSON":                 {get(200, `<html>`), "failed to decode response body"},
		"an unknown success":       {get(206, `{"id":1}`), "the description knows no such success"},
		"an unlisted error":        {get(404, notFound), ""},
		"an error of another kind": {get(500, notFound), "lacks message, documentation_url or its status"},
		"an error without words":   {get(404, `{"status":"404"}`), "lacks message, documentation_url or its status"},
		"an error that is a page":  {get(502, `<html>`), "an error that is not JSON"},
		"nothing new":              {get(304, ``), ""},
		"nothing new, but a body":  {get(304, `{}`), "there is a body where none may be"},
		"a fault's answer":         {injected(get(200, `<html>`)), ""},
		"a good request":           {patch(`{"active":true}`, 200, `{"id":1}`), ""},
		"a bad request":            {patch(`{"active":"yes"}`, 200, `{"id":1}`), "value must be a boolean"},
		"a bad request, a fault":   {injected(patch(`{"active":"yes"}`, 503, ``)), "value must be a boolean"},
		"a bad request, refused":   {patch(`{"active":"yes"}`, 422, `{"message":"m","documentation_url":"d","status":"422"}`), ""},
		"no such endpoint":         {exchange{Request: githubsim.Request{Method: http.MethodGet, Path: "/zen", Status: 404}, ResponseBody: []byte(notFound)}, "there is no such endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			if tc.exchange.ResponseBody != nil {
				tc.exchange.ResponseHeader = http.Header{"Content-Type": {"application/json; charset=utf-8"}}
			}
			checker := description.NewChecker()
			checker.Check(tc.exchange)
			g.Expect(checker.Exchanges()).To(Equal(1))
			if tc.want == "" {
				g.Expect(checker.Violations()).To(BeEmpty())
			} else {
				g.Expect(checker.Violations()).To(ConsistOf(ContainSubstring(tc.want)))
			}
		})
	}
}

func TestViolationsShowNoSecretAndHaveAnEnd(t *testing.T) {
	g := NewWithT(t)
	description, err := openapicheck.Load(miniature(t, "github.com.json"), openapicheck.GitHub)
	g.Expect(err).NotTo(HaveOccurred())
	checker := description.NewChecker()
	for range 100 {
		checker.Check(githubsim.Exchange{Request: githubsim.Request{
			Method: http.MethodPatch, Route: hookRoute, Path: "/repos/o/r/hooks/1", Status: 200, Injected: true,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"active":"s3cret"}`),
		}})
	}
	g.Expect(checker.Violations()).To(HaveLen(50))
	g.Expect(checker.Violations()[0]).NotTo(ContainSubstring("s3cret"))
	g.Expect(checker.Exchanges()).To(Equal(100))
}
