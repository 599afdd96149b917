package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// buildPlainOperator makes the binary that users have, without the race detector, which takes several times the memory.
func buildPlainOperator(ctx context.Context) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "manager")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return path
}

// peakMemory of the operator's process so far, in MiB.
func (o *operator) peakMemory() int {
	GinkgoHelper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.command.Process.Pid))
	Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	Expect(found).To(BeTrue())
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	Expect(err).NotTo(HaveOccurred())
	return kB >> 10
}

var _ = Describe("The operator's memory", func() {
	var plain string
	BeforeEach(func(ctx SpecContext) { plain = buildPlainOperator(ctx) })

	It("stays below 200 MiB while large deliveries are explained and thousands wait to be sent again", func(ctx SpecContext) {
		const large, waiting, rows = 8, 12, 2000
		ownGitHub(githubsim.Options{DeliveriesKept: 3000, RequestsKept: 1000})
		w := newWorld(ctx, repositories)
		w.labels = map[string]string{ownLabel: "own"}
		options := ownOperator(w.namespace, "--receiver-body-in-events", "--max-concurrent-reconciles=10")
		options.binary, options.env = plain, []string{"MEMORY_LIMIT=268435456"} // As in the chart.
		w.operator = startOperator(ctx, options)
		DeferCleanup(w.operator.stop)

		payload, err := json.Marshal(map[string]string{"text": strings.Repeat("a", 20<<20)})
		Expect(err).NotTo(HaveOccurred())
		var hooks []*hook
		for i := range large + waiting {
			changes := []change{withURL(fmt.Sprintf("https://ci-%d.example.com/github", i))}
			if i >= large {
				changes = append(changes, withRedelivery(3, 24*time.Hour, time.Hour))
			}
			hooks = append(hooks, w.readyHook(ctx, fmt.Sprintf("ci-%d", i), changes...))
		}
		Expect(sim.WaitDeliveries(ctx)).To(Succeed())
		failed := githubsim.Delivery{Status: "Invalid HTTP Response: 500", StatusCode: 500, Event: "push"}
		for i, h := range hooks {
			id, d := h.hookStatus(ctx).HookID, failed
			if i < large {
				d.Request.Payload, d.Response = payload, githubsim.DeliveryResponse{Headers: map[string]string{"A": "b"}, Payload: "Go away. " + string(payload[:1<<20])}
				sim.AddDelivery(w.target, id, d)
				continue
			}
			for range rows {
				sim.AddDelivery(w.target, id, d)
			}
		}
		for _, h := range hooks {
			h.annotate(ctx, v1alpha1.AnnotationReconcile)
		}
		for i, h := range hooks {
			h.waitHealth(ctx, metav1.ConditionFalse, v1alpha1.ReasonDeliveryFailed)
			if i < large {
				h.told(ctx, v1alpha1.EventDeliveryFailed, "Go away.")
			}
		}
		AddReportEntry("VmHWM", fmt.Sprintf("%d MiB", w.operator.peakMemory()))
		GinkgoWriter.Printf("The operator took %d MiB at most.\n", w.operator.peakMemory())
		Expect(w.operator.peakMemory()).To(BeNumerically("<", 200))
	})
})
