package githubsim_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// BenchmarkPoll reads one of 5,000 webhooks, each in a repository of its own, as an operator does that polls them all.
func BenchmarkPoll(b *testing.B) {
	s := githubsim.New(githubsim.Options{})
	defer s.Close()
	s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}})
	paths := make([]string, 5000)
	for i := range paths {
		target := githubsim.Target(fmt.Sprintf("octo-org/repository-%d", i))
		s.AddRepository(target)
		hook := s.CreateHook(target, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
		paths[i] = fmt.Sprintf("/repos/%s/hooks/%d", target, hook.ID)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if answer := serve(s, http.MethodGet, paths[i%len(paths)], ""); answer.Code != http.StatusOK {
			b.Fatal(answer.Code, answer.Body)
		}
		i++
	}
}

// BenchmarkCreate makes and deletes a webhook.
func BenchmarkCreate(b *testing.B) {
	s := githubsim.New(githubsim.Options{})
	defer s.Close()
	s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}})
	s.AddRepository(repository)
	b.ReportAllocs()
	for b.Loop() {
		answer := serve(s, http.MethodPost, repoHooks, `{"config":{"url":"https://ci.example.com"},"active":false}`)
		if answer.Code != http.StatusCreated {
			b.Fatal(answer.Code, answer.Body)
		}
		s.DeleteHook(repository, s.Hooks(repository)[0].ID)
	}
}
