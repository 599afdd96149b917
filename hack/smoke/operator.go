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
)

const (
	// tailLines of the operator's log explain a failure.
	tailLines = 15
	// gracePeriod is the terminationGracePeriodSeconds of config/manager.
	gracePeriod = 45 * time.Second
)

// operator is the operator's real binary, as a process of its own. A nil one was not started, or was stopped.
type operator struct {
	command *exec.Cmd
	probes  string
	// exited is closed when the process has ended.
	exited chan struct{}
}

// startOperator runs the binary as the ServiceAccount of its manifests, for the run's own namespace, and waits until it is
// ready.
func (r *run) startOperator(ctx context.Context) error {
	probes, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(r.operatorLog(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	o := &operator{probes: probes, exited: make(chan struct{})}
	// Not bound to ctx: it is ended in its turn.
	o.command = exec.Command(r.binary(), //nolint:noctx // as said
		"--kubeconfig="+r.operatorKubeconfig(),
		"--namespace="+operatorName,
		"--watch-namespaces="+r.marker,
		"--github-hosts="+r.Server.String(),
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
	r.operator = o
	return await(ctx, startLimit, pollEvery, "the operator is ready", o.ready)
}

func (r *run) operatorLog() string { return filepath.Join(r.dir, r.marker+".log") }

// ready is a condition: the operator's own readiness probe.
func (o *operator) ready(ctx context.Context) error {
	if err := o.ended(); err != nil {
		return final{err}
	}
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

// ended is an error once the process has ended by itself.
func (o *operator) ended() error {
	if o == nil {
		return nil
	}
	select {
	case <-o.exited:
		return errors.New("the operator ended by itself")
	default:
		return nil
	}
}

// stopOperator ends the process as Kubernetes does: asking, and after the grace period not asking any more. It does nothing
// where there is none.
func (r *run) stopOperator() error {
	o := r.operator
	if o == nil {
		return nil
	}
	r.operator = nil
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
func (r *run) operatorSaid() string {
	log, err := os.ReadFile(r.operatorLog())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
	return "\nThe operator said last:\n" + indent(strings.Join(lines[max(0, len(lines)-tailLines):], "\n"))
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
