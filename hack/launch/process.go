// Package launch builds, starts and stops the operator's real binary. The demo, the benchmark, the smoke run and all tests
// use it.
//
// A process is started with its flags and environment, is asked for its own readiness, and ends as Kubernetes ends it: asked
// first, killed after the grace period. What it prints goes where the caller says. What the flags are is left to the caller.
package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// GracePeriod is the terminationGracePeriodSeconds of config/manager.
const GracePeriod = 45 * time.Second

// ErrEnded: the process ended by itself. Why is in its log.
var ErrEnded = errors.New("the operator ended by itself")

// Options of Start.
type Options struct {
	// Path of the binary.
	Path string
	// Args are the flags but for --health-probe-bind-address, which Start adds where Probes is empty.
	Args []string
	// Env is the whole environment; nil is the caller's own.
	Env []string
	// Log takes what the process prints.
	Log io.Writer
	// Probes is the address of /readyz.
	Probes string
}

// Process is the operator while it runs, and after.
type Process struct {
	// Probes is the address of /readyz.
	Probes string

	command *exec.Cmd
	exited  chan struct{}
	exit    error
}

// Start a process. It is out of the reach of the terminal's Ctrl-C: who started it ends it in its turn.
func Start(o Options) (*Process, error) {
	p := &Process{Probes: o.Probes, exited: make(chan struct{})}
	if p.Probes == "" {
		address, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		p.Probes = address
		o.Args = append([]string{"--health-probe-bind-address=" + address}, o.Args...)
	}
	p.command = exec.Command(o.Path, o.Args...) //nolint:noctx // Who starts it ends it in its turn.
	p.command.Env = o.Env
	p.command.Stdout, p.command.Stderr = o.Log, o.Log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.exit = p.command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// PID of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Exit is how it ended; nil for success. It waits for the end.
func (p *Process) Exit() error {
	<-p.exited
	return p.exit
}

// Ready is nil when the process says that it is ready, and ErrEnded when it has ended.
func (p *Process) Ready(ctx context.Context) error {
	select {
	case <-p.exited:
		return ErrEnded
	default:
	}
	code, _, err := p.Readiness(ctx)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("/readyz answers %d %s", code, http.StatusText(code))
	}
	return err
}

// Readiness is what /readyz answers.
func (p *Process) Readiness(ctx context.Context) (code int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Probes+"/readyz", http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// UntilReady waits until the process is ready, and asks it every so often.
func (p *Process) UntilReady(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		err := p.Ready(ctx)
		if err == nil || errors.Is(err, ErrEnded) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the operator did not become ready: %w: %w", context.Cause(ctx), err)
		}
	}
}

// Terminate asks the process to end, and does not wait.
func (p *Process) Terminate() error { return p.signal(syscall.SIGTERM) }

// Kill ends the process as a crash does, and waits for it.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Stop ends the process as Kubernetes does: asking, and after the grace period not asking any more.
func (p *Process) Stop() error {
	if err := p.Terminate(); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(GracePeriod):
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("the operator had not ended %s after SIGTERM and was killed", GracePeriod)
}

func (p *Process) signal(s os.Signal) error {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// FreeAddress on this machine.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Local and immediate.
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// Tail is the end of a log, which explains a failure.
func Tail(log string) string {
	const lines = 15
	all := strings.Split(strings.TrimRight(log, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
