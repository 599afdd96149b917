package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// TestSmoke runs the whole benchmark with a few objects. Its verdicts on results count here, its times do not.
func TestSmoke(t *testing.T) {
	g := NewWithT(t)
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	g.Expect(assets).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run the tests with `make test`")
	ctrl.SetLogger(logr.Discard())

	var out bytes.Buffer
	operator, err := launch.Hasty.Built(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	o := options{
		operator: operator, limitedOperator: operator, root: filepath.Join("..", ".."), assets: assets,
		objects: 20, limited: 20, login: loginApp, samples: 3, pollInterval: 2 * time.Second, idle: 500 * time.Millisecond, rest: 250 * time.Millisecond,
		// A minute's creates are 15, so that the others wait a second.
		limits: githubsim.Limits{CreatesPerMinute: 15, TimeScale: 60},
		out:    filepath.Join(t.TempDir(), "bench.json"),
	}
	g.Expect(run(t.Context(), &out, o)).To(Succeed(), out.String)
	t.Log(out.String())

	g.Expect(out.String()).To(MatchRegexp(`(?m)^GitHub requests: restart +≤ 0 +0 +met$`))
	g.Expect(out.String()).To(MatchRegexp(`(?m)^GitHub requests: delete +≤ 1 +1 +met$`))
	g.Expect(o.out).To(BeAnExistingFile())
}
