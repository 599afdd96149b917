package controllers_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// storiesOf tells stories of every kind whose hooks have an ID.
func storiesOf(about string, tell func(kind hookKind)) bool {
	return Describe(about, func() {
		for _, kind := range hookKinds {
			Context(kind.name, func() { tell(kind) })
		}
	})
}

// Changes that stories make.
func withURL(url string) change {
	return func(o controllers.Webhook) { o.CommonSpec().URL, o.CommonSpec().URLFrom = url, nil }
}

func withURLFrom(secret, key string) change {
	return func(o controllers.Webhook) {
		o.CommonSpec().URL = ""
		o.CommonSpec().URLFrom = &v1alpha1.URLSource{SecretKeyRef: v1alpha1.SecretKeyReference{Name: secret, Key: key}}
	}
}

func withSecret(name string) change {
	return func(o controllers.Webhook) {
		o.CommonSpec().SecretRef = &v1alpha1.HMACSecretReference{Name: name, Key: "secret"}
	}
}

func withEvents(events ...string) change {
	return func(o controllers.Webhook) { hookSpec(o).Events = events }
}

func withActive(active bool) change {
	return func(o controllers.Webhook) { hookSpec(o).Active = ptr.To(active) }
}

func withAdoption(policy v1alpha1.AdoptionPolicy) change {
	return func(o controllers.Webhook) { hookSpec(o).AdoptionPolicy = policy }
}

func withHookID(id int64) change {
	return func(o controllers.Webhook) { hookSpec(o).HookID = id }
}

func withDeletion(policy v1alpha1.DeletionPolicy) change {
	return func(o controllers.Webhook) { hookSpec(o).DeletionPolicy = policy }
}

func withManagement(policy v1alpha1.ManagementPolicy) change {
	return func(o controllers.Webhook) { o.CommonSpec().ManagementPolicy = policy }
}

func withSuspend(suspend bool) change {
	return func(o controllers.Webhook) { o.CommonSpec().Suspend = suspend }
}

func withCredentials(name string) change {
	return func(o controllers.Webhook) { o.CommonSpec().CredentialsRef.Name = name }
}

func withContentType(t v1alpha1.ContentType) change {
	return func(o controllers.Webhook) { o.CommonSpec().ContentType = t }
}

func withInsecureSSL(insecure bool) change {
	return func(o controllers.Webhook) { o.CommonSpec().InsecureSSL = insecure }
}

var _ = storiesOf("The life of a hook", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	It("is created with everything that the spec says, in two requests", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"), withEvents("push", "pull_request"), withInsecureSSL(true))

		made := w.only()
		Expect(made.Config).To(Equal(githubsim.Config{
			URL: "https://ci.example.com/github", ContentType: "json", InsecureSSL: "1", Secret: secret,
		}))
		Expect(made.Events).To(ConsistOf("push", "pull_request"))
		Expect(made.Active).To(BeTrue())
		Expect(w.calls()).To(Equal([]string{"GET /hooks", "POST /hooks"}))

		status := h.hookStatus(ctx)
		Expect(status.HookID).To(Equal(made.ID))
		Expect(status.Server).To(Equal(sim.URL()))
		Expect(status.SettingsURL).To(Equal(sim.URL() + kind.settings(w.owner) + fmt.Sprint(made.ID)))
		Expect(status.LastSyncTime).NotTo(BeNil())
		Expect(status.Creating).To(BeNil())
		Expect(status.Applied.SecretFingerprint).NotTo(BeEmpty())
		Expect(status.Applied.HookUpdatedAt).NotTo(BeNil())
		h.told(ctx, v1alpha1.EventCreated, fmt.Sprint(made.ID), string(w.target))
	})

	It("costs the API server three writes: finalizer, intent, and the result at once; one for an update, one to let it go", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		object, status := "PATCH "+h.path(), "PATCH "+h.path()+"/status"
		Expect(h.apiWrites()).To(Equal([]string{object, status, status}))

		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(h.apiWrites()[3:]).To(Equal([]string{status}))

		h.delete(ctx)
		Expect(h.apiWrites()[4:]).To(Equal([]string{object}))
	})

	DescribeTable("takes every change of the spec to GitHub in one request, and names the field in an Event",
		func(ctx SpecContext, changed change, field string, want func(githubsim.Hook)) {
			w.hmac(ctx, "ci")
			h := w.readyHook(ctx, "ci", withSecret("ci"))
			before := len(w.calls())

			h.change(ctx, changed)

			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			want(w.only())
			Expect(w.calls()[before:]).To(Equal([]string{"PATCH /hooks/{hook_id}"}))
			h.told(ctx, v1alpha1.EventUpdated, field)
		},
		Entry("url", withURL("https://other.example.com/"), "url", func(h githubsim.Hook) {
			Expect(h.Config.URL).To(Equal("https://other.example.com/"))
			Expect(h.Config.Secret).To(HavePrefix(secretMark))
		}),
		Entry("contentType", withContentType(v1alpha1.ContentTypeForm), "contentType", func(h githubsim.Hook) {
			Expect(h.Config.ContentType).To(Equal("form"))
		}),
		Entry("insecureSSL", withInsecureSSL(true), "insecureSSL", func(h githubsim.Hook) {
			Expect(h.Config.InsecureSSL).To(Equal("1"))
		}),
		Entry("events", withEvents("release", "fork"), "events", func(h githubsim.Hook) {
			Expect(h.Events).To(ConsistOf("release", "fork"))
		}),
		Entry("active", withActive(false), "active", func(h githubsim.Hook) {
			Expect(h.Active).To(BeFalse())
		}),
		Entry("secretRef removed", func(o controllers.Webhook) { o.CommonSpec().SecretRef = nil }, "secretRef", func(h githubsim.Hook) {
			Expect(h.Config.Secret).To(BeEmpty())
		}),
	)

	It("is deleted with its object, in one request", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		id := w.only().ID
		before := len(w.calls())

		h.delete(ctx)

		Expect(w.onGitHub()).To(BeEmpty())
		Expect(w.calls()[before:]).To(Equal([]string{"DELETE /hooks/{hook_id}"}))
		h.told(ctx, v1alpha1.EventDeleted, fmt.Sprint(id))
	})

	It("is left alone by a manifest that is applied again", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withActive(false))
		before := len(w.calls())

		h.change(ctx, func(o controllers.Webhook) { o.SetLabels(map[string]string{"touched": "yes"}) })
		h.change(ctx, func(o controllers.Webhook) { o.SetAnnotations(map[string]string{"touched": "yes"}) })

		Consistently(w.calls).Should(HaveLen(before))
		Expect(h.get(ctx).GetGeneration()).To(BeEquivalentTo(1))
		Expect(w.only().Active).To(BeFalse())
	})

	It("asks for nothing when only the operator's own settings in the spec change", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		before := len(w.calls())

		h.change(ctx, withDeletion(v1alpha1.DeletionOrphan))

		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.calls()).To(HaveLen(before))
	})

	It("delivers, signed with the secret", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		receiver := githubsim.NewReceiver(secret)
		DeferCleanup(receiver.Close)
		w.readyHook(ctx, "ci", withSecret("ci"), withURL(receiver.URL()))

		sim.Emit(w.target, "push", "", map[string]any{"ref": "refs/heads/main"})

		Eventually(receiver.Received).Should(ContainElement(SatisfyAll(
			HaveField("Event", "push"), HaveField("Verified", true))))
	})
})

// path of the object in the Kubernetes API.
func (h *hook) path() string {
	return fmt.Sprintf("/apis/github-webhooks.dev/v1alpha1/namespaces/%s/%s/%s", h.namespace, h.kind.resource, h.name)
}

// apiWrites are the operator's writes to the object, in short.
func (h *hook) apiWrites() []string {
	var writes []string
	for _, r := range h.operator.api.about(h.namespace) {
		if r.write() && strings.HasPrefix(r.path, h.path()) {
			writes = append(writes, r.method+" "+r.path)
		}
	}
	return writes
}

// statusWrites is how often the operator has written the object's status.
func (h *hook) statusWrites() int {
	n := 0
	for _, r := range h.operator.api.about(h.namespace) {
		if r.method == "PATCH" && r.path == h.path()+"/status" {
			n++
		}
	}
	return n
}
