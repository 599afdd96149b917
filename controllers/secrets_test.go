package controllers_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var _ = storiesOf("Secrets", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	secretsOnGitHub := func() []string {
		var secrets []string
		for _, h := range w.onGitHub() {
			secrets = append(secrets, h.Config.Secret)
		}
		return secrets
	}

	It("that change reach every hook that uses them at once, in one request each", func(ctx SpecContext) {
		const hooks = 20
		w.hmac(ctx, "shared")
		events := []string{"push", "fork", "release", "issues"}
		var last *hook
		for i := range hooks {
			last = w.hook(ctx, fmt.Sprintf("ci-%d", i), withSecret("shared"), withEvents(events[i%len(events)]))
		}
		Eventually(ctx, w.onGitHub).Should(HaveLen(hooks), last.trouble)
		last.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		writes := len(w.writes())

		rotated := w.hmac(ctx, "shared")

		Eventually(ctx, secretsOnGitHub).Should(HaveEach(rotated), last.trouble)
		Expect(w.writes()[writes:]).To(SatisfyAll(HaveLen(hooks), HaveEach("PATCH /hooks/{hook_id}")))
		last.told(ctx, v1alpha1.EventSecretApplied, "secretRef")
	})

	It("that change while the operator is down are applied after its start; the others cost nothing", func(ctx SpecContext) {
		w.withOwnOperator(ctx)
		w.hmac(ctx, "one")
		w.hmac(ctx, "two")
		w.readyHook(ctx, "one", withSecret("one"))
		w.readyHook(ctx, "two", withSecret("two"), withEvents("fork"))
		w.operator.terminate()
		rotated, calls := w.hmac(ctx, "one"), len(w.calls())

		w.operator.start(ctx)

		Eventually(ctx, secretsOnGitHub).Should(ContainElement(rotated))
		Eventually(ctx, func() []string { return w.calls()[calls:] }).Should(Equal([]string{"PATCH /hooks/{hook_id}"}))
	})

	It("whose labels change write nothing, and are read once for it", func(ctx SpecContext) {
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		calls, before := len(w.calls()), h.get(ctx).CommonStatus().Applied.SecretResourceVersion

		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "ci"}}
		Expect(k8s.Patch(ctx, secret, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"touched":"yes"}}}`)))).To(Succeed())

		Eventually(ctx, func() string { return h.get(ctx).CommonStatus().Applied.SecretResourceVersion }).ShouldNot(Equal(before))
		Expect(w.calls()).To(HaveLen(calls))
	})

	It("that go missing later are told, and the hook stays as it was", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		writes := len(w.writes())

		w.removeSecret(ctx, "ci")

		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
		Expect(w.only().Config.Secret).To(Equal(secret))
		Expect(w.writes()).To(HaveLen(writes))

		again := w.hmac(ctx, "ci")
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Config.Secret).To(Equal(again))
	})

	It("that end in a line break are written as they are, with one warning for each version", func(ctx SpecContext) {
		secret := secretMark + "unusual\n"
		w.secret(ctx, "ci", map[string]string{"secret": secret})
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		Expect(secretsOnGitHub()).To(HaveExactElements(secret))
		h.told(ctx, v1alpha1.EventSecretUnusual, `Secret "ci"`, "line break")
		h.look(ctx)
		h.look(ctx)
		warned := func() int {
			n := 0
			for _, e := range h.events(ctx) {
				if strings.HasPrefix(e, v1alpha1.EventSecretUnusual) {
					n++
				}
			}
			return n
		}
		Expect(warned()).To(Equal(1))
	})

	It("can hold the URL, which then shows nowhere", func(ctx SpecContext) {
		url := "https://ci.example.com/" + secretMark + "url"
		w.secret(ctx, "receiver", map[string]string{"url": url + "\n"})
		h := w.readyHook(ctx, "ci", withURLFrom("receiver", "url"))
		Expect(w.only().Config.URL).To(Equal(url))

		w.secret(ctx, "receiver", map[string]string{"url": url + "-rotated"})
		Eventually(ctx, func() string { return w.only().Config.URL }).Should(Equal(url+"-rotated"), h.trouble)
		h.told(ctx, v1alpha1.EventSecretApplied, "url")
		Expect(w.onGitHub()).To(HaveLen(1))
	})

	It("that hold a URL GitHub refuses keep GitHub's words about it to themselves", func(ctx SpecContext) {
		w.secret(ctx, "receiver", map[string]string{"url": "http://localhost/" + secretMark})
		h := w.hook(ctx, "ci", withURLFrom("receiver", "url"))
		ready := h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonValidationFailed)
		Expect(ready.Message).NotTo(ContainSubstring("localhost"))
	})

	It("are never cached: the operator watches their metadata only", func(ctx SpecContext) {
		w.hmac(ctx, "ci")
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		reads := func() int { return w.operator.api.count("GET", "/api/v1/namespaces/"+w.namespace+"/secrets/ci") }
		before := reads()
		h.look(ctx)
		Expect(reads()).To(Equal(before), "a quiet look reads no Secret")
		Expect(shared.api.count("GET", "/api/v1/secrets")).To(BeNumerically(">", 0))
		Expect(shared.api.fullSecretLists()).To(BeZero())
	})

	It("with a rotated credential are used at the next call", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci")
		sim.RevokeToken(w.token)
		w.token += "-renewed"
		sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		restoreCredentials(ctx, w, h)
		h.look(ctx)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})

var _ = Describe("Credentials that name another server", func() {
	It("mean that the hook is not created there yet, and the one left behind is named", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		elsewhere := githubsim.New(githubsim.Options{})
		Expect(elsewhere.Start()).To(Succeed())
		DeferCleanup(elsewhere.Close)
		elsewhere.AddOrganization(w.owner)
		elsewhere.AddRepository(w.target)
		elsewhere.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		w.withOwnOperator(ctx, "--github-hosts="+sim.URL()+","+elsewhere.URL())
		h := w.readyHook(ctx, "ci")
		left := w.only().ID

		w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": elsewhere.URL()})

		Eventually(ctx, func() []githubsim.Hook { return elsewhere.Hooks(w.target) }).Should(HaveLen(1), h.trouble)
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Eventually(ctx, func() string { return h.get(ctx).CommonStatus().Server }).Should(Equal(elsewhere.URL()))
		h.told(ctx, v1alpha1.EventHookLeftBehind, fmt.Sprint(left), sim.URL(), "may remain")
		Expect(w.only().ID).To(Equal(left))
		h.delete(ctx)
		Expect(elsewhere.Hooks(w.target)).To(BeEmpty())
		Expect(w.only().ID).To(Equal(left))
	})
})

var _ = Describe("Tenants", func() {
	It("with Secrets of the same name never share a credential", func(ctx SpecContext) {
		mine, theirs := newWorld(ctx, repositories), newWorld(ctx, repositories)
		mine.readyHook(ctx, "ci")
		h := mine.object("intruder")
		h.SetNamespace(theirs.namespace)
		Expect(k8s.Create(ctx, h)).To(Succeed())
		(&hook{theirs, "intruder"}).waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonTargetNotFound)
		Expect(mine.onGitHub()).To(HaveLen(1))
	})
})
