package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// tailLines is how much of go's output is kept to explain a failure.
const tailLines = 20

// progress reads the output of `go build -v`, a line for each module fetched and for each package compiled, and keeps
// count.
type progress struct {
	mu                sync.Mutex
	partial           []byte
	fetched, compiled int
	last              []string
}

// Write never fails.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, b...)
	for {
		line, rest, found := bytes.Cut(p.partial, []byte("\n"))
		if !found {
			return len(b), nil
		}
		p.add(string(line))
		p.partial = rest
	}
}

func (p *progress) add(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.fetched++
	case !strings.ContainsAny(line, " \t"):
		p.compiled++
	}
	p.last = append(p.last, line)
	if len(p.last) > tailLines {
		p.last = p.last[1:]
	}
}

// String is the count so far.
func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%d modules fetched and %d packages compiled", p.fetched, p.compiled)
}

// tail is the end of the output.
func (p *progress) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(append(p.last, string(p.partial)), "\n")
}
