package github_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestApp(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	installed := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	client := o.appClient()

	app, err := client.App(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(app.ID).To(Equal(o.app.ID))
	o.g.Expect(app.Slug).To(Equal("octo-app"))
	o.g.Expect(app.ClientID).To(Equal(o.app.ClientID))

	all, err := client.Installations(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(all).To(HaveLen(1))
	byRepository, err := client.RepositoryInstallation(o.ctx, "octo-org", "hello-world")
	o.g.Expect(err).NotTo(HaveOccurred())
	byOrganization, err := client.OrganizationInstallation(o.ctx, "octo-org")
	o.g.Expect(err).NotTo(HaveOccurred())
	for _, i := range []github.Installation{all[0], *byRepository, *byOrganization} {
		o.g.Expect(i.ID).To(Equal(installed.ID))
		o.g.Expect(i.AppID).To(Equal(o.app.ID))
		o.g.Expect(i.AppSlug).To(Equal("octo-app"))
		o.g.Expect(i.Account.Login).To(Equal("octo-org"))
		o.g.Expect(i.TargetType).To(Equal("Organization"))
		o.g.Expect(i.Permissions).To(HaveKeyWithValue("repository_hooks", "write"))
		o.g.Expect(i.SuspendedAt).To(BeNil())
	}
	_, err = client.OrganizationInstallation(o.ctx, "nobody")
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
}

func TestInstallationTokens(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	installed := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	client := o.appClient()

	token, err := client.CreateInstallationToken(o.ctx, installed.ID, github.InstallationTokenRequest{
		Repositories: []string{"hello-world"}, Permissions: map[string]string{"repository_hooks": "write"},
	})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(token.ExpiresAt).To(BeTemporally("~", time.Now().Add(time.Hour), time.Minute))
	o.g.Expect(token.Permissions).To(HaveKeyWithValue("repository_hooks", "write"))
	o.g.Expect(token.RepositorySelection).To(Equal("selected"))

	hosts, err := github.ParseHosts(o.URL())
	o.g.Expect(err).NotTo(HaveOccurred())
	as, err := github.NewClient(github.Options{Server: client.Server(), Hosts: hosts, Token: token.Token})
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = as.RepositoryHooks("octo-org", "hello-world").Create(o.ctx, request("https://ci.example.com", "push"))
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = as.OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrForbidden), "the token was narrowed down")

	o.ChangeInstallation(installed.ID, func(i *githubsim.Installation) { i.Suspended = true })
	_, err = as.RepositoryHooks("octo-org", "hello-world").List(o.ctx)
	o.g.Expect(err).To(And(MatchError(github.ErrSuspended), MatchError(github.ErrForbidden)))
	suspended, err := client.OrganizationInstallation(o.ctx, "octo-org")
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(suspended.SuspendedAt).NotTo(BeNil())
}

func TestAppSettingsURL(t *testing.T) {
	g := NewWithT(t)
	server, err := github.ParseServer("https://ghe.example.com/api/v3")
	g.Expect(err).NotTo(HaveOccurred())
	organization := github.Account{Login: "octo-org", Type: "Organization"}
	for want, app := range map[string]github.App{
		"https://ghe.example.com/organizations/octo-org/settings/apps/ci":    {Slug: "ci", Owner: organization},
		"https://ghe.example.com/settings/apps/ci":                           {Slug: "ci", Owner: github.Account{Login: "octocat", Type: "User"}},
		"https://ghe.example.com/apps/enterprise":                            {Slug: "ci", HTMLURL: "https://ghe.example.com/apps/enterprise"},
		"https://ghe.example.com/organizations/octo-org/settings/apps/a%2Fb": {Slug: "a/b", Owner: organization},
	} {
		g.Expect(app.SettingsURL(server)).To(Equal(want))
	}
}

func TestAppID(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	o.g.Expect(o.appClient().AppID()).NotTo(BeEmpty())
	o.g.Expect(o.client(adminToken).AppID()).To(BeEmpty())
}
