package main

import (
	"sync"
	"time"
)

// exchanges remember what the run's own client saw last. It is the client's Observer.
type exchanges struct {
	mu   sync.Mutex
	last exchange
}

// exchange is one request over HTTP as far as facts are about it.
type exchange struct {
	code int
	// remaining of the primary limit, if told: the answer's header said so.
	remaining int
	told      bool
}

// Request begins a new exchange.
func (e *exchanges) Request(_, _, _ string, code int, _ time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = exchange{code: code}
}

// RateLimit is told right after the Request whose answer said it.
func (e *exchanges) RateLimit(_, _ string, remaining int, _ time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last.remaining, e.last.told = remaining, true
}

// ForgetBudget is of no interest here.
func (*exchanges) ForgetBudget(string, string) {
	// A run is shorter than the hour after which a budget is forgotten.
}

func (e *exchanges) get() exchange {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}
