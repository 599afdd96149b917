package main

import (
	"fmt"
	"strings"
)

// peers are other operators' figures, of a measurement with 100 hooks.
var peers = [][]string{
	{"", "Crossplane's provider-upjet-github, 100 hooks", "redhat-cop/gitwebhook-operator, 100 hooks"},
	{"all hooks Ready, without limits", "108 s (1 s between writes)", "8.7 s"},
	{"GitHub requests: create", "5.3", "3"},
	{"GitHub requests: poll", "1 full GET", "all hooks listed"},
	{"GitHub requests: restart", "1", "2 lists"},
	{"memory idle", "107 MB", "36 MB"},
	{"memory with hooks", "147 MB", "40 MB"},
}

// markdown is for the README.
func (r results) markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d objects, login by %s, on %s.\n\n", r.Options.Objects, r.Options.Login, r.Machine)
	text.WriteString(markdownTable(r.aimRows()) + "\n")
	text.WriteString(markdownTable(r.phases()) + "\n")
	text.WriteString(markdownTable(r.besidePeers()) + "\n")
	text.WriteString("The other operators were measured in the same way. `make bench N=100` has as many hooks as they had.\n\n")
	for _, note := range r.notes() {
		text.WriteString("- " + note + "\n")
	}
	return text.String()
}

// besidePeers puts our figures into the table of the peers.
func (r results) besidePeers() [][]string {
	create, poll, restart := r.phase("create"), r.phase("quiet poll"), r.phase("restart")
	ours := []string{
		fmt.Sprintf("this operator, %d hooks", r.Options.Objects),
		seconds(create.Seconds),
		number(create.per(create.requests())),
		fmt.Sprintf("%s, of which %s %% 304", number(poll.per(poll.requests())), number(poll.notModified())),
		number(restart.per(restart.requests())),
		mb(r.Idle.Memory.Resident),
		mb(r.mostMemory()),
	}
	rows := make([][]string, len(peers))
	for i, row := range peers {
		rows[i] = []string{row[0], ours[i], row[1], row[2]}
	}
	return rows
}

// markdownTable takes the heading first.
func markdownTable(rows [][]string) string {
	var text strings.Builder
	for i, row := range rows {
		text.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			text.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return text.String()
}
