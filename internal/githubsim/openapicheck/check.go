package openapicheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// maxViolations bounds what one Checker collects: a test that goes wrong goes wrong often.
const maxViolations = 50

// Checker collects what one server's traffic has against the description.
type Checker struct {
	description *Description

	mu         sync.Mutex
	exchanges  int
	violations []string
}

// NewChecker begins with no violations. Its Check is for [githubsim.Options.OnExchange].
func (d *Description) NewChecker() *Checker { return &Checker{description: d} }

// Violations are the sentences about what was wrong, in order, and never with a body: it may hold a secret.
func (c *Checker) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

// Exchanges is how many exchanges were checked.
func (c *Checker) Exchanges() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exchanges
}

// Check judges one exchange. It may be called by several goroutines at once.
func (c *Checker) Check(exchange githubsim.Exchange) {
	err := c.description.judge(exchange)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchanges++
	if err != nil && len(c.violations) < maxViolations {
		c.violations = append(c.violations, fmt.Sprintf("%s %s → %d: %v", exchange.Method, exchange.Path, exchange.Status, err))
	}
}

func (d *Description) judge(exchange githubsim.Exchange) error {
	if exchange.Method == http.MethodHead {
		exchange.Method = http.MethodGet // GitHub describes neither; HEAD is GET without the body.
	}
	item := d.document.Paths.Value(exchange.Route)
	if exchange.Route == "" || item == nil || item.GetOperation(exchange.Method) == nil {
		return errors.New("there is no such endpoint")
	}
	input := d.input(exchange, item)
	var errs []error
	// A request that GitHub itself refuses as invalid has been judged.
	if exchange.Status != http.StatusBadRequest && exchange.Status != http.StatusUnprocessableEntity {
		errs = append(errs, openapi3filter.ValidateRequest(context.Background(), input))
	}
	if !exchange.Injected {
		errs = append(errs, judgeAnswer(exchange, input))
	}
	if err := errors.Join(errs...); err != nil {
		return errors.New(short(err))
	}
	return nil
}

// input is the exchange's request as kin-openapi wants it, already routed.
func (d *Description) input(exchange githubsim.Exchange, item *openapi3.PathItem) *openapi3filter.RequestValidationInput {
	request := &http.Request{
		Method: exchange.Method, Header: exchange.Header, Body: io.NopCloser(bytes.NewReader(exchange.Body)),
		ContentLength: int64(len(exchange.Body)), URL: &url.URL{Path: exchange.Path, RawQuery: exchange.Query},
	}
	return &openapi3filter.RequestValidationInput{
		Request:    request,
		PathParams: pathParams(exchange.Route, exchange.Path),
		Route: &routers.Route{
			Spec: d.document, Path: exchange.Route, PathItem: item, Method: exchange.Method, Operation: item.GetOperation(exchange.Method),
		},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
}

// pathParams reads the variables of a path. /repositories/{id} and /organizations/{id} stand for the names, which the
// description requires.
func pathParams(route, path string) map[string]string {
	segments := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/api/v3"), "/"), "/")
	switch segments[0] {
	case "repositories":
		segments = append([]string{"repos", "by", "id"}, segments[2:]...)
	case "organizations":
		segments = append([]string{"orgs", "by-id"}, segments[2:]...)
	}
	params := map[string]string{}
	for i, segment := range strings.Split(strings.TrimPrefix(route, "/"), "/") {
		if name, isVariable := strings.CutPrefix(segment, "{"); isVariable && i < len(segments) {
			params[strings.TrimSuffix(name, "}")] = segments[i]
		}
	}
	return params
}

// judgeAnswer holds a status that the description lists against its schema, and any error against the basic shape.
func judgeAnswer(exchange githubsim.Exchange, input *openapi3filter.RequestValidationInput) error {
	status := exchange.Status
	switch {
	case status == http.StatusNotModified || status == http.StatusNoContent:
		if len(exchange.ResponseBody) > 0 {
			return errors.New("there is a body where none may be")
		}
		return nil
	case status >= 300:
		if err := judgeError(exchange); err != nil {
			return err
		}
	case input.Route.Operation.Responses.Status(status) == nil:
		return errors.New("the description knows no such success")
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: exchange.ResponseHeader,
		Body: io.NopCloser(bytes.NewReader(exchange.ResponseBody)), Options: input.Options,
	})
}

// judgeError wants what every error of GitHub has: message, documentation_url and, since mid-2024, the status.
func judgeError(exchange githubsim.Exchange) error {
	var body struct {
		Message          string `json:"message"`
		DocumentationURL string `json:"documentation_url"`
		Status           string `json:"status"`
	}
	if err := json.Unmarshal(exchange.ResponseBody, &body); err != nil {
		return fmt.Errorf("an error that is not JSON: %w", err)
	}
	if body.Message == "" || body.DocumentationURL == "" || body.Status != strconv.Itoa(exchange.Status) {
		return errors.New("an error lacks message, documentation_url or its status")
	}
	return nil
}

// short is an error without the schema and the value that kin-openapi quotes after the first line.
func short(err error) string {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "Schema:") || strings.HasPrefix(strings.TrimSpace(line), "Value:") {
			break
		}
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
