package verdict

import (
	"fmt"
	"strings"
)

// Quote returns GitHub's own words after a colon, where they may be repeated.
func (f Facts) Quote(err error) string { return f.quoted(err, ": %s") }

// quoted puts GitHub's own words into a format, where they may be repeated.
func (f Facts) quoted(err error, format string) string {
	e := answer(err)
	if e == nil {
		return ""
	}
	if words := f.words(e.Message); words != "" {
		return fmt.Sprintf(format, words)
	}
	return ""
}

// trouble is an error in our own words, with GitHub's where they may be repeated.
func (f Facts) trouble(err error) string {
	e := answer(err)
	if e == nil || e.StatusCode == 0 {
		return err.Error() // Nothing in it is a server's.
	}
	words := f.words(e.Message)
	if words == "" {
		words = e.StatusText()
	}
	return fmt.Sprintf("GitHub answered %d to %s %s: %s", e.StatusCode, e.Method, e.Route, words)
}

// words are a server's without the full stop: the operator's own sentence goes on after them.
func (f Facts) words(said string) string { return strings.TrimRight(f.Words(said), ". ") }
