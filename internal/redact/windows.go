package redact

import "hash/maphash"

// Run is how many characters in a row of a secret are not shown.
const Run = 8

// run is up to Run characters in a row; one that is shorter ends in zeros.
type run [Run]rune

// seed of all hashes of runs: they say nothing outside this process.
var seed = maphash.MakeSeed()

func (r run) hash() uint64 { return maphash.Comparable(seed, r) }

// spacing is how white space counts in a run. What cannot be seen never does.
type spacing int

const (
	// squeezed: not at all.
	squeezed spacing = iota
	// Each white space for one character.
	_
	// collapsed: all that is in a row for one character.
	collapsed
	spacings
)

// ways in which white space counts that make a difference to the text.
func (t *reading) ways() spacing {
	if t.spaced {
		return spacings
	}
	return squeezed + 1
}

// window is a run that begins at an offset of the text.
type window struct {
	run    run
	length int
	// ends has the offset behind each of its characters.
	ends [Run]int32
}

// window reads the run that begins at an offset. Its length is 0 where none begins.
func (t *reading) window(at int32, s spacing) window {
	var w window
	next := t.shown
	if s == squeezed {
		next = t.visible
	}
	if next[at] != at {
		return w
	}
	for w.length < Run {
		at = next[at]
		if int(at) == len(t.folded) {
			break
		}
		w.run[w.length] = t.folded[at]
		isSpace := t.visible[at] != at
		at = t.cells[at].next
		w.ends[w.length] = at
		w.length++
		if s == collapsed && isSpace {
			at = t.visible[at]
		}
	}
	return w
}

// start is the run's beginning of so many characters.
func (w *window) start(length int) run {
	r := w.run
	clear(r[length:])
	return r
}
