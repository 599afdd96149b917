package controllers_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
)

// kubectl runs the real one and returns the words of each line.
func kubectl(ctx context.Context, args ...string) [][]string {
	GinkgoHelper()
	command := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), append([]string{"--kubeconfig=" + shared.api.kubeconfig()}, args...)...)
	out, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

var _ = Describe("kubectl", func() {
	It("shows at a glance what a hook is about and how it is", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.readyHook(ctx, "ci")
		lines := kubectl(ctx, "get", "repohook", "-n", w.namespace)
		Expect(lines[0]).To(Equal([]string{"NAME", "OWNER", "REPOSITORY", "READY", "DELIVERIES", "CODE", "HOOK", "AGE"}))
		Expect(lines[1][:4]).To(Equal([]string{"ci", w.owner, "hello-world", "True"}))

		wide := kubectl(ctx, "get", "repohook", "-n", w.namespace, "-o", "wide")
		Expect(strings.Join(wide[0], " ")).To(HaveSuffix("AGE URL REASON LAST DELIVERY"))
		Expect(wide[1]).To(ContainElements("https://ci.example.com/github", "Synced"))
	})

	It("knows the short names and the category", func(ctx SpecContext) {
		w := newWorld(ctx, organizations)
		w.readyHook(ctx, "ci")
		lines := kubectl(ctx, "get", "orghook", "-n", w.namespace)
		Expect(lines[0]).To(Equal([]string{"NAME", "ORGANIZATION", "READY", "DELIVERIES", "CODE", "HOOK", "AGE"}))
		Expect(lines[1][:3]).To(Equal([]string{"ci", w.owner, "True"}))
		Expect(kubectl(ctx, "get", "apphook", "-n", w.namespace)[0]).To(ContainElement("No"))
		Expect(kubectl(ctx, "get", "githubwebhooks", "-n", w.namespace)[1]).To(ContainElement(HaveSuffix("/ci")))
	})

	It("can wait for a hook", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.hook(ctx, "ci")
		kubectl(ctx, "wait", "repohook/ci", "-n", w.namespace, "--for=condition=Ready", "--timeout=10s")
	})
})

// expectedStatus is what a GitOps user should see of an object in this state.
func expectedStatus(obj controllers.Webhook, ready metav1.Condition, stalled, reconciling bool) status.Status {
	switch {
	case !obj.GetDeletionTimestamp().IsZero():
		return status.TerminatingStatus
	case stalled:
		return status.FailedStatus
	case ready.Status == metav1.ConditionTrue && !reconciling:
		return status.CurrentStatus
	default:
		return status.InProgressStatus
	}
}

// expectKstatus computes the object's status as Flux, Helm and kubectl-based tools do.
func (h *hook) expectKstatus(ctx context.Context) {
	GinkgoHelper()
	obj := h.get(ctx)
	if obj == nil {
		return
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	Expect(err).NotTo(HaveOccurred())
	content["apiVersion"], content["kind"] = v1alpha1.GroupVersion.String(), h.kind.name
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	Expect(err).NotTo(HaveOccurred())
	conditions := map[string]metav1.Condition{}
	for _, c := range obj.CommonStatus().Conditions {
		conditions[c.Type] = c
	}
	_, stalled := conditions[v1alpha1.ConditionStalled]
	_, reconciling := conditions[v1alpha1.ConditionReconciling]
	Expect(stalled && reconciling).To(BeFalse(), "Stalled and Reconciling exclude each other")
	if obj.CommonStatus().ObservedGeneration != obj.GetGeneration() && obj.GetDeletionTimestamp().IsZero() {
		Expect(result.Status).To(Equal(status.InProgressStatus), "a generation that was not looked at yet")
		return
	}
	Expect(result.Status).To(Equal(expectedStatus(obj, conditions[v1alpha1.ConditionReady], stalled, reconciling)), result.Message)
}
