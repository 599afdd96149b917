package main

import (
	"context"
	"fmt"
	"time"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

const (
	// patience is how long a condition is waited for. On an idle machine each comes within a second or two.
	patience  = time.Minute
	pollEvery = 50 * time.Millisecond
)

// condition tells what is still missing, nil when nothing is.
type condition func(context.Context) error

// until waits for a condition. Its error says what was waited for and what was still missing.
func (s *stage) until(ctx context.Context, what string, met condition) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var missing error
	for {
		err := met(limited)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.Err() == nil:
			missing = err // What a request says that ran into the end explains less.
		}
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("waited %s until %s, in vain: %w", patience, what, missing)
		case <-s.operator.Exited():
			return launch.ErrEnded
		case <-ticker.C:
		}
	}
}
