package githubsim_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestSettingsPage(t *testing.T) {
	g := NewWithT(t)
	s := githubsim.New(githubsim.Options{})
	g.Expect(s.Start()).To(Succeed())
	t.Cleanup(s.Close)
	s.AddRepository("octo-org/hello-world")
	hook := s.CreateHook("octo-org/hello-world", githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: "https://ci.example.com/<x>", Secret: "s3cret"}})
	s.AddDelivery("octo-org/hello-world", hook.ID, githubsim.Delivery{Status: "timed out", StatusCode: 504, Event: "push"})
	app := s.AddApp(githubsim.App{Slug: "hello-app", Webhook: githubsim.Config{URL: "https://app.example.com/github"}})
	organizations := s.CreateHook("octo-org", githubsim.Hook{Config: githubsim.Config{URL: "https://audit.example.com/github"}})
	get := func(path string) (int, string) {
		response, err := http.Get(s.URL() + path) //nolint:noctx // a local server
		g.Expect(err).NotTo(HaveOccurred())
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		g.Expect(err).NotTo(HaveOccurred())
		return response.StatusCode, string(page)
	}

	code, page := get(fmt.Sprintf("/octo-org/hello-world/settings/hooks/%d", hook.ID))
	g.Expect(code).To(Equal(http.StatusOK))
	g.Expect(page).To(And(ContainSubstring("https://ci.example.com/&lt;x&gt;"), ContainSubstring("timed out"), ContainSubstring("504"), Not(ContainSubstring("s3cret"))))
	_, page = get(fmt.Sprintf("/organizations/octo-org/settings/hooks/%d", organizations.ID))
	g.Expect(page).To(ContainSubstring("https://audit.example.com/github"))
	for _, path := range []string{"/settings/apps/" + app.Slug, "/organizations/octo-org/settings/apps/" + app.Slug} {
		_, page = get(path)
		g.Expect(page).To(ContainSubstring("https://app.example.com/github"), path)
	}
	for _, path := range []string{"/octo-org/hello-world/settings/hooks/1", "/settings/apps/other", "/organizations/octo-org/settings/hooks/99999999999999999999"} {
		code, _ = get(path)
		g.Expect(code).To(Equal(http.StatusNotFound), path)
	}
}
