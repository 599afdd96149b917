package githubsim_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestSingleSignOn(t *testing.T) {
	const address = "https://github.com/orgs/octo-org/sso?authorization_request=AAAA"
	h := start(t, githubsim.Options{})
	app, installation := h.withApp()
	h.AddToken(githubsim.Token{Value: "github_pat_1", Kind: githubsim.FineGrained, Admin: []githubsim.Target{organization}})
	h.AddToken(githubsim.Token{Value: "ghp_authorized", Admin: []githubsim.Target{organization}, SSO: []githubsim.Target{"Octo-Org"}})
	h.RequireSSO(organization, address)
	for _, list := range []string{repoHooks, orgHooks} {
		refused := h.do(http.MethodGet, list, "")
		h.g.Expect(refused.status).To(Equal(http.StatusForbidden))
		h.g.Expect(refused.header.Get("X-GitHub-SSO")).To(Equal("required; url=" + address))
		h.g.Expect(refused.body).To(And(HaveKeyWithValue("message", HavePrefix("Resource protected by organization SAML enforcement.")),
			HaveKeyWithValue("status", "403"), HaveKey("documentation_url")))
		for _, token := range []string{"ghp_authorized", "github_pat_1", h.minted(app, installation, "")} {
			h.g.Expect(h.as(token, http.MethodGet, list, "").status).To(Equal(http.StatusOK))
		}
	}
	h.RequireSSO(organization, "")
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
}

func TestIPAllowList(t *testing.T) {
	h := start(t, githubsim.Options{})
	app, installation := h.withApp()
	h.AllowAddresses(organization, "192.0.2.0/24", "2001:db8::1")
	for _, token := range []string{adminToken, h.minted(app, installation, "")} {
		refused := h.as(token, http.MethodGet, repoHooks, "")
		h.g.Expect(refused.status).To(Equal(http.StatusForbidden))
		h.g.Expect(refused.message()).To(Equal("Although you appear to have the correct authorization credentials, the `octo-org` organization " +
			"has an IP allow list enabled, and 127.0.0.1 is not permitted to access this resource."))
	}
	h.AllowAddresses(organization, "127.0.0.1")
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	h.AllowAddresses(organization)
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").status).To(Equal(http.StatusOK))
}
