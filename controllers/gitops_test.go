package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	lua "github.com/yuin/gopher-lua"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

var gitopsDir = filepath.Join("..", "config", "gitops")

// live is the object as GitOps tools read it.
func (h *hook) live(ctx context.Context) *unstructured.Unstructured {
	GinkgoHelper()
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(h.kind.name))
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: h.namespace, Name: h.name}, obj)).To(Succeed())
	return obj
}

// argoHealth is what Argo CD shows of an object: it runs the script with the object as the global obj, and without Lua's
// libraries but for the basic one and tables.
func argoHealth(obj *unstructured.Unstructured) (status, message string) {
	GinkgoHelper()
	script, err := os.ReadFile(filepath.Join(gitopsDir, "argocd", "health", "health.lua"))
	Expect(err).NotTo(HaveOccurred())
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		Expect(state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name))).To(Succeed())
	}
	state.SetGlobal("obj", luaValue(state, obj.Object))
	Expect(state.DoString(string(script))).To(Succeed())
	result, ok := state.Get(-1).(*lua.LTable)
	Expect(ok).To(BeTrue(), "the script returns a table")
	return result.RawGetString("status").String(), result.RawGetString("message").String()
}

// luaValue is a value of an object as Lua sees it.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// expectHealth of the object in Argo CD, with words of the message.
func (h *hook) expectHealth(ctx context.Context, want string, words ...string) {
	GinkgoHelper()
	status, message := argoHealth(h.live(ctx))
	Expect(status).To(Equal(want), message)
	Expect(message).To(containAll(words))
}

var _ = Describe("The health in Argo CD", func() {
	for _, kind := range append(slices.Clone(hookKinds), apps) {
		Context("of the kind "+kind.name, func() { tellHealth(kind) })
	}
})

// tellHealth tells how Argo CD sees objects of a kind.
func tellHealth(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		w.hmac(ctx, "ci")
	})

	It("is Progressing before the operator has looked, at the object or at its newest generation", func(ctx SpecContext) {
		w.labels = map[string]string{ownLabel: "own"} // No operator of the story looks after it.
		h := w.hook(ctx, "ci")
		h.expectHealth(ctx, "Progressing", "not looked")
		obj := h.live(ctx)
		delete(obj.Object, "status")
		status, _ := argoHealth(obj)
		Expect(status).To(Equal("Progressing"))

		w.labels = nil
		seen := w.readyHook(ctx, "seen")
		seen.change(ctx, withURL("https://later.example.com/"), func(o controllers.Webhook) { o.SetLabels(map[string]string{ownLabel: "own"}) })
		Expect(seen.get(ctx).CommonStatus().ObservedGeneration).To(BeEquivalentTo(1))
		seen.expectHealth(ctx, "Progressing", "not looked")
	})

	It("is Healthy while GitHub agrees, whatever the receiver does, and Suspended while suspended", func(ctx SpecContext) {
		h := w.readyHook(ctx, "ci", withSecret("ci"))
		h.expectHealth(ctx, "Healthy", "Synced: ")

		id := *h.get(ctx).StatusID()
		if kind.target == nil {
			id = 0 // An App has one webhook.
		}
		sim.AddDelivery(w.target, id, githubsim.Delivery{Status: "timed out", StatusCode: http.StatusGatewayTimeout, Event: "push"})
		h.look(ctx)
		h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed)
		h.expectHealth(ctx, "Healthy", "Synced: ", "DeliveryFailed: push ", "504")

		h.change(ctx, withSuspend(true))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
		h.expectHealth(ctx, "Suspended", "spec.suspend")
	})

	tellTrouble(kind, func() *world { return w })
	if kind.target != nil {
		tellLostPlace(func() *world { return w })
	}
}

// tellTrouble tells which trouble ends without a person.
func tellTrouble(kind hookKind, world func() *world) {
	It("is Progressing while a Secret is missing, and Degraded when a Secret has to change", func(ctx SpecContext) {
		w := world()
		h := w.hook(ctx, "ci", withSecret("late"))
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
		h.expectHealth(ctx, "Progressing", `Secret "late"`)
		w.hmac(ctx, "late")
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)

		w.secret(ctx, "github", map[string]string{"password": "x"})
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid)
		h.expectHealth(ctx, "Degraded", "CredentialsInvalid: ", "neither token nor appID")
		w.removeSecret(ctx, "github")
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsNotFound)
		h.expectHealth(ctx, "Progressing", `Secret "github"`)
	})

	It("is Progressing while GitHub is away, and stays Healthy when it was synced before", func(ctx SpecContext) {
		w := world()
		synced := w.readyHook(ctx, "synced")
		down := sim.AddFault(w.about(githubsim.Fault{Status: http.StatusBadGateway}))
		DeferCleanup(down.Remove)
		synced.annotate(ctx, v1alpha1.AnnotationReconcile)
		Eventually(ctx, func() string { return synced.condition(ctx, v1alpha1.ConditionReconciling).Reason }).
			Should(Equal(v1alpha1.ReasonGitHubUnavailable))
		synced.expectHealth(ctx, "Healthy")
		if kind.target == nil {
			return // A second object of the same App would be a conflict.
		}
		h := w.hook(ctx, "new")
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		h.expectHealth(ctx, "Progressing", "not available")
	})

	DescribeTable("is Degraded when access is lost, which would else progress for ever",
		func(ctx SpecContext, status int, reason, ofApp string) {
			w := world()
			h := w.readyHook(ctx, "ci")
			refused := sim.AddFault(w.about(githubsim.Fault{Status: status, Body: githubsim.ErrorBody(status, http.StatusText(status))}))
			DeferCleanup(refused.Remove)
			if kind.target == nil {
				reason = ofApp
			}
			h.annotate(ctx, v1alpha1.AnnotationReconcile)
			h.waitFor(ctx, metav1.ConditionFalse, reason)
			h.expectHealth(ctx, "Degraded", reason+": ")
		},
		Entry("401", http.StatusUnauthorized, v1alpha1.ReasonUnauthorized, v1alpha1.ReasonUnauthorized),
		Entry("403", http.StatusForbidden, v1alpha1.ReasonForbidden, v1alpha1.ReasonForbidden),
		Entry("404", http.StatusNotFound, v1alpha1.ReasonTargetNotFound, v1alpha1.ReasonHookNotFound),
	)
}

// tellLostPlace tells of trouble that the webhook of an App does not know.
func tellLostPlace(world func() *world) {
	It("is Degraded where the App is not installed, and where another hook is in the way", func(ctx SpecContext) {
		w := world()
		sim.CreateHook(w.target, githubsim.Hook{Active: true, Events: []string{"fork"}, Config: githubsim.Config{URL: "https://ci.example.com/github"}})
		h := w.hook(ctx, "ci")
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonConflict)
		h.expectHealth(ctx, "Degraded", "Conflict: ")

		w.asApp(ctx)
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonNotInstalled)
		h.expectHealth(ctx, "Degraded", "NotInstalled: ")
	})
}

// fill puts real values where the samples have places for them, as their user does.
func (w *world) fill(manifests []*unstructured.Unstructured) {
	GinkgoHelper()
	values := map[string]map[string]any{
		"github":     {"token": w.token, "githubURL": sim.URL()},
		"github-app": {"appID": fmt.Sprint(w.app.ID), "privateKey": w.app.PrivateKey, "githubURL": sim.URL()},
		"ci-webhook": {"secret": secretMark + rand.String(12)},
		"chat-url":   {"url": "https://chat.example.com/" + secretMark + rand.String(12)},
	}
	for _, manifest := range manifests {
		if data, ok := values[manifest.GetName()]; ok && manifest.GetKind() == "Secret" {
			Expect(unstructured.SetNestedMap(manifest.Object, data, "stringData")).To(Succeed())
		}
	}
}

// octoOrg is the organization that the samples and the documentation speak of.
const octoOrg = "octo-org"

// newOctoWorld is one in which that organization is the world's own.
func newOctoWorld(ctx context.Context, repository string) *world {
	GinkgoHelper()
	w := newWorld(ctx, repositories)
	w.owner, w.target = octoOrg, githubsim.Target(octoOrg+"/"+repository)
	sim.AddRepository(w.target)
	sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{octoOrg}})
	return w
}

var _ = Describe("A GitOps sync of the samples", func() {
	It("brings all to Ready, though Secrets come last, and shows no difference afterwards", func(ctx SpecContext) {
		w := newOctoWorld(ctx, "hello-world")
		w.removeSecret(ctx, "github")
		w.app = sim.AddApp(githubsim.App{Slug: w.namespace, Owner: octoOrg})
		manifests := samples()
		w.fill(manifests)
		slices.SortStableFunc(manifests, func(a, b *unstructured.Unstructured) int { return strings.Compare(a.GetKind(), b.GetKind()) })
		Expect(manifests[len(manifests)-1].GetKind()).To(Equal("Secret"))

		var objects []*hook
		for _, manifest := range manifests {
			applied(ctx, w.namespace, manifest)
			if kind := kindNamed(manifest.GetKind()); kind.name != "" {
				of := *w
				of.kind = kind
				h := &hook{&of, manifest.GetName()}
				h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonCredentialsNotFound)
				Expect(h.condition(ctx, v1alpha1.ConditionStalled)).To(BeZero())
				objects = append(objects, h)
			}
		}
		for _, h := range objects {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
			h.expectHealth(ctx, "Healthy")
		}
		expectNoDifference(ctx, w.namespace, manifests)
		expectDeletedTogether(ctx, w, manifests, objects)
	})
})

// kindNamed is one of the three kinds; empty for others.
func kindNamed(name string) hookKind {
	for _, kind := range append(slices.Clone(hookKinds), apps) {
		if kind.name == name {
			return kind
		}
	}
	return hookKind{}
}

// expectNoDifference compares what is stored with what another apply would leave.
func expectNoDifference(ctx context.Context, namespace string, manifests []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, manifest := range manifests {
		stored := manifest.DeepCopy()
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: manifest.GetName()}, stored)).To(Succeed())
		again := applied(ctx, namespace, manifest, client.DryRunAll)
		Expect(content(again)).To(Equal(content(stored)), manifest.GetName())
	}
}

// expectDeletedTogether prunes Secrets and objects in the same moment, Secrets first: nothing stays on GitHub, but what
// cannot be deleted there.
func expectDeletedTogether(ctx context.Context, w *world, manifests []*unstructured.Unstructured, objects []*hook) {
	GinkgoHelper()
	for _, manifest := range slices.Backward(manifests) {
		pruned := manifest.DeepCopy()
		pruned.SetNamespace(w.namespace)
		Expect(k8s.Delete(ctx, pruned)).To(Succeed())
	}
	for _, h := range objects {
		h.waitGone(ctx)
	}
	Expect(sim.Hooks(w.target)).To(BeEmpty())
	Expect(sim.Hooks(octoOrg)).To(BeEmpty())
	Expect(sim.Hooks(githubsim.AppTarget(w.app.ID))).To(HaveLen(1))
}
