package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// cleanUp removes every webhook that the run made, and says so. The operator is stopped before: it would make them again.
func (r *run) cleanUp(ctx context.Context) error {
	r.say("\nCleaning up")
	err := r.stopOperator()
	for _, p := range r.places() {
		err = errors.Join(err, r.cleanUpAt(ctx, p))
	}
	if err == nil {
		r.say("  nothing of this run is left on GitHub")
	}
	return err
}

// cleanUpAt tries until a list has nothing of the run any more.
func (r *run) cleanUpAt(ctx context.Context, p place) error {
	err := r.untilOnGitHub(ctx, "the run's webhooks are gone", func(ctx context.Context) error {
		ours, err := r.ours(ctx, p)
		if err != nil || len(ours) == 0 {
			return err
		}
		for _, h := range ours {
			if err := p.hooks.Delete(ctx, h.ID); err != nil && !errors.Is(err, github.ErrNotFound) {
				return fmt.Errorf("webhook %d cannot be deleted: %w", h.ID, err)
			}
			r.say("  removed webhook %d of %s", h.ID, p.name)
		}
		if ours, err = r.ours(ctx, p); err != nil || len(ours) == 0 {
			return err
		}
		return fmt.Errorf("%d are still listed", len(ours))
	})
	if err != nil {
		return fmt.Errorf("webhooks may be left on %s, remove those with %s in their URL by hand (%s): %w",
			p.name, r.marker, strings.TrimSuffix(p.hooks.SettingsURL(0), "/0"), err)
	}
	return nil
}

// ours are the webhooks of a place that the run made.
func (r *run) ours(ctx context.Context, p place) ([]github.Hook, error) {
	hooks, err := p.hooks.List(ctx)
	return slices.DeleteFunc(hooks, func(h github.Hook) bool { return !strings.Contains(h.Config.URL, r.marker) }), err
}
