package github

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// maxBodies bounds the answers that are being read at one time, all together, in bytes; one server's take half of it at
	// most. Beyond it one answer at a time is read to its own bound, so that there is always one that ends.
	maxBodies = 24 << 20
	// smallBody is read of each answer without being counted: nearly all end before.
	smallBody = 64 << 10
)

// errCrowded: too much of the server's answers is being read already.
var errCrowded = errors.New("the server's other answers are too large to be read at the same time")

// Bodies bounds the memory of answers while they are read. It is safe for concurrent use.
type Bodies struct {
	all  *semaphore.Weighted
	last *semaphore.Weighted

	mu    sync.Mutex
	hosts map[string]int64
}

// NewBodies makes room for the answers that all clients read which share it.
func NewBodies() *Bodies {
	return &Bodies{all: semaphore.NewWeighted(maxBodies), last: semaphore.NewWeighted(1), hosts: map[string]int64{}}
}

// reading is one answer's body. Room is taken as its bytes arrive: a server that sends nothing takes none.
type reading struct {
	bodies *Bodies
	ctx    context.Context //nolint:containedctx // It belongs to one request, and io.Reader takes none.
	host   string
	body   io.Reader

	read, held int64
	last       bool
}

// read counts what is read of a body, until release.
func (b *Bodies) read(ctx context.Context, host string, body io.Reader) *reading {
	return &reading{bodies: b, ctx: ctx, host: host, body: body}
}

// Read waits for room before it reads on.
func (r *reading) Read(p []byte) (int, error) {
	p = p[:min(len(p), smallBody)] // Whoever reads offers room for more than there may be.
	if next := r.read + int64(len(p)); next > smallBody && next > r.held && !r.last {
		if err := r.grow(max(next-r.held, smallBody)); err != nil {
			return 0, err
		}
	}
	n, err := r.body.Read(p)
	r.read += int64(n)
	return n, err
}

// grow takes more room. Who finds none waits for the one place beside it, and takes what is free by then.
func (r *reading) grow(n int64) error {
	if !r.bodies.share(r.host, n) {
		return errCrowded
	}
	r.held += n
	if r.bodies.all.TryAcquire(n) {
		return nil
	}
	if err := r.bodies.last.Acquire(r.ctx, 1); err != nil {
		r.give(n)
		return err
	}
	if r.bodies.all.TryAcquire(n) {
		r.bodies.last.Release(1)
		return nil
	}
	r.give(n)
	r.last = true
	return nil
}

// give takes back what was only promised.
func (r *reading) give(n int64) {
	r.held -= n
	r.bodies.share(r.host, -n)
}

// release gives all back, when nothing of the body is used any more.
func (r *reading) release() {
	if r.last {
		r.bodies.last.Release(1)
		r.last = false
	}
	r.bodies.all.Release(r.held)
	r.give(r.held)
}

// share counts for a host, and tells whether it has room.
func (b *Bodies) share(host string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > 0 && b.hosts[host]+n > maxBodies/2 {
		return false
	}
	b.hosts[host] += n
	if b.hosts[host] == 0 {
		delete(b.hosts, host)
	}
	return true
}
