package controllers

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// memory is all that the process remembers of one object between two reconciles. It goes with the object's last event:
// when the object is gone, and when it leaves what this operator watches.
//
// What else the process remembers, and what bounds it:
//   - Operator.urls, Operator.signing: values from Secrets by version, 10,000 each (inputs.go, hidden.go)
//   - Operator.overlaps: pairs of objects that were warned of, 10,000 (overlap.go)
//   - Events.sent: Events of the last 10 minutes, 10,000 (events.go)
//   - claims.recent: claims that the cache may not show yet, 1,000 for 10 s (claims.go)
//   - workers: the objects that wait for a worker; they are in the queue's stead (workers.go)
//   - credentials.Store: a client for each Secret that an object refers to (package credentials)
//   - github: budgets by login, kept answers in 32 MiB, breakers by server and login (package github)
type memory struct {
	// hook as GitHub showed it last, so that a changed spec needs no read before its PATCH; nil where it is not known.
	// Losing it costs one read.
	hook *github.Hook
	// synced is when GitHub was last seen to agree: the status has it to the hour. Losing it costs nothing.
	synced time.Time
	// interval between polls, as it was stretched where the credential's budget is too small for all objects. Losing it
	// makes a metric show the interval of the spec until the next reconcile.
	interval time.Duration
	// stale: the webhook has to be read, although it is not due. Losing it leaves that to the next poll.
	stale bool
	// judged is the generation that GitHub was last seen to agree with, or to differ from where it is only observed.
	// Losing it costs a read before others' polls.
	judged int64
	// written is the generation whose fields were written although GitHub shows them in a form that cannot be read.
	// Losing it costs one write.
	written int64
	// unusual is the version of the Secret that was warned of. Losing it costs an Event.
	unusual string

	// next is when to read the log of deliveries before the next poll is due; zero for not before. Losing it delays a
	// redelivery to the next poll.
	next time.Time
	// read is when the log was read last, and newest the newest delivery then: the cache may show an older status.
	// Losing them costs nothing once the cache has caught up.
	read   time.Time
	newest int64
	// skipped is how many deliveries could not be read in the log. Losing it costs a log line.
	skipped int
	// pending are the deliveries that may still be asked for again, found in a log read back for reach. Losing them costs
	// another read of the log.
	pending []delivery.Row
	reach   time.Duration
	// refused are the events that GitHub does not deliver again, and held is until when it is asked for none. The status
	// has both once the cache has caught up.
	refused []delivery.Requested
	held    time.Time
	// handled are the requests that were carried out, by name: the cache may show an older status. tries counts how often
	// one in a row could not be sent.
	handled map[string]string
	tries   int
	// ping that was asked for and whose delivery has not shown up yet. Losing it costs the Event about its outcome.
	ping *pingWait
	// replay is the request to redeliver that is under way; nil is none. Losing it costs another read of the log.
	replay *replay
}

// pingWait is a ping whose delivery is to show up in GitHub's log.
type pingWait struct {
	value string
	// known are the pings that were there before.
	known    []int64
	deadline time.Time
}

// replay is a request to redeliver that takes several reconciles. What GitHub was asked for stands in the status.
type replay struct {
	value string
	// held is until when GitHub is asked for nothing.
	held time.Time
	// rows were read of the log so far, on so many pages; cursor is the next page's. They go when left is chosen.
	rows   []delivery.Row
	cursor string
	pages  int
	chosen bool
	// cut: the log goes on beyond what was read.
	cut bool
	// left are the deliveries to ask for. taken, refused and unanswered count those that GitHub was asked for, and earlier
	// those that it had been asked for shortly before.
	left                                []delivery.Due
	taken, refused, unanswered, earlier int
}

// total is how many deliveries the request named.
func (r *replay) total() int {
	return r.taken + r.refused + r.unanswered + r.earlier + len(r.left)
}

// wake brings the next read of the log forward.
func (m *memory) wake(at time.Time) {
	if !at.IsZero() && (m.next.IsZero() || at.Before(m.next)) {
		m.next = at
	}
}

// rows is how many rows of the log are remembered.
func (m *memory) rows() int {
	n := len(m.pending)
	if m.replay != nil {
		n += len(m.replay.rows) + len(m.replay.left)
	}
	return n
}

// What is remembered of objects has one bound for the process, whatever servers send and however many objects there are.
const (
	// maxRemembered bounds the objects of which anything is remembered.
	maxRemembered = 60_000
	// maxRows bounds the rows of GitHub's logs that all objects together wait to have delivered again, and maxRowsOfOne
	// those of one object. A row takes about 200 bytes.
	maxRows      = 100_000
	maxRowsOfOne = 10_000
	// maxHooks bounds the hooks that are remembered, and maxHook one of them, in bytes.
	maxHooks = 16 << 20
	maxHook  = 64 << 10
)

// memories are those of all objects. They are safe for concurrent use.
type memories struct {
	objects     *lru.Cache[types.UID, memory]
	rows, hooks *room
}

func newMemories() (*memories, error) {
	m := &memories{rows: newRoom(maxRows, maxRowsOfOne), hooks: newRoom(maxHooks, maxHook)}
	objects, err := lru.NewWithEvict(maxRemembered, func(uid types.UID, _ memory) { m.release(uid) })
	m.objects = objects
	return m, err
}

// of an object, as it was kept last.
func (m *memories) of(uid types.UID) memory {
	remembered, _ := m.objects.Get(uid)
	return remembered
}

// peek is of, for who only shows it: it does not keep the object in memory longer.
func (m *memories) peek(uid types.UID) memory {
	remembered, _ := m.objects.Peek(uid)
	return remembered
}

// keep what the next reconcile wants to know. A hook for which there is no room is not remembered.
func (m *memories) keep(uid types.UID, remembered memory) {
	m.rows.hold(uid, remembered.rows())
	size := sizeOf(remembered.hook)
	if m.hooks.hold(uid, size) < size {
		m.hooks.release(uid)
		remembered.hook = nil
	}
	m.objects.Add(uid, remembered)
}

// fit cuts rows to those for which there is room, beside so many others of the object, and reports whether that left any
// out. The oldest events come first and stay, whole.
func (m *memories) fit(uid types.UID, rows []delivery.Row, others int) (kept []delivery.Row, cut bool) {
	n := max(0, m.rows.hold(uid, len(rows)+others)-others)
	if n >= len(rows) {
		return rows, false
	}
	for n > 0 && rows[n-1].GUID == rows[n].GUID {
		n--
	}
	return append([]delivery.Row(nil), rows[:n]...), true
}

// hasRoom reports whether there is room for so many rows of an object.
func (m *memories) hasRoom(uid types.UID, rows int) bool { return m.rows.hold(uid, rows) >= rows }

// forget all that is remembered of an object.
func (m *memories) forget(uid types.UID) {
	m.objects.Remove(uid)
	m.release(uid)
}

func (m *memories) release(uid types.UID) {
	m.rows.release(uid)
	m.hooks.release(uid)
}

// sizeOf is about how many bytes a hook takes.
func sizeOf(h *github.Hook) int {
	if h == nil {
		return 0
	}
	const least, header = 512, 16
	n := least + len(h.Name) + len(h.URL) + len(h.Config.URL) + len(h.Config.ContentType) + len(h.Config.Secret)
	for _, event := range h.Events {
		n += header + len(event)
	}
	if last := h.LastResponse; last != nil {
		n += len(last.Status) + len(last.Message)
	}
	return n
}

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
