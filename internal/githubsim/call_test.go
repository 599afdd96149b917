package githubsim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestLinksBeginAsTheClientBegan(t *testing.T) {
	s := start(t, githubsim.Options{})
	for _, url := range []string{"https://a.example.com", "https://b.example.com"} {
		s.CreateHook(repository, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: url}})
	}
	overTLS := httptest.NewTLSServer(s)
	t.Cleanup(overTLS.Close)
	for root, client := range map[string]*http.Client{s.URL(): http.DefaultClient, overTLS.URL + "/api/v3": overTLS.Client()} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+repoHooks+"?per_page=1", http.NoBody)
		s.g.Expect(err).NotTo(HaveOccurred())
		request.Header.Set("Authorization", "Bearer "+adminToken)
		request.Header.Set("User-Agent", "test")
		response, err := client.Do(request)
		s.g.Expect(err).NotTo(HaveOccurred())
		s.g.Expect(response.Body.Close()).To(Succeed())
		s.g.Expect(response.Header.Get("Link")).To(ContainSubstring("<" + root + "/repositories/"))
	}
}
