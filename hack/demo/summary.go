package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// result is how a step went.
type result struct {
	title string
	took  time.Duration
	// requests are those that the operator sent to GitHub.
	requests []githubsim.Request
	err      error
}

// summary is a line for each step.
func summary(results []result) string {
	var text strings.Builder
	text.WriteString("Summary\n")
	rows := make([][]string, 0, len(results))
	failed := false
	var all []githubsim.Request
	var total time.Duration
	for _, r := range results {
		mark := "✓"
		if r.err != nil {
			mark, failed = "✗", true
		}
		total += r.took
		all = append(all, r.requests...)
		rows = append(rows, []string{mark + " " + r.title, seconds(r.took)})
	}
	text.WriteString(table(rows) + "\n")
	fmt.Fprintf(&text, "The operator's requests to GitHub: %s.\n", count(all))
	if !failed {
		fmt.Fprintf(&text, "All %d steps passed in %s.\n", len(results), seconds(total))
	}
	return text.String()
}

// count names requests by method, as in "2 GET, 1 PATCH".
func count(requests []githubsim.Request) string {
	if len(requests) == 0 {
		return "no request"
	}
	methods := map[string]int{}
	for _, r := range requests {
		methods[r.Method]++
	}
	var parts []string
	for _, method := range slices.Sorted(maps.Keys(methods)) {
		parts = append(parts, fmt.Sprintf("%d %s", methods[method], method))
	}
	return strings.Join(parts, ", ")
}
