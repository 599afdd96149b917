package controllers_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// asApp puts an App's login into the credentials, instead of a token.
func (w *world) asApp(ctx context.Context) githubsim.App {
	GinkgoHelper()
	app := sim.AddApp(githubsim.App{Slug: w.namespace, Owner: w.owner})
	w.appCredentials(ctx, app)
	return app
}

func (w *world) appCredentials(ctx context.Context, app githubsim.App) {
	GinkgoHelper()
	w.secret(ctx, "github", map[string]string{
		"appID": fmt.Sprint(app.ID), "privateKey": app.PrivateKey, "githubURL": sim.URL(),
	})
}

// logins are the requests by which an operator logs in for this world, in short.
func (w *world) logins() []string {
	var logins []string
	for _, r := range sim.Requests() {
		if strings.HasSuffix(r.Route, "/installation") && containsPath(r.Path, w.owner) ||
			strings.HasSuffix(r.Route, "/access_tokens") && containsPath(r.Path, fmt.Sprint(w.installation)) {
			logins = append(logins, r.Method+" "+r.Route)
		}
	}
	return logins
}

var _ = storiesOf("A GitHub App", func(kind hookKind) {
	var w *world
	var app githubsim.App
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		app = w.asApp(ctx)
	})
	install := func() githubsim.Installation {
		installation := sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner})
		w.installation = installation.ID
		return installation
	}

	It("logs in where it is installed: its hooks are made, edited and deleted", func(ctx SpecContext) {
		install()
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Events).To(ConsistOf("fork"))
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("needs two requests to log in, however many objects use it", func(ctx SpecContext) {
		const objects = 20
		install()
		before := len(w.logins())
		var last *hook
		for i := range objects {
			last = w.hook(ctx, fmt.Sprintf("ci-%d", i), withEvents(killedEvents[i%len(killedEvents)]))
		}
		Eventually(ctx, w.onGitHub).Should(HaveLen(objects), last.trouble)
		Expect(w.logins()[before:]).To(ConsistOf(HaveSuffix("/installation"), "POST /app/installations/{installation_id}/access_tokens"))
	})

	It("that is not installed is told so, and goes on once it is", func(ctx SpecContext) {
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonNotInstalled)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(app.ID), string(w.target), "nstall"}))
		h.expectProgress(ctx, trouble{reason: v1alpha1.ReasonNotInstalled})
		h.told(ctx, v1alpha1.ReasonNotInstalled)
		Expect(w.onGitHub()).To(BeEmpty())

		install()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("whose installation is suspended is told so, and goes on once it is not", func(ctx SpecContext) {
		installation := install()
		h := w.readyHook(ctx, "ci")
		sim.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Suspended = true })
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonForbidden)
		Expect(ready.Message).To(ContainSubstring("suspended"))

		sim.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Suspended = false })
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("without the permission is told which, and goes on once it is granted", func(ctx SpecContext) {
		installation := install()
		sim.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Permissions = map[string]string{"metadata": "read"} })
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonForbidden)
		Expect(ready.Message).To(ContainSubstring("_hooks=write"))

		sim.ChangeInstallation(installation.ID, func(i *githubsim.Installation) {
			i.Permissions = map[string]string{"repository_hooks": "write", "organization_hooks": "write"}
		})
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("that may only read observes, and is told what managing takes", func(ctx SpecContext) {
		installation := install()
		sim.ChangeInstallation(installation.ID, func(i *githubsim.Installation) {
			i.Permissions = map[string]string{"repository_hooks": "read", "organization_hooks": "read"}
		})
		there := sim.CreateHook(w.target, githubsim.Hook{
			Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: "https://ci.example.com/github", ContentType: "json", InsecureSSL: "0"},
		})
		h := w.hook(ctx, "ci", withManagement(v1alpha1.Observe))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(h.hookStatus(ctx).HookID).To(Equal(there.ID))

		h.change(ctx, withManagement(v1alpha1.Manage), withAdoption(v1alpha1.AdoptMatchURL), withEvents("fork"))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonForbidden)
		Expect(ready.Message).To(ContainSubstring("_hooks=write"))
	})

	It("that was installed anew is found again", func(ctx SpecContext) {
		installation := install()
		h := w.readyHook(ctx, "ci")
		sim.Uninstall(installation.ID)
		install()
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("with a malformed key is told so", func(ctx SpecContext) {
		w.secret(ctx, "github", map[string]string{"appID": fmt.Sprint(app.ID), "privateKey": secretMark + "no-key", "githubURL": sim.URL()})
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
		Expect(ready.Message).To(containAll([]string{`Secret "github"`, "privateKey"}))
		h.expectProgress(ctx, trouble{reason: v1alpha1.ReasonCredentialsInvalid, stalled: true})

		install()
		w.appCredentials(ctx, app)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("with another App's key is told so", func(ctx SpecContext) {
		other := sim.AddApp(githubsim.App{Slug: w.namespace + "-other", Owner: w.owner})
		w.secret(ctx, "github", map[string]string{"appID": fmt.Sprint(app.ID), "privateKey": other.PrivateKey, "githubURL": sim.URL()})
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
		Expect(ready.Message).To(ContainSubstring(fmt.Sprint(app.ID)))
	})
})
