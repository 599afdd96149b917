package githubsim_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-github/v92/github"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// The tests in this file let a client that others wrote against the real GitHub judge the simulator.

func (h githubServer) client(token string) *github.Client {
	h.t.Helper()
	client, err := github.NewClient(github.WithEnterpriseURLs(h.URL(), h.URL()), github.WithAuthToken(token))
	h.g.Expect(err).NotTo(HaveOccurred())
	return client
}

func hookTo(url string) *github.Hook {
	return &github.Hook{
		Events: []string{"push"},
		Config: &github.HookConfig{URL: new(url), ContentType: new("json"), Secret: new("s3cret")},
	}
}

func TestGoGitHubManagesRepositoryHooks(t *testing.T) {
	h, r, ctx := start(t, githubsim.Options{HooksPerEvent: 250}), receiver(t, "s3cret"), t.Context()
	hooks := h.client(adminToken).Repositories
	made, _, err := hooks.CreateHook(ctx, "octo-org", "hello-world", hookTo(r.URL()))
	h.g.Expect(err).NotTo(HaveOccurred())
	for i := range 34 {
		_, _, err := hooks.CreateHook(ctx, "octo-org", "hello-world", hookTo(fmt.Sprintf("https://%d.example.com", i)))
		h.g.Expect(err).NotTo(HaveOccurred())
	}
	seen := map[int64]bool{}
	for hook, err := range hooks.ListHooksIter(ctx, "octo-org", "hello-world", &github.ListOptions{PerPage: 10}) {
		h.g.Expect(err).NotTo(HaveOccurred())
		seen[hook.GetID()] = true
	}
	h.g.Expect(seen).To(HaveLen(35))

	edited, _, err := hooks.EditHook(ctx, "octo-org", "hello-world", made.GetID(), &github.Hook{Events: []string{"push", "fork"}})
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(edited.Events).To(ConsistOf("push", "fork"))
	config, _, err := hooks.UpdateHookConfiguration(ctx, "octo-org", "hello-world", made.GetID(), github.HookConfig{ContentType: new("form")})
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(config.GetSecret()).To(Equal("********"))

	_, err = hooks.PingHook(ctx, "octo-org", "hello-world", made.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
	_, err = hooks.TestHook(ctx, "octo-org", "hello-world", made.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
	h.settle()
	h.g.Expect(r.Received()).To(HaveEach(HaveField("Verified", true)))
	h.goGitHubRedelivers(made.GetID())

	_, err = hooks.DeleteHook(ctx, "octo-org", "hello-world", made.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
	_, gone, err := hooks.GetHook(ctx, "octo-org", "hello-world", made.GetID())
	h.g.Expect(err).To(HaveOccurred())
	h.g.Expect(gone.StatusCode).To(Equal(http.StatusNotFound))
}

// goGitHubRedelivers reads all deliveries over cursors, and has the oldest delivered again.
func (h githubServer) goGitHubRedelivers(id int64) {
	h.t.Helper()
	hooks, ctx := h.client(adminToken).Repositories, h.t.Context()
	read := func() (rows []*github.HookDelivery) {
		for d, err := range hooks.ListHookDeliveriesIter(ctx, "octo-org", "hello-world", id, &github.ListCursorOptions{PerPage: 1}) {
			h.g.Expect(err).NotTo(HaveOccurred())
			rows = append(rows, d)
		}
		return rows
	}
	before := read()
	h.g.Expect(before).To(HaveLen(3))
	oldest := before[2]
	full, _, err := hooks.GetHookDelivery(ctx, "octo-org", "hello-world", id, oldest.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
	payload, err := full.ParseRequestPayload()
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(payload).To(BeAssignableToTypeOf(&github.PingEvent{}))

	_, _, err = hooks.RedeliverHookDelivery(ctx, "octo-org", "hello-world", id, oldest.GetID())
	accepted := &github.AcceptedError{}
	h.g.Expect(err == nil || errors.As(err, &accepted)).To(BeTrue(), "%v", err)
	h.settle()
	after := read()
	h.g.Expect(after).To(HaveLen(4))
	h.g.Expect(after[0].GetGUID()).To(Equal(oldest.GetGUID()))
	h.g.Expect(after[0].GetRedelivery()).To(BeTrue())
}

func TestGoGitHubManagesOrganizationHooks(t *testing.T) {
	h, r, ctx := start(t, githubsim.Options{}), receiver(t, "s3cret"), t.Context()
	hooks := h.client(adminToken).Organizations
	hook := hookTo(r.URL())
	hook.Name = new("web")
	made, _, err := hooks.CreateHook(ctx, "octo-org", hook)
	h.g.Expect(err).NotTo(HaveOccurred())
	_, err = hooks.PingHook(ctx, "octo-org", made.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
	h.settle()
	rows, _, err := hooks.ListHookDeliveries(ctx, "octo-org", made.GetID(), nil)
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(rows).To(HaveLen(2))
	_, _, err = hooks.CreateHook(ctx, "octo-org", hook)
	refused := &github.ErrorResponse{}
	h.g.Expect(errors.As(err, &refused)).To(BeTrue())
	h.g.Expect(refused.Errors[0].Message).To(Equal("Hook already exists on this organization"))
	_, err = hooks.DeleteHook(ctx, "octo-org", made.GetID())
	h.g.Expect(err).NotTo(HaveOccurred())
}

func TestGoGitHubConfiguresAnApp(t *testing.T) {
	h, r, ctx := start(t, githubsim.Options{}), receiver(t, "s3cret"), t.Context()
	app := h.AddApp(githubsim.App{PrivateKey: testKey(), Events: []string{"push"}})
	h.Install(githubsim.Installation{AppID: app.ID, Account: "octo-org"})
	apps := h.client(signed(app, nil)).Apps
	config, _, err := apps.UpdateHookConfig(ctx, github.HookConfig{URL: new(r.URL()), Secret: new("s3cret"), ContentType: new("json")})
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(config.GetSecret()).To(Equal("********"))
	h.Emit(repository, "push", "", nil)
	h.settle()
	rows, _, err := apps.ListHookDeliveries(ctx, nil)
	h.g.Expect(err).NotTo(HaveOccurred())
	h.g.Expect(rows).To(HaveLen(1))
	h.g.Expect(r.Received()).To(ConsistOf(HaveField("Verified", true)))

	installations, _, err := apps.ListInstallations(ctx, nil)
	h.g.Expect(err).NotTo(HaveOccurred())
	token, _, err := apps.CreateInstallationToken(ctx, installations[0].GetID(), &github.InstallationTokenOptions{Repositories: []string{"hello-world"}})
	h.g.Expect(err).NotTo(HaveOccurred())
	_, _, err = h.client(token.GetToken()).Repositories.ListHooks(ctx, "octo-org", "hello-world", nil)
	h.g.Expect(err).NotTo(HaveOccurred())
}
