package controllers

import (
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// parkedAtMost is how long an object waits for a free worker before it asks again by itself.
const parkedAtMost = time.Minute

// workers share out the workers of one kind, so that no server and no login holds all of them while it does not answer.
// A server that has not answered yet, or not lately, has one worker, and all such servers together have a third. Whether a
// login is accepted is found out by one object. A server that answers has half of the workers, and all but one while no
// other server is in use; polls, whatever they wait for, leave half of the workers to what users change. An object that gets
// no worker is parked, and added to the queue again when one is free.
type workers struct {
	total int
	// add puts an object back into the queue.
	add func(reconcile.Request)

	mu       sync.Mutex
	busy     map[lane]int
	doubtful int
	polls    int
	parked   map[lane][]reconcile.Request
	waiting  map[reconcile.Request]lane
	servers  map[string]time.Time
}

// lane is what objects share that wait for the same: a server, or a login on it.
type lane struct {
	server string
	// login is empty where it is about the server.
	login *github.Client
	// doubtful: the server has not answered.
	doubtful bool
	// poll: the objects are only looked at.
	poll bool
}

// serverInUse is how long a server counts after its last object.
const serverInUse = time.Hour

func newWorkers(total int, add func(reconcile.Request)) *workers {
	return &workers{
		total: total, add: add, busy: map[lane]int{}, parked: map[lane][]reconcile.Request{},
		waiting: map[reconcile.Request]lane{}, servers: map[string]time.Time{},
	}
}

// laneOf is where requests with a client wait, by what is known of its server and login.
func laneOf(c *github.Client, poll bool) lane {
	switch server, login := c.Standing(); {
	case server != github.Working:
		return lane{server: c.Server().String(), doubtful: true}
	case login != github.Working:
		return lane{server: c.Server().String(), login: c}
	}
	return lane{server: c.Server().String(), poll: poll}
}

// enterFor gives an object's reconcile a worker for requests to GitHub, which leave gives back, unless it has to wait for
// one: then it is added to the queue again when one is free.
func (w *workers) enterFor(o *object, in *inputs, poll bool) (leave func(), entered bool) {
	l := laneOf(in.client, poll)
	if !w.enter(l, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(o.Webhook)}, time.Now()) {
		return nil, false
	}
	return func() {
		w.leave(l, time.Now())
		if laneOf(in.client, poll) != l {
			w.settle(l)
		}
	}, true
}

// enter gives an object a worker of its lane, which leave gives back, or parks it.
func (w *workers) enter(l lane, object reconcile.Request, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[l.server] = now
	if !w.hasRoom(l, now) {
		if _, known := w.waiting[object]; !known {
			w.waiting[object] = l
			w.parked[l] = append(w.parked[l], object)
		}
		return false
	}
	w.count(l, 1)
	return true
}

// count workers of a lane in, or out.
func (w *workers) count(l lane, workers int) {
	w.busy[l] += workers
	if w.busy[l] == 0 {
		delete(w.busy, l)
	}
	if l.doubtful {
		w.doubtful += workers
	}
	if l.poll {
		w.polls += workers
	}
}

// hasRoom reports whether a lane may have one more worker.
func (w *workers) hasRoom(l lane, now time.Time) bool {
	switch {
	case l.doubtful:
		return w.busy[l] == 0 && w.doubtful < max(1, w.total/3)
	case l.login != nil:
		return w.busy[l] == 0 && w.hasRoom(lane{server: l.server}, now)
	case l.poll && w.polls >= max(1, w.total/2):
		return false
	case w.isAlone(now):
		return w.busyWith(l.server) < max(1, w.total-1)
	default:
		return w.busyWith(l.server) < max(1, w.total/2)
	}
}

// busyWith counts the workers of a server, its logins included.
func (w *workers) busyWith(server string) int {
	n := 0
	for l, busy := range w.busy {
		if l.server == server && !l.doubtful {
			n += busy
		}
	}
	return n
}

// isAlone reports whether one server only is in use.
func (w *workers) isAlone(now time.Time) bool {
	if len(w.servers) > 1 {
		for server, used := range w.servers {
			if now.Sub(used) > serverInUse {
				delete(w.servers, server)
			}
		}
	}
	return len(w.servers) <= 1
}

// leave gives a worker back, and adds those objects to the queue for which there is room now.
func (w *workers) leave(l lane, now time.Time) {
	w.mu.Lock()
	w.count(l, -1)
	var woken []reconcile.Request
	for other := range w.parked {
		if w.hasRoom(other, now) {
			woken = append(woken, w.wake(other, 1)...)
		}
	}
	w.mu.Unlock()
	for _, object := range woken {
		w.add(object)
	}
}

// settle adds all objects of a lane to the queue: its server or login was found out about.
func (w *workers) settle(l lane) {
	w.mu.Lock()
	woken := w.wake(l, len(w.parked[l]))
	w.mu.Unlock()
	for _, object := range woken {
		w.add(object)
	}
}

// wake takes the first objects of a lane out of it.
func (w *workers) wake(l lane, n int) []reconcile.Request {
	woken := slices.Clone(w.parked[l][:min(n, len(w.parked[l]))])
	w.parked[l] = w.parked[l][len(woken):]
	if len(w.parked[l]) == 0 {
		delete(w.parked, l)
	}
	for _, object := range woken {
		delete(w.waiting, object)
	}
	return woken
}
