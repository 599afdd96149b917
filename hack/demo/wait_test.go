package main

import (
	"context"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
)

func TestUntil(t *testing.T) {
	never := func(context.Context) error { return errors.New("not yet") }
	running := &stage{operator: &operator{exited: make(chan struct{})}}

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
		dead := &stage{operator: &operator{exited: make(chan struct{})}}
		close(dead.operator.exited)
		NewWithT(t).Expect(dead.until(t.Context(), "it is so", never)).To(MatchError("the operator ended by itself"))
	})
}
