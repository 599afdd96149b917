package main

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The terminal of the recording.
const (
	columns = 80
	rows    = 28
	// Sizes in pixels of a monospaced font of 14 pixels.
	lineWidth  = 675
	lineHeight = 20
	margin     = 16
)

// Bounds of the time between two lines, so that everything can be read and nobody waits, and the pause at the end.
const (
	shortest = 180 * time.Millisecond
	longest  = 1200 * time.Millisecond
	pause    = 6 * time.Second
)

// render the recording: one column of lines that moves up, line by line, as a terminal scrolls.
func render(lines []line, title string) string {
	lines = folded(lines)
	width := lineWidth + 2*margin
	height := rows*lineHeight + 2*margin
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&s, "<title>%s</title>\n<style>\n%s\n</style>\n", escaped(title), animation(lines))
	fmt.Fprintf(&s, `<rect width="%d" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, height)
	fmt.Fprintf(&s, `<svg x="%d" y="%d" width="%d" height="%d"><g class="scroll">`+"\n", margin, margin, width-2*margin, rows*lineHeight)
	for i, l := range lines {
		if l.text != "" {
			fmt.Fprintf(&s, `<text y="%d" class="%s" xml:space="preserve">%s</text>`+"\n", (i+1)*lineHeight-5, class(l.text), escaped(l.text))
		}
	}
	s.WriteString("</g></svg>\n</svg>\n")
	return s.String()
}

// animation moves the column so that the line that was printed last is at the bottom.
func animation(lines []line) string {
	total := pause
	for _, l := range lines[first(lines)+1:] {
		total += clamped(l.after)
	}
	var s strings.Builder
	s.WriteString("text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #e6edf3 }\n" +
		".command { fill: #79c0ff } .done { fill: #7ee787 } .title { font-weight: bold; fill: #ffffff }\n")
	fmt.Fprintf(&s, ".scroll { animation: scroll %.2fs step-end infinite }\n@keyframes scroll {\n", total.Seconds())
	at := time.Duration(0)
	for i := first(lines); i < len(lines); i++ {
		fmt.Fprintf(&s, "%.3f%% { transform: translateY(%dpx) }\n", 100*at.Seconds()/total.Seconds(), (rows-1-i)*lineHeight)
		if i+1 < len(lines) {
			at += clamped(lines[i+1].after)
		}
	}
	s.WriteString("}")
	return s.String()
}

// first is the line with which the recording begins: the screen is full, so that it is no empty picture.
func first(lines []line) int { return min(rows, len(lines)) - 1 }

func clamped(d time.Duration) time.Duration { return min(max(d, shortest), longest) }

// folded lines are those that are wider than the terminal, as it folds them.
func folded(lines []line) []line {
	var all []line
	for _, l := range lines {
		for utf8.RuneCountInString(l.text) > columns {
			text := []rune(l.text)
			all = append(all, line{string(text[:columns]), l.after})
			l = line{string(text[columns:]), 0}
		}
		all = append(all, l)
	}
	return all
}

// class of a line: a command that is typed, a step that is done, a title.
func class(text string) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "$ "):
		return "command"
	case strings.HasPrefix(trimmed, "✓"):
		return "done"
	case text == trimmed:
		return "title"
	}
	return "output"
}

func escaped(text string) string {
	var s strings.Builder
	_ = xml.EscapeText(&s, []byte(text)) // a strings.Builder takes everything
	return s.String()
}
