package githubsim_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestRightsOfTokens(t *testing.T) {
	type token = githubsim.Token
	for name, tc := range map[string]struct {
		token       token
		method      string
		list        string
		status      int
		message     string
		permissions string
	}{
		"admin of the repository":       {token: token{Admin: []githubsim.Target{repository}}, list: repoHooks, status: 200},
		"admin of its organization":     {token: token{Admin: []githubsim.Target{organization}}, list: repoHooks, status: 200},
		"admin, organization":           {token: token{Admin: []githubsim.Target{organization}}, list: orgHooks, status: 200},
		"repository admin, its org":     {token: token{Admin: []githubsim.Target{repository}}, list: orgHooks, status: 404, message: "Not Found"},
		"no admin":                      {token: token{}, list: repoHooks, status: 404, message: "Not Found"},
		"admin of another":              {token: token{Admin: []githubsim.Target{"octo-org/other"}}, list: repoHooks, status: 404, message: "Not Found"},
		"no scope":                      {token: token{Admin: []githubsim.Target{"*"}, Scopes: []string{"gist"}}, list: repoHooks, status: 404, message: "Not Found"},
		"scope repo":                    {token: token{Admin: []githubsim.Target{"*"}, Scopes: []string{"repo"}}, method: "POST", list: repoHooks, status: 201},
		"scope repo, organization":      {token: token{Admin: []githubsim.Target{"*"}, Scopes: []string{"repo"}}, list: orgHooks, status: 404, message: "Not Found"},
		"scope read, reading":           {token: token{Admin: []githubsim.Target{"*"}, Scopes: []string{"read:repo_hook"}}, list: repoHooks, status: 200},
		"scope read, writing":           {token: token{Admin: []githubsim.Target{"*"}, Scopes: []string{"read:repo_hook"}}, method: "POST", list: repoHooks, status: 404, message: "Not Found"},
		"fine-grained":                  {token: token{Kind: githubsim.FineGrained, Admin: []githubsim.Target{repository}}, method: "POST", list: repoHooks, status: 201, permissions: "repository_hooks=write"},
		"fine-grained, not covered":     {token: token{Kind: githubsim.FineGrained}, list: repoHooks, status: 404, message: "Not Found", permissions: "repository_hooks=read"},
		"fine-grained, no permission":   {token: token{Kind: githubsim.FineGrained, Admin: []githubsim.Target{"*"}, Permissions: map[string]string{"contents": "write"}}, list: repoHooks, status: 403, message: "Resource not accessible by personal access token", permissions: "repository_hooks=read"},
		"fine-grained, read, writing":   {token: token{Kind: githubsim.FineGrained, Admin: []githubsim.Target{"*"}, Permissions: map[string]string{"repository_hooks": "read"}}, method: "POST", list: repoHooks, status: 403, message: "Resource not accessible by personal access token", permissions: "repository_hooks=write"},
		"fine-grained, no organization": {token: token{Kind: githubsim.FineGrained, Admin: []githubsim.Target{"*"}, Permissions: map[string]string{"repository_hooks": "write"}}, list: orgHooks, status: 403, message: "Resource not accessible by personal access token", permissions: "organization_hooks=read"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			tc.token.Value = "ghp_other"
			h.AddToken(tc.token)
			if tc.method == "" {
				tc.method = http.MethodGet
			}
			body := ""
			if tc.method == http.MethodPost {
				body = plainHook
			}
			answer := h.as("ghp_other", tc.method, tc.list, body)
			h.g.Expect(answer.status).To(Equal(tc.status))
			h.g.Expect(answer.message()).To(Equal(tc.message))
			h.g.Expect(answer.header.Get("X-Accepted-GitHub-Permissions")).To(Equal(tc.permissions))
		})
	}
}

func TestClassicScopesAreExact(t *testing.T) {
	everything := []string{"list", "get", "create", "edit", "delete", "ping", "test", "deliveries", "redeliver"}
	orgs := slices.DeleteFunc(slices.Clone(everything), func(what string) bool { return what == "test" })
	for scope, may := range map[string]struct{ repository, organization []string }{
		"admin:repo_hook": {repository: everything},
		"repo":            {repository: everything},
		"write:repo_hook": {repository: []string{"list", "get", "create", "edit", "ping", "test", "deliveries", "redeliver"}},
		"read:repo_hook":  {repository: []string{"list", "get", "ping", "deliveries"}},
		"public_repo":     {}, // All repositories of the simulator are private.
		"admin:org_hook":  {organization: orgs},
		"admin:org":       {},
	} {
		for list, allowed := range map[string][]string{repoHooks: may.repository, orgHooks: may.organization} {
			t.Run(scope+" "+list, func(t *testing.T) {
				h := start(t, githubsim.Options{})
				target := repository
				if list == orgHooks {
					target = organization
				}
				hook := h.CreateHook(target, githubsim.Hook{ID: 7, Config: githubsim.Config{URL: "https://ci.example.com"}})
				row := h.AddDelivery(target, hook.ID, githubsim.Delivery{})
				h.AddToken(githubsim.Token{Value: "ghp_scoped", Scopes: []string{scope}, Admin: []githubsim.Target{organization}})
				for what, request := range map[string]struct{ method, path, body string }{
					"list": {"GET", "", ""}, "get": {"GET", "/7", ""}, "create": {"POST", "", `{"name":"web","config":{"url":"https://2.example.com"}}`},
					"edit": {"PATCH", "/7", `{"active":false}`}, "ping": {"POST", "/7/pings", ""}, "test": {"POST", "/7/tests", ""},
					"deliveries": {"GET", "/7/deliveries", ""}, "redeliver": {"POST", fmt.Sprintf("/7/deliveries/%d/attempts", row.ID), ""},
				} {
					if what == "test" && list == orgHooks {
						continue
					}
					answer := h.as("ghp_scoped", request.method, list+request.path, request.body)
					done := answer.status < 300
					h.g.Expect(done).To(Equal(slices.Contains(allowed, what)), what)
					h.g.Expect(answer.status).To(Or(BeNumerically("<", 300), Equal(http.StatusNotFound)), what)
					h.g.Expect(answer.header.Get("X-OAuth-Scopes")).To(Equal(scope))
				}
				deleted := h.as("ghp_scoped", http.MethodDelete, list+"/7", "")
				gone := deleted.status == http.StatusNoContent
				h.g.Expect(gone).To(Equal(slices.Contains(allowed, "delete")))
				h.settle()
			})
		}
	}
}

func TestAcceptedScopesAreNamedAsRecorded(t *testing.T) {
	h := start(t, githubsim.Options{OnExchange: unvalidated})
	for request, want := range map[string]string{
		"GET " + repoHooks:               "admin:repo_hook, public_repo, read:repo_hook, repo, write:repo_hook",
		"POST " + repoHooks + "/1/pings": "admin:repo_hook, public_repo, read:repo_hook, repo, write:repo_hook",
		"POST " + repoHooks:              "admin:repo_hook, public_repo, repo, write:repo_hook",
		"PATCH " + repoHooks + "/1":      "admin:repo_hook, public_repo, repo, write:repo_hook",
		"DELETE " + repoHooks + "/1":     "admin:repo_hook, public_repo, repo",
		"GET /repos/octo-org/none/hooks": "admin:repo_hook, public_repo, read:repo_hook, repo, write:repo_hook",
		"DELETE " + orgHooks + "/1":      "admin:org_hook",
	} {
		method, path, _ := strings.Cut(request, " ")
		h.g.Expect(h.do(method, path, "").header.Get("X-Accepted-OAuth-Scopes")).To(Equal(want), request)
	}
}

func TestAcceptedPermissionsComeWithEveryAnswer(t *testing.T) {
	h := start(t, githubsim.Options{OnExchange: unvalidated})
	app, installation := h.withApp()
	h.CreateHook(repository, githubsim.Hook{ID: 7, Config: githubsim.Config{URL: "https://ci.example.com"}})
	h.AddRepository("octo-org/frozen")
	h.SetArchived("octo-org/frozen", true)
	h.AddRepository("octo-org/old")
	h.Rename("octo-org/old", "octo-org/new")
	h.AddToken(githubsim.Token{Value: "github_pat_1", Kind: githubsim.FineGrained, Admin: []githubsim.Target{organization}})
	for _, token := range []string{"github_pat_1", h.minted(app, installation, "")} {
		tag := h.as(token, http.MethodGet, repoHooks, "").header.Get("ETag")
		for _, request := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", repoHooks, "", 200, "repository_hooks=read"},
			{"POST", repoHooks, strings.Replace(plainHook, "ci.", tokenHost(token), 1), 201, "repository_hooks=write"},
			{"POST", repoHooks + "/7/pings", "", 204, "repository_hooks=read"},
			{"PATCH", "/repos/octo-org/old/hooks/7", "{}", 307, "repository_hooks=write"},
			{"GET", "/repos/octo-org/old/hooks", "", 301, "repository_hooks=read"},
			{"POST", repoHooks, "{", 400, "repository_hooks=write"},
			{"POST", "/repos/octo-org/frozen/hooks", plainHook, 403, "repository_hooks=write"},
			{"DELETE", orgHooks + "/1", "", 404, "organization_hooks=write"},
			{"GET", "/repos/octo-org/none/hooks", "", 404, "repository_hooks=read"},
			{"POST", repoHooks, "{}", 422, "repository_hooks=write"},
		} {
			answer := h.as(token, request.method, request.path, request.body)
			h.g.Expect(answer.status).To(Equal(request.status), request.path)
			h.g.Expect(answer.header.Get("X-Accepted-GitHub-Permissions")).To(Equal(request.want), request.path)
			h.g.Expect(answer.header).NotTo(HaveKey("X-Accepted-Oauth-Scopes"))
		}
		h.g.Expect(tag).NotTo(BeEmpty())
	}
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").header).NotTo(HaveKey("X-Accepted-Github-Permissions"), "a classic token")
	h.g.Expect(h.as(signed(app, nil), http.MethodGet, "/app", "").header).NotTo(HaveKey("X-Accepted-Github-Permissions"), "a JWT")
}

// tokenHost makes each token's webhook another one.
func tokenHost(token string) string { return token[:3] + "." }

func TestPermissionToReadIsEnoughForPingsAndTestsOfRepositories(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	orgPath := h.do(http.MethodPost, orgHooks, plainHook).header.Get("Location")
	h.AddToken(githubsim.Token{
		Value: "github_pat_read", Kind: githubsim.FineGrained, Admin: []githubsim.Target{organization},
		Permissions: map[string]string{"repository_hooks": "read", "organization_hooks": "read"},
	})
	h.g.Expect(h.as("github_pat_read", http.MethodPost, path+"/pings", "").status).To(Equal(http.StatusNoContent))
	h.g.Expect(h.as("github_pat_read", http.MethodPost, path+"/tests", "").status).To(Equal(http.StatusNoContent))
	h.g.Expect(h.as("github_pat_read", http.MethodPost, orgPath+"/pings", "").status).To(Equal(http.StatusForbidden))
}

func TestCredentialsThatAreNone(t *testing.T) {
	h := start(t, githubsim.Options{})
	nobody := h.as("", http.MethodGet, repoHooks, "")
	h.g.Expect(nobody.status).To(Equal(http.StatusUnauthorized))
	h.g.Expect(nobody.message()).To(Equal("Requires authentication"))
	h.g.Expect(h.as("ghp_wrong", http.MethodGet, repoHooks, "").message()).To(Equal("Bad credentials"))
	h.RevokeToken(adminToken)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusUnauthorized))
}

func TestSchemesOfAuthorization(t *testing.T) {
	h := start(t, githubsim.Options{})
	basic := base64.StdEncoding.EncodeToString([]byte("octocat:" + adminToken))
	for _, authorization := range []string{"Bearer " + adminToken, "token " + adminToken, "Basic " + basic} {
		h.g.Expect(h.as("", http.MethodGet, repoHooks, "", "Authorization", authorization).status).To(Equal(http.StatusOK), authorization)
	}
}

func TestClassicTokensHearOfScopes(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.AddToken(githubsim.Token{Value: "ghp_gist", Scopes: []string{"gist"}, Admin: []githubsim.Target{"*"}})
	answer := h.as("ghp_gist", http.MethodGet, orgHooks, "")
	h.g.Expect(answer.header.Get("X-OAuth-Scopes")).To(Equal("gist"))
	h.g.Expect(answer.header.Get("X-Accepted-OAuth-Scopes")).To(Equal("admin:org_hook"))
}

func TestOAuthAppsAndUsersDoNotSeeEachOthersOrganizationHooks(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.AddToken(githubsim.Token{Value: "gho_app", Admin: []githubsim.Target{organization}, OAuthApp: "ci"})
	theirs := h.as("gho_app", http.MethodPost, orgHooks, plainHook)
	h.g.Expect(theirs.status).To(Equal(http.StatusCreated))
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").raw).To(Equal("[]"))
	h.g.Expect(h.do(http.MethodGet, theirs.header.Get("Location"), "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.as("gho_app", http.MethodGet, orgHooks, "").list).To(HaveLen(1))
}

func TestRequestsThatGitHubDoesNotTake(t *testing.T) {
	h := start(t, githubsim.Options{OnExchange: unvalidated})
	h.g.Expect(h.do(http.MethodGet, repoHooks, "", "User-Agent", "").status).To(Equal(http.StatusForbidden))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "", "X-GitHub-Api-Version", "1999-01-01").status).To(Equal(http.StatusBadRequest))
	wrong := h.as("ghp_wrong", http.MethodGet, repoHooks, "", "X-GitHub-Api-Version", "1999-01-01")
	h.g.Expect(wrong.status).To(Equal(http.StatusUnauthorized), "the credential is judged before the version")
	h.g.Expect(h.do(http.MethodGet, repoHooks, "", "X-GitHub-Api-Version", "2022-11-28").status).To(Equal(http.StatusOK))
	for _, path := range []string{repoHooks + "/", "/repos/octo-org/hello-world", "/", "", "/repos/octo-org//hooks", "/repos/octo-org/none/hooks", repoHooks + "/x", repoHooks + "/-1"} {
		answer := h.do(http.MethodGet, path, "")
		h.g.Expect(answer.status).To(Equal(http.StatusNotFound), path)
		h.g.Expect(answer.body).To(And(HaveKeyWithValue("message", "Not Found"), HaveKeyWithValue("status", "404"), HaveKey("documentation_url")), path)
	}
	h.g.Expect(h.do(http.MethodPut, repoHooks, "").status).To(Equal(http.StatusNotFound))
}
