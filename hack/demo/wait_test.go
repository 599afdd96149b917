package main

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

func TestUntil(t *testing.T) {
	never := func(context.Context) error { return errors.New("not yet") }
	running := &stage{operator: &operator{Process: process(t, "sleep", "60")}}

	t.Run("ends when nothing is missing", func(t *testing.T) {
		calls := 0
		err := running.until(t.Context(), "it is so", func(context.Context) error {
			calls++
			if calls < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(calls).To(Equal(3))
	})
	t.Run("ends when the demo is stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		NewWithT(t).Expect(running.until(ctx, "it is so", never)).To(MatchError(context.Canceled))
	})
	t.Run("ends when the operator does", func(t *testing.T) {
		dead := &stage{operator: &operator{Process: process(t, "true")}}
		NewWithT(t).Expect(dead.until(t.Context(), "it is so", never)).To(MatchError("the operator ended by itself"))
	})
}

// process plays the operator.
func process(t *testing.T, path string, args ...string) *launch.Process {
	t.Helper()
	p, err := launch.Start(launch.Options{Path: path, Args: args, Probes: "127.0.0.1:0"})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = p.Kill() })
	return p
}
