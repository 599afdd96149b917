package controllers_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// peakMemory of the operator's process so far, in MiB.
func (o *operator) peakMemory() int {
	GinkgoHelper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.PID()))
	Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	Expect(found).To(BeTrue())
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	Expect(err).NotTo(HaveOccurred())
	return kB >> 10
}

var _ = Describe("The operator's memory", func() {
	It("stays below 200 MiB while large deliveries are explained, lists are hostile, thousands wait to be sent again and many logins keep answers", func(ctx SpecContext) {
		const large, hostile, waiting, rows, logins = 8, 4, 12, 2000, 300
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
			Match: func(r githubsim.Request) bool { return !strings.Contains(r.Path, "/login-") },
			Body:  "[" + strings.Repeat(`{"id":1},`, 7<<20/len(`{"id":1},`)) + `{"id":1}]`,
		})
		for i := range hostile {
			w.hook(ctx, fmt.Sprintf("list-%d", i), withURL(fmt.Sprintf("https://list-%d.example.com/github", i)))
		}
		keeping := w.keepingAnswers(ctx, logins)
		for _, h := range hooks {
			h.annotate(ctx, v1alpha1.AnnotationReconcile)
		}
		for i, h := range hooks {
			if i >= large {
				Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionDeliveriesHealthy).Reason }).
					WithTimeout(3*patience).Should(Equal(v1alpha1.ReasonDeliveryFailed), h.trouble)
			} else {
				// The receiver's words come after the 20 MB: who can quote them has read to the end.
				Eventually(ctx, func() []string { return h.events(ctx) }).WithTimeout(3*patience).
					Should(ContainElement(And(ContainSubstring("did not arrive"), ContainSubstring("Go away."))), h.trouble)
			}
		}
		Eventually(ctx, keeping.Hits).WithTimeout(3*patience).Should(BeNumerically(">=", logins), "the log of each was read")
		AddReportEntry("VmHWM", fmt.Sprintf("%d MiB", w.operator.peakMemory()))
		GinkgoWriter.Printf("The operator took %d MiB at most.\n", w.operator.peakMemory())
		Expect(w.operator.peakMemory()).To(BeNumerically("<", 200))
	})
})

// keepingAnswers creates objects, each with a login of its own, whose lists and logs are as large as answers that are kept
// can be, and of which nothing can be compressed. It returns the fault that answers with the log.
func (w *world) keepingAnswers(ctx context.Context, logins int) (log *githubsim.FaultHandle) {
	GinkgoHelper()
	keeps := func(route, row string) *githubsim.FaultHandle {
		return sim.AddFault(githubsim.Fault{
			Method: http.MethodGet, Route: "/repos/{owner}/{repo}" + route, Status: http.StatusOK, Header: http.Header{"Etag": {`"1"`}},
			Body: incompressiblePage(row), Match: func(r githubsim.Request) bool { return strings.Contains(r.Path, "/login-") },
		})
	}
	keeps("/hooks", `"type":"Repository","name":"web","active":true,"events":["push"],"config":{"url":"https://other.example.com/"},`+
		`"created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"`)
	log = keeps("/hooks/{hook_id}/deliveries", `"guid":"0b989ba4-242f-11e5-81e1-c7b6966d2516","delivered_at":"2025-01-01T00:00:00Z","redelivery":false,`+
		`"duration":0.1,"status":"OK","status_code":200,"event":"push","action":null`)
	var hooks []*hook
	for i := range logins {
		name := fmt.Sprintf("login-%d", i)
		token := fmt.Sprintf("%s-%d", w.token, i)
		sim.AddRepository(githubsim.Target(w.owner + "/" + name))
		sim.AddToken(githubsim.Token{Value: token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
		w.secret(ctx, name, map[string]string{"token": token, "githubURL": sim.URL()})
		hooks = append(hooks, w.hook(ctx, name, withCredentials(name), func(obj controllers.Webhook) {
			obj.(*v1alpha1.RepositoryWebhook).Spec.Repository = name
		}))
	}
	for _, h := range hooks {
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.annotate(ctx, v1alpha1.AnnotationReconcile)
	}
	return log
}

// incompressiblePage is a full page of such rows.
func incompressiblePage(row string) string {
	const rows, noise = 100, 3 << 10
	all := make([]string, rows)
	random := make([]byte, noise)
	for i := range all {
		_, _ = rand.Read(random) // never fails: package crypto/rand
		all[i] = fmt.Sprintf(`{"id":%d,%s,"noise":%q}`, 1_000-i, row, base64.StdEncoding.EncodeToString(random))
	}
	return "[" + strings.Join(all, ",") + "]"
}
