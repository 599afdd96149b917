package github

import (
	"context"
	"net/http"
	"strings"
)

// Priority says what a request is for. Where a budget runs out, the lesser ones stop first.
type Priority int

const (
	// Change is what a user asked for. It may use all of a budget, and is what requests are by default.
	Change Priority = iota
	// Poll looks whether anything happened. It stops while a fifth of a budget is left.
	Poll
	// Redelivery tries deliveries again. It stops while two fifths of a budget are left.
	Redelivery
)

type (
	priorityKey struct{}
	creationKey struct{}
)

// WithPriority says what the requests made with this context are for.
func WithPriority(ctx context.Context, priority Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, priority)
}

func priorityOf(ctx context.Context) Priority {
	priority, _ := ctx.Value(priorityKey{}).(Priority)
	return priority
}

// BeforeCreate says that [Hooks.List], called with this context, looks for a hook that shall be created otherwise. It is
// sent only when there is room for the creation too, which is kept for some seconds: else the list is read in vain, and
// again on the next attempt.
func BeforeCreate(ctx context.Context) context.Context {
	return context.WithValue(ctx, creationKey{}, true)
}

// cost is what a request takes of the secondary limits.
type cost struct {
	points, creates int
}

// GitHub docs: "Calculating points for the secondary rate limit".
const (
	readPoints  = 1
	writePoints = 5
)

// costOf is what GitHub counts. It does not say which requests create content: each POST but those for a token counts.
func costOf(request *http.Request) cost {
	switch {
	case isRead(request.Method):
		return cost{points: readPoints}
	case request.Method == http.MethodPost && !strings.HasSuffix(request.URL.Path, "/access_tokens"):
		return cost{points: writePoints, creates: 1}
	default:
		return cost{points: writePoints}
	}
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// wish is a request that wants to be sent.
type wish struct {
	method string
	// path is what it is about: what was refused comes back to the same path, reads before the write.
	path     string
	priority Priority
	cost     cost
	// create is for a creation that follows at once; zero for none.
	create cost
}

func wishOf(request *http.Request) wish {
	w := wish{
		method: request.Method, path: request.URL.Path,
		priority: priorityOf(request.Context()), cost: costOf(request),
	}
	creates, _ := request.Context().Value(creationKey{}).(bool)
	// Not what the login asks meanwhile.
	if t := targetOf(request); creates && t != nil && t.whole && isRead(request.Method) {
		w.create = cost{points: writePoints, creates: 1}
	}
	return w
}

// need is what there must be room for.
func (w wish) need() cost {
	return cost{w.cost.points + w.create.points, w.cost.creates + w.create.creates}
}

// readsBefore are the reads that a pass makes again before its write.
const readsBefore = 2

// turn is what is kept for a request that has to wait: its pass begins anew.
func (w wish) turn() turn {
	need := w.need()
	if !isRead(w.method) {
		need.points += readsBefore * readPoints
	}
	return turn{method: w.method, path: w.path, priority: w.priority, cost: need}
}

// share is how much of a limit a priority may use.
func (p Priority) share(limit int) int {
	const parts = 5
	return limit - (limit*int(p)+parts-1)/parts
}
