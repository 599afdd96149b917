package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// What is on the simulated GitHub.
const (
	organization = githubsim.Target("octo-org")
	repository   = githubsim.Target("octo-org/hello-world")
	token        = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
)

// ownRequests are those of the smoke test itself, not the operator's.
const ownRequests = "github-webhook-operator-smoke"

// TestSmoke runs the whole program on one control plane, with a simulated GitHub for each case.
func TestSmoke(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal(`KUBEBUILDER_ASSETS is not set: export KUBEBUILDER_ASSETS="$(go -C hack/envtest run .)", as make test does`)
	}
	log := &lockedBuffer{}
	shared, stop, err := startCluster(t.Context(), log, filepath.Join("..", ".."))
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(stop) // After the parallel cases.

	for name, test := range map[string]func(*testing.T, *cluster){
		"with a token, an organization and a receiver":            smokeWithToken,
		"without a receiver, where edits of the secret are quiet": smokeWithoutReceiver,
		"with an App":        smokeWithApp,
		"when a story fails": smokeThatFails,
		"when it is stopped": smokeThatIsStopped,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shared)
		})
	}
}

func smokeWithToken(t *testing.T, shared *cluster) {
	limits := githubsim.GitHubLimits()
	w := newWorld(t, githubsim.Options{Limits: &limits})
	w.environment[organizationVariable] = string(organization)
	code, said := w.smoke(t.Context(), shared)
	w.expect(code, 0, said)
	for _, s := range hookStories {
		w.Expect(said).To(ContainSubstring("passed    octo-org/hello-world: " + s.title))
		w.Expect(said).To(ContainSubstring("passed    octo-org: " + s.title))
	}
	for _, s := range failingStories {
		w.Expect(said).To(ContainSubstring("passed    octo-org/hello-world: " + s.title))
	}
	w.Expect(said).To(ContainSubstring("arrived: ")) // The ping.
	w.expectFacts(said, map[string]string{"Does the ETag survive a new installation token?": unknown})
}

func smokeWithoutReceiver(t *testing.T, shared *cluster) {
	w := newWorld(t, githubsim.Options{QuietSecretEdits: true})
	delete(w.environment, urlVariable)
	code, said := w.smoke(t.Context(), shared)
	w.expect(code, 0, said)
	w.Expect(said).To(ContainSubstring("failed to connect to host")) // The ping.
	w.expectFacts(said, map[string]string{
		"Does a PATCH that changes the secret alone move updated_at?":             no,
		"Does a PATCH of …/config that changes the secret alone move updated_at?": no,
		"Does a 304 leave x-ratelimit-remaining?":                                 unknown, // There are no limits.
		"Does the ETag survive a new installation token?":                         unknown,
	})
}

func smokeWithApp(t *testing.T, shared *cluster) {
	limits := githubsim.GitHubLimits()
	w := newWorld(t, githubsim.Options{Limits: &limits})
	app := w.useApp()
	before := w.github.Hooks(githubsim.AppTarget(app.ID))
	code, said := w.smoke(t.Context(), shared)
	w.expect(code, 0, said)
	w.Expect(said).To(ContainSubstring(fmt.Sprintf("passed    App %d: %s", app.ID, appStories[0].title)))
	w.Expect(w.github.Hooks(githubsim.AppTarget(app.ID))).To(Equal(before))
	for _, r := range w.github.Requests() {
		w.Expect(r.Write() && strings.HasPrefix(r.Path, "/api/v3/app/hook")).To(BeFalse(), "%s %s", r.Method, r.Path)
	}
	w.expectFacts(said, map[string]string{"Does the ETag survive a new installation token?": no})
}

func smokeThatFails(t *testing.T, shared *cluster) {
	w := newWorld(t, githubsim.Options{})
	w.github.AddFault(githubsim.Fault{Status: http.StatusInternalServerError, Match: func(r githubsim.Request) bool {
		return r.Method == http.MethodPatch && r.Header.Get("User-Agent") == ownRequests
	}})
	code, said := w.smoke(t.Context(), shared)
	w.expect(code, 1, said)
	w.Expect(said).To(ContainSubstring("FAILED    octo-org/hello-world: somebody else's edit is repaired"))
	w.Expect(said).To(ContainSubstring("passed    octo-org/hello-world: a failed delivery is made again on request"))
	w.Expect(said).To(MatchRegexp(`removed webhook \d+ of octo-org/hello-world`))
	w.Expect(strings.Count(said, unknown)).To(BeNumerically(">=", 6)) // Every fact that takes a PATCH.
}

func smokeThatIsStopped(t *testing.T, shared *cluster) {
	w := newWorld(t, githubsim.Options{})
	// The way back is not smooth either.
	refused := w.github.AddFault(githubsim.Fault{Method: http.MethodDelete, Status: http.StatusBadGateway, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.out.on = func(said string) {
		if strings.Contains(said, "passed    octo-org/hello-world: an object makes a webhook") {
			cancel()
		}
	}
	code, said := w.smoke(ctx, shared)
	w.expect(code, launch.Interrupted, said)
	w.Expect(refused.Hits()).To(Equal(1))
	w.Expect(said).To(MatchRegexp(`removed webhook \d+ of octo-org/hello-world`))
	w.Expect(said).NotTo(ContainSubstring("Facts"))
}

func TestSmokeStartsNothingWithoutAccess(t *testing.T) {
	w := newWorld(t, githubsim.Options{})
	w.environment[repositoryVariable] = "octo-org/no-such-repository"
	said := &lockedBuffer{}
	err := smoke(t.Context(), said, w.environment.getenv, options{patience: time.Second, pace: time.Millisecond,
		start: func(context.Context, io.Writer) (*cluster, func(), error) {
			t.Error("a control plane was started")
			return nil, nil, errors.New("not expected")
		}})
	w.Expect(err).To(MatchError(ContainSubstring("the webhooks of octo-org/no-such-repository cannot be listed")))
	w.Expect(exitCode(said, err)).To(Equal(1))
}

func TestCleaningUpSaysWhatIsLeft(t *testing.T) {
	w := newWorld(t, githubsim.Options{})
	s, err := readSettings(w.environment.getenv)
	w.Expect(err).NotTo(HaveOccurred())
	said := &lockedBuffer{}
	r, err := newRun(said, s, options{patience: 200 * time.Millisecond, pace: time.Millisecond})
	w.Expect(err).NotTo(HaveOccurred())
	left := w.github.CreateHook(repository, githubsim.Hook{Active: true, Config: githubsim.Config{URL: r.address("facts")}})
	deletes := w.github.AddFault(githubsim.Fault{Method: http.MethodDelete, Status: http.StatusInternalServerError})

	err = r.cleanUp(t.Context())
	w.Expect(err).To(MatchError(And(
		ContainSubstring("webhooks may be left on octo-org/hello-world"), ContainSubstring(r.marker),
		ContainSubstring(w.github.URL()+"/octo-org/hello-world/settings/hooks"), ContainSubstring(fmt.Sprintf("webhook %d cannot", left.ID)))))
	w.Expect(said.String()).NotTo(ContainSubstring("nothing of this run is left"))

	deletes.Remove()
	w.Expect(r.cleanUp(t.Context())).To(Succeed())
	w.Expect(said.String()).To(ContainSubstring("nothing of this run is left"))
	w.expectOnlyForeign()
}

// world is a simulated GitHub with webhooks of somebody else, a receiver, and the environment that leads to them.
type world struct {
	*WithT
	t           *testing.T
	github      *githubsim.Server
	environment environment
	foreign     map[githubsim.Target]githubsim.Hook
	out         *lockedBuffer
}

func newWorld(t *testing.T, o githubsim.Options) *world {
	t.Helper()
	w := &world{WithT: NewWithT(t), t: t, github: githubsim.New(o), foreign: map[githubsim.Target]githubsim.Hook{}, out: &lockedBuffer{}}
	w.Expect(w.github.Start()).To(Succeed())
	t.Cleanup(w.github.Close)
	receiver := githubsim.NewReceiver()
	t.Cleanup(receiver.Close)
	w.github.AddRepository(repository)
	w.github.AddToken(githubsim.Token{Value: token, Admin: []githubsim.Target{organization}})
	for _, target := range []githubsim.Target{repository, organization} {
		w.foreign[target] = w.github.CreateHook(target, githubsim.Hook{
			Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: receiver.URL() + "/foreign", Secret: "foreign-secret"},
		})
	}
	w.Expect(w.github.WaitDeliveries(t.Context())).To(Succeed())
	w.environment = environment{
		tokenVariable: token, repositoryVariable: string(repository), githubURLVariable: w.github.URL(),
		urlVariable: receiver.URL() + "/bin-0123456789?key=receivers-token",
	}
	return w
}

// useApp logs in as an App that is installed on the organization.
func (w *world) useApp() githubsim.App {
	app := w.github.AddApp(githubsim.App{Owner: string(organization), Webhook: githubsim.Config{URL: "https://app.example.com/?key=apps-token", Secret: "apps-secret"}})
	w.github.Install(githubsim.Installation{AppID: app.ID, Account: string(organization)})
	delete(w.environment, tokenVariable)
	w.environment[appIDVariable], w.environment[appKeyVariable] = fmt.Sprint(app.ID), keyFile(w.t, app)
	w.environment[organizationVariable] = string(organization)
	return app
}

// smoke runs the program, and checks what is true however it ends.
func (w *world) smoke(ctx context.Context, shared *cluster) (code int, said string) {
	err := smoke(ctx, w.out, w.environment.getenv, options{
		patience: time.Minute,
		pace:     100 * time.Millisecond,
		start:    func(context.Context, io.Writer) (*cluster, func(), error) { return shared, func() {}, nil },
	})
	code = exitCode(w.out, err)
	said = w.out.String()
	w.Expect(said).To(ContainSubstring("nothing of this run is left on GitHub"), said)
	w.expectOnlyForeign()
	w.expectNoSecrets(said)
	return code, said
}

func (w *world) expect(code, want int, said string) {
	w.t.Helper()
	w.Expect(code).To(Equal(want), said)
}

// expectOnlyForeign: what was there is there as it was, and nothing else.
func (w *world) expectOnlyForeign() {
	w.t.Helper()
	for target, before := range w.foreign {
		hooks := w.github.Hooks(target)
		w.Expect(hooks).To(HaveLen(1), "on %s", target)
		after := hooks[0]
		after.LastResponse = before.LastResponse // Of the ping when it was made.
		w.Expect(after).To(Equal(before))
		for _, r := range w.github.Requests() {
			w.Expect(r.Write() && strings.Contains(r.Path+"/", fmt.Sprintf("/hooks/%d/", before.ID))).To(BeFalse(), "%s %s", r.Method, r.Path)
		}
	}
}

// expectNoSecrets: nothing that was sent to GitHub as a secret is in the output.
func (w *world) expectNoSecrets(said string) {
	w.t.Helper()
	secrets := map[string]bool{token: true, "receivers-token": true, "bin-0123456789": true, "foreign-secret": true, "apps-secret": true, "apps-token": true, "PRIVATE KEY": true}
	for _, r := range w.github.Requests() {
		secrets[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] = true
		var body struct {
			Secret string `json:"secret"`
			Config struct {
				Secret string `json:"secret"`
			} `json:"config"`
		}
		if len(r.Body) > 0 {
			w.Expect(json.Unmarshal(r.Body, &body)).To(Succeed())
		}
		secrets[body.Secret], secrets[body.Config.Secret] = true, true
	}
	delete(secrets, "")
	w.Expect(len(secrets)).To(BeNumerically(">", 7)) // Some were sent.
	for secret := range secrets {
		w.Expect(strings.Contains(said, secret)).To(BeFalse(), "%q is in the output", secret)
	}
}

// expectFacts: every question has the answer yes, but for these.
func (w *world) expectFacts(said string, others map[string]string) {
	w.t.Helper()
	for _, q := range questions {
		want := yes
		if other, ok := others[q.text]; ok {
			want = other
		}
		w.Expect(said).To(ContainSubstring(fmt.Sprintf("\n  %-14s  %s\n", want, q.text)), said)
	}
}

// lockedBuffer is an output that several goroutines may write to and read.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	// on, when set, is called with all that was written, after each write.
	on func(string)
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	n, err := b.buffer.Write(text)
	said := b.buffer.String()
	b.mu.Unlock()
	if b.on != nil {
		b.on(said)
	}
	return n, err
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
