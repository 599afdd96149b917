package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// How the operator logs in.
const (
	loginToken = "token"
	loginApp   = "app"
)

// gitHub is a simulated GitHub that counts what is asked of it by method, endpoint and status, as in
// "GET /repos/{owner}/{repo}/hooks 200".
type gitHub struct {
	*githubsim.Server
	counter

	mu sync.Mutex
	// reads are how often each webhook was read, by its path.
	reads counts
	// awaited is the repository whose webhook's change is awaited, and arrived where its time goes.
	awaited string
	arrived chan time.Time
}

// newGitHub starts one; nil limits are none.
func newGitHub(limits *githubsim.Limits) (*gitHub, error) {
	g := &gitHub{reads: counts{}}
	g.Server = githubsim.New(githubsim.Options{Limits: limits, OnExchange: g.exchanged, RequestsKept: 1})
	if err := g.Start(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *gitHub) exchanged(e githubsim.Exchange) {
	now := time.Now()
	g.add(fmt.Sprintf("%s %s %d", e.Method, e.Route, e.Status))
	if e.Method == http.MethodGet && strings.HasSuffix(e.Route, "/hooks/{hook_id}") {
		g.mu.Lock()
		g.reads[e.Path]++
		g.mu.Unlock()
	}
	if e.Method != http.MethodPatch || e.Status != http.StatusOK {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.awaited != "" && strings.Contains(e.Path, "/repos/"+g.awaited+"/") {
		g.awaited = ""
		g.arrived <- now
	}
}

// polled is how often each webhook was read so far, by its path.
func (g *gitHub) polled() counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.reads)
}

// await tells when the next change of a repository's webhook is made.
func (g *gitHub) await(repository githubsim.Target) <-chan time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.awaited, g.arrived = string(repository), make(chan time.Time, 1)
	return g.arrived
}

// credentials makes a login that administers all repositories of these owners, and returns it as the data of a Secret.
func (g *gitHub) credentials(login string, owners []string) map[string]string {
	data := map[string]string{"githubURL": g.URL()}
	if login == loginApp {
		app := g.AddApp(githubsim.App{})
		for _, owner := range owners {
			g.Install(githubsim.Installation{AppID: app.ID, Account: owner})
		}
		data["appID"], data["privateKey"] = fmt.Sprint(app.ID), app.PrivateKey
		return data
	}
	data["token"] = randomSecret()
	g.AddToken(githubsim.Token{Value: data["token"], Admin: []githubsim.Target{githubsim.Everything}})
	return data
}

// withStatus matches names that end in one of these statuses.
func withStatus(statuses ...int) func(string) bool {
	return func(name string) bool {
		for _, status := range statuses {
			if strings.HasSuffix(name, fmt.Sprintf(" %d", status)) {
				return true
			}
		}
		return false
	}
}

// refused matches requests that a limit refused. Nothing else is answered so here.
var refused = withStatus(http.StatusForbidden, http.StatusTooManyRequests)

// notModified matches those that cost nothing of the primary limit.
var notModified = withStatus(http.StatusNotModified)
