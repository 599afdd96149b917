package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// What is remembered of objects has one bound for the process, whatever servers send and however many objects there are.
const (
	// maxRows bounds the rows of GitHub's logs that all objects together wait to have delivered again, and maxRowsOfOne
	// those of one object. A row takes about 200 bytes.
	maxRows      = 100_000
	maxRowsOfOne = 10_000
	// maxSeen bounds the hooks that are remembered, and maxSeenHook one of them, in bytes of their texts.
	maxSeen     = 16 << 20
	maxSeenHook = 64 << 10
)

// room is memory that objects share. Each may have a quarter of what is free and not more than one object may, so that
// those that come later find room, too. It is safe for concurrent use.
type room struct {
	all, one int

	mu    sync.Mutex
	held  map[types.UID]int
	total int
}

func newRoom(all, one int) *room {
	return &room{all: all, one: one, held: map[types.UID]int{}}
}

// hold takes so much for an object, in place of what it held, and returns how much it got.
func (r *room) hold(uid types.UID, n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	had := r.held[uid]
	r.total -= had
	// What it has it may keep; of the rest it gets a quarter.
	const parts = 4
	n = min(n, r.one, max(had, (r.all-r.total)/parts))
	r.total += n
	r.held[uid] = n
	if n == 0 {
		delete(r.held, uid)
	}
	return n
}

// release gives back all that an object holds.
func (r *room) release(uid types.UID) { r.hold(uid, 0) }

// rows is how many the watch remembers.
func (w watch) rows() int {
	n := len(w.pending)
	if w.replay != nil {
		n += len(w.replay.rows) + len(w.replay.left)
	}
	return n
}

// textOf is about how many bytes a hook's texts take.
func textOf(h github.Hook) int {
	n := len(h.Name) + len(h.URL) + len(h.Config.URL) + len(h.Config.ContentType) + len(h.Config.Secret)
	for _, event := range h.Events {
		const header = 16
		n += header + len(event)
	}
	if last := h.LastResponse; last != nil {
		n += len(last.Status) + len(last.Message)
	}
	return n
}

// recall notes the hook for the next pass, unless it is too large for the room that there is.
func (p *pass) recall(h github.Hook) {
	uid := p.obj.GetUID()
	p.hookMemory.Remove(uid)
	const least = 512
	if size := least + textOf(h); p.seenRoom.hold(uid, size) < size {
		p.seenRoom.release(uid)
		return
	}
	p.hookMemory.Add(uid, h)
}

// keep cuts rows to those for which there is room, beside so many others of the object, and tells whether that left any
// out. The oldest events come first and stay, whole.
func (p *pass) keep(rows []delivery.Row, others int) (kept []delivery.Row, cut bool) {
	n := max(0, p.rows.hold(p.obj.GetUID(), len(rows)+others)-others)
	if n >= len(rows) {
		return rows, false
	}
	for n > 0 && rows[n-1].GUID == rows[n].GUID {
		n--
	}
	return append([]delivery.Row(nil), rows[:n]...), true
}
