package github

import (
	"context"
	"sync"
)

// flights let all who want the same thing at the same time wait for one piece of work. The zero flights are ready.
type flights[K comparable, T any] struct {
	mu       sync.Mutex
	underWay map[K]*flight[T]
}

// flight is work under way. Its result may be read once landed is closed.
type flight[T any] struct {
	landed chan struct{}
	result T
	err    error
}

// do the work, or wait for its result if somebody is doing it. Each waits as long as his own context; the work goes on for
// the others, so it has to bound its time itself.
func (f *flights[K, T]) do(ctx context.Context, key K, work func(context.Context) (T, error)) (T, error) {
	joined := f.join(context.WithoutCancel(ctx), key, work)
	select {
	case <-joined.landed:
		return joined.result, joined.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (f *flights[K, T]) join(ctx context.Context, key K, work func(context.Context) (T, error)) *flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if joined, ok := f.underWay[key]; ok {
		return joined
	}
	begun := &flight[T]{landed: make(chan struct{})}
	if f.underWay == nil {
		f.underWay = map[K]*flight[T]{}
	}
	f.underWay[key] = begun
	go func() {
		begun.result, begun.err = work(ctx)
		f.mu.Lock()
		delete(f.underWay, key)
		f.mu.Unlock()
		close(begun.landed)
	}()
	return begun
}
