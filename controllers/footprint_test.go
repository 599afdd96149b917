package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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

	It("stays below 200 MiB while large deliveries are explained, lists are hostile and thousands wait to be sent again", func(ctx SpecContext) {
		const large, hostile, waiting, rows = 8, 4, 12, 2000
		checker := openapi
		openapi = nil // It would take the time for which the operator waits to parse what is large.
		ownGitHub(githubsim.Options{DeliveriesKept: 3000, RequestsKept: 1000})
		openapi = checker
		w := newWorld(ctx, repositories)
		w.labels = map[string]string{ownLabel: "own"}
		options := ownOperator(w.namespace, "--receiver-body-in-events", "--max-concurrent-reconciles=10")
		options.binary, options.env = plain, []string{"MEMORY_LIMIT=268435456"} // As in the chart.
		w.operator = startOperator(ctx, options)
		DeferCleanup(w.operator.stop)

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
			n := rows
			if i < large {
				n = 1
			}
			id := h.hookStatus(ctx).HookID
			for range n {
				sim.AddDelivery(w.target, id, failed)
			}
		}
		text := strings.Repeat("a", 20<<20)
		sim.AddFault(githubsim.Fault{
			Method: http.MethodGet, Route: "/repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}", Status: http.StatusOK,
			Body: `{"id":1,"guid":"0b989ba4-242f-11e5-81e1-c7b6966d2516","status":"Invalid HTTP Response: 500","status_code":500,"event":"push",` +
				`"request":{"headers":{},"payload":{"text":"` + text + `"}},"response":{"headers":{},"payload":"Go away. ` + text[:1<<20] + `"}}`,
		})
		sim.AddFault(githubsim.Fault{
			Method: http.MethodGet, Route: "/repos/{owner}/{repo}/hooks", Status: http.StatusOK,
			Body: "[" + strings.Repeat(`{"id":1},`, 7<<20/len(`{"id":1},`)) + `{"id":1}]`,
		})
		for i := range hostile {
			w.hook(ctx, fmt.Sprintf("list-%d", i), withURL(fmt.Sprintf("https://list-%d.example.com/github", i)))
		}
		for _, h := range hooks {
			h.annotate(ctx, v1alpha1.AnnotationReconcile)
		}
		for i, h := range hooks {
			if i >= large {
				Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy).Reason }).
					WithTimeout(3*patience).Should(Equal(v1alpha1.ReasonDeliveryFailed), h.trouble)
			} else {
				Eventually(ctx, func() []string { return h.events(ctx) }).WithTimeout(3*patience).Should(ContainElement(ContainSubstring("did not arrive")), h.trouble)
			}
		}
		Expect(sim.Requests()).To(ContainElement(HaveField("Route", HaveSuffix("/deliveries/{delivery_id}"))))
		AddReportEntry("VmHWM", fmt.Sprintf("%d MiB", w.operator.peakMemory()))
		GinkgoWriter.Printf("The operator took %d MiB at most.\n", w.operator.peakMemory())
		Expect(w.operator.peakMemory()).To(BeNumerically("<", 200))
	})
})
