package controllers_test

import (
	"context"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// fluxManager is the name under which Flux applies.
const fluxManager = "kustomize-controller"

// fluxApplies the object's spec as Flux does: it takes over what kubectl set, under whatever name that begins with
// kubectl, and applies the manifest, which takes away what is not in it.
func (h *hook) fluxApplies(ctx context.Context) {
	GinkgoHelper()
	var live *unstructured.Unstructured
	Eventually(ctx, func() error { // The operator may have written in between.
		live = h.live(ctx)
		theirs := sets.New[string]()
		for _, entry := range live.GetManagedFields() {
			if strings.HasPrefix(entry.Manager, "kubectl") {
				theirs.Insert(entry.Manager)
			}
		}
		Expect(csaupgrade.UpgradeManagedFields(live, theirs, fluxManager)).To(Succeed())
		return k8s.Update(ctx, live)
	}).Should(Succeed())

	manifest := &unstructured.Unstructured{Object: map[string]any{"spec": live.Object["spec"]}}
	manifest.SetGroupVersionKind(live.GroupVersionKind())
	manifest.SetNamespace(h.namespace)
	manifest.SetName(h.name)
	Expect(k8s.Apply(ctx, client.ApplyConfigurationFromUnstructured(manifest),
		client.ForceOwnership, client.FieldOwner(fluxManager))).To(Succeed())
}

var _ = Describe("A request by annotation, on an object that Flux applies,", func() {
	It("is carried out though Flux takes it away, and stays when it is set as the page says", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		_, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		h.fluxApplies(ctx)

		shell(ctx, "kubectl annotate --namespace="+w.namespace+" repohook/ci github-webhooks.dev/ping=plain")
		h.handled(ctx, v1alpha1.AnnotationPing, "plain")
		h.fluxApplies(ctx)
		Expect(h.live(ctx).GetAnnotations()).NotTo(HaveKey(v1alpha1.AnnotationPing))
		Expect(w.posts("/pings")).To(Equal(1))

		command := commandAbout(filepath.Join(gitopsDir, "flux", "README.md"), "kubectl annotate")
		shell(ctx, strings.ReplaceAll(command, "team-a", w.namespace))
		value := h.live(ctx).GetAnnotations()[v1alpha1.AnnotationPing]
		Expect(value).NotTo(BeEmpty())
		h.fluxApplies(ctx)
		Expect(h.live(ctx).GetAnnotations()).To(HaveKeyWithValue(v1alpha1.AnnotationPing, value))
		h.handled(ctx, v1alpha1.AnnotationPing, value)
		Expect(w.posts("/pings")).To(Equal(2))
	})
})
