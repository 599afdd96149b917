package github

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// sentinels are all errors that an answer can be.
var sentinels = []error{
	ErrUnauthorized, ErrForbidden, ErrBlocked, ErrSuspended, ErrArchived, ErrNotFound, ErrValidation, ErrHookExists, ErrHookLimit,
	ErrRateLimited, ErrUnavailable, ErrHostNotAllowed, ErrRedirect, ErrPermission, ErrSAML, ErrIPAddress, ErrLockedOut, ErrUnclear,
}

func validationFailed(entries string) string {
	return `{"message":"Validation Failed","errors":[` + entries + `],"documentation_url":"https://docs.github.com/rest","status":"422"}`
}

// refusalCase is an answer of GitHub, the errors it is, and the words it leaves.
type refusalCase struct {
	name    string
	status  int
	body    string
	header  []string
	want    []error
	message string
}

// permissions are those that GitHub names in the answer's header.
func (c refusalCase) permissions() string {
	if len(c.header) == 2 && c.header[0] == "X-Accepted-GitHub-Permissions" {
		return c.header[1]
	}
	return ""
}

// GitHub's own words, by the trouble they are about.
var (
	refusedCredentials = []refusalCase{
		{"bad credentials", 401, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`, nil,
			[]error{ErrUnauthorized}, "Bad credentials"},
		{"a bad JWT", 401, `{"message":"'Expiration time' claim ('exp') is too far in the future"}`, nil,
			[]error{ErrUnauthorized}, "'Expiration time' claim ('exp') is too far in the future"},
		{"a missing permission of an App", 403, `{"message":"Resource not accessible by integration","status":"403"}`,
			[]string{"X-Accepted-GitHub-Permissions", "repository_hooks=write"}, []error{ErrPermission, ErrForbidden}, "Resource not accessible by integration"},
		{"a missing permission with the last request of the hour", 403, `{"message":"Resource not accessible by personal access token"}`,
			[]string{"X-RateLimit-Remaining", "0"}, []error{ErrPermission, ErrForbidden}, "Resource not accessible by personal access token"},
		{"single sign-on", 403, `{"message":"Resource protected by organization SAML enforcement."}`, nil,
			[]error{ErrSAML, ErrForbidden}, "Resource protected by organization SAML enforcement."},
		{"an IP allow list", 403, `{"message":"Although you appear to have the correct authorization credentials, the ` + "`octo-org`" + ` organization has an IP allow list enabled, and 203.0.113.7 is not permitted to access this resource."}`,
			[]string{"X-Accepted-GitHub-Permissions", "repository_hooks=read"}, []error{ErrIPAddress, ErrForbidden},
			"Although you appear to have the correct authorization credentials, the `octo-org` organization has an IP allow list enabled, and 203.0.113.7 is not permitted to access this resource."},
		{"a permission that is named without one missing", 403, `{"message":"Must have admin rights to Repository."}`,
			[]string{"X-Accepted-GitHub-Permissions", "repository_hooks=write"}, []error{ErrForbidden}, "Must have admin rights to Repository."},
		{"archived", 403, `{"message":"Repository was archived so is read-only.","status":"403"}`, nil,
			[]error{ErrArchived}, "Repository was archived so is read-only."},
		{"blocked", 403, `{"message":"Repository access blocked","block":{"reason":"tos"}}`, nil,
			[]error{ErrBlocked, ErrForbidden}, "Repository access blocked"},
		{"blocked for legal reasons", 451, `{"message":"Repository access blocked","block":{"reason":"dmca"}}`, nil,
			[]error{ErrBlocked, ErrForbidden}, "Repository access blocked"},
		{"suspended", 403, `{"message":"This GitHub App installation is currently suspended"}`, nil,
			[]error{ErrSuspended, ErrForbidden}, "This GitHub App installation is currently suspended"},
		{"a suspended user", 403, `{"message":"Sorry. Your account was suspended."}`, nil,
			[]error{ErrForbidden}, "Sorry. Your account was suspended."},
	}
	refusedValues = []refusalCase{
		{"not found", 404, `{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}`, nil,
			[]error{ErrNotFound}, "Not Found"},
		{"the hook exists on the repository", 422,
			validationFailed(`{"resource":"Hook","code":"custom","message":"Hook already exists on this repository"}`), nil,
			[]error{ErrHookExists, ErrValidation}, "Validation Failed: Hook already exists on this repository"},
		{"the hook exists on the organization", 422,
			validationFailed(`{"resource":"Hook","code":"custom","message":"Hook already exists on this organization"}`), nil,
			[]error{ErrHookExists, ErrValidation}, "Validation Failed: Hook already exists on this organization"},
		{"too many hooks", 422, validationFailed(`{"resource":"Hook","code":"custom","message":"The \"push\" event cannot have more than 20 hooks"},` +
			`{"resource":"Hook","code":"custom","message":"The \"fork\" event cannot have more than 20 hooks"}`), nil,
			[]error{ErrHookLimit, ErrValidation},
			`Validation Failed: The "push" event cannot have more than 20 hooks; The "fork" event cannot have more than 20 hooks`},
		{"events that are not allowed", 422,
			validationFailed(`{"resource":"Hook","code":"custom","message":"These events are not allowed for this hook: projects_v2_item"}`), nil,
			[]error{ErrValidation}, "Validation Failed: These events are not allowed for this hook: projects_v2_item"},
		{"an unreachable URL", 422, validationFailed(`{"resource":"Hook","code":"custom","field":"url","message":"url is not supported because it isn't reachable over the public Internet (localhost)"}`), nil,
			[]error{ErrValidation}, "Validation Failed: url is not supported because it isn't reachable over the public Internet (localhost)"},
		{"a field and a code", 422, validationFailed(`{"resource":"Hook","field":"name","code":"invalid"}`), nil,
			[]error{ErrValidation}, "Validation Failed: name is invalid"},
		{"all codes", 422, validationFailed(`{"resource":"Hook","code":"missing"},{"field":"url","code":"missing_field"},{"field":"name","code":"already_exists"},` +
			`{"field":"events","code":"unprocessable"},{"field":"config","code":"new_code"},{"field":"bare"},{},7`), nil, []error{ErrValidation},
			"Validation Failed: Hook does not exist; url is missing; name exists already; events cannot be processed; config is refused (new_code); bare"},
		{"a field that its message does not name", 422, validationFailed(`{"resource":"Hook","field":"url","code":"custom","message":"is bad"}`), nil,
			[]error{ErrValidation}, "Validation Failed: url: is bad"},
		{"entries that are sentences", 422, `{"message":"Validation Failed","errors":["first","second","first"]}`, nil,
			[]error{ErrValidation}, "Validation Failed: first; second"},
		{"one sentence for all entries", 422, `{"message":"Validation Failed","errors":"only one"}`, nil,
			[]error{ErrValidation}, "Validation Failed: only one"},
		{"a wrong schema", 422, `{"message":"Invalid request.\n\nFor 'properties/events', nil is not an array.","status":"422"}`, nil,
			[]error{ErrValidation}, "Invalid request. For 'properties/events', nil is not an array."},
	}
	otherRefusals = []refusalCase{
		{"bad JSON", 400, `{"message":"Problems parsing JSON","status":"400"}`, nil, nil, "Problems parsing JSON"},
		{"a server error", 500, `{"message":"Server Error"}`, nil, []error{ErrUnavailable}, "Server Error"},
		{"a page of a proxy", 502, `<html><body>Bad gateway</body></html>`, nil, []error{ErrUnavailable}, "Bad Gateway"},
		{"a body that is another kind of JSON", 503, `["message"]`, nil, []error{ErrUnavailable}, "Service Unavailable"},
		{"no body", 504, ``, nil, []error{ErrUnavailable}, "Gateway Timeout"},
		{"a request that took too long", 408, `{"message":"We couldn't respond to your request in time."}`, nil, []error{ErrUnavailable},
			"We couldn't respond to your request in time."},
		{"a body that is far too long", 502, `{"message":"` + strings.Repeat("long ", 1<<18) + `"}`, nil, []error{ErrUnavailable}, "Bad Gateway"},
		{"a status that GitHub does not use", 418, `{"message":"I'm a teapot"}`, nil, nil, "I'm a teapot"},
		{"control characters", 404, `{"message":"Not\u001b[31m\u202e Found\r\n\u0000"}`, nil, []error{ErrNotFound}, "Not[31m Found"},
	}
)

func TestRefusals(t *testing.T) {
	for _, c := range slices.Concat(refusedCredentials, refusedValues, otherRefusals) {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			header := append([]string{"X-GitHub-Request-Id", "0E1A:2B3C"}, c.header...)
			_, err := repositoryOn(t, serve(t, answers(c.status, c.body, header...))).Get(t.Context(), 1)
			for _, sentinel := range sentinels {
				g.Expect(errors.Is(err, sentinel)).To(Equal(slices.Contains(c.want, sentinel)), sentinel.Error())
			}
			e, ok := errors.AsType[*Error](err)
			g.Expect(ok).To(BeTrue())
			g.Expect(e.Message).To(Equal(c.message))
			g.Expect(e.StatusCode).To(Equal(c.status))
			g.Expect(e.Method + " " + e.Route).To(Equal("GET /repos/{owner}/{repo}/hooks/{hook_id}"))
			g.Expect(e.RequestID).To(Equal("0E1A:2B3C"))
			g.Expect(e.AcceptedPermissions).To(Equal(c.permissions()))
			g.Expect(e.RetryAt).To(BeZero())
			g.Expect(err.Error()).NotTo(ContainSubstring(e.RequestID), "it changes with every attempt")
		})
	}
}

func TestRateLimits(t *testing.T) {
	const secondary = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","status":"403"}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		header []string
		wait   time.Duration
	}{
		{"429 without a word", 429, ``, nil, time.Minute},
		{"the primary limit", 403, `{"message":"API rate limit exceeded for user ID 1."}`,
			[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1600000600", "Date", "Sun, 13 Sep 2020 12:26:40 GMT"}, 10 * time.Minute},
		{"the primary limit, told by its numbers", 403, ``,
			[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1600000600", "Date", "Sun, 13 Sep 2020 12:26:40 GMT"}, 10 * time.Minute},
		{"a secondary limit", 403, secondary, []string{"Retry-After", "90"}, 90 * time.Second},
		{"a secondary limit without Retry-After", 403, secondary, []string{"X-RateLimit-Remaining", "4000"}, time.Minute},
		{"a secondary limit told by Retry-After", 403, `{}`, []string{"Retry-After", "5"}, 5 * time.Second},
		{"the limit's former name", 403, `{"message":"You have triggered an abuse detection mechanism."}`, nil, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := repositoryOn(t, serve(t, answers(c.status, c.body, c.header...))).List(t.Context())
			g.Expect(errors.Is(err, ErrRateLimited)).To(BeTrue())
			g.Expect(errors.Is(err, ErrForbidden)).To(BeFalse())
			e, _ := errors.AsType[*Error](err)
			g.Expect(e.RetryAt).To(BeTemporally("~", time.Now().Add(c.wait), 5*time.Second))
		})
	}
}

// A 403 is a missing permission or a limit; where its words are cut off or too many, its headers have to tell.
func TestRefusalsWithoutUsableWords(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"cut off", broken("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n" + `{"message":"rate limit`), ErrNotGitHub},
		{"cut off, with Retry-After", broken("HTTP/1.1 403 Forbidden\r\nRetry-After: 9\r\nContent-Length: 100\r\n\r\n" + `{`), ErrRateLimited},
		{"too long", answers(http.StatusForbidden, `{"message":"`+strings.Repeat("long ", 1<<18)+`"}`), ErrNotGitHub},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := repositoryOn(t, serve(t, c.handler)).Edit(t.Context(), 1, HookRequest{})
			e, ok := errors.AsType[*Error](err)
			NewWithT(t).Expect(ok).To(BeTrue())
			NewWithT(t).Expect(errors.Is(err, c.want)).To(BeTrue())
			NewWithT(t).Expect(e.Message).To(HavePrefix("Forbidden"))
		})
	}
}

func TestServerErrorsSayWhenToRetry(t *testing.T) {
	_, err := repositoryOn(t, serve(t, answers(http.StatusServiceUnavailable, ``, "Retry-After", "120"))).List(t.Context())
	e, ok := errors.AsType[*Error](err)
	NewWithT(t).Expect(ok).To(BeTrue())
	NewWithT(t).Expect(e.RetryAt).To(BeTemporally("~", time.Now().Add(2*time.Minute), 5*time.Second))
}

func FuzzParseRefusal(f *testing.F) {
	for _, seed := range []string{
		validationFailed(`{"resource":"Hook","code":"custom","message":"Hook already exists on this repository"}`),
		`{"message":"Not Found"}`, `{"message":null,"errors":{"field":"a"}}`, `{"errors":[1,"a",{"code":"missing_field","field":"x"},null]}`, `[`, ``,
	} {
		f.Add([]byte(seed), planted)
	}
	f.Fuzz(func(t *testing.T, body []byte, secret string) {
		g := NewWithT(t)
		line := redact.Line(parseRefusal(body).sentence(), maxMessage, redact.Value(secret))
		g.Expect(len([]rune(line))).To(BeNumerically("<=", maxMessage))
		g.Expect(redact.Clean(line, maxMessage)).To(Equal(line), "it is one clean line")
		if len([]rune(secret)) <= redact.Run && redact.Clean(secret, maxMessage) == secret && secret != "" && !isWithin(secret, redact.Mark) {
			g.Expect(strings.ToLower(line)).NotTo(ContainSubstring(strings.ToLower(secret)))
		}
		// Whatever the words are, a status is of its own kind.
		for status, kind := range map[int]error{401: ErrUnauthorized, 404: ErrNotFound, 422: ErrValidation, 451: ErrBlocked, 500: ErrUnavailable} {
			g.Expect(classify(status, http.Header{}, refusal{message: "x" + line})).To(MatchError(kind))
		}
	})
}

// isWithin tells whether a text is a part of another one, whatever their case.
func isWithin(part, text string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
