package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// indent puts a paragraph under its heading. Empty lines stay empty.
func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("  "+line, " ")
	}
	return strings.Join(lines, "\n")
}

// columns of a terminal, which everything fits into.
const columns = 80

// wrapped breaks lines that are wider between two words. What is left goes on below, further in; a command goes on as a shell
// wants it.
func wrapped(text string, width int) string {
	var all []string
	for line := range strings.SplitSeq(text, "\n") {
		begin := line[:len(line)-len(strings.TrimLeft(line, " "))]
		broken, margin := "", 0
		if strings.HasPrefix(line, "$ ") {
			broken, margin = " \\", len(" \\")
		}
		for len([]rune(line)) > width {
			runes := []rune(line)
			at := lastSpace(runes, width-margin)
			if at <= len(begin)+4 {
				break // One long word.
			}
			all = append(all, strings.TrimRight(string(runes[:at]), " ")+broken)
			line = begin + "    " + strings.TrimLeft(string(runes[at:]), " ")
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

// lastSpace before the width.
func lastSpace(text []rune, width int) int {
	for i := width; i > 0; i-- {
		if text[i] == ' ' {
			return i
		}
	}
	return 0
}

// table aligns columns as kubectl does.
func table(rows [][]string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // A strings.Builder takes everything.
	return strings.TrimRight(text.String(), "\n")
}

// seconds is a duration for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
