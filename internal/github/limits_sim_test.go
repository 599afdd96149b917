package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// sharing lets a client use budgets.
func sharing(b *github.Budgets) func(*github.Options) {
	return func(o *github.Options) { o.Budgets = b }
}

// whenAllowed repeats what is out of budget when its turn is, and gives up with the context.
func whenAllowed(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		refused, ok := errors.AsType[*github.Error](err)
		if !ok || !errors.Is(err, github.ErrRateLimited) {
			return err
		}
		turn := time.NewTimer(time.Until(refused.RetryAt))
		select {
		case <-turn.C:
		case <-ctx.Done():
			turn.Stop()
			return ctx.Err()
		}
	}
}

// An hour of GitHub's passes in 36 s: a minute is 600 ms.
func TestFiveHundredCreationsUnderGitHubsLimits(t *testing.T) {
	const scale, creations, workers = 100, 500, 10
	limits := githubsim.GitHubLimits()
	limits.TimeScale = scale
	o := start(t, githubsim.Options{Limits: &limits})
	for i := range creations {
		o.AddRepository(githubsim.Target("octo-org/repository-" + strconv.Itoa(i)))
	}
	client := o.client(adminToken, sharing(github.NewBudgets(github.BudgetOptions{TimeScale: scale, PublishedEverywhere: true})))
	create := func(i int) func(context.Context) error {
		hooks := client.RepositoryHooks("octo-org", "repository-"+strconv.Itoa(i))
		return func(ctx context.Context) error {
			if _, err := hooks.List(github.BeforeCreate(ctx)); err != nil {
				return err
			}
			_, err := hooks.Create(ctx, github.HookRequest{Config: &github.Config{URL: github.NewSecret("https://ci.example.com")}})
			return err
		}
	}
	begun := time.Now()
	var waiting sync.WaitGroup
	var failed atomic.Int32
	slots := make(chan struct{}, workers)
	for i := range creations {
		waiting.Go(func() {
			err := whenAllowed(o.ctx, func(ctx context.Context) error {
				slots <- struct{}{}
				defer func() { <-slots }()
				return create(i)(ctx)
			})
			if err != nil {
				failed.Add(1)
			}
		})
	}
	waiting.Wait()
	took, least := time.Since(begun), 6*time.Minute/scale
	t.Logf("%d creations took %s, the least possible is %s: ratio %.3f", creations, took, least, float64(took)/float64(least))
	o.g.Expect(failed.Load()).To(BeZero())
	statuses := map[int]int{}
	for _, r := range o.Requests() {
		statuses[r.Status]++
	}
	t.Logf("Answers by status: %v", statuses) // A list is read again, and is a 304, where this machine was too slow for a turn.
	o.g.Expect(statuses).To(HaveKeyWithValue(http.StatusCreated, creations))
	o.g.Expect(statuses).NotTo(HaveKey(http.StatusForbidden), "none was refused")
}

func TestClientsOfOneTokenShareItsBudget(t *testing.T) {
	o := start(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 3}})
	budgets := github.NewBudgets(github.BudgetOptions{})
	list := func(client *github.Client) error {
		_, err := client.OrganizationHooks("octo-org").List(o.ctx)
		return err
	}
	one, two := o.client(adminToken, sharing(budgets)), o.client(adminToken, sharing(budgets))
	o.AddToken(githubsim.Token{Value: "ghp_mona", User: "mona", Admin: []githubsim.Target{githubsim.Everything}})
	other := o.client("ghp_mona", sharing(budgets))
	o.g.Expect(list(one)).To(Succeed())
	o.g.Expect(list(two)).To(Succeed())
	_, err := one.RepositoryHooks("octo-org", "hello-world").List(o.ctx)
	o.g.Expect(err).NotTo(HaveOccurred())
	asked := len(o.Requests())

	err = list(two)
	o.g.Expect(err).To(MatchError(github.ErrRateLimited))
	refused, _ := errors.AsType[*github.Error](err)
	o.g.Expect(refused.Error()).To(Equal("GET /orgs/{org}/hooks: it was not sent: GitHub's limit on the credential's requests is reached"))
	o.g.Expect(refused.RetryAt).To(BeTemporally("~", time.Now().Add(time.Hour), 5*time.Second))
	o.g.Expect(list(one).Error()).To(Equal(err.Error()), "the words stay the same")
	o.g.Expect(o.Requests()).To(HaveLen(asked), "nothing was sent")
	o.g.Expect(list(other)).To(Succeed())
}

func TestQuietPollsCostNothing(t *testing.T) {
	o := start(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 100}})
	hooks := o.client(adminToken).RepositoryHooks("octo-org", "hello-world")
	made, err := hooks.Create(o.ctx, github.HookRequest{Config: &github.Config{URL: github.NewSecret("https://ci.example.com")}})
	o.g.Expect(err).NotTo(HaveOccurred())
	_, err = hooks.Get(o.ctx, made.ID)
	o.g.Expect(err).NotTo(HaveOccurred())
	for range 200 {
		again, err := hooks.Get(github.WithPriority(o.ctx, github.Poll), made.ID)
		o.g.Expect(err).NotTo(HaveOccurred())
		o.g.Expect(again.ID).To(Equal(made.ID))
	}
}

// The token of an installation changes within the hour, and its ETags with it. What is kept is asked for once more.
func TestWhatIsKeptSurvivesANewToken(t *testing.T) {
	o, _ := installed(t, githubsim.Options{})
	client := o.appClient()
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.list(client)).To(Succeed())
	o.RevokeToken(o.lastToken())
	o.ResetRequests()
	for range 2 {
		o.g.Expect(o.list(client)).To(Succeed())
	}
	var statuses []string
	for _, r := range o.Requests() {
		statuses = append(statuses, fmt.Sprint(r.Method, " ", r.Status))
	}
	o.g.Expect(statuses).To(Equal([]string{"GET 401", "POST 201", "GET 200", "GET 304"}))
}

func TestAnObserverSeesEveryExchange(t *testing.T) {
	o := start(t, githubsim.Options{Limits: &githubsim.Limits{Hourly: 100}}).withApp("https://ci.example.com")
	installation := o.Install(githubsim.Installation{AppID: o.app.ID, Account: "octo-org"})
	told := &observations{}
	client := o.appClient(func(options *github.Options) { options.Observer = told })
	o.g.Expect(o.list(client)).To(Succeed())
	o.g.Expect(o.list(client)).To(Succeed())
	o.AddFault(githubsim.Fault{DropBefore: true, Times: 1, Route: "/repos/{owner}/{repo}/hooks"})
	_, err := client.RepositoryHooks("octo-org", "hello-world").Create(o.ctx, github.HookRequest{})
	o.g.Expect(err).To(MatchError(github.ErrUnavailable))
	o.Rename("octo-org/hello-world", "octo-org/hello")
	o.g.Expect(o.list(client)).To(Succeed())
	host := o.URL()[len("http://"):]
	o.g.Expect(told.requests).To(Equal([]string{
		host + " GET /repos/{owner}/{repo}/installation 200",
		host + " POST /app/installations/{installation_id}/access_tokens 201",
		host + " GET /repos/{owner}/{repo}/hooks 200",
		host + " GET /repos/{owner}/{repo}/hooks 304",
		host + " POST /repos/{owner}/{repo}/hooks 0",
		host + " GET /repos/{owner}/{repo}/hooks 301",
		host + " GET /repos/{owner}/{repo}/hooks 200",
	}))
	budget := fmt.Sprint(host, " installation-", installation.ID, " ")
	o.g.Expect(told.limits).To(Equal([]string{budget + "99", budget + "99", budget + "98", budget + "97"}))
}

// observations is an observer that writes down.
type observations struct {
	mu               sync.Mutex
	requests, limits []string
}

func (n *observations) Request(host, route, method string, code int, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if took < 0 {
		route += " took less than nothing"
	}
	n.requests = append(n.requests, fmt.Sprint(host, " ", method, " ", route, " ", code))
}

func (n *observations) RateLimit(host, budget string, remaining int, _ time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limits = append(n.limits, fmt.Sprint(host, " ", budget, " ", remaining))
}

func (*observations) ForgetBudget(string, string) {}

// An Enterprise Server whose administrator turned the primary limit on.
func TestTwoHundredCreationsOnAnEnterpriseServer(t *testing.T) {
	const creations, workers = 200, 10
	o := start(t, githubsim.Options{HooksPerEvent: 250, Limits: &githubsim.Limits{Hourly: 15_000}})
	hooks := o.client(adminToken, sharing(github.NewBudgets(github.BudgetOptions{}))).RepositoryHooks("octo-org", "hello-world")
	begun := time.Now()
	var group sync.WaitGroup
	var failed atomic.Int32
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < creations; i += workers {
				url := github.NewSecret(fmt.Sprintf("https://%d.example.com", i))
				if _, err := hooks.Create(o.ctx, github.HookRequest{Config: &github.Config{URL: url}}); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d creations took %s; github.com's limit of 80 a minute would take 2m0s at least", creations, time.Since(begun))
	o.g.Expect(failed.Load()).To(BeZero(), "none had to wait for a limit that the server does not have")
	o.g.Expect(o.Hooks("octo-org/hello-world")).To(HaveLen(creations))
}
