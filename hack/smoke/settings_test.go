package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// environment is what os.Getenv reads elsewhere.
type environment map[string]string

func (e environment) getenv(name string) string { return e[name] }

func TestSettingsThatAreRefusedSayWhatToSet(t *testing.T) {
	for name, c := range map[string]struct {
		environment environment
		want        []string
	}{
		"nothing is set": {
			environment{},
			[]string{"set SMOKE_TOKEN to a token, or SMOKE_APP_ID", "set SMOKE_REPOSITORY to a throwaway repository"},
		},
		"a token and an App": {
			environment{tokenVariable: "ghp_token", appIDVariable: "1", repositoryVariable: "octo-org/hello-world"},
			[]string{"set either SMOKE_TOKEN, or SMOKE_APP_ID and SMOKE_APP_KEY"},
		},
		"an App without its key": {
			environment{appIDVariable: "1", repositoryVariable: "octo-org/hello-world"},
			[]string{"SMOKE_APP_KEY to the file"},
		},
		"an App's key that is not there": {
			environment{appIDVariable: "1", appKeyVariable: "/no/such/file", repositoryVariable: "octo-org/hello-world"},
			[]string{"SMOKE_APP_KEY must name a file that can be read"},
		},
		"a repository without its owner": {
			environment{tokenVariable: "ghp_token", repositoryVariable: "hello-world"},
			[]string{"set SMOKE_REPOSITORY"},
		},
		"a repository for an organization": {
			environment{tokenVariable: "ghp_token", repositoryVariable: "octo-org/hello-world", organizationVariable: "octo-org/hello-world"},
			[]string{"SMOKE_ORGANIZATION must be the name of an organization"},
		},
		"a receiver that is no URL": {
			environment{tokenVariable: "ghp_token", repositoryVariable: "octo-org/hello-world", urlVariable: "ghp_token"},
			[]string{"SMOKE_URL must be a public URL"},
		},
		"a server that is no URL": {
			environment{tokenVariable: "ghp_token", repositoryVariable: "octo-org/hello-world", githubURLVariable: "ghe"},
			[]string{"SMOKE_GITHUB_URL", "https://ghe.example.com"},
		},
		"a server without HTTPS": {
			environment{tokenVariable: "ghp_token", repositoryVariable: "octo-org/hello-world", githubURLVariable: "http://ghe.example.com"},
			[]string{"SMOKE_GITHUB_URL must begin with https://"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := readSettings(c.environment.getenv)
			g.Expect(err).To(HaveOccurred())
			for _, want := range c.want {
				g.Expect(err.Error()).To(ContainSubstring(want))
			}
			g.Expect(err.Error()).NotTo(ContainSubstring("ghp_token"))
			g.Expect(exitCode(&lockedBuffer{}, err)).To(Equal(refused))
		})
	}
}

func TestSettingsTakeATokenOrAnApp(t *testing.T) {
	g := NewWithT(t)
	s, err := readSettings(environment{tokenVariable: "ghp_token", repositoryVariable: "octo-org/hello-world"}.getenv)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Server.String()).To(Equal("https://github.com"))
	g.Expect(s.owner).To(Equal("octo-org"))
	g.Expect(s.repository).To(Equal("hello-world"))

	app := githubsim.New(githubsim.Options{}).AddApp(githubsim.App{})
	s, err = readSettings(environment{
		appIDVariable: app.ClientID, appKeyVariable: keyFile(t, app), repositoryVariable: "octo-org/hello-world",
		githubURLVariable: "https://ghe.example.com", organizationVariable: "octo-org", urlVariable: "https://ci.example.com/github?token=x",
	}.getenv)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.App.ID).To(Equal(app.ClientID))
	g.Expect(s.Server.String()).To(Equal("https://ghe.example.com"))
	g.Expect(s.organization).To(Equal("octo-org"))
}

func keyFile(t *testing.T, app githubsim.App) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	NewWithT(t).Expect(os.WriteFile(path, []byte(app.PrivateKey), 0o600)).To(Succeed())
	return path
}
