package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// patience is how long a condition is waited for; each comes within a few seconds on an idle machine.
const patience = time.Minute

// What is on the simulated GitHub.
const (
	organization = githubsim.Target("octo-org")
	repository   = githubsim.Target("octo-org/hello-world")
	doomed       = githubsim.Target("octo-org/doomed")
)

// walk takes an operator along the basic path of each kind, and along the rare ones that need a right of their own.
type walk struct {
	*testing.T
	github *githubsim.Server
	app    githubsim.App
	// namespace of most objects.
	namespace string
	// leaving is a namespace that is being deleted.
	leaving string
}

func newWalk(t *testing.T, namespace, leaving string) *walk {
	t.Helper()
	w := &walk{T: t, github: githubsim.New(githubsim.Options{}), namespace: namespace, leaving: leaving}
	NewWithT(t).Expect(w.github.Start()).To(Succeed())
	t.Cleanup(w.github.Close)
	w.github.AddRepository(repository)
	w.github.AddRepository(doomed)
	w.github.AddToken(githubsim.Token{Value: "t0ken", Admin: []githubsim.Target{organization}})
	w.app = w.github.AddApp(githubsim.App{Owner: string(organization)})
	for _, name := range []string{namespace, leaving} {
		makeNamespace(t, name)
		secret(t, name, "github", map[string]string{"token": "t0ken", "githubURL": w.github.URL()})
		secret(t, name, "app", map[string]string{"appID": fmt.Sprint(w.app.ID), "privateKey": w.app.PrivateKey, "githubURL": w.github.URL()})
	}
	return w
}

// kinds are how each kind, by its plural, is told where its webhook is.
var kinds = map[string]struct {
	kind        string
	where       map[string]any
	credentials string
	// deletes tells whether the webhook goes with the object.
	deletes bool
}{
	"repositorywebhooks":   {"RepositoryWebhook", map[string]any{"owner": "octo-org", "repository": "hello-world"}, "github", true},
	"organizationwebhooks": {"OrganizationWebhook", map[string]any{"organization": "octo-org"}, "github", true},
	"appwebhookconfigs":    {"AppWebhookConfig", nil, "app", false},
}

func (w *walk) target(plural string) githubsim.Target {
	return map[string]githubsim.Target{
		"repositorywebhooks": repository, "organizationwebhooks": organization, "appwebhookconfigs": githubsim.AppTarget(w.app.ID),
	}[plural]
}

// object is one of a kind, whose deliveries are signed with the Secret that has its name.
func (w *walk) object(plural, namespace string) *unstructured.Unstructured {
	kind := kinds[plural]
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"url": "https://ci.example.com/github", "credentialsRef": map[string]any{"name": kind.credentials},
		"secretRef": map[string]any{"name": plural},
	}}}
	u.SetAPIVersion("github-webhooks.dev/v1alpha1")
	u.SetKind(kind.kind)
	u.SetNamespace(namespace)
	u.SetName(plural)
	for field, value := range kind.where {
		_ = unstructured.SetNestedField(u.Object, value, "spec", field)
	}
	return u
}

// basicPath creates an object, rotates its Secret, loses and mends it, and deletes the object.
func (w *walk) basicPath(plural string) {
	w.Helper()
	g := NewWithT(w)
	u := w.object(plural, w.namespace)
	secret(w.T, w.namespace, plural, map[string]string{"secret": "first"})
	g.Expect(k8s.Create(w.Context(), u)).To(Succeed())
	w.untilReady(u, "Synced", "")
	w.untilSigned(plural, "first")

	secret(w.T, w.namespace, plural, map[string]string{"secret": "second"})
	w.untilSigned(plural, "second")

	secret(w.T, w.namespace, plural, map[string]string{"other": "key"})
	w.untilReady(u, "SecretNotFound", `no key "secret"`)
	secret(w.T, w.namespace, plural, map[string]string{"secret": "third"})
	w.untilSigned(plural, "third")
	w.untilReady(u, "Synced", "")

	g.Expect(k8s.Delete(w.Context(), u)).To(Succeed())
	w.untilGone(u)
	if kinds[plural].deletes {
		g.Expect(w.github.Hooks(w.target(plural))).To(BeEmpty())
	}
}

// leave deletes the object of a repository that is gone, in a namespace that is being deleted: where the hook was is told
// on the operator's own Pod.
func (w *walk) leave(pods string) {
	w.Helper()
	g := NewWithT(w)
	u := w.object("repositorywebhooks", w.leaving)
	g.Expect(unstructured.SetNestedField(u.Object, "doomed", "spec", "repository")).To(Succeed())
	secret(w.T, w.leaving, "repositorywebhooks", map[string]string{"secret": "first"})
	g.Expect(k8s.Create(w.Context(), u)).To(Succeed())
	w.untilReady(u, "Synced", "")
	w.github.Remove(doomed)
	g.Expect(k8s.Delete(w.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.leaving}})).To(Succeed())
	g.Expect(k8s.Delete(w.Context(), u)).To(Succeed())
	w.untilGone(u)
	g.Eventually(func(g Gomega) {
		var events corev1.EventList
		g.Expect(k8s.List(w.Context(), &events, client.InNamespace(pods))).To(Succeed())
		g.Expect(slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return e.InvolvedObject.Kind == "Pod" && e.Reason == "HookLeftBehind"
		})).To(BeTrue(), "no Event HookLeftBehind about the operator's Pod")
	}).WithTimeout(patience).Should(Succeed())
}

func (w *walk) untilReady(u *unstructured.Unstructured, reason, words string) {
	w.Helper()
	NewWithT(w).Eventually(func(ctx context.Context) (string, error) {
		err := k8s.Get(ctx, client.ObjectKeyFromObject(u), u)
		conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		for _, c := range conditions {
			if condition := c.(map[string]any); condition["type"] == "Ready" {
				return fmt.Sprintf("%s: %s", condition["reason"], condition["message"]), err
			}
		}
		return "", err
	}).WithContext(w.Context()).WithTimeout(patience).Should(And(HavePrefix(reason+":"), ContainSubstring(words)))
}

func (w *walk) untilSigned(plural, secret string) {
	w.Helper()
	NewWithT(w).Eventually(func() string {
		var secrets []string
		for _, h := range w.github.Hooks(w.target(plural)) {
			secrets = append(secrets, h.Config.Secret)
		}
		return strings.Join(secrets, ", ")
	}).WithTimeout(patience).Should(Equal(secret))
}

func (w *walk) untilGone(u *unstructured.Unstructured) {
	w.Helper()
	NewWithT(w).Eventually(func(ctx context.Context) bool {
		return apierrors.IsNotFound(k8s.Get(ctx, client.ObjectKeyFromObject(u), u))
	}).WithContext(w.Context()).WithTimeout(patience).Should(BeTrue())
}
