package redact

import (
	"strings"
	"unicode"
)

// Mark stands in the place of what was taken out.
const Mark = "[redacted]"

// maxLooked is how much of a text is looked at, in characters. What a person reads of it is far shorter.
const maxLooked = 4 << 10

// Line is text in one printable line of at most limit characters, without the secrets; empty where that leaves nothing that
// could be shown.
func Line(text string, limit int, secrets ...*Secret) string {
	line := shortened(oneLine(text), maxLooked)
	// What was taken out or cut off can make something else of the rest, so that is looked at again.
	const rounds = 3
	for range rounds {
		hidden, found := hide(line, secrets)
		hidden = Clean(hidden, limit)
		if !found && hidden == line {
			return line
		}
		line = hidden
	}
	return ""
}

// Shows tells whether a text can be shown as it is.
func Shows(text string, secrets ...*Secret) bool {
	return Line(text, maxLooked, secrets...) == text
}

// hide puts the mark in the place of each run of a secret, and tells whether there was one. Nothing is left of a text that
// cannot be shown.
func hide(line string, secrets []*Secret) (hidden string, found bool) {
	text := []rune(line)
	t := read(text, strings.ContainsAny(line, escapes))
	for _, s := range secrets {
		if s.unbounded || s.encoded && t.escapes {
			return "", false
		}
	}
	// depth changes where a hidden run begins or ends.
	depth := make([]int, len(text)+1)
	for way := range t.ways() {
		for at := range text {
			w := t.window(int32(at), way)
			if w.length == 0 {
				continue
			}
			for _, s := range secrets {
				length, mute := s.find(&w)
				if mute {
					return "", false
				}
				if length > 0 {
					found = true
					depth[at]++
					depth[w.ends[length-1]]--
				}
			}
		}
	}
	return marked(text, depth), found
}

func marked(text []rune, depth []int) string {
	var b strings.Builder
	open := 0
	for at, r := range text {
		before := open
		open += depth[at]
		switch {
		case open == 0:
			b.WriteRune(r)
		case before == 0:
			b.WriteString(Mark)
		}
	}
	return b.String()
}

// Clean puts text into one line of at most limit characters, of which a longer one loses its end.
func Clean(text string, limit int) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// shortened is the beginning of a text, of which nobody reads the end.
func shortened(text string, limit int) string {
	for at := range text {
		if limit == 0 {
			return text[:at]
		}
		limit--
	}
	return text
}

// oneLine turns white space into one space each and takes out what cannot be seen or could lead a reader's eye astray.
func oneLine(text string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsGraphic(r):
			return r
		default:
			return -1
		}
	}, text)
	return strings.Join(strings.Fields(printable), " ")
}
