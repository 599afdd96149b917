package controllers_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
)

// upgradePage tells how to upgrade and uninstall.
var upgradePage = filepath.Join("..", "docs", "upgrade-uninstall.md")

var _ = Describe("Uninstalling, as the documentation tells it,", func() {
	It("keeps the webhooks of a namespace, and touches no other namespace", func(ctx SpecContext) {
		w, other := newWorld(ctx, repositories), newWorld(ctx, organizations)
		h := w.readyHook(ctx, "ci")
		kept := other.readyHook(ctx, "ci")
		text, err := os.ReadFile(upgradePage)
		Expect(err).NotTo(HaveOccurred())
		steps := 0
		for _, block := range blocks(string(text), "sh") {
			if strings.Contains(block, "Orphan") || strings.Contains(block, "kubectl delete") {
				shell(ctx, strings.ReplaceAll(block, "team-a", w.namespace))
				steps++
			}
		}
		Expect(steps).To(Equal(2))
		h.waitGone(ctx)
		Expect(w.onGitHub()).To(HaveLen(1))
		Expect(kept.get(ctx).GetDeletionTimestamp()).To(BeNil())
		Expect(hookSpec(kept.get(ctx)).DeletionPolicy).To(Equal(v1alpha1.DeletionDelete))
	})

	It("takes the operator's finalizer off where the operator is gone, and nobody else's", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.labels = map[string]string{ownLabel: "own"} // No operator of the story looks after it.
		h := w.hook(ctx, "ci")
		const others = "example.com/audit"
		command := commandAbout(upgradePage, "/metadata/finalizers")
		command = strings.ReplaceAll(command, "repohook/ci", "repohook/ci -n "+w.namespace)

		h.setFinalizers(ctx, others, v1alpha1.Finalizer)
		refused := exec.CommandContext(ctx, "bash", "-c", command)
		refused.Env = append(os.Environ(), "KUBECONFIG="+shared.api.kubeconfig(), "PATH="+assets+":"+os.Getenv("PATH"))
		Expect(refused.Run()).NotTo(Succeed())
		Expect(h.get(ctx).GetFinalizers()).To(Equal([]string{others, v1alpha1.Finalizer}))

		h.setFinalizers(ctx, v1alpha1.Finalizer, others)
		shell(ctx, command)
		Expect(h.get(ctx).GetFinalizers()).To(Equal([]string{others}))
		h.setFinalizers(ctx)
		Expect(k8s.Delete(ctx, h.get(ctx))).To(Succeed())
	})
})

// setFinalizers of an object that no operator looks after.
func (h *hook) setFinalizers(ctx context.Context, names ...string) {
	GinkgoHelper()
	h.change(ctx, func(obj controllers.Webhook) { obj.SetFinalizers(names) })
}
