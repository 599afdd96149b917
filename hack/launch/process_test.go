package launch_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// The test's own binary plays the operator: it is unready until it gets SIGUSR1, and ends by SIGTERM, or by itself.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY") == "" {
		os.Exit(m.Run())
	}
	probes := flag.String("health-probe-bind-address", "", "")
	dies := flag.Bool("die", false, "")
	flag.Parse()
	fmt.Println("Starting")
	if *dies {
		os.Exit(3)
	}
	ready := make(chan os.Signal, 1)
	signal.Notify(ready, syscall.SIGUSR1)
	isReady := false
	http.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-ready:
			isReady = true
		default:
		}
		if !isReady {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
	})
	fmt.Println(http.ListenAndServe(*probes, nil)) //nolint:gosec // a test's
}

func play(t *testing.T, args ...string) (*launch.Process, *gbytes.Buffer) {
	t.Helper()
	said := gbytes.NewBuffer()
	p, err := launch.Start(launch.Options{Path: os.Args[0], Args: args, Env: append(os.Environ(), "PLAY=1"), Log: said})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = p.Kill() })
	return p, said
}

func TestReadiness(t *testing.T) {
	g := NewWithT(t)
	p, said := play(t)
	g.Eventually(func() error { return p.Ready(t.Context()) }).WithTimeout(10 * time.Second).Should(MatchError("/readyz answers 503 Service Unavailable"))
	g.Expect(said).To(gbytes.Say("Starting"))
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	g.Expect(p.UntilReady(short, time.Millisecond)).To(MatchError(ContainSubstring("did not become ready")))

	g.Expect(syscall.Kill(p.PID(), syscall.SIGUSR1)).To(Succeed())
	limited, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	g.Expect(p.UntilReady(limited, time.Millisecond)).To(Succeed())
	g.Expect(p.Stop()).To(Succeed())
	g.Expect(p.Exit()).To(MatchError("signal: terminated"))
	g.Expect(p.Stop()).To(Succeed(), "it has ended already")
}

func TestEndsByItself(t *testing.T) {
	g := NewWithT(t)
	p, _ := play(t, "--die")
	g.Eventually(p.Exited()).WithTimeout(10 * time.Second).Should(BeClosed())
	g.Expect(p.Exit()).To(MatchError("exit status 3"))
	g.Expect(p.Ready(t.Context())).To(MatchError(launch.ErrEnded))
	g.Expect(p.UntilReady(t.Context(), time.Millisecond)).To(MatchError(launch.ErrEnded))
}

func TestStartFails(t *testing.T) {
	_, err := launch.Start(launch.Options{Path: "/nowhere"})
	NewWithT(t).Expect(err).To(MatchError(os.ErrNotExist))
}

// A binary that was built before is taken, and nothing is built.
func TestBuilt(t *testing.T) {
	t.Setenv(launch.Plain.Variable, "/built/before")
	g := NewWithT(t)
	g.Expect(launch.Plain.Built(t.Context())).To(Equal("/built/before"))
	root, err := launch.Root()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(root + "/go.mod").To(BeARegularFile())
	t.Chdir(t.TempDir())
	_, err = launch.Root()
	g.Expect(err).To(MatchError(ContainSubstring("not in a checkout")))
}

func TestTail(t *testing.T) {
	g := NewWithT(t)
	g.Expect(launch.Tail("one\ntwo\n")).To(Equal("one\ntwo"))
	g.Expect(strings.Split(launch.Tail(strings.Repeat("line\n", 40)), "\n")).To(HaveLen(15))
}
