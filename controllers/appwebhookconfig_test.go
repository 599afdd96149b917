package controllers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// withApp makes the world's App, whose key is in the Secret "github".
func (w *world) withApp(ctx context.Context) *world {
	GinkgoHelper()
	w.app = sim.AddApp(githubsim.App{Slug: w.namespace, Owner: w.owner})
	w.target = githubsim.AppTarget(w.app.ID)
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})).To(Succeed())
	w.appCredentials(ctx, w.app)
	return w
}

// issuer is the App that a request logs in as; empty for any other login.
func issuer(r githubsim.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	_ = json.Unmarshal(payload, &claims) // What is no JSON web token has no issuer.
	return claims.Issuer
}

var _ = Describe("The webhook of a GitHub App", func() {
	const url = "https://ci.example.com/github"
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, apps) })
	config := func() githubsim.Config { return w.only().Config }

	It("is configured with everything that the spec says", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"), withInsecureSSL(true))

		Expect(config()).To(Equal(githubsim.Config{URL: url, ContentType: "json", InsecureSSL: "1", Secret: secret}))
		Expect(w.calls()).To(Equal([]string{"GET ", "GET /hook/config", "PATCH /hook/config"}))
		obj := h.get(ctx).(*v1alpha1.AppWebhookConfig)
		Expect(obj.Finalizers).To(BeEmpty())
		Expect(obj.Status.AppID).To(Equal(w.app.ID))
		Expect(obj.Status.Server).To(Equal(sim.URL()))
		Expect(obj.Status.SettingsURL).To(Equal(sim.URL() + "/organizations/" + w.owner + "/settings/apps/" + w.app.Slug))
		Expect(obj.Status.Applied.SecretFingerprint).NotTo(BeEmpty())
		h.told(ctx, v1alpha1.EventAdopted, "url", "GitHub App")
		Expect(h.apiWrites()).To(Equal([]string{"PATCH " + h.path() + "/status"}))
	})

	DescribeTable("follows every change of the spec in one request",
		func(ctx SpecContext, changed change, field string, want func(githubsim.Config)) {
			secret := w.hmac(ctx, "ci")
			h := w.readyHook(ctx, "ci", withSecret("ci"))
			calls := len(w.calls())
			h.change(ctx, changed)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			want(config())
			Expect(config().Secret).To(Equal(secret))
			Expect(w.calls()[calls:]).To(Equal([]string{"PATCH /hook/config"}))
			h.told(ctx, v1alpha1.EventUpdated, field)
		},
		Entry("url", withURL("https://other.example.com/"), "url", func(c githubsim.Config) {
			Expect(c.URL).To(Equal("https://other.example.com/"))
		}),
		Entry("contentType", withContentType(v1alpha1.ContentTypeForm), "contentType", func(c githubsim.Config) {
			Expect(c.ContentType).To(Equal("form"))
		}),
		Entry("insecureSSL", withInsecureSSL(true), "insecureSSL", func(c githubsim.Config) {
			Expect(c.InsecureSSL).To(Equal("1"))
		}),
	)

	DescribeTable("is put right where it drifted, in one write",
		func(ctx SpecContext, edited func(*githubsim.Hook), field string) {
			w.hmac(ctx, "ci")
			h := w.readyHook(ctx, "ci", withSecret("ci"))
			before, calls := config(), len(w.calls())
			sim.EditHook(w.target, w.only().ID, edited)
			h.look(ctx)
			Expect(config()).To(Equal(before))
			Expect(w.calls()[calls:]).To(Equal([]string{"GET /hook/config", "PATCH /hook/config"}))
			h.told(ctx, v1alpha1.EventDriftRepaired, field)
			Expect(h.events(ctx)).NotTo(ContainElement(ContainSubstring("evil")))
		},
		Entry("url", func(h *githubsim.Hook) { h.Config.URL = "https://evil.example.com" }, "url"),
		Entry("contentType", func(h *githubsim.Hook) { h.Config.ContentType = "form" }, "contentType"),
		Entry("insecureSSL", func(h *githubsim.Hook) { h.Config.InsecureSSL = "1" }, "insecureSSL"),
		Entry("secret removed", func(h *githubsim.Hook) { h.Config.Secret = "" }, "secretRef"),
	)

	It("costs one read a look while it agrees, and nothing after a restart", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		calls := len(w.calls())
		h.look(ctx)
		Expect(w.calls()[calls:]).To(Equal([]string{"GET /hook/config"}))

		w.operator.terminate()
		calls = len(w.calls())
		w.operator.start(ctx)
		Consistently(w.calls).Should(HaveLen(calls))
	})

	It("gets a rotated secret at once, in one request", func(ctx SpecContext) {
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		calls := len(w.calls())
		rotated := w.hmac(ctx, "ci")
		Eventually(ctx, func() string { return config().Secret }).Should(Equal(rotated), h.trouble)
		Expect(w.calls()[calls:]).To(Equal([]string{"PATCH /hook/config"}))
		h.told(ctx, v1alpha1.EventSecretApplied, "secretRef")
	})

	It("keeps a secret that the spec does not name: GitHub knows no way to remove it", func(ctx SpecContext) {
		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Config.Secret = "theirs" })
		h := w.readyHook(ctx, "ci")
		Expect(config().Secret).To(Equal("theirs"))
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()).To(HaveLen(1))
	})

	It("takes its URL from a Secret, and shows it nowhere", func(ctx SpecContext) {
		value := "https://ci.example.com/" + secretMark + "url"
		w.secret(ctx, "receiver", map[string]string{"url": value})
		h := w.readyHook(ctx, "ci", withURLFrom("receiver", "url"))
		Expect(config().URL).To(Equal(value))
		w.secret(ctx, "receiver", map[string]string{"url": value + "-rotated"})
		Eventually(ctx, func() string { return config().URL }).Should(Equal(value+"-rotated"), h.trouble)
		h.told(ctx, v1alpha1.EventSecretApplied, "url")
	})

	It("is only reported on with managementPolicy Observe", func(ctx SpecContext) {
		h := w.hook(ctx, "ci", withManagement(v1alpha1.Observe))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
		Expect(ready.Message).To(ContainSubstring("url, contentType"))
		Expect(h.get(ctx).CommonStatus().Drift).To(Equal([]string{"url", "contentType"}))
		Expect(h.get(ctx).(*v1alpha1.AppWebhookConfig).Status.AppID).To(Equal(w.app.ID))
		Expect(w.writes()).To(BeEmpty())

		sim.EditHook(w.target, w.only().ID, func(h *githubsim.Hook) { h.Config.URL, h.Config.ContentType = url, "json" })
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()).To(BeEmpty())
	})

	It("is left alone while suspended", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		h.change(ctx, withSuspend(true), withURL("https://later.example.com"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
		calls := len(w.calls())
		h.look(ctx)
		h.told(ctx, v1alpha1.EventRequestRefused, "reconcile", "spec.suspend")
		Expect(w.calls()).To(HaveLen(calls))

		h.change(ctx, withSuspend(false))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(config().URL).To(Equal("https://later.example.com"))
	})

	It("stays as it is when its object goes", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		calls := len(w.calls())
		h.delete(ctx)
		Consistently(w.calls).Should(HaveLen(calls))
		Expect(config().URL).To(Equal(url))
	})

	It("that is switched off is told with the place to switch it on", func(ctx SpecContext) {
		sim.SetAppWebhookOff(w.app.ID, true)
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHookNotFound)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(w.app.ID), "switched off", "tick Active", "/settings/apps/" + w.app.Slug}))
		h.expectProgress(ctx, trouble{reason: v1alpha1.ReasonHookNotFound})

		sim.SetAppWebhookOff(w.app.ID, false)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("belongs to one object: the younger one is told, and takes over when the older one goes", func(ctx SpecContext) {
		first := w.readyHook(ctx, "first")
		aSecondAfter(ctx, first.get(ctx).GetCreationTimestamp().Time)
		second := w.hook(ctx, "second")
		ready := second.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(containAll([]string{fmt.Sprint(w.app.ID), `"first"`, "delete one"}))
		Expect(second.get(ctx).(*v1alpha1.AppWebhookConfig).Status.AppID).To(Equal(w.app.ID))
		Expect(config().URL).To(Equal("https://first.example.com/github"))
		second.told(ctx, v1alpha1.ReasonConflict, `"first"`)

		first.delete(ctx)
		second.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(config().URL).To(Equal("https://second.example.com/github"))
	})

	It("belongs to one object, which the other one's namespace does not learn the name of", func(ctx SpecContext) {
		w.readyHook(ctx, "first")
		other := newWorld(ctx, apps)
		other.appCredentials(ctx, w.app)
		h := other.hook(ctx, "second")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		Expect(ready.Message).To(ContainSubstring("another namespace"))
		Expect(ready.Message).NotTo(SatisfyAny(ContainSubstring("first"), ContainSubstring(w.namespace)))
	})

	It("is made by one of two objects that come at the same moment", func(ctx SpecContext) {
		one, two := w.object("one"), w.object("two")
		Expect(k8s.Create(ctx, one)).To(Succeed())
		Expect(k8s.Create(ctx, two)).To(Succeed())
		reasons := func() []string {
			return []string{(&hook{w, "one"}).condition(ctx, v1alpha1.ConditionReady).Reason, (&hook{w, "two"}).condition(ctx, v1alpha1.ConditionReady).Reason}
		}
		Eventually(ctx, reasons).Should(ConsistOf(v1alpha1.ReasonSynced, v1alpha1.ReasonConflict))
		Expect(w.writes()).To(Equal([]string{"PATCH /hook/config"}))
	})

	DescribeTable("is of another App when the credentials are", func(ctx SpecContext, login func(githubsim.App) string) {
		w.secret(ctx, "github", map[string]string{"appID": login(w.app), "privateKey": w.app.PrivateKey, "githubURL": sim.URL()})
		h := w.readyHook(ctx, "ci")
		other := sim.AddApp(githubsim.App{Slug: w.namespace + "-other", Owner: w.owner})

		w.secret(ctx, "github", map[string]string{"appID": login(other), "privateKey": other.PrivateKey, "githubURL": sim.URL()})

		Eventually(ctx, func() int64 { return *h.get(ctx).StatusID() }).Should(Equal(other.ID), h.trouble)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(sim.Hooks(githubsim.AppTarget(other.ID))).To(ConsistOf(HaveField("Config.URL", url)))
		Expect(h.get(ctx).CommonStatus().SettingsURL).To(HaveSuffix(other.Slug))
	},
		Entry("named by App ID", func(a githubsim.App) string { return fmt.Sprint(a.ID) }),
		Entry("named by client ID", func(a githubsim.App) string { return a.ClientID }),
	)

	DescribeTable("in trouble is told with a reason and a way out, and heals without a restart",
		func(ctx SpecContext, makeTrouble func() trouble) {
			t := makeTrouble()
			w.hmac(ctx, "ci")
			t.cause(ctx, w)
			h := w.hook(ctx, "ci", withSecret("ci"))
			ready := h.waitFor(ctx, t.status, t.reason)
			Expect(ready.Message).To(containAll(t.message))
			h.expectProgress(ctx, t)
			Expect(w.writes()).To(BeEmpty())

			t.mend(ctx, w, h)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(config().URL).To(Equal(url))
		},
		Entry("a token instead of a key", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "github" holds a token`, "appID and privateKey"},
				cause:   useToken, mend: restoreApp,
			}
		}),
		Entry("no credentials Secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "github" does not exist`},
				cause:   func(ctx context.Context, w *world) { w.removeSecret(ctx, "github") }, mend: restoreApp,
			}
		}),
		Entry("no webhook Secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonSecretNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "ci" does not exist`},
				cause:   func(ctx context.Context, w *world) { w.removeSecret(ctx, "ci") }, mend: restoreHMAC,
			}
		}),
		Entry("a key that is another App's", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonUnauthorized, status: metav1.ConditionFalse,
				message: []string{`Secret "github"`, "generate one in the App's settings"},
				cause: func(ctx context.Context, w *world) {
					other := sim.AddApp(githubsim.App{Slug: w.namespace + "-other", Owner: w.owner})
					other.ID = w.app.ID
					w.appCredentials(ctx, other)
				},
				mend: restoreApp,
			}
		}),
		Entry("an App that is none", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonUnauthorized, status: metav1.ConditionFalse,
				message: []string{"no GitHub App 4711", `Secret "github"`},
				cause: func(ctx context.Context, w *world) {
					unknown := w.app
					unknown.ID = 4711
					w.appCredentials(ctx, unknown)
				},
				mend: restoreApp,
			}
		}),
		Entry("GitHub down", failing(v1alpha1.ReasonGitHubUnavailable, metav1.ConditionUnknown,
			githubsim.Fault{Status: http.StatusBadGateway}, "not available", "keeps trying")),
		Entry("a rate limit", failing(v1alpha1.ReasonRateLimited, metav1.ConditionUnknown, githubsim.Fault{
			Status: http.StatusTooManyRequests, Body: `{"message":"You have exceeded a secondary rate limit.","status":"429"}`,
			Header: http.Header{"Retry-After": {"2"}},
		}, "until 20")),
	)

	It("is found again after a crash between the write and the status", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		slow := sim.AddFault(w.about(githubsim.Fault{Method: http.MethodPatch, Delay: 300 * time.Millisecond}))
		h := w.hook(ctx, "ci")
		Eventually(ctx, w.calls).Should(ContainElement("GET /hook/config"), h.trouble)
		w.operator.kill()
		slow.Remove()
		w.operator.start(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(config().URL).To(Equal(url))
	})
})

// useToken puts a token where an App's key is wanted.
func useToken(ctx context.Context, w *world) {
	w.token = secretMark + "token-" + rand.String(12)
	w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": sim.URL()})
}

func restoreApp(ctx context.Context, w *world, _ *hook) { w.appCredentials(ctx, w.app) }

var _ = Describe("A foreign finalizer on an AppWebhookConfig", func() {
	It("does not keep the operator busy while the object waits to go", func(ctx SpecContext) {
		w := newWorld(ctx, apps)
		h := w.readyHook(ctx, "ci", func(o controllers.Webhook) { o.SetFinalizers([]string{"example.com/theirs"}) })
		calls := len(w.calls())
		h.startDeleting(ctx)
		h.change(ctx, withURL("https://late.example.com"))
		Consistently(w.calls).Should(HaveLen(calls))
		Expect(k8s.Patch(ctx, h.get(ctx), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		h.waitGone(ctx)
	})
})
