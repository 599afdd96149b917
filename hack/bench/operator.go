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
	// gracePeriod is the terminationGracePeriodSeconds of config/manager.
	gracePeriod = 45 * time.Second
	// probeEvery is how exactly the time to readiness is measured.
	probeEvery = 5 * time.Millisecond
	// tailLines of the operator's log explain a failure.
	tailLines = 15
)

// noPolls puts polls off, so that a phase counts what it does and nothing else.
const noPolls = 10_000 * time.Hour

// operator is the operator's real binary, as a process of its own with the flags that it has in its image, but for the
// addresses and the interval of polls.
type operator struct {
	command *exec.Cmd
	probes  string
	exited  chan struct{}
	// startup is how long it took to become ready.
	startup time.Duration
}

func (o *operator) pid() int { return o.command.Process.Pid }

// startOperator starts a process and waits until it is ready. The one before it must have been stopped.
func (s *stage) startOperator(ctx context.Context, github string, interval time.Duration) error {
	kubeconfig, err := s.api.kubeconfig()
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "operator.kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return err
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	log, err := os.Create(s.operatorLog())
	if err != nil {
		return err
	}
	defer log.Close()
	o := &operator{probes: probes, exited: make(chan struct{})}
	// Not bound to ctx: it is ended in its turn.
	o.command = exec.Command(s.operatorBinary, append([]string{ //nolint:noctx // as said
		"--kubeconfig=" + path,
		"--namespace=" + operatorName,
		"--github-hosts=" + github,
		"--default-interval=" + interval.String(),
		"--health-probe-bind-address=" + o.probes,
		"--metrics-bind-address=127.0.0.1:0", // Any port: nobody asks.
	}, s.operatorArgs...)...)
	o.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Out of the reach of the terminal's Ctrl-C.
	o.command.Stdout, o.command.Stderr = log, log
	start := time.Now()
	if err := o.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = o.command.Wait() // How it ended is in its log.
		close(o.exited)
	}()
	if s.operator == nil {
		s.onClose(s.stopOperator)
	}
	s.operator = o
	err = o.untilReady(ctx)
	o.startup = time.Since(start)
	return err
}

func (s *stage) operatorLog() string { return filepath.Join(s.dir, "operator.log") }

func (o *operator) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for !o.ready(ctx) {
		select {
		case <-ticker.C:
		case <-o.exited:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("the operator did not become ready: %w", ctx.Err())
		}
	}
	return nil
}

var errEnded = errors.New("the operator ended by itself")

// ready asks the operator's own readiness probe.
func (o *operator) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.probes+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stopOperator ends the process as Kubernetes does: asking, and after the grace period not asking any more.
func (s *stage) stopOperator() error {
	o := s.operator
	if err := o.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
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
	log, err := os.ReadFile(s.operatorLog())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
	return "\nThe operator said last:\n" + strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// settle waits until the operator has nothing to do: for a while no request, and next to no CPU time.
func (s *stage) settle(ctx context.Context, github *gitHub) error {
	const every, busy = 250 * time.Millisecond, 20 * time.Millisecond
	rounds := int(s.rest / every)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	before, err := cpuOf(s.operator.pid())
	for quiet := 0; quiet < rounds && err == nil; {
		select {
		case <-ticker.C:
		case <-s.operator.exited:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("the operator did not come to rest: %w", ctx.Err())
		}
		var now time.Duration
		now, err = cpuOf(s.operator.pid())
		quiet++
		if now-before >= busy || time.Since(s.api.quietSince()) < every || time.Since(github.quietSince()) < every {
			quiet = 0
		}
		before = now
	}
	return err
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
