// Command smoke runs the operator's basic stories against a real GitHub, for maintainers with an account.
//
// It starts a Kubernetes API server, runs the operator's real binary with the rights that its manifests give it, and lives
// through the life of webhooks of a throwaway repository and, where one is named, an organization: created, seen in status,
// edited, repaired, rotated, pinged, redelivered, deleted. Of a GitHub App's own webhook it reads only. Then it tries out what
// GitHub's documentation leaves open, and prints each answer with its evidence.
//
// Every webhook that it makes carries the run's own random marker in its URL, and whatever carries it is removed in the end,
// also after a failure or Ctrl-C; it touches no other. It exits with 0 when all stories passed, whatever GitHub's answers
// are; with 1 when one did not, or something could not be removed; with 2 when it refused to run; with 130 when it was
// stopped. The settings are described in docs/smoke.md.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// refused is the exit code where the settings are not enough, besides 0, 1 and that of an interruption.
const refused = 2

// options are the choices of the tests.
type options struct {
	// patience is how long a condition is waited for: a delivery of GitHub's can take a while.
	patience time.Duration
	// pace is how often GitHub is asked whether something has happened.
	pace time.Duration
	// start gives the control plane, and how to stop it.
	start func(context.Context, io.Writer) (*cluster, func(), error)
}

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := launch.Interruptible()
	err := smoke(ctx, os.Stdout, os.Getenv, options{
		patience: 2 * time.Minute,
		pace:     time.Second,
		start: func(ctx context.Context, out io.Writer) (*cluster, func(), error) {
			return startCluster(ctx, out, ".")
		},
	})
	stop()
	os.Exit(exitCode(os.Stdout, err))
}

// exitCode says how it ended.
func exitCode(out io.Writer, err error) int {
	var missing settingsError
	switch {
	case err == nil:
		fmt.Fprintln(out, "\nAll stories passed.")
		return 0
	case errors.As(err, &missing):
		fmt.Fprintf(out, "%v\n", err)
		return refused
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(out, "\nStopped.")
		return launch.Interrupted
	default:
		fmt.Fprintf(out, "\nFAILED: %v\n", err)
		return 1
	}
}

// smoke does everything: its error is that of the first story that failed, and of what could not be removed.
func smoke(ctx context.Context, out io.Writer, getenv func(string) string, o options) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	r, err := newRun(out, s, o)
	if err != nil {
		return err
	}
	r.announce()
	if err := r.checkAccess(ctx); err != nil {
		return err
	}
	cluster, stop, err := o.start(ctx, out)
	if err != nil {
		return err
	}
	defer stop()
	r.cluster = cluster
	return r.all(ctx)
}

// all runs the stories, tries out the facts, and removes what there is to remove, whatever happened.
func (r *run) all(ctx context.Context) (err error) {
	defer func() {
		// Both are told; the exit code is that of the first.
		left := r.cleanUp(context.WithoutCancel(ctx))
		if left != nil && err != nil {
			r.say("  FAILED: %v", left)
		}
		err = cmp.Or(err, left)
	}()
	if err := r.prepare(ctx); err != nil {
		return fmt.Errorf("getting ready: %w%s", err, r.operatorSaid())
	}
	failed := r.stories(ctx)
	if failed != nil && ctx.Err() == nil {
		failed = fmt.Errorf("%w%s", failed, r.operatorSaid())
	}
	// Nobody else shall use up requests meanwhile.
	if err := cmp.Or(ctx.Err(), r.stopOperator()); err != nil {
		return err
	}
	r.reportFacts(r.tryOut(ctx))
	return cmp.Or(ctx.Err(), failed)
}
