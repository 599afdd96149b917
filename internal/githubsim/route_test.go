package githubsim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestEndpoints(t *testing.T) {
	g := NewWithT(t)
	endpoints := githubsim.Endpoints()
	g.Expect(endpoints).To(HaveLen(33))
	g.Expect(endpoints).To(ContainElements(
		githubsim.Endpoint{Method: http.MethodPost, Route: "/repos/{owner}/{repo}/hooks/{hook_id}/tests"},
		githubsim.Endpoint{Method: http.MethodPatch, Route: "/app/hook/config"},
	))
	g.Expect(endpoints).NotTo(ContainElement(HaveField("Route", "/orgs/{org}/hooks/{hook_id}/tests")))
}

func TestErrorsLinkToTheEndpointsDocumentation(t *testing.T) {
	h := start(t, githubsim.Options{})
	for path, anchor := range map[string]string{
		repoHooks + "/1":              "repos/webhooks#get-a-repository-webhook",
		orgHooks + "/1":               "orgs/webhooks#get-an-organization-webhook",
		orgHooks + "/1/deliveries":    "orgs/webhooks#list-deliveries-for-an-organization-webhook",
		repoHooks + "/1/deliveries/2": "repos/webhooks#get-a-delivery-for-a-repository-webhook",
		repoHooks + "/1/config":       "repos/webhooks#get-a-webhook-configuration-for-a-repository",
	} {
		h.g.Expect(h.do(http.MethodGet, path, "").body["documentation_url"]).To(Equal("https://docs.github.com/rest/" + anchor))
	}
}

// FuzzPath: whatever is asked for, there is an answer that GitHub gives too.
func FuzzPath(f *testing.F) {
	s := githubsim.New(githubsim.Options{})
	f.Cleanup(s.Close)
	id := s.AddRepository(repository)
	s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}})
	hook := s.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	s.AddDelivery(repository, hook.ID, githubsim.Delivery{ID: 7})
	for _, seed := range []string{
		repoHooks + "?per_page=1&page=2", fmt.Sprintf("%s/%d/deliveries?cursor=v1_7&status=failure", repoHooks, hook.ID),
		fmt.Sprintf("/repositories/%d/hooks/", id), "/repositories//hooks", "/organizations/1/hooks/x/config", "/api/v3", "/api/v3/app",
		"/repos/%2f/%00/hooks", "/repos//hello-world/hooks", fmt.Sprintf("/repositories/%d/hooks/%d/deliveries/7/attempts", id, hook.ID),
	} {
		f.Add(http.MethodGet, seed)
		f.Add(http.MethodPost, seed)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		if _, err := url.ParseRequestURI(path); err != nil || !strings.HasPrefix(path, "/") || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || strings.ContainsAny(path, " \r\n\t") {
			return
		}
		answer := serve(s, method, path, "")
		NewWithT(t).Expect(answer.Code).To(BeElementOf(200, 202, 204, 400, 401, 404, 422), answer.Body.String())
	})
}
