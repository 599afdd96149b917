package controllers_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// secretExample is a Secret as another project documents it. In its place of APP_ID, INSTALLATION_ID, PRIVATE_KEY and
// TOKEN a user puts his own.
type secretExample struct {
	project  string
	manifest string
	// server that it leads to.
	server string
}

// secretExamples are the Secrets of other projects that hold a login to GitHub.
var secretExamples = []secretExample{
	{"Flux's GitRepository", `
apiVersion: v1
kind: Secret
metadata:
  name: github-sa
type: Opaque
stringData:
  githubAppID: "APP_ID"
  githubAppInstallationID: "INSTALLATION_ID"
  githubAppPrivateKey: |
    PRIVATE_KEY
`, "https://github.com"},
	{"Flux's GitRepository on an Enterprise Server", `
apiVersion: v1
kind: Secret
metadata:
  name: github-enterprise-sa
type: Opaque
stringData:
  githubAppID: "APP_ID"
  githubAppInstallationID: "INSTALLATION_ID"
  githubAppPrivateKey: |
    PRIVATE_KEY
  githubAppBaseURL: "https://ghe.example.com/api/v3"
`, "https://ghe.example.com"},
	{"Argo CD's repository", `
apiVersion: v1
kind: Secret
metadata:
  name: github-repo
  labels:
    argocd.argoproj.io/secret-type: repository
stringData:
  type: git
  url: https://github.com/argoproj/my-private-repository
  githubAppID: "APP_ID"
  githubAppInstallationID: "INSTALLATION_ID"
  githubAppPrivateKey: |
    PRIVATE_KEY
`, "https://github.com"},
	{"Argo CD's repository on an Enterprise Server", `
apiVersion: v1
kind: Secret
metadata:
  name: github-enterprise-repo
  labels:
    argocd.argoproj.io/secret-type: repository
stringData:
  type: git
  url: https://ghe.example.com/argoproj/my-private-repository
  githubAppID: "APP_ID"
  githubAppInstallationID: "INSTALLATION_ID"
  githubAppEnterpriseBaseUrl: https://ghe.example.com/api/v3
  githubAppPrivateKey: |
    PRIVATE_KEY
`, "https://ghe.example.com"},
	{"Argo CD's template of credentials, whose url is another server's", `
apiVersion: v1
kind: Secret
metadata:
  name: github-enterprise-creds
  labels:
    argocd.argoproj.io/secret-type: repo-creds
stringData:
  url: https://elsewhere.example.org/argoproj
  type: helm
  githubAppID: "APP_ID"
  githubAppInstallationID: "INSTALLATION_ID"
  githubAppEnterpriseBaseUrl: https://ghe.example.com/api/v3
  githubAppPrivateKey: |
    PRIVATE_KEY
`, "https://ghe.example.com"},
	{"actions-runner-controller with an App", `
apiVersion: v1
kind: Secret
metadata:
  name: pre-defined-secret
type: Opaque
stringData:
  github_app_id: "APP_ID"
  github_app_installation_id: "INSTALLATION_ID"
  github_app_private_key: |
    PRIVATE_KEY
`, "https://github.com"},
	{"actions-runner-controller with a token", `
apiVersion: v1
kind: Secret
metadata:
  name: controller-manager
type: Opaque
stringData:
  github_token: "TOKEN"
`, "https://github.com"},
}

// create the Secret in the world's namespace, with the world's own values, and return its name.
func (e secretExample) create(ctx context.Context, w *world, app githubsim.App) string {
	GinkgoHelper()
	key := strings.ReplaceAll(strings.TrimSpace(app.PrivateKey), "\n", "\n    ")
	manifest := strings.NewReplacer("APP_ID", fmt.Sprint(app.ID), "INSTALLATION_ID", fmt.Sprint(w.installation),
		"PRIVATE_KEY", key, "TOKEN", w.token).Replace(e.manifest)
	var secret corev1.Secret
	Expect(yaml.UnmarshalStrict([]byte(manifest), &secret)).To(Succeed())
	secret.Namespace = w.namespace
	Expect(k8s.Create(ctx, &secret)).To(Succeed())
	return secret.Name
}

var _ = storiesOf("A Secret made for another project", func(kind hookKind) {
	It("is used as it is, and says where to go by that project's key for it", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, kind)
		w.withOwnOperatorEnv(ctx, append(web.env(""), web.trusting()), "--github-hosts=github.com,ghe.example.com,elsewhere.example.org")
		app := sim.AddApp(githubsim.App{Slug: w.namespace, Owner: w.owner})
		w.installation = sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner}).ID
		var hooks []*hook
		for i, example := range secretExamples {
			hooks = append(hooks, w.hook(ctx, fmt.Sprintf("ci-%d", i), withCredentials(example.create(ctx, w, app))))
		}
		for i, h := range hooks {
			By(secretExamples[i].project)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(h.get(ctx).CommonStatus().Server).To(Equal(secretExamples[i].server))
		}
		Expect(web.asked()).To(Equal([]string{"api.github.com:443", "ghe.example.com:443"}))
		Expect(web.got()).NotTo(ContainElement(HaveSuffix("/installation")), "the Secret names the installation")
	})
})

var _ = Describe("A Secret made for another project that holds an App's key", func() {
	It("is used as it is for the App's own webhook", func(ctx SpecContext) {
		web, w := newInternet(), newWorld(ctx, apps)
		w.withOwnOperatorEnv(ctx, append(web.env(""), web.trusting()), "--github-hosts=github.com,ghe.example.com")
		for i, example := range secretExamples {
			// Two objects of one App on one server are a conflict, so each example has an App of its own.
			app := sim.AddApp(githubsim.App{Slug: fmt.Sprintf("%s-%d", w.namespace, i), Owner: w.owner})
			w.installation = sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner}).ID
			h := w.hook(ctx, fmt.Sprintf("ci-%d", i), withCredentials(example.create(ctx, w, app)))
			if strings.Contains(example.manifest, "TOKEN") {
				ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
				Expect(ready.Message).To(ContainSubstring("token"))
				continue
			}
			By(example.project)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(h.get(ctx).CommonStatus().Server).To(Equal(example.server))
		}
	})
})

var _ = storiesOf("Credentials that contradict themselves", func(kind hookKind) {
	DescribeTable("are told with the keys to look at, send nothing, and are used once they are put right",
		func(ctx SpecContext, data func(*world, githubsim.App) map[string]string, words ...string) {
			w := newWorld(ctx, kind)
			app := sim.AddApp(githubsim.App{Slug: w.namespace, Owner: w.owner})
			sim.Install(githubsim.Installation{AppID: app.ID, Account: w.owner})
			bad := data(w, app)
			bad["githubURL"] = sim.URL()
			w.secret(ctx, "github", bad)
			h := w.hook(ctx, "ci")

			ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
			Expect(ready.Message).To(containAll(append(words, `Secret "github"`)))
			Expect(ready.Message).NotTo(ContainSubstring(secretMark))
			h.expectProgress(ctx, trouble{reason: v1alpha1.ReasonCredentialsInvalid, stalled: true})
			Expect(w.requests()).To(BeEmpty())

			restoreCredentials(ctx, w, h)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		},
		Entry("a token and an App", func(w *world, app githubsim.App) map[string]string {
			return map[string]string{"token": w.token, "githubAppID": fmt.Sprint(app.ID), "githubAppPrivateKey": app.PrivateKey}
		}, "both a token and an App", "remove one"),
		Entry("an App without its key", func(_ *world, app githubsim.App) map[string]string {
			return map[string]string{"github_app_id": fmt.Sprint(app.ID)}
		}, "appID", "privateKey"),
		Entry("a key without its App", func(_ *world, app githubsim.App) map[string]string {
			return map[string]string{"githubAppPrivateKey": app.PrivateKey}
		}, "privateKey", "appID"),
		Entry("two spellings of the token that differ", func(w *world, _ githubsim.App) map[string]string {
			return map[string]string{"token": w.token, "github_token": secretMark + "other"}
		}, "token", "github_token", "remove one"),
		Entry("two spellings of the server that differ", func(w *world, _ githubsim.App) map[string]string {
			return map[string]string{"token": w.token, "githubAppEnterpriseBaseUrl": "https://ghe.example.com/api/v3"}
		}, "githubURL", "githubAppEnterpriseBaseUrl"),
		Entry("two spellings of the App's ID that differ", func(_ *world, app githubsim.App) map[string]string {
			return map[string]string{"appID": fmt.Sprint(app.ID), "githubAppID": "1", "privateKey": app.PrivateKey}
		}, "appID", "githubAppID"),
		Entry("an installation that is no number", func(w *world, app githubsim.App) map[string]string {
			return map[string]string{"appID": fmt.Sprint(app.ID), "privateKey": app.PrivateKey, "installationID": w.owner}
		}, "installationID", "looked up"),
	)
})

var _ = storiesOf("A Secret of the cluster itself", func(kind hookKind) {
	It("of a bootstrap token or a service account is refused wherever an object names it", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		makeServiceAccountToken(ctx, w)
		Expect(k8s.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bootstrap"}, Type: corev1.SecretTypeBootstrapToken,
			Data: map[string][]byte{
				"token": []byte(w.token), "secret": []byte(secretMark + "bootstrap"), "githubURL": []byte(sim.URL()),
				"token-id": []byte("abcdef"), "token-secret": []byte("0123456789abcdef"),
			},
		})).To(Succeed())
		for i, named := range []change{
			withCredentials("bootstrap"), withSecret("bootstrap"), withURLFrom("bootstrap", "githubURL"),
			withCredentials("sa"), withSecret("sa"), withURLFrom("sa", "secret"),
		} {
			ready := w.hook(ctx, fmt.Sprintf("ci-%d", i), named).waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
			Expect(ready.Message).To(ContainSubstring("is never used: name a Secret made for this purpose"))
		}
		Expect(w.requests()).To(BeEmpty())
	})
})

var _ = storiesOf("A rotated login", func(kind hookKind) {
	It("of an App is used at the next call, by all objects, and the former key no more", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		former := w.asApp(ctx)
		sim.Install(githubsim.Installation{AppID: former.ID, Account: w.owner})
		one, two := w.readyHook(ctx, "one"), w.readyHook(ctx, "two", withEvents("fork"))

		other := sim.AddApp(githubsim.App{Slug: w.namespace + "-other", Owner: w.owner})
		w.installation = sim.Install(githubsim.Installation{AppID: other.ID, Account: w.owner}).ID
		before := len(sim.Requests())
		w.appCredentials(ctx, other)
		one.look(ctx)
		two.look(ctx)

		one.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		two.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.logins()).To(ContainElement("POST /app/installations/{installation_id}/access_tokens"))
		for _, r := range sim.Requests()[before:] {
			if containsPath(r.Path, w.owner) {
				Expect(r.Status).To(BeNumerically("<", 400), r.Method+" "+r.Path)
			}
		}
	})

	It("from a token to an App and back goes on with the same hook", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		h := w.readyHook(ctx, "ci")
		made := w.only().ID
		sim.Install(githubsim.Installation{AppID: w.asApp(ctx).ID, Account: w.owner})
		sim.RevokeToken(w.token)
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)

		restoreRights(ctx, w, h)
		restoreCredentials(ctx, w, h)
		h.change(ctx, withEvents("push"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(made))
	})
})

var _ = Describe("Tenants whose Secrets have the same name and the same token", func() {
	It("have clients of their own: what one changes in his Secret is not the other's", func(ctx SpecContext) {
		mine, theirs := newWorld(ctx, repositories), newWorld(ctx, repositories)
		sim.AddToken(githubsim.Token{Value: mine.token, Admin: []githubsim.Target{
			githubsim.Target(mine.owner), githubsim.Target(theirs.owner),
		}})
		theirs.secret(ctx, "github", map[string]string{"token": mine.token, "githubURL": sim.URL()})
		h, other := mine.readyHook(ctx, "ci"), theirs.readyHook(ctx, "ci")

		theirs.secret(ctx, "github", map[string]string{"token": secretMark + "wrong", "githubURL": sim.URL()})
		other.change(ctx, withEvents("fork"))
		other.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)

		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})
