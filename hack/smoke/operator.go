package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// startOperator runs the binary as the ServiceAccount of its manifests, for the run's own namespace, and waits until it is
// ready.
func (r *run) startOperator(ctx context.Context) error {
	log, err := os.OpenFile(r.operatorLog(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r.operator, err = launch.Start(launch.Options{Path: r.binary, Log: log, Args: []string{
		"--kubeconfig=" + r.operatorKubeconfig(),
		"--namespace=" + operatorName,
		"--watch-namespaces=" + r.marker,
		"--github-hosts=" + r.Server.String(),
		"--metrics-bind-address=0",
		"--leader-elect=false",
		"--zap-encoder=console",
		"--zap-stacktrace-level=panic", // The end of the log explains a failure, and stacks would fill it.
	}})
	if err != nil {
		return err
	}
	return await(ctx, startLimit, pollEvery, "the operator is ready", func(ctx context.Context) error {
		return errors.Join(r.ended(), r.operator.Ready(ctx))
	})
}

func (r *run) operatorLog() string { return filepath.Join(r.dir, r.marker+".log") }

// ended is a final error once the process has ended by itself. Where none was started, or it was stopped, it is nil.
func (r *run) ended() error {
	if r.operator == nil {
		return nil
	}
	select {
	case <-r.operator.Exited():
		return final{launch.ErrEnded}
	default:
		return nil
	}
}

// stopOperator ends the process as Kubernetes does. It does nothing where there is none.
func (r *run) stopOperator() error {
	o := r.operator
	if o == nil {
		return nil
	}
	r.operator = nil
	return o.Stop()
}

// operatorSaid is the end of the operator's log, as the end of an error.
func (r *run) operatorSaid() string {
	log, err := os.ReadFile(r.operatorLog())
	if err != nil {
		return ""
	}
	return "\nThe operator said last:\n" + indent(launch.Tail(string(log)))
}

// ownGroup keeps the terminal's Ctrl-C from a process.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
