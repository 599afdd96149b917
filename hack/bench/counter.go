package main

import (
	"maps"
	"sync"
	"time"
)

// counts are how often what happened, by name.
type counts map[string]int

// since subtracts what had happened before.
func (c counts) since(before counts) counts {
	difference := counts{}
	for name, n := range c {
		if n > before[name] {
			difference[name] = n - before[name]
		}
	}
	return difference
}

// total of those names that match.
func (c counts) total(match func(name string) bool) int {
	n := 0
	for name, count := range c {
		if match(name) {
			n += count
		}
	}
	return n
}

// anything matches every name.
func anything(string) bool { return true }

// counter counts. It may be used by several goroutines at once.
type counter struct {
	mu     sync.Mutex
	counts counts
	last   time.Time
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = counts{}
	}
	c.counts[name]++
	c.last = time.Now()
}

func (c *counter) snapshot() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// quietSince is when something was counted last.
func (c *counter) quietSince() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
