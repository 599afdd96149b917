package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is how often the control plane on this machine is asked.
const pollEvery = 100 * time.Millisecond

// condition tells what is still missing, nil when nothing is.
type condition func(context.Context) error

// until waits for a condition in the cluster. Its error says what was waited for and what was still missing.
func (r *run) until(ctx context.Context, what string, met condition) error {
	return await(ctx, r.patience, pollEvery, what, func(ctx context.Context) error {
		if err := r.ended(); err != nil {
			return err
		}
		return met(ctx)
	})
}

// untilOnGitHub waits for a condition that asks GitHub.
func (r *run) untilOnGitHub(ctx context.Context, what string, met condition) error {
	return await(ctx, r.patience, r.pace, what, met)
}

// final is an error of a condition that will not come any more.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

func await(ctx context.Context, patience, every time.Duration, what string, met condition) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var missing error
	for {
		err := met(limited)
		var last final
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &last):
			return last.error
		case limited.Err() == nil || missing == nil:
			missing = err // What a request says that ran into the end explains less.
		}
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("waited %s until %s, in vain: %w", patience, what, missing)
		case <-ticker.C:
		}
	}
}
