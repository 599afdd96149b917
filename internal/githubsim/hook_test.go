package githubsim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestOldHooksShowTheirOwnConfig(t *testing.T) {
	h := start(t, githubsim.Options{})
	bare := h.CreateOldHook(repository, githubsim.Hook{Name: "email", Active: true}, map[string]any{})
	h.CreateOldHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}}, map[string]any{"url": "https://ci.example.com", "insecure_ssl": 0})
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").list).To(HaveExactElements(
		And(HaveKeyWithValue("name", "email"), HaveKeyWithValue("config", BeEmpty())),
		HaveKeyWithValue("config", Equal(map[string]any{"url": "https://ci.example.com", "insecure_ssl": 0.0}))))
	path := fmt.Sprintf("%s/%d", repoHooks, bare.ID)
	h.EditHook(repository, bare.ID, func(hook *githubsim.Hook) { hook.Active = false })
	h.g.Expect(h.do(http.MethodGet, path, "").body["config"]).To(BeEmpty())
	h.EditHook(repository, bare.ID, func(hook *githubsim.Hook) { hook.Config.URL = "https://new.example.com" })
	h.g.Expect(h.do(http.MethodGet, path+"/config", "").body).To(HaveKeyWithValue("url", "https://new.example.com"))
	h.g.Expect(h.CreateOldHook("octo-org/none", githubsim.Hook{}, nil)).To(Equal(githubsim.Hook{}))
}

func TestTokensNameTheirEnd(t *testing.T) {
	h, pass := movable(t, githubsim.Options{})
	ends := time.Now().Truncate(time.Second).Add(time.Hour)
	h.AddToken(githubsim.Token{Value: "github_pat_1", Kind: githubsim.FineGrained, Admin: []githubsim.Target{organization}, Expires: ends})
	for _, path := range []string{repoHooks, repoHooks + "/1"} {
		h.g.Expect(h.as("github_pat_1", http.MethodGet, path, "").header.Get("GitHub-Authentication-Token-Expiration")).
			To(Equal(ends.UTC().Format("2006-01-02 15:04:05") + " UTC"))
	}
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").header).NotTo(HaveKey("Github-Authentication-Token-Expiration"))
	pass(time.Hour)
	late := h.as("github_pat_1", http.MethodGet, repoHooks, "")
	h.g.Expect(late.status).To(Equal(http.StatusUnauthorized))
	h.g.Expect(late.header).NotTo(HaveKey("Github-Authentication-Token-Expiration"))
}
