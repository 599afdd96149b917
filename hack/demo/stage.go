package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// stage is all that the demo starts, and the way back.
type stage struct {
	out io.Writer
	// dir holds what the demo writes; it goes at the end.
	dir string
	// samples is the copy of config/samples in dir.
	samples string
	// assets holds kubectl and the control plane.
	assets   string
	cluster  *envtest.Environment
	k8s      client.Client
	github   *githubsim.Server
	receiver *githubsim.Receiver
	token    string
	app      githubsim.App
	binary   string
	operator *operator
	// asked is how often the operator was asked to reconcile.
	asked    int
	cleanups []cleanup
}

// cleanup takes back one thing that was started.
type cleanup struct {
	name string
	do   func() error
}

func newStage(out io.Writer) (*stage, error) {
	if _, err := os.Stat(samplesDir); err != nil {
		return nil, fmt.Errorf("%w: start the demo with `make demo` in the top directory of the repository", err)
	}
	dir, err := os.MkdirTemp("", "github-webhook-operator-demo-")
	if err != nil {
		return nil, err
	}
	s := &stage{out: out, dir: dir, samples: filepath.Join(dir, "samples")}
	s.onClose("files", func() error { return os.RemoveAll(dir) })
	return s, nil
}

func (s *stage) onClose(name string, do func() error) {
	s.cleanups = append(s.cleanups, cleanup{name, do})
}

// close stops everything, the last first.
func (s *stage) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		if err := s.cleanups[i].do(); err != nil {
			s.print(fmt.Sprintf("Cleaning up (%s): %v\n", s.cleanups[i].name, err))
		}
	}
	s.cleanups = nil
}

func (s *stage) print(text string) { _, _ = io.WriteString(s.out, text) } // Nobody is there to be told.

// say prints a paragraph of the story.
func (s *stage) say(format string, args ...any) {
	s.print(indent(wrapped(fmt.Sprintf(format, args...), columns-2)) + "\n\n")
}

// progress announces something that takes a while and says how long it took.
func (s *stage) progress(what string, do func() error) error {
	start := time.Now()
	s.print("  " + what + " …\n")
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if took := time.Since(start); took >= time.Second {
		s.print(fmt.Sprintf("    done in %s\n", seconds(took)))
	}
	return nil
}

// prepare builds and starts everything.
func (s *stage) prepare(ctx context.Context) error {
	s.print("\nGetting ready\n")
	for _, part := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"finding the operator's binary", s.buildOperator},
		{"finding the control plane", s.findAssets},
		{"starting etcd and kube-apiserver", s.startCluster},
		{"installing: kubectl apply --server-side -k config/default", s.install},
		{"starting the simulated GitHub, with an App on it, and a receiver", s.startGitHub},
		{"filling in the Secrets in a copy of config/samples", s.copySamples},
		{"starting the operator with the rights of its ServiceAccount", s.startOperator},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.progress(part.what, func() error { return part.do(ctx) }); err != nil {
			return err
		}
	}
	s.print("\n")
	return nil
}
