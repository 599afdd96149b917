package githubsim_test

import (
	"encoding/base64"
	"net/http"
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
		"fine-grained":                  {token: token{Kind: githubsim.FineGrained, Admin: []githubsim.Target{repository}}, method: "POST", list: repoHooks, status: 201},
		"fine-grained, not covered":     {token: token{Kind: githubsim.FineGrained}, list: repoHooks, status: 404, message: "Not Found"},
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
	h.g.Expect(h.do(http.MethodGet, repoHooks, "", "X-GitHub-Api-Version", "2022-11-28").status).To(Equal(http.StatusOK))
	for _, path := range []string{repoHooks + "/", "/repos/octo-org/hello-world", "/", "", "/repos/octo-org//hooks", "/repos/octo-org/none/hooks", repoHooks + "/x", repoHooks + "/-1"} {
		answer := h.do(http.MethodGet, path, "")
		h.g.Expect(answer.status).To(Equal(http.StatusNotFound), path)
		h.g.Expect(answer.body).To(And(HaveKeyWithValue("message", "Not Found"), HaveKeyWithValue("status", "404"), HaveKey("documentation_url")), path)
	}
	h.g.Expect(h.do(http.MethodPut, repoHooks, "").status).To(Equal(http.StatusNotFound))
}
