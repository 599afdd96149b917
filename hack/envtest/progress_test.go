package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestProgressCountsLines(t *testing.T) {
	var p progress
	// In pieces, as a pipe delivers them.
	for _, piece := range []string{"go: downloading k8s.io/a", "pi v0.37.2\nk8s.io/api\nk8s.io/", "apimachinery\n# a note\nunfini"} {
		if n, err := p.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if got, want := p.String(), "1 modules fetched and 2 packages compiled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if tail := p.tail(); !strings.HasSuffix(tail, "# a note\nunfini") {
		t.Errorf("the tail ends otherwise: %q", tail)
	}
}

func TestProgressKeepsTheEndOnly(t *testing.T) {
	var p progress
	for i := range 10 * tailLines {
		fmt.Fprintf(&p, "line %d\n", i)
	}
	lines := strings.Split(strings.TrimSpace(p.tail()), "\n")
	if len(lines) != tailLines || lines[tailLines-1] != fmt.Sprintf("line %d", 10*tailLines-1) {
		t.Errorf("kept %d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}
