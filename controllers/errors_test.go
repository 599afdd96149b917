package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// trouble is a cause of failure, how it looks to the user, and how it ends.
type trouble struct {
	reason  string
	status  metav1.ConditionStatus
	stalled bool
	message []string
	cause   func(context.Context, *world)
	changes []change
	// mend takes the cause away; the object heals without a restart.
	mend func(context.Context, *world, *hook)
}

// about limits a fault to the world's target.
func (w *world) about(f githubsim.Fault) githubsim.Fault {
	f.Match = w.mine
	return f
}

// fault makes trouble that mend ends.
func fault(f githubsim.Fault) (cause func(context.Context, *world), mend func(context.Context, *world, *hook)) {
	var handle *githubsim.FaultHandle
	return func(_ context.Context, w *world) { handle = sim.AddFault(w.about(f)) },
		func(context.Context, *world, *hook) { handle.Remove() }
}

func failing(reason string, status metav1.ConditionStatus, f githubsim.Fault, message ...string) func() trouble {
	return func() trouble {
		t := trouble{reason: reason, status: status, message: message}
		t.cause, t.mend = fault(f)
		return t
	}
}

var _ = storiesOf("Trouble", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	DescribeTable("is told with a reason and a way out, writes nothing, and heals without a restart",
		func(ctx SpecContext, makeTrouble func() trouble) {
			t := makeTrouble()
			w.hmac(ctx, "ci")
			if t.cause != nil {
				t.cause(ctx, w)
			}
			h := w.hook(ctx, "ci", append([]change{withSecret("ci")}, t.changes...)...)

			ready := h.waitFor(ctx, t.status, t.reason)
			Expect(ready.Message).To(containAll(t.message))
			Expect(ready.ObservedGeneration).To(BeEquivalentTo(1))
			h.expectProgress(ctx, t)
			Expect(w.onGitHub()).To(BeEmpty())
			Expect(h.hookStatus(ctx).HookID).To(BeZero())
			if t.status == metav1.ConditionFalse {
				h.told(ctx, t.reason, t.message...)
			}

			t.mend(ctx, w, h)
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			Expect(w.onGitHub()).To(HaveLen(1))
			Expect(h.condition(ctx, v1alpha1.ConditionStalled)).To(BeZero())
			Expect(h.condition(ctx, v1alpha1.ConditionReconciling)).To(BeZero())
		},
		Entry("no credentials Secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "github" does not exist`, "spec.credentialsRef.name"},
				cause:   func(ctx context.Context, w *world) { w.removeSecret(ctx, "github") },
				mend:    restoreCredentials,
			}
		}),
		Entry("credentials without a login", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "github"`, "neither token nor appID and privateKey"},
				cause:   func(ctx context.Context, w *world) { w.secret(ctx, "github", map[string]string{"password": "x"}) },
				mend:    restoreCredentials,
			}
		}),
		Entry("a Secret of a service account", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "sa"`, "kubernetes.io/service-account-token"},
				changes: []change{withCredentials("sa")},
				cause:   makeServiceAccountToken,
				mend:    func(ctx context.Context, _ *world, h *hook) { h.change(ctx, withCredentials("github")) },
			}
		}),
		Entry("a server that the operator may not talk to", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonHostNotAllowed, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "github"`, "ghe.example.com", "--github-hosts"},
				cause: func(ctx context.Context, w *world) {
					w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": "https://ghe.example.com"})
				},
				mend: restoreCredentials,
			}
		}),
		Entry("no webhook Secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonSecretNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "ci" does not exist`, "spec.secretRef.name"},
				cause:   func(ctx context.Context, w *world) { w.removeSecret(ctx, "ci") },
				mend:    restoreHMAC,
			}
		}),
		Entry("a webhook Secret without the key", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonSecretNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "ci" has no key "secret"`, "spec.secretRef.key"},
				cause:   func(ctx context.Context, w *world) { w.secret(ctx, "ci", map[string]string{"other": "x"}) },
				mend:    restoreHMAC,
			}
		}),
		Entry("an empty webhook Secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonSecretNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "ci" has nothing under key "secret"`},
				cause:   func(ctx context.Context, w *world) { w.secret(ctx, "ci", map[string]string{"secret": ""}) },
				mend:    restoreHMAC,
			}
		}),
		Entry("a webhook Secret of asterisks only", invalidSecret("********", "only asterisks", "put the real secret there")),
		Entry("a webhook Secret of bytes that are no text", invalidSecret("\x00\xff\xfe\x80"+secretMark, "not text (UTF-8)", "openssl rand -hex 32")),
		Entry("a webhook Secret of white space", invalidSecret(" \n", "only white space", "openssl rand -hex 32")),
		Entry("a webhook Secret of more than 4 KiB", invalidSecret(strings.Repeat(secretMark, 513), "more than 4096 bytes", "openssl rand -hex 32")),
		Entry("a token of more than 4 KiB", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "github"`, "more than 4096 bytes under token"},
				cause: func(ctx context.Context, w *world) {
					w.secret(ctx, "github", map[string]string{"token": strings.Repeat("'", 4097), "githubURL": sim.URL()})
				},
				mend: restoreCredentials,
			}
		}),
		Entry("a Secret with a URL of more than 2,048 characters", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonURLInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "receiver", key "url"`, "at most 2048 characters"},
				changes: []change{withURLFrom("receiver", "url")},
				cause: func(ctx context.Context, w *world) {
					w.secret(ctx, "receiver", map[string]string{"url": "https://ci.example.com/" + strings.Repeat(secretMark, 256)})
				},
				mend: func(ctx context.Context, w *world, _ *hook) {
					w.secret(ctx, "receiver", map[string]string{"url": "https://ci.example.com/" + secretMark})
				},
			}
		}),
		Entry("a service account's token as webhook secret", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonCredentialsInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "sa"`, "kubernetes.io/service-account-token"},
				changes: []change{withSecret("sa")},
				cause:   makeServiceAccountToken,
				mend:    func(ctx context.Context, _ *world, h *hook) { h.change(ctx, withSecret("ci")) },
			}
		}),
		Entry("no Secret for the URL", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonSecretNotFound, status: metav1.ConditionFalse,
				message: []string{`Secret "receiver" does not exist`, "spec.urlFrom.secretKeyRef.name"},
				changes: []change{withURLFrom("receiver", "url")},
				mend: func(ctx context.Context, w *world, _ *hook) {
					w.secret(ctx, "receiver", map[string]string{"url": "https://ci.example.com/" + secretMark})
				},
			}
		}),
		Entry("a Secret with no URL in it", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonURLInvalid, status: metav1.ConditionFalse, stalled: true,
				message: []string{`Secret "receiver", key "url"`, "https:// or http://"},
				changes: []change{withURLFrom("receiver", "url")},
				cause: func(ctx context.Context, w *world) {
					w.secret(ctx, "receiver", map[string]string{"url": secretMark + "not-a-url"})
				},
				mend: func(ctx context.Context, w *world, _ *hook) {
					w.secret(ctx, "receiver", map[string]string{"url": "https://ci.example.com/" + secretMark})
				},
			}
		}),
		Entry("a revoked token", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonUnauthorized, status: metav1.ConditionFalse,
				message: []string{`Secret "github"`, "put a valid one there"},
				cause:   func(_ context.Context, w *world) { sim.RevokeToken(w.token) },
				mend:    restoreRights,
			}
		}),
		Entry("a token that may not administer webhooks", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonTargetNotFound, status: metav1.ConditionFalse,
				message: []string{"does not exist", "admin:", `Secret "github"`},
				cause:   func(_ context.Context, w *world) { sim.AddToken(githubsim.Token{Value: w.token}) },
				mend:    restoreRights,
			}
		}),
		Entry("a fine-grained token without the permission", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonForbidden, status: metav1.ConditionFalse,
				message: []string{"lacks the permission", "_hooks", `Secret "github"`},
				cause: func(_ context.Context, w *world) {
					sim.AddToken(githubsim.Token{
						Value: w.token, Kind: githubsim.FineGrained,
						Admin: []githubsim.Target{githubsim.Target(w.owner)}, Permissions: map[string]string{},
					})
				},
				mend: restoreRights,
			}
		}),
		Entry("blocked access", failing(v1alpha1.ReasonForbidden, metav1.ConditionFalse,
			githubsim.Fault{Status: http.StatusUnavailableForLegalReasons, Body: `{"message":"Repository access blocked","status":"451"}`},
			"blocks access", "Repository access blocked")),
		Entry("a suspended installation", failing(v1alpha1.ReasonForbidden, metav1.ConditionFalse,
			githubsim.Fault{Status: http.StatusForbidden, Body: `{"message":"This GitHub App installation is currently suspended","status":"403"}`},
			"suspended", "unsuspend")),
		Entry("single sign-on", func() trouble {
			page := strings.Replace(sim.URL(), "http://", "https://", 1) + "/orgs/octo-org/sso?authorization_request=A1"
			return failing(v1alpha1.ReasonForbidden, metav1.ConditionFalse, githubsim.Fault{
				Status: http.StatusForbidden, Body: `{"message":"Resource protected by organization SAML enforcement.","status":"403"}`,
				Header: http.Header{"X-Github-Sso": {"required; url=" + page}, "X-Accepted-Github-Permissions": {"repository_hooks=read"}},
			}, "single sign-on", page)()
		}),
		Entry("an IP allow list", failing(v1alpha1.ReasonForbidden, metav1.ConditionFalse, githubsim.Fault{
			Status: http.StatusForbidden, Body: `{"message":"Although you appear to have the correct authorization credentials, the octo-org organization has ` +
				`an IP allow list enabled, and 203.0.113.7 is not permitted to access this resource.","status":"403"}`,
			Header: http.Header{"X-Accepted-Github-Permissions": {"repository_hooks=read"}},
		}, "IP allow list", "203.0.113.7", "add it there")),
		Entry("a refusal that names permissions as every answer does", failing(v1alpha1.ReasonForbidden, metav1.ConditionFalse, githubsim.Fault{
			Status: http.StatusForbidden, Body: `{"message":"Must have admin rights to Repository.","status":"403"}`,
			Header: http.Header{"X-Accepted-Github-Permissions": {"repository_hooks=read"}},
		}, "may not administer", "Must have admin rights")),
		Entry("a lock-out of logins", failing(v1alpha1.ReasonRateLimited, metav1.ConditionUnknown, githubsim.Fault{
			Status: http.StatusForbidden, Body: `{"message":"Maximum number of login attempts exceeded. Please try again later.","status":"403"}`,
			Header: http.Header{"Retry-After": {"2"}},
		}, "no logins", "valid credential")),
		Entry("a fine-grained token that GitHub answers 404", func() trouble {
			t := failing(v1alpha1.ReasonTargetNotFound, metav1.ConditionFalse,
				githubsim.Fault{Status: http.StatusNotFound, Body: `{"message":"Not Found","status":"404"}`}, "(permission ", "_hooks=write)")()
			cause, mend := t.cause, t.mend
			t.cause = func(ctx context.Context, w *world) {
				w.secret(ctx, "github", map[string]string{"token": "github_pat_" + w.token, "githubURL": sim.URL()})
				cause(ctx, w)
			}
			t.mend = func(ctx context.Context, w *world, h *hook) {
				mend(ctx, w, h)
				restoreCredentials(ctx, w, h)
			}
			return t
		}),
		Entry("a URL that GitHub refuses", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonValidationFailed, status: metav1.ConditionFalse, stalled: true,
				message: []string{"GitHub refuses", "isn't reachable over the public Internet"},
				changes: []change{withURL("http://localhost/github")},
				mend:    func(ctx context.Context, _ *world, h *hook) { h.change(ctx, withURL("https://ci.example.com/")) },
			}
		}),
		Entry("an event that GitHub does not know", func() trouble {
			return trouble{
				reason: v1alpha1.ReasonValidationFailed, status: metav1.ConditionFalse, stalled: true,
				message: []string{"GitHub refuses", "pushed"},
				changes: []change{withEvents("pushed")},
				mend:    func(ctx context.Context, _ *world, h *hook) { h.change(ctx, withEvents("push")) },
			}
		}),
		Entry("GitHub down", failing(v1alpha1.ReasonGitHubUnavailable, metav1.ConditionUnknown,
			githubsim.Fault{Status: http.StatusBadGateway}, "not available", "keeps trying")),
		Entry("a connection that breaks", failing(v1alpha1.ReasonGitHubUnavailable, metav1.ConditionUnknown,
			githubsim.Fault{DropBefore: true}, "not available", "keeps trying")),
		Entry("an answer that is no JSON", failing(v1alpha1.ReasonGitHubUnavailable, metav1.ConditionUnknown,
			githubsim.Fault{Method: http.MethodGet, Malformed: true}, "not available")),
		Entry("an answer that is cut off", failing(v1alpha1.ReasonGitHubUnavailable, metav1.ConditionUnknown,
			githubsim.Fault{Method: http.MethodGet, Truncate: true}, "not available")),
		Entry("the primary rate limit", func() trouble {
			reset := time.Now().Add(3 * time.Second).Unix()
			return failing(v1alpha1.ReasonRateLimited, metav1.ConditionUnknown, githubsim.Fault{
				Status: http.StatusForbidden, Body: `{"message":"API rate limit exceeded for user ID 1.","status":"403"}`,
				Header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(reset)}},
			}, "until 20")()
		}),
		Entry("the secondary rate limit", failing(v1alpha1.ReasonRateLimited, metav1.ConditionUnknown, githubsim.Fault{
			Status: http.StatusTooManyRequests, Body: `{"message":"You have exceeded a secondary rate limit.","status":"429"}`,
			Header: http.Header{"Retry-After": {"2"}},
		}, "until 20")),
	)

	It("is no trouble at first that a Secret comes after its object", func(ctx SpecContext) {
		h := w.hook(ctx, "ci", withSecret("late"))
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
		secret := w.hmac(ctx, "late")
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Config.Secret).To(Equal(secret))
	})

	It("reaches GitHub's limit of hooks, and goes on when there is room", func(ctx SpecContext) {
		var first int64
		for i := range 20 {
			made := sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"push"}, Config: githubsim.Config{URL: fmt.Sprintf("https://%d.example.com", i)}})
			if first == 0 {
				first = made.ID
			}
		}
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonHookLimitReached)
		Expect(ready.Message).To(containAll([]string{"as many webhooks as GitHub allows", "delete one"}))
		Expect(w.onGitHub()).To(HaveLen(20))

		sim.DeleteHook(w.target, first)
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})

	It("in reaching GitHub says nothing against a hook that was synced", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusServiceUnavailable}))
		h.annotate(ctx, v1alpha1.AnnotationReconcile)

		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReconciling).Reason }).
			Should(Equal(v1alpha1.ReasonGitHubUnavailable))
		Expect(h.condition(ctx, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue))
		Expect(h.condition(ctx, v1alpha1.ConditionReady).Reason).To(Equal(v1alpha1.ReasonSynced))

		down.Remove()
		Eventually(ctx, func() metav1.Condition { return h.condition(ctx, v1alpha1.ConditionReconciling) }).Should(BeZero())
	})
})

var _ = storiesOf("GitHub's long absence", func(kind hookKind) {
	It("makes Ready Unknown after three intervals, and writes nothing when it is back", func(ctx SpecContext) {
		w := newWorld(ctx, kind).withOwnOperator(ctx, "--default-interval=1s")
		h := w.readyHook(ctx, "ci")
		writes := len(w.writes())
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusServiceUnavailable}))
		ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(ready.Message).To(ContainSubstring("not available"))
		Expect(time.Since(h.get(ctx).CommonStatus().LastSyncTime.Time)).To(BeNumerically(">=", 3*time.Second))

		down.Remove()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()).To(HaveLen(writes))
	})
})

var _ = Describe("An archived repository", func() {
	It("is told, and the hook is made when it is unarchived", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		sim.SetArchived(w.target, true)
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonRepositoryArchived)
		Expect(ready.Message).To(containAll([]string{"archived", "unarchive it"}))
		h.expectProgress(ctx, trouble{reason: v1alpha1.ReasonRepositoryArchived})

		sim.SetArchived(w.target, false)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})

// expectProgress checks that Stalled and Reconciling say what GitOps tools have to know.
func (h *hook) expectProgress(ctx context.Context, t trouble) {
	GinkgoHelper()
	stalled, reconciling := h.condition(ctx, v1alpha1.ConditionStalled), h.condition(ctx, v1alpha1.ConditionReconciling)
	if t.stalled {
		Expect(stalled.Status).To(Equal(metav1.ConditionTrue))
		Expect(stalled.Reason).To(Equal(t.reason))
		Expect(reconciling).To(BeZero())
		return
	}
	Expect(stalled).To(BeZero())
	Expect(reconciling.Status).To(Equal(metav1.ConditionTrue))
	Expect(reconciling.Reason).To(Equal(v1alpha1.ReasonProgressingWithRetry))
}

func restoreCredentials(ctx context.Context, w *world, _ *hook) {
	w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": sim.URL()})
}

func invalidSecret(value string, message ...string) func() trouble {
	return func() trouble {
		return trouble{
			reason: v1alpha1.ReasonSecretInvalid, status: metav1.ConditionFalse, stalled: true, message: message,
			cause: func(ctx context.Context, w *world) { w.secret(ctx, "ci", map[string]string{"secret": value}) },
			mend:  restoreHMAC,
		}
	}
}

func restoreHMAC(ctx context.Context, w *world, _ *hook) { w.hmac(ctx, "ci") }

func restoreRights(_ context.Context, w *world, _ *hook) {
	sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
}

func makeServiceAccountToken(ctx context.Context, w *world) {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "robot"}}
	Expect(k8s.Create(ctx, account)).To(Succeed())
	Expect(k8s.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "sa", Annotations: map[string]string{corev1.ServiceAccountNameKey: "robot"}},
		Type:       corev1.SecretTypeServiceAccountToken,
		Data:       map[string][]byte{"token": []byte(w.token), "secret": []byte(secretMark + "sa"), "ca.crt": []byte("x")},
	})).To(Succeed())
}
