package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

const (
	lookUpRepository = "GET /repos/{owner}/{repo}/installation"
	lookUpOrg        = "GET /orgs/{org}/installation"
	mintToken        = "POST /app/installations/{installation_id}/access_tokens"
	listRepository   = "GET /repos/{owner}/{repo}/hooks"
	listOrg          = "GET /orgs/{org}/hooks"
	createRepository = "POST /repos/{owner}/{repo}/hooks"

	mintRoute = "/app/installations/{installation_id}/access_tokens"
)

// installed is GitHub with an App that is installed on the organization.
func installed(t *testing.T, options githubsim.Options) (octo, githubsim.Installation) {
	t.Helper()
	o := start(t, options).withApp("https://ci.example.com")
	installation := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	return o, installation
}

// asked lists the requests since the last time.
func (o octo) asked() []string {
	var all []string
	for _, r := range o.Requests() {
		all = append(all, r.Method+" "+r.Route)
	}
	o.ResetRequests()
	return all
}

// times counts equal requests since the last time.
func (o octo) times() map[string]int {
	count := map[string]int{}
	for _, request := range o.asked() {
		count[request]++
	}
	return count
}

// lastToken is the token that was sent last.
func (o octo) lastToken() string {
	all := o.Requests()
	return strings.TrimPrefix(all[len(all)-1].Header.Get("Authorization"), "Bearer ")
}

// list asks for the webhooks of the repository.
func (o octo) list(client *github.Client) error {
	_, err := client.RepositoryHooks("octo-org", "hello-world").List(o.ctx)
	return err
}

// clock can be put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(by time.Duration) { c.ahead.Add(int64(by)) }
func by(c *clock) func(*github.Options)   { return func(o *github.Options) { o.Now = c.now } }
func asApp(id, key string) func(*github.Options) {
	return func(o *github.Options) { o.App = &github.AppCredentials{ID: id, PrivateKey: github.NewSecret(key)} }
}

func asInstallation(id int64) func(*github.Options) {
	return func(o *github.Options) { o.App.InstallationID = id }
}

func TestAppLogsInWhereItIsInstalled(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()

	o.g.Expect(o.list(client)).To(Succeed())
	minted := o.Requests()[1]
	o.g.Expect(string(minted.Body)).To(MatchJSON(`{"permissions":{"repository_hooks":"write"}}`), "no more than it takes")
	o.g.Expect(o.lastToken()).To(HavePrefix("ghs_"))
	o.g.Expect(o.asked()).To(Equal([]string{lookUpRepository, mintToken, listRepository}))

	made, err := client.OrganizationHooks("octo-org").Create(o.ctx, request("https://ci.example.com/org"))
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(string(o.Requests()[0].Body)).To(MatchJSON(`{"permissions":{"organization_hooks":"write"}}`))
	o.g.Expect(client.OrganizationHooks("Octo-Org").Ping(o.ctx, made.ID)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{mintToken, "POST /orgs/{org}/hooks", "POST /orgs/{org}/hooks/{hook_id}/pings"}))

	config, err := client.AppHook().Config(o.ctx, 0)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(config.URL).To(Equal("https://ci.example.com"))
	o.g.Expect(o.asked()).To(Equal([]string{"GET /app/hook/config"}), "the App's own endpoints take no installation")
}

func TestAppLogsInByClientIDAndWhereItIsToldTo(t *testing.T) {
	o, installation := installed(t, githubsim.Options{})
	client := o.appClient(asApp(o.app.ClientID, o.app.PrivateKey), asInstallation(installation.ID))
	o.g.Expect(o.list(client)).To(Succeed())
	_, err := client.OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.asked()).To(Equal([]string{mintToken, listRepository, mintToken, listOrg}))
}

func TestAppLogsInOnceForAll(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()
	o.AddFault(githubsim.Fault{Route: mintRoute, Delay: 50 * time.Millisecond})
	o.AddFault(githubsim.Fault{Route: "/repos/{owner}/{repo}/installation", Delay: 50 * time.Millisecond})

	const objects = 100
	for i := range objects {
		o.AddRepository(githubsim.Target(fmt.Sprintf("octo-org/repository-%d", i)))
	}
	var wait sync.WaitGroup
	failures := make([]error, objects)
	for i := range objects {
		wait.Go(func() {
			hooks := client.RepositoryHooks("octo-org", "repository-"+strconv.Itoa(i))
			if _, failures[i] = hooks.List(o.ctx); failures[i] == nil {
				_, failures[i] = hooks.Create(o.ctx, request("https://ci.example.com/"+strconv.Itoa(i)))
			}
		})
	}
	wait.Wait()
	o.g.Expect(errors.Join(failures...)).NotTo(HaveOccurred())
	o.g.Expect(o.times()).To(Equal(map[string]int{lookUpRepository: 1, mintToken: 1, listRepository: objects, createRepository: objects}))
}

func TestAppRenewsItsTokenBeforeItEnds(t *testing.T) {
	c := &clock{}
	o, _ := installed(t, githubsim.Options{Now: c.now})
	client := o.appClient(by(c))
	o.g.Expect(o.list(client)).To(Succeed())
	first := o.lastToken()

	c.forward(54 * time.Minute)
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.lastToken()).To(Equal(first))
	c.forward(90 * time.Second)
	o.asked()
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.lastToken()).NotTo(Equal(first))
	o.g.Expect(o.asked()).To(Equal([]string{mintToken, listRepository}), "the installation is still the same")
}

func TestAppRenewsItsTokenOnceAfterA401(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()
	_, err := client.OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.list(client)).To(Succeed())
	o.RevokeToken(o.lastToken())
	o.asked()
	_, err = client.RepositoryHooks("octo-org", "hello-world").Create(o.ctx, request("https://ci.example.com"))
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.asked()).To(Equal([]string{createRepository, mintToken, createRepository}))
	hooks := o.Hooks(repository)
	o.g.Expect(hooks).To(HaveLen(1))
	o.g.Expect(hooks[0].Config.Secret).To(Equal(hmacSecret), "the body was sent whole both times")
	_, err = client.OrganizationHooks("octo-org").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.asked()).To(Equal([]string{listOrg}), "the other token is still good")

	fault := o.AddFault(githubsim.Fault{Route: "/repos/{owner}/{repo}/hooks", Status: http.StatusUnauthorized, Body: `{"message":"Bad credentials"}`})
	o.g.Expect(o.list(client)).To(MatchError(github.ErrUnauthorized))
	o.g.Expect(fault.Hits()).To(Equal(2))
}

func TestAppIsInstalledAnew(t *testing.T) {
	o, first := installed(t, githubsim.Options{})
	client := o.appClient()
	o.g.Expect(o.list(client)).To(Succeed())
	o.Uninstall(first.ID)
	second := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	o.asked()
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{listRepository, mintToken, lookUpRepository, mintToken, listRepository}))

	o.Uninstall(second.ID)
	err := o.list(client)
	o.g.Expect(err).To(And(MatchError(github.ErrNotInstalled), MatchError(github.ErrNotFound)))
	failure, _ := errors.AsType[*github.Error](err)
	o.g.Expect(failure.AppID).To(Equal(strconv.FormatInt(o.app.ID, 10)))
	o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	o.g.Expect(o.list(client)).To(Succeed())
}

func TestGivenInstallationIsGone(t *testing.T) {
	o, first := installed(t, githubsim.Options{})
	client := o.appClient(asInstallation(first.ID))
	o.Uninstall(first.ID)
	o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	err := o.list(client)
	o.g.Expect(err).To(MatchError(github.ErrNotInstalled))
	o.g.Expect(errors.Is(err, github.ErrNotFound)).To(BeFalse(), "it says nothing about the repository")
	o.g.Expect(o.asked()).To(Equal([]string{mintToken}), "another one was not asked for")
}

func TestGivenInstallationDoesNotSeeTheRepository(t *testing.T) {
	o, installation := installed(t, githubsim.Options{})
	client := o.appClient(asInstallation(installation.ID))
	_, err := client.RepositoryHooks("octo-org", "nothing").List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
	o.g.Expect(err).NotTo(MatchError(github.ErrNotInstalled))
	o.g.Expect(o.asked()).To(Equal([]string{mintToken, listRepository}))
}

func TestAppIsInstalledOnSomeRepositories(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	o.AddRepository("octo-org/other")
	installation := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org", Repositories: []githubsim.Target{repository}})
	client := o.appClient()
	other := client.RepositoryHooks("octo-org", "other")

	_, err := other.List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrNotInstalled), "the look-up says so")
	o.g.Expect(o.list(client)).To(Succeed(), "one repository says nothing of another")
	_, err = other.List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrNotInstalled), "the account's installation does not see it")
	o.asked()
	_, err = client.RepositoryHooks("octo-org", "hello-world").Get(o.ctx, 1)
	o.g.Expect(err).To(MatchError(github.ErrNotFound))
	o.g.Expect(err).NotTo(MatchError(github.ErrNotInstalled))
	o.g.Expect(o.asked()).To(HaveLen(1), "a webhook that is gone says nothing of the installation")

	o.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Repositories = nil })
	_, err = other.List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = client.OrganizationHooks("nobody").List(o.ctx)
	o.g.Expect(err).To(MatchError(github.ErrNotInstalled))
}

func TestRepositoriesDoNotShareAVerdict(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()
	asking := make(chan struct{})
	// The first look-up takes long enough for the other repository to wait for it.
	o.AddFault(githubsim.Fault{
		Route: "/repos/{owner}/{repo}/installation", Times: 1, Delay: 100 * time.Millisecond,
		Match: func(r githubsim.Request) bool {
			if !strings.Contains(r.Path, "/nothing/") {
				return false
			}
			close(asking)
			return true
		},
	})
	verdict := make(chan error)
	go func() {
		_, err := client.RepositoryHooks("octo-org", "nothing").List(o.ctx)
		verdict <- err
	}()
	<-asking
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(<-verdict).To(MatchError(github.ErrNotInstalled))
}

func TestAppFollowsATransferredRepository(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()
	o.g.Expect(o.list(client)).To(Succeed())
	o.AddOrganization("hubot-org")
	o.Rename(repository, "hubot-org/hello-world")
	o.g.Expect(o.list(client)).To(MatchError(github.ErrNotInstalled))

	o.Install(githubsim.Installation{AppID: o.app.ID, Account: "hubot-org"})
	o.g.Expect(o.list(client)).To(Succeed())
	o.asked()
	o.g.Expect(o.list(client)).To(Succeed())
	o.AddRepository("octo-org/other")
	_, err := client.RepositoryHooks("octo-org", "other").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(o.times()).NotTo(Or(HaveKey(lookUpRepository), HaveKey(mintToken)), "both installations are remembered")

	o.Rename("hubot-org/hello-world", repository)
	o.g.Expect(o.list(client)).To(Succeed(), "it was transferred back")
	o.asked()
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{listRepository}))
}

func TestSuspendedInstallation(t *testing.T) {
	o, installation := installed(t, githubsim.Options{})
	client := o.appClient()
	suspend := func(is bool) {
		o.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Suspended = is })
	}
	suspend(true)
	o.g.Expect(o.list(client)).To(MatchError(github.ErrSuspended), "no token is made")
	suspend(false)
	o.g.Expect(o.list(client)).To(Succeed())
	suspend(true)
	o.g.Expect(o.list(client)).To(MatchError(github.ErrSuspended), "the token is not taken")
	suspend(false)
	o.g.Expect(o.list(client)).To(Succeed())
}

func TestPermissionGrantedLater(t *testing.T) {
	o := start(t, githubsim.Options{}).withApp("https://ci.example.com")
	installation := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org", Permissions: map[string]string{"metadata": "read"}})
	later := &clock{}
	client := o.appClient(by(later))
	err := o.list(client)
	o.g.Expect(err).To(MatchError(github.ErrForbidden))
	refusal, _ := errors.AsType[*github.Error](err)
	o.g.Expect(refusal.AcceptedPermissions).To(Equal("repository_hooks=read"))

	o.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Permissions["repository_hooks"] = "write" })
	o.g.Expect(o.list(client)).To(Succeed())

	lacking := o.lastToken()
	o.AddFault(githubsim.Fault{Route: "/repos/{owner}/{repo}/hooks", Times: 1, Status: http.StatusForbidden,
		Body: `{"message":"Resource not accessible by integration","status":"403"}`})
	o.g.Expect(o.list(client)).To(MatchError(github.ErrForbidden))
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.lastToken()).NotTo(Equal(lacking), "it keeps the permissions it was made with")

	kept := o.lastToken()
	for words, want := range map[string]error{
		"You have exceeded a secondary rate limit": github.ErrRateLimited,
		"Repository access blocked":                github.ErrBlocked,
		"Repository was archived so is read-only.": github.ErrArchived,
	} {
		o.AddFault(githubsim.Fault{Route: "/repos/{owner}/{repo}/hooks", Times: 1, Status: http.StatusForbidden, Body: `{"message":"` + words + `"}`})
		o.g.Expect(o.list(client)).To(MatchError(want))
		later.forward(61 * time.Second)
		o.g.Expect(o.list(client)).To(Succeed())
		o.g.Expect(o.lastToken()).To(Equal(kept), "it says nothing about the token: "+words)
	}
}

func TestPermissionToRead(t *testing.T) {
	o, installation := installed(t, githubsim.Options{})
	o.ChangeInstallation(installation.ID, func(i *githubsim.Installation) {
		i.Permissions = map[string]string{"repository_hooks": "read", "organization_hooks": "read"}
	})
	made := o.CreateHook("octo-org/hello-world", githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: "https://ci.example.com"}})
	client := o.appClient()
	hooks := client.RepositoryHooks("octo-org", "hello-world")

	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{lookUpRepository, mintToken, mintToken, listRepository}))
	_, err := hooks.Get(o.ctx, made.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	o.g.Expect(hooks.Ping(o.ctx, made.ID)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{
		"GET /repos/{owner}/{repo}/hooks/{hook_id}", "POST /repos/{owner}/{repo}/hooks/{hook_id}/pings",
	}), "the token to read is kept")

	for name, write := range map[string]func() error{
		"repository_hooks=write":   func() error { return hooks.Delete(o.ctx, made.ID) },
		"organization_hooks=write": func() error { return client.OrganizationHooks("octo-org").Ping(o.ctx, made.ID) },
	} {
		err := write()
		o.g.Expect(err).To(MatchError(github.ErrForbidden))
		refusal, _ := errors.AsType[*github.Error](err)
		o.g.Expect(refusal.AcceptedPermissions).To(Equal(name))
		o.g.Expect(o.asked()).To(Equal([]string{mintToken}))
	}

	o.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Permissions["repository_hooks"] = "write" })
	o.g.Expect(hooks.Delete(o.ctx, made.ID)).To(Succeed())
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.asked()).To(Equal([]string{mintToken, "DELETE /repos/{owner}/{repo}/hooks/{hook_id}", listRepository}))
}

func TestLoginsThatGitHubRefuses(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	stranger := o.AddApp(githubsim.App{Owner: "octo-org"})
	id := strconv.FormatInt(o.app.ID, 10)
	ahead, behind := &clock{}, &clock{}
	ahead.forward(20 * time.Minute)
	behind.forward(-30 * time.Minute)
	for _, c := range []struct {
		name   string
		client *github.Client
		want   error
		appID  string
		says   string
	}{
		{"no such App", o.appClient(asApp("999999", o.app.PrivateKey)), github.ErrUnknownApp, "999999", "Integration not found"},
		{"no such App with an installation", o.appClient(asApp("999999", o.app.PrivateKey), asInstallation(1)), github.ErrUnknownApp, "999999", "Integration not found"},
		{"another App's key", o.appClient(asApp(id, stranger.PrivateKey)), github.ErrKeyRefused, id, "could not be decoded"},
		{"a clock that is ahead", o.appClient(by(ahead)), github.ErrClock, id, "clock is 20 min ahead"},
		{"a clock that is behind", o.appClient(by(behind)), github.ErrClock, id, "clock is 30 min behind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			err := o.list(c.client)
			g.Expect(err).To(And(MatchError(c.want), MatchError(github.ErrUnauthorized), MatchError(ContainSubstring(c.says))))
			g.Expect(errors.Is(err, github.ErrNotFound)).To(BeFalse())
			refusal, _ := errors.AsType[*github.Error](err)
			g.Expect(refusal.AppID).To(Equal(c.appID))
			_, err = c.client.App(o.ctx)
			g.Expect(err).To(MatchError(c.want), "the App's own endpoints say the same")
		})
	}
}

func TestTroubleDuringTheLogin(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	later := &clock{}
	client := o.appClient(by(later))
	for name, c := range map[string]struct {
		fault githubsim.Fault
		want  error
	}{
		"GitHub fails":               {githubsim.Fault{Status: http.StatusBadGateway}, github.ErrUnavailable},
		"the connection breaks":      {githubsim.Fault{DropBefore: true}, github.ErrUnavailable},
		"the answer is not GitHub's": {githubsim.Fault{Malformed: true}, github.ErrUnavailable},
		"a limit":                    {githubsim.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"10"}}}, github.ErrRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.fault.Route, c.fault.Times = mintRoute, 1
			o.AddFault(c.fault)
			err := o.list(client)
			g.Expect(err).To(MatchError(c.want))
			g.Expect(err.Error()).To(ContainSubstring(mintRoute), "it says which request failed")
			later.forward(11 * time.Second)
		})
	}
	o.g.Expect(o.list(client)).To(Succeed())
}
