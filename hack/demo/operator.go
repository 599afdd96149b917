package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// What config/default calls the operator.
const operatorName = "github-webhook-operator"

const (
	// tailLines of the operator's log explain a failure.
	tailLines = 15
	// gracePeriod is the terminationGracePeriodSeconds of config/manager.
	gracePeriod = 45 * time.Second
)

// operator is the operator's real binary, as a process of its own.
type operator struct {
	command *exec.Cmd
	probes  string
	// log is the file that it writes to.
	log string
	// exited is closed when the process has ended.
	exited chan struct{}
}

// startOperator runs the binary as the ServiceAccount of its manifests, and waits until it is ready.
func (s *stage) startOperator(ctx context.Context) error {
	config, err := s.operatorKubeconfig()
	if err != nil {
		return err
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "operator.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	o := &operator{probes: probes, log: log.Name(), exited: make(chan struct{})}
	// Not bound to ctx: it is ended in its turn.
	o.command = exec.Command(s.binary(), //nolint:noctx // as said
		"--kubeconfig="+config,
		"--namespace="+operatorName,
		"--github-hosts="+s.github.URL(),
		"--health-probe-bind-address="+probes,
		"--metrics-bind-address=0",
		"--leader-elect=false",
		"--zap-encoder=console",
		"--zap-stacktrace-level=panic", // The end of the log explains a failure, and stacks would fill it.
	)
	o.command.SysProcAttr = ownGroup()
	o.command.Stdout, o.command.Stderr = log, log
	if err := o.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = o.command.Wait() // How it ended is in its log.
		close(o.exited)
	}()
	s.operator = o
	s.onClose("operator", o.stop)
	return s.until(ctx, "the operator is ready", o.ready)
}

// operatorKubeconfig leads to the API server with the rights of the operator's ServiceAccount and no others.
func (s *stage) operatorKubeconfig() (string, error) {
	user, err := s.cluster.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + operatorName + ":" + operatorName,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorName},
	}, nil)
	if err != nil {
		return "", err
	}
	config, err := user.KubeConfig()
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, "operator.kubeconfig")
	return path, os.WriteFile(path, config, 0o600)
}

// ready is a condition: the operator's own readiness probe.
func (o *operator) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.probes+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}

// stop ends the process as Kubernetes does: asking, and after the grace period not asking any more.
func (o *operator) stop() error {
	err := o.command.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-o.exited:
		return nil
	case <-time.After(gracePeriod):
	}
	if err := o.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-o.exited
	return fmt.Errorf("the operator had not ended %s after SIGTERM and was killed", gracePeriod)
}

// operatorSaid is the end of the operator's log, as the end of an error.
func (s *stage) operatorSaid() string {
	if s.operator == nil {
		return ""
	}
	log, err := os.ReadFile(s.operator.log)
	if err != nil {
		return ""
	}
	return "\nThe operator said last:\n" + indent(tail(string(log), tailLines))
}

// tail is the last n lines of a log.
func tail(log string, n int) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// ownGroup keeps the terminal's Ctrl-C from a process.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
