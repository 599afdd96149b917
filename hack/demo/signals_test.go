package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// The test's own binary is the demo, when it is told to.
func TestMain(m *testing.M) {
	if os.Getenv("DEMO") != "" {
		os.Exit(demo())
	}
	os.Exit(m.Run())
}

// Ctrl-C, SIGTERM and a closed terminal end everything that the demo has started, whenever they come.
func TestSignalsEndEverything(t *testing.T) {
	g := NewWithT(t)
	g.Expect(os.Getenv("KUBEBUILDER_ASSETS")).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run the tests with `make test`")
	binary, err := launch.Plain.Built(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	for _, c := range []struct {
		signal syscall.Signal
		after  string
	}{
		{syscall.SIGINT, "starting etcd"}, {syscall.SIGTERM, "starting the operator"}, {syscall.SIGHUP, "Everything keeps running"},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			g := NewWithT(t)
			mark := fmt.Sprintf("DEMO=%s-%d", c.signal, time.Now().UnixNano())
			said := gbytes.NewBuffer()
			demo := exec.Command(os.Args[0])
			demo.Dir = filepath.Join("..", "..")
			demo.Env = append(os.Environ(), mark, "KEEP=1", launch.Plain.Variable+"="+binary)
			demo.Stdout, demo.Stderr = said, said
			demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			g.Expect(demo.Start()).To(Succeed())
			t.Cleanup(func() { _ = demo.Process.Kill() })
			g.Eventually(said).WithTimeout(time.Minute).Should(gbytes.Say(c.after))
			g.Expect(processes(t, mark)).NotTo(BeEmpty())

			g.Expect(demo.Process.Signal(c.signal)).To(Succeed())
			_ = demo.Wait() // Its exit code says it.
			g.Expect(demo.ProcessState.ExitCode()).To(BeElementOf(0, launch.Interrupted), "%s", said.Contents())
			g.Expect(processes(t, mark)).To(BeEmpty(), "%s", said.Contents())
		})
	}
}

// processes are those that have the mark in their environment, which those that they start inherit.
func processes(t *testing.T, mark string) (found []string) {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err == nil && bytes.Contains(environment, []byte(mark)) {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline")) // It may have ended.
			found = append(found, strings.ReplaceAll(string(name), "\x00", " "))
		}
	}
	return found
}
