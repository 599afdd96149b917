// Command demo shows the life of webhooks from `kubectl apply` to GitHub and back, to a person who has set up nothing.
//
// It starts a Kubernetes API server, a simulated GitHub and a receiver that verifies signatures, runs the operator's real
// binary with the rights that its manifests give it, and walks through config/samples with the real kubectl. Every step
// waits for what it promises and fails when that does not come, so that the demo is a test, too: it exits with 0 when all
// steps passed, with 1 when one did not, with 130 when it was stopped. It leaves nothing behind.
//
// With KEEP=1 everything runs on after the last step until Ctrl-C. What the steps prove in detail is left to the stories
// in package controllers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

func main() { os.Exit(demo()) }

// demo returns the exit code.
func demo() int {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := launch.Interruptible()
	defer stop()
	keep := os.Getenv("KEEP")
	err := run(ctx, os.Stdout, keep != "" && keep != "0")
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Println("Stopped.")
		return launch.Interrupted
	default:
		fmt.Printf("\nFAILED: %v\n", err)
		return 1
	}
}

// run shows everything and cleans up, whatever comes.
func run(ctx context.Context, out io.Writer, keep bool) error {
	s, err := newStage(out)
	if err != nil {
		return err
	}
	defer s.close()
	s.print(`
The life of three webhooks: of a repository, of an organization and of a
GitHub App. The Kubernetes API server, kubectl and the operator are real; GitHub
is a simulator on this machine. Nothing of yours is used or changed.
`)
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("getting ready: %w%s", err, s.operatorSaid())
	}
	results, err := s.walk(ctx)
	s.print(summary(results))
	if err != nil {
		return fmt.Errorf("%w%s", err, s.operatorSaid())
	}
	if keep {
		return s.keep(ctx)
	}
	return nil
}
