package github_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim/openapicheck"
)

const (
	repository   = githubsim.Target("octo-org/hello-world")
	organization = githubsim.Target("octo-org")
	adminToken   = "ghp_admin0123456789"
	hmacSecret   = "It's a Secret to Everybody"
)

// octo is a simulated GitHub with a repository, its organization and an App on it.
type octo struct {
	*githubsim.Server
	g   *WithT
	ctx context.Context
	app githubsim.App
}

func start(t *testing.T, options githubsim.Options) octo {
	t.Helper()
	g := NewWithT(t)
	validate(t, &options)
	s := githubsim.New(options)
	g.Expect(s.Start()).To(Succeed())
	t.Cleanup(s.Close)
	s.AddRepository(repository)
	s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}})
	return octo{Server: s, g: g, ctx: t.Context()}
}

// validate holds what the client asks against GitHub's OpenAPI description.
func validate(t *testing.T, options *githubsim.Options) {
	t.Helper()
	dir := os.Getenv("GITHUB_OPENAPI_DIR")
	if dir == "" {
		t.Log("GITHUB_OPENAPI_DIR is not set: the traffic of this test is not checked against GitHub's OpenAPI description.")
		return
	}
	g := NewWithT(t)
	description, err := openapicheck.Load(dir, openapicheck.GitHub)
	g.Expect(err).NotTo(HaveOccurred())
	checker := description.NewChecker()
	options.OnExchange = checker.Check
	t.Cleanup(func() { g.Expect(checker.Violations()).To(BeEmpty()) })
}

func (o octo) client(token string, change ...func(*github.Options)) *github.Client {
	return o.clientWith(github.Options{Token: github.NewSecret(token)}, change)
}

func (o octo) clientWith(options github.Options, change []func(*github.Options)) *github.Client {
	var err error
	options.Server, err = github.ParseServer(o.URL())
	o.g.Expect(err).NotTo(HaveOccurred())
	options.Hosts, err = github.ParseHosts(o.URL())
	o.g.Expect(err).NotTo(HaveOccurred())
	for _, c := range change {
		c(&options)
	}
	client, err := github.NewClient(options)
	o.g.Expect(err).NotTo(HaveOccurred())
	return client
}

func (o octo) repository() github.Hooks {
	return o.client(adminToken).RepositoryHooks("octo-org", "hello-world")
}

func (o octo) organization() github.Hooks { return o.client(adminToken).OrganizationHooks("octo-org") }

// withApp adds an App whose webhook goes to url.
func (o octo) withApp(url string) octo {
	o.app = o.AddApp(githubsim.App{
		Slug: "octo-app", Owner: "octo-org",
		Webhook: githubsim.Config{URL: url, ContentType: "json", Secret: "former"},
	})
	return o
}

// appClient logs in as the App.
func (o octo) appClient(change ...func(*github.Options)) *github.Client {
	return o.clientWith(github.Options{App: &github.AppCredentials{
		ID: strconv.FormatInt(o.app.ID, 10), PrivateKey: github.NewSecret(o.app.PrivateKey),
	}}, change)
}

func request(url string, events ...string) github.HookRequest {
	return github.HookRequest{
		Config: &github.Config{URL: github.NewSecret(url), ContentType: "json", Secret: github.NewSecret(hmacSecret)},
		Events: events,
	}
}

func TestHooksOfRepositoriesAndOrganizations(t *testing.T) {
	for name, target := range map[string]githubsim.Target{"repository": repository, "organization": organization} {
		t.Run(name, func(t *testing.T) {
			o := start(t, githubsim.Options{})
			hooks := o.repository()
			if target == organization {
				hooks = o.organization()
			}
			receiver := githubsim.NewReceiver(hmacSecret)
			defer receiver.Close()

			made, err := hooks.Create(o.ctx, request(receiver.URL(), "push", "fork"))
			o.g.Expect(err).NotTo(HaveOccurred())
			o.g.Expect(made.ID).To(BeNumerically(">", 0))
			o.g.Expect(made.Name).To(Equal("web"))
			o.g.Expect(made.Active).To(BeTrue())
			o.g.Expect(made.Events).To(ConsistOf("push", "fork"))
			o.g.Expect(made.Config).To(Equal(github.HookConfig{URL: receiver.URL(), ContentType: "json", Secret: "********"}))
			o.g.Expect(made.CreatedAt).To(BeTemporally("~", time.Now(), time.Minute))
			o.g.Expect(made.UpdatedAt).To(BeTemporally("~", time.Now(), time.Minute))
			o.g.Expect(made.URL).To(HaveSuffix("/hooks/" + strconv.FormatInt(made.ID, 10)))
			kept, _ := o.Hook(target, made.ID)
			o.g.Expect(kept.Config.Secret).To(Equal(hmacSecret), "the real secret arrived")

			o.editAndRead(hooks, target, made.ID)

			o.g.Expect(hooks.Ping(o.ctx, made.ID)).To(Succeed())
			o.g.Expect(hooks.Delete(o.ctx, made.ID)).To(Succeed())
			o.g.Expect(o.Hooks(target)).To(BeEmpty())
			o.g.Expect(hooks.Delete(o.ctx, made.ID)).To(MatchError(github.ErrNotFound))
			_, err = hooks.Get(o.ctx, made.ID)
			o.g.Expect(err).To(MatchError(github.ErrNotFound))
		})
	}
}

// editAndRead drives everything that one hook has.
func (o octo) editAndRead(hooks github.Hooks, target githubsim.Target, id int64) {
	inactive := false
	edited, err := hooks.Edit(o.ctx, id, github.HookRequest{
		Config: &github.Config{URL: github.NewSecret("https://ci.example.com/b"), ContentType: "form", InsecureSSL: true},
		Events: []string{"issues"}, Active: &inactive,
	})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(edited.Active).To(BeFalse())
	o.g.Expect(edited.Events).To(Equal([]string{"issues"}))
	o.g.Expect(edited.Config).To(Equal(github.HookConfig{URL: "https://ci.example.com/b", ContentType: "form", InsecureSSL: true}))
	kept, _ := o.Hook(target, id)
	o.g.Expect(kept.Config.Secret).To(BeEmpty(), "a config without the secret removes it")

	config, err := hooks.EditConfig(o.ctx, id, github.Config{Secret: github.NewSecret("another secret"), ContentType: "json"})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(*config).To(Equal(github.HookConfig{URL: "https://ci.example.com/b", ContentType: "json", Secret: "********"}))
	config, err = hooks.Config(o.ctx, id)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(config.Secret).To(Equal("********"))

	got, err := hooks.Get(o.ctx, id)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(got.ID).To(Equal(id))
	all, err := hooks.List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(all).To(ConsistOf(*got))
}

func TestEventsOfARepositorysHookAreAddedAndRemoved(t *testing.T) {
	o := start(t, githubsim.Options{})
	id := o.CreateHook(repository, githubsim.Hook{Events: []string{"push", "fork"}, Config: githubsim.Config{URL: "https://ci.example.com"}}).ID
	edited, err := o.repository().Edit(o.ctx, id, github.HookRequest{AddEvents: []string{"issues"}, RemoveEvents: []string{"fork"}})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(edited.Events).To(ConsistOf("push", "issues"))
}

func TestAllHooksAreListed(t *testing.T) {
	o := start(t, githubsim.Options{HooksPerEvent: 1000})
	for range 250 {
		o.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}})
	}
	o.ResetRequests()
	hooks, err := o.repository().List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(hooks).To(HaveLen(250))
	o.g.Expect(o.Requests()).To(HaveLen(3))
	ids := map[int64]bool{}
	for _, h := range hooks {
		ids[h.ID] = true
	}
	o.g.Expect(ids).To(HaveLen(250))
}

func TestRenamedRepositoriesGoOnWorking(t *testing.T) {
	o := start(t, githubsim.Options{})
	hooks := o.repository()
	made, err := hooks.Create(o.ctx, request("https://ci.example.com", "push"))
	o.g.Expect(err).NotTo(HaveOccurred())
	o.Rename(repository, "octo-org/hello-moon")

	got, err := hooks.Get(o.ctx, made.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(got.URL).To(ContainSubstring("/repos/octo-org/hello-moon/"))
	edited, err := hooks.Edit(o.ctx, made.ID, github.HookRequest{Events: []string{"fork"}})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(edited.Events).To(Equal([]string{"fork"}))
	second, err := hooks.Create(o.ctx, request("https://ci.example.com/2", "push"))
	o.g.Expect(err).NotTo(HaveOccurred())
	all, err := hooks.List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(all).To(HaveLen(2))
	o.g.Expect(hooks.Delete(o.ctx, second.ID)).To(Succeed())
	o.g.Expect(o.Hooks("octo-org/hello-moon")).To(HaveLen(1))
}

func TestDeliveries(t *testing.T) {
	o := start(t, githubsim.Options{})
	receiver := githubsim.NewReceiver(hmacSecret)
	defer receiver.Close()
	hooks := o.repository()
	made, err := hooks.Create(o.ctx, request(receiver.URL(), "push"))
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.WaitDeliveries(o.ctx)).To(Succeed(), "of the ping")
	receiver.Fail(503)
	o.g.Expect(hooks.Test(o.ctx, made.ID)).To(Succeed())
	o.g.Expect(o.WaitDeliveries(o.ctx)).To(Succeed())

	page, err := hooks.Deliveries(o.ctx, made.ID, github.DeliveryQuery{PerPage: 1})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(page.Deliveries).To(HaveLen(1))
	o.g.Expect(page.Next).NotTo(BeEmpty())
	failed := page.Deliveries[0]
	o.g.Expect(failed.Event).To(Equal("push"))
	o.g.Expect(failed.StatusCode).To(Equal(503))
	o.g.Expect(failed.Status).To(Equal("Invalid HTTP Response: 503"))
	page, err = hooks.Deliveries(o.ctx, made.ID, github.DeliveryQuery{PerPage: 1, Cursor: page.Next})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(page.Deliveries[0].Event).To(Equal("ping"))
	o.g.Expect(page.Next).To(BeEmpty())

	whole, err := hooks.Delivery(o.ctx, made.ID, failed.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(whole.GUID).To(Equal(failed.GUID))
	o.g.Expect(whole.URL).To(Equal(receiver.URL()))
	o.g.Expect(whole.Response.Payload).NotTo(BeNil())

	o.g.Expect(receiver.Recover()).To(Succeed())
	o.g.Expect(hooks.Redeliver(o.ctx, made.ID, failed.ID)).To(Succeed())
	o.g.Expect(o.WaitDeliveries(o.ctx)).To(Succeed())
	page, err = hooks.Deliveries(o.ctx, made.ID, github.DeliveryQuery{Status: "success"})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(page.Deliveries[0].GUID).To(Equal(failed.GUID))
	o.g.Expect(page.Deliveries[0].Redelivery).To(BeTrue())

	_, err = hooks.Delivery(o.ctx, made.ID, 1)
	_, isGitHubs := errors.AsType[*github.Error](err)
	o.g.Expect(isGitHubs).To(BeTrue())
}

func TestDeliveriesWithoutAnAnswer(t *testing.T) {
	o := start(t, githubsim.Options{})
	id := o.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com"}}).ID
	o.g.Expect(o.WaitDeliveries(o.ctx)).To(Succeed())
	big := int64(1)<<53 + 12345
	o.AddDelivery(repository, id, githubsim.Delivery{ID: big, Status: "timed out", Event: "push", ThrottledAt: time.Now()})
	hooks := o.repository()

	whole, err := hooks.Delivery(o.ctx, id, big)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(whole.ID).To(Equal(big))
	o.g.Expect(whole.Response.Payload).To(BeNil())
	o.g.Expect(whole.ThrottledAt).NotTo(BeNil())
	o.g.Expect(whole.InstallationID).To(BeNil())
	o.g.Expect(whole.Action).To(BeEmpty())
}

func TestTheHookOfAnApp(t *testing.T) {
	receiver := githubsim.NewReceiver(hmacSecret, "former")
	defer receiver.Close()
	o := start(t, githubsim.Options{}).withApp(receiver.URL())
	hook := o.appClient().AppHook()

	config, err := hook.Config(o.ctx, 0)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(*config).To(Equal(github.HookConfig{URL: receiver.URL(), ContentType: "json", Secret: "********"}))
	config, err = hook.EditConfig(o.ctx, 0, github.Config{
		URL: github.NewSecret(receiver.URL()), ContentType: "json", Secret: github.NewSecret(hmacSecret), InsecureSSL: true,
	})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(config.InsecureSSL).To(BeTrue())
	kept, _ := o.Hook(githubsim.AppTarget(o.app.ID), 0)
	o.g.Expect(kept.Config.Secret).To(Equal(hmacSecret))

	made := o.AddDelivery(githubsim.AppTarget(o.app.ID), 0, githubsim.Delivery{
		Status: "Invalid HTTP Response: 500", StatusCode: 500, Event: "installation", Action: "created", InstallationID: 7,
	})
	page, err := hook.Deliveries(o.ctx, 0, github.DeliveryQuery{PerPage: 100, Status: "failure"})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(page.Deliveries).To(HaveLen(1))
	o.g.Expect(page.Deliveries[0].Action).To(Equal("created"))
	o.g.Expect(*page.Deliveries[0].InstallationID).To(Equal(int64(7)))
	_, err = hook.Delivery(o.ctx, 0, made.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(hook.Redeliver(o.ctx, 0, made.ID)).To(Succeed())

	o.SetAppWebhookOff(o.app.ID, true)
	_, err = hook.Config(o.ctx, 0)
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
	_, err = hook.Get(o.ctx, o.app.ID)
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
}

func TestAppHookAsAnyOther(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	hook := o.appClient().AppHook()

	found, err := hook.Get(o.ctx, o.app.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(found.ID).To(Equal(o.app.ID))
	o.g.Expect(found.Config.URL).To(Equal("https://ci.example.com"))

	edited, err := hook.Edit(o.ctx, o.app.ID, github.HookRequest{Config: &github.Config{URL: github.NewSecret("https://new.example.com")}})
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(edited.ID).To(Equal(o.app.ID))
	o.g.Expect(edited.Config.URL).To(Equal("https://new.example.com"))
}

func TestWhatGitHubDoesNotOffer(t *testing.T) {
	o := start(t, githubsim.Options{})
	hook := o.client("jwt").AppHook()
	_, listed := hook.List(o.ctx)
	_, created := hook.Create(o.ctx, github.HookRequest{})
	_, edited := hook.Edit(o.ctx, 1, github.HookRequest{})
	for _, err := range []error{
		listed, created, edited, hook.Delete(o.ctx, 1), hook.Ping(o.ctx, 1), hook.Test(o.ctx, 1), o.organization().Test(o.ctx, 1),
	} {
		o.g.Expect(errors.Is(err, errors.ErrUnsupported)).To(BeTrue(), "%v", err)
	}
	o.g.Expect(o.Requests()).To(BeEmpty())
}

func TestNamesThatGitHubHasNot(t *testing.T) {
	o := start(t, githubsim.Options{})
	client := o.client(adminToken)
	for _, name := range []string{"", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "ä", "a\nb"} {
		_, listed := client.RepositoryHooks("octo-org", name).List(o.ctx)
		_, got := client.RepositoryHooks(name, "hello-world").Get(o.ctx, 1)
		_, organization := client.OrganizationHooks(name).List(o.ctx)
		_, installed := client.RepositoryInstallation(o.ctx, name, name)
		for _, err := range []error{listed, got, organization, installed} {
			o.g.Expect(err).To(MatchError(github.ErrNotFound), "%q", name)
		}
	}
	o.g.Expect(o.Requests()).To(BeEmpty())
}

func TestSettingsURL(t *testing.T) {
	g := NewWithT(t)
	hosts, err := github.ParseHosts("github.com")
	g.Expect(err).NotTo(HaveOccurred())
	client, err := github.NewClient(github.Options{Hosts: hosts, Token: github.NewSecret("t")})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(client.Server()).To(Equal(github.Server{}))
	g.Expect(client.RepositoryHooks("octo-org", "hello-world").SettingsURL(12345678)).To(
		Equal("https://github.com/octo-org/hello-world/settings/hooks/12345678"))
	g.Expect(client.OrganizationHooks("octo-org").SettingsURL(1)).To(Equal("https://github.com/organizations/octo-org/settings/hooks/1"))
	g.Expect(client.AppHook().SettingsURL(1)).To(BeEmpty())
}

func TestRefusalsOfTheSimulator(t *testing.T) {
	o := start(t, githubsim.Options{})
	_, err := o.client("ghp_unknown").OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrUnauthorized))
	o.AddToken(githubsim.Token{Value: "ghp_nobody"})
	_, err = o.client("ghp_nobody").OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
	o.AddToken(githubsim.Token{
		Value: "github_pat_reader", Kind: githubsim.FineGrained, Admin: []githubsim.Target{githubsim.Everything},
		Permissions: map[string]string{"repository_hooks": "read"},
	})
	_, err = o.client("github_pat_reader").RepositoryHooks("octo-org", "hello-world").Create(o.ctx, request("https://ci.example.com", "push"))
	o.g.Expect(err).To(MatchError(github.ErrForbidden))
	refusal, _ := errors.AsType[*github.Error](err)
	o.g.Expect(refusal.AcceptedPermissions).To(ContainSubstring("repository_hooks=write"))

	hooks := o.repository()
	_, err = hooks.Create(o.ctx, request("https://ci.example.com", "push"))
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = hooks.Create(o.ctx, request("https://ci.example.com", "push"))
	o.g.Expect(err).To(MatchError(github.ErrHookExists))
	for i := range 19 {
		o.CreateHook(repository, githubsim.Hook{Config: githubsim.Config{URL: "https://ci.example.com/" + strconv.Itoa(i)}})
	}
	_, err = hooks.Create(o.ctx, request("https://ci.example.com/more", "push"))
	o.g.Expect(err).To(MatchError(github.ErrHookLimit))
	_, err = hooks.Create(o.ctx, request("https://ci.example.com", "no_such_event"))
	o.g.Expect(err).To(And(MatchError(github.ErrValidation), MatchError(ContainSubstring("no_such_event"))))
	_, err = hooks.Create(o.ctx, request("http://localhost", "fork"))
	o.g.Expect(err).To(And(MatchError(github.ErrValidation), Not(MatchError(github.ErrHookExists))))

	o.SetArchived(repository, true)
	_, err = hooks.Create(o.ctx, request("https://ci.example.com/archived", "fork"))
	o.g.Expect(err).To(MatchError(github.ErrArchived))
	for _, status := range []int{403, 451} {
		o.Block(repository, status)
		_, err = hooks.List(o.ctx)
		o.g.Expect(err).To(And(MatchError(github.ErrBlocked), MatchError(github.ErrForbidden)))
	}
}

func TestFaults(t *testing.T) {
	for name, fault := range map[string]githubsim.Fault{
		"dropped before": {DropBefore: true},
		"dropped after":  {DropAfter: true},
		"truncated":      {Truncate: true},
		"malformed":      {Malformed: true},
		"server error":   {Status: 502, Body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			o := start(t, githubsim.Options{})
			hooks := o.repository()
			fault.Times = 1
			o.AddFault(fault)
			_, err := hooks.Create(o.ctx, request("https://ci.example.com", "push"))
			o.g.Expect(err).To(MatchError(github.ErrUnavailable))
			o.g.Expect(o.Requests()).To(HaveLen(1), "a write is never sent twice")
			_, err = hooks.List(o.ctx)
			o.g.Expect(err).NotTo(HaveOccurred(), "the client goes on")
		})
	}
}

func TestRateLimitsOfTheSimulator(t *testing.T) {
	o := start(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 1}})
	hooks := o.repository()
	_, err := hooks.List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = hooks.List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrRateLimited))
	limit, _ := errors.AsType[*github.Error](err)
	o.g.Expect(limit.RetryAt).To(BeTemporally("~", time.Now().Add(time.Hour), time.Hour))
	o.g.Expect(limit.RetryAt).To(BeTemporally(">", time.Now()))
}

func TestServerTime(t *testing.T) {
	there := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	o := start(t, githubsim.Options{Now: func() time.Time { return there }})
	client := o.client(adminToken)
	o.g.Expect(client.ServerTime()).To(BeTemporally("~", time.Now(), time.Minute))
	_, err := client.RepositoryHooks("octo-org", "hello-world").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(client.ServerTime()).To(BeTemporally("~", there, time.Minute))
}
