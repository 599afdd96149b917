package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// probeEvery is how exactly the time to readiness is measured.
const probeEvery = 5 * time.Millisecond

// noPolls puts polls off, so that a phase counts what it does and nothing else.
const noPolls = 10_000 * time.Hour

// operator is the operator's real binary with the flags that it has in its image, but for the addresses and the interval of
// polls.
type operator struct {
	*launch.Process
	// startup is how long it took to become ready.
	startup time.Duration
}

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
	log, err := os.Create(s.operatorLog())
	if err != nil {
		return err
	}
	defer log.Close()
	start := time.Now()
	process, err := launch.Start(launch.Options{Path: s.operatorBinary, Log: log, Args: append([]string{
		"--kubeconfig=" + path,
		"--namespace=" + operatorName,
		"--github-hosts=" + github,
		"--default-interval=" + interval.String(),
		"--metrics-bind-address=127.0.0.1:0", // Any port: nobody asks.
	}, s.operatorArgs...)})
	if err != nil {
		return err
	}
	if s.operator == nil {
		s.onClose(func() error { return s.stopOperator() })
	}
	s.operator = &operator{Process: process}
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	err = process.UntilReady(limited, probeEvery)
	s.operator.startup = time.Since(start)
	return err
}

func (s *stage) operatorLog() string { return filepath.Join(s.dir, "operator.log") }

// stopOperator ends the process as Kubernetes does.
func (s *stage) stopOperator() error { return s.operator.Stop() }

// operatorSaid is the end of the operator's log, as the end of an error.
func (s *stage) operatorSaid() string {
	log, err := os.ReadFile(s.operatorLog())
	if err != nil {
		return ""
	}
	return "\nThe operator said last:\n" + launch.Tail(string(log))
}

// settle waits until the operator has nothing to do: for a while no request, and next to no CPU time.
func (s *stage) settle(ctx context.Context, github *gitHub) error {
	const every, busy = 250 * time.Millisecond, 20 * time.Millisecond
	rounds := int(s.rest / every)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	before, err := cpuOf(s.operator.PID())
	for quiet := 0; quiet < rounds && err == nil; {
		select {
		case <-ticker.C:
		case <-s.operator.Exited():
			return launch.ErrEnded
		case <-ctx.Done():
			return fmt.Errorf("the operator did not come to rest: %w", ctx.Err())
		}
		var now time.Duration
		now, err = cpuOf(s.operator.PID())
		quiet++
		if now-before >= busy || time.Since(s.api.quietSince()) < every || time.Since(github.quietSince()) < every {
			quiet = 0
		}
		before = now
	}
	return err
}
