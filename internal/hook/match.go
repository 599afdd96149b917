package hook

import (
	"slices"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// How far GitHub's created_at may lie from the noted time: clocks differ, created_at has whole seconds, and a request
// that timed out can take effect late.
const (
	createdBefore = 2 * time.Minute
	createdAfter  = 10 * time.Minute
)

// Intent is what was noted before a hook was created: the hook that fits it is ours, although its ID was lost.
type Intent struct {
	// Time shortly before the request.
	Time time.Time
	// MatchesURL tells whether a URL is the noted one; only a fingerprint of it was kept.
	MatchesURL func(url string) bool
	// Open: the creation may still take effect. It lasts LateEffect.
	Open bool
}

// LateEffect is how long a creation may take effect after its answer was lost.
const LateEffect = 5 * time.Second

// isOpen tells whether to wait before another URL is noted in the place of one whose webhook may still show up: it would be
// nobody's. With the same URL GitHub refuses the second one.
func (i *Intent) isOpen(url string) bool { return i != nil && i.Open && !i.MatchesURL(url) }

// Created finds the hook that a noted intent made: the noted URL, created about then, and owned by nobody. It returns
// nil when there is none.
func Created(intent Intent, hooks []github.Hook, owned func(id int64) bool) *github.Hook {
	for i, h := range hooks {
		age := h.CreatedAt.Sub(intent.Time)
		if age >= -createdBefore && age <= createdAfter && intent.MatchesURL(h.Config.URL) && !owned(h.ID) {
			return &hooks[i]
		}
	}
	return nil
}

// MayBeCreated tells whether one of the hooks could be the one that a noted intent made, although GitHub does not show when
// it was created in a form that can be read.
func MayBeCreated(intent Intent, hooks []github.Hook, owned func(id int64) bool) bool {
	return slices.ContainsFunc(hooks, func(h github.Hook) bool {
		return h.Unknown.Has(github.PropertyCreatedAt) && intent.MatchesURL(h.Config.URL) && !owned(h.ID)
	})
}

// WithURL lists the hooks with exactly this URL.
func WithURL(hooks []github.Hook, url string) []github.Hook {
	var found []github.Hook
	for _, h := range hooks {
		if h.Config.URL == url {
			found = append(found, h)
		}
	}
	return found
}

// ByID finds a hook by its ID; nil when it is not there.
func ByID(hooks []github.Hook, id int64) *github.Hook {
	for i, h := range hooks {
		if h.ID == id {
			return &hooks[i]
		}
	}
	return nil
}
