package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// hmacName is the Secret that signs deliveries.
const hmacName = "hmac"

// Where deliveries go without a receiver: nothing there takes them. The second is a name that never resolves: RFC 6761.
const (
	noReceiver      = "https://example.com/"
	failingReceiver = "https://github-webhook-operator-smoke.invalid/"
)

// run is one run with all that it has to remember.
type run struct {
	settings
	options
	*cluster

	out io.Writer
	// marker is in the URL of every webhook that the run makes, and names its namespace.
	marker string
	// github is the run's own client, with the operator's credential.
	github *github.Client
	// seen is what the client saw of its last exchange.
	seen     *exchanges
	operator *launch.Process
}

func newRun(out io.Writer, s settings, o options) (*run, error) {
	hosts, err := github.ParseHosts(s.Server.String())
	if err != nil {
		return nil, err
	}
	r := &run{settings: s, options: o, out: out, marker: "smoke-" + random(8), seen: &exchanges{}}
	budgets := github.NewBudgets(github.BudgetOptions{
		Observer: r.seen,
		MAC:      func(string) string { return "00000000" }, // There is one login, and nobody reads its name.
	})
	r.github, err = github.NewClient(github.Options{
		Server: s.Server, Hosts: hosts, Token: s.Token, App: s.App, Observer: r.seen, Budgets: budgets,
		UserAgent: "github-webhook-operator-smoke",
	})
	return r, err
}

// random is so many random bytes in hexadecimal.
func random(bytes int) string {
	value := make([]byte, bytes)
	_, _ = rand.Read(value) // never fails: package crypto/rand
	return hex.EncodeToString(value)
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// place is where webhooks are made.
type place struct {
	name  string
	hooks github.Hooks
}

func (r *run) repositoryPlace() place {
	return place{r.owner + "/" + r.repository, r.github.RepositoryHooks(r.owner, r.repository)}
}

// places are all places on which the run makes webhooks.
func (r *run) places() []place {
	places := []place{r.repositoryPlace()}
	if r.organization != "" {
		places = append(places, place{r.organization, r.github.OrganizationHooks(r.organization)})
	}
	return places
}

// address is the URL of one of the run's webhooks. The marker is in its query: request bins take any.
func (r *run) address(what string) string {
	address, _ := url.Parse(noReceiver) // A constant that is a URL.
	if r.receiver != nil {
		copied := *r.receiver
		address = &copied
	}
	return r.marked(address, what)
}

// failingAddress is one that no delivery reaches.
func (r *run) failingAddress() string {
	address, _ := url.Parse(failingReceiver) // As above.
	return r.marked(address, "failing")
}

func (r *run) marked(address *url.URL, what string) string {
	if address.RawQuery != "" {
		address.RawQuery += "&"
	}
	address.RawQuery += r.marker + "=" + what
	return address.String()
}

// announce says what is going to happen, before anything does.
func (r *run) announce() {
	login := "a token"
	if r.App != nil {
		login = "the GitHub App " + r.App.ID
	}
	r.say("Smoke test against %s with %s", r.Server, login)
	for _, p := range r.places() {
		r.say("  - makes webhooks on %s, edits, pings and deletes them", p.name)
	}
	if r.App != nil {
		r.say("  - reads the App's own webhook, and changes nothing of it")
	}
	deliveries := "fail: " + urlVariable + " names no receiver"
	if r.receiver != nil {
		deliveries = "go to " + r.receiver.Host
	}
	r.say("  - deliveries %s", deliveries)
	r.say("  - removes in the end every webhook whose URL has %s in it, and touches no other\n", r.marker)
}

// checkAccess finds out whether the credential can do what is going to be asked of it, before minutes are spent.
func (r *run) checkAccess(ctx context.Context) error {
	for _, p := range r.places() {
		hooks, err := p.hooks.List(ctx)
		if err != nil {
			return fmt.Errorf("the webhooks of %s cannot be listed: %w", p.name, err)
		}
		r.say("Webhooks on %s already, which stay as they are: %d", p.name, len(hooks))
	}
	return nil
}

// prepare makes the namespace with its Secrets and starts the operator.
func (r *run) prepare(ctx context.Context) error {
	credential := r.secret.DeepCopy()
	credential.Namespace = r.marker
	hmac := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.marker, Name: hmacName}, StringData: map[string]string{"secret": random(32)}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.marker}}
	if err := r.k8s.Create(ctx, namespace); err != nil {
		return err
	}
	if err := errors.Join(r.k8s.Create(ctx, credential), r.k8s.Create(ctx, hmac)); err != nil {
		return err
	}
	return r.startOperator(ctx)
}
