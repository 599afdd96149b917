package redact

import (
	"html"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// cell is what stands at an offset of a text, and the offset at which reading goes on.
type cell struct {
	r    rune
	next int32
	// quoted is the level of the backslash that the character was written with; notQuoted where there was none.
	quoted level
}

// level counts the escapes within which a character that begins an escape was written itself. What is deeper counts as the
// deepest.
type level int8

const (
	notQuoted level = -1
	levels    level = 4
)

func (l level) below() level { return min(l+1, levels-1) }

// byteBase is added to a byte that was written as such, until it is clear which character its bytes are.
const byteBase = unicode.MaxRune + 1

const (
	inURL = iota
	inQuotes
	inHTML
	encodings
)

// escapes begin with one of these.
const escapes = `%\&`

// introduces tells which encoding a character can begin an escape of.
func introduces(r rune) (int, bool) {
	switch r {
	case '%':
		return inURL, true
	case '\\':
		return inQuotes, true
	case '&':
		return inHTML, true
	}
	return 0, false
}

// reading is a text with what stands at each offset. An escape can be within another: the characters of an escape are
// themselves read, and one that stands for the beginning of an escape begins that one.
type reading struct {
	cells []cell
	// bodies are the escapes without the character that begins them, by its level and encoding; next is 0 where there is none.
	bodies [levels][encodings][]cell
	// shown and visible are where, from an offset on, the next character is that can be seen or is white space, and that can
	// be seen.
	shown, visible []int32
	// folded are the characters as they count in a run.
	folded []rune
	// escapes: something stands for another character than itself.
	escapes bool
	// spaced: there is white space, or something that cannot be seen.
	spaced bool
}

// read reads a text, with what its escapes stand for or as it is.
func read(text []rune, decode bool) *reading {
	n := len(text)
	end := int32(n) //nolint:gosec // A text has fewer than 2^31 characters.
	t := &reading{cells: make([]cell, n+1), shown: make([]int32, n+1), visible: make([]int32, n+1), folded: make([]rune, n)}
	t.cells[n], t.shown[n], t.visible[n] = cell{-1, end, notQuoted}, end, end
	if decode {
		for l := range t.bodies {
			for e := range t.bodies[l] {
				t.bodies[l][e] = make([]cell, n+1)
			}
		}
	}
	for at := end - 1; at >= 0; at-- {
		t.cells[at] = cell{text[at], at + 1, notQuoted}
		if decode {
			t.decode(at)
		}
		t.place(at)
	}
	return t
}

// decode finds out what stands at an offset, where that is known of all that follow.
func (t *reading) decode(at int32) {
	t.cells[at] = t.begun(0, t.cells[at])
	for l := range levels {
		for e := range encodings {
			t.bodies[l][e][at] = t.body(l, e, at)
		}
	}
}

// place notes how the character at an offset counts.
func (t *reading) place(at int32) {
	c := t.cells[at]
	t.escapes = t.escapes || c.next != at+1
	t.shown[at], t.visible[at], t.folded[at] = at, at, fold(c.r)
	switch kindOf(c.r) {
	case plain:
		return
	case space:
		t.visible[at], t.folded[at] = t.visible[c.next], ' '
	case unseen:
		t.shown[at], t.visible[at] = t.shown[c.next], t.visible[c.next]
	}
	t.spaced = true
}

// begun is a character, or what the escape stands for that it begins.
func (t *reading) begun(l level, c cell) cell {
	if e, ok := introduces(c.r); ok {
		if escape := t.bodies[l][e][c.next]; escape.next != 0 {
			return escape
		}
	}
	return c
}

func (t *reading) body(l level, encoding int, at int32) cell {
	switch {
	case int(at) == len(t.cells)-1:
		return cell{}
	case encoding == inURL:
		return t.percent(l, at)
	case encoding == inQuotes:
		return t.backslash(l, at)
	default:
		return t.entity(l, at)
	}
}

// percent reads what follows a %: two hexadecimal digits, or u and four, as JavaScript's escape has it.
func (t *reading) percent(l level, at int32) cell {
	if c := t.cells[at]; fold(c.r) == 'U' {
		if v, next, ok := t.number(c.next, 16, 4); ok {
			return t.unit(l, cell{v, next, notQuoted})
		}
	}
	v, next, ok := t.number(at, 16, 2)
	if !ok {
		return cell{}
	}
	return t.byte(l, cell{v, next, notQuoted})
}

// backslash reads what follows one. Of several in a row the last one counts: a quoted text was quoted again.
func (t *reading) backslash(l level, at int32) cell {
	c := t.cells[at]
	if c.quoted >= l {
		return c
	}
	switch fold(c.r) {
	case 'U':
		if v, next, ok := t.unicode(c); ok {
			return t.unit(l, cell{v, next, l})
		}
	case 'X':
		if v, next, ok := t.number(c.next, 16, 2); ok {
			return t.byte(l, cell{v, next, l})
		}
	case 'N', 'R', 'T', 'V', 'F':
		return cell{' ', c.next, l}
	case 'A', 'B', 'E':
		return cell{0, c.next, l}
	case '0', '1', '2', '3':
		if v, next, ok := t.number(at, 8, 3); ok {
			return t.byte(l, cell{v, next, l})
		}
	}
	return cell{c.r, c.next, l}
}

// unicode reads what follows \u: four digits, some in braces, or eight after a capital U, which a text in capitals has too.
func (t *reading) unicode(u cell) (v rune, next int32, ok bool) {
	const longest = 8
	if t.cells[u.next].r == '{' {
		at := t.cells[u.next].next
		for digits := range longest {
			c := t.cells[at]
			if c.r == '}' {
				return v, c.next, digits > 0 && v <= unicode.MaxRune
			}
			d, isDigit := digit(c.r, 16)
			if !isDigit {
				break
			}
			v, at = v<<4|d, c.next
		}
		return 0, 0, false
	}
	v, next, ok = t.number(u.next, 16, 4)
	if !ok || t.cells[next].quoted != t.cells[u.next].quoted {
		return v, next, ok
	}
	if low, end, more := t.number(next, 16, 4); more && isLong(u.r, v, v<<16|low) {
		return v<<16 | low, end, true
	}
	return v, next, true
}

// isLong tells whether eight digits are one character and not four of them. A capital U becomes a small one in a text in
// small letters, and the other way round.
func isLong(u, high, all rune) bool {
	switch high {
	case 0:
		return u == 'U'
	case 1, 2, 3:
		return unicode.IsGraphic(all)
	}
	return false
}

// entity reads what follows an &, up to the semicolon.
func (t *reading) entity(l level, at int32) cell {
	if c := t.cells[at]; c.r == '#' {
		return t.reference(l, c.next)
	}
	const longest = 33 // CounterClockwiseContourIntegral has 31.
	var name [longest]byte
	for n := range longest {
		c := t.cells[at]
		if c.r == ';' && n > 0 {
			if r, ok := named(string(name[:n])); ok {
				return t.begun(l.below(), cell{r, c.next, notQuoted})
			}
			return cell{}
		}
		if c.r >= utf8.RuneSelf || c.r < 0 || !unicode.IsLetter(c.r) && !unicode.IsDigit(c.r) {
			return cell{}
		}
		name[n], at = byte(c.r), c.next
	}
	return cell{}
}

// reference reads a character's number up to the semicolon.
func (t *reading) reference(l level, at int32) cell {
	const longest = 10
	base := rune(10)
	if c := t.cells[at]; fold(c.r) == 'X' {
		base, at = 16, c.next
	}
	v := rune(0)
	for n := range longest {
		c := t.cells[at]
		if c.r == ';' && n > 0 {
			return t.begun(l.below(), cell{v, c.next, notQuoted})
		}
		d, ok := digit(c.r, base)
		if v = v*base + d; !ok || v > unicode.MaxRune {
			break
		}
		at = c.next
	}
	return cell{}
}

// named is the character that a name in HTML stands for, in capitals, too.
func named(name string) (rune, bool) {
	for _, name := range []string{name, lower(name)} {
		text := html.UnescapeString("&" + name + ";")
		if r, size := utf8.DecodeRuneInString(text); size == len(text) {
			return r, true
		}
	}
	return 0, false
}

func lower(name string) string {
	folded := []byte(name)
	for i, b := range folded {
		if b >= 'A' && b <= 'Z' {
			folded[i] = b + 'a' - 'A'
		}
	}
	return string(folded)
}

// number reads so many digits.
func (t *reading) number(at int32, base rune, digits int) (v rune, next int32, ok bool) {
	for range digits {
		c := t.cells[at]
		d, isDigit := digit(c.r, base)
		if !isDigit {
			return 0, 0, false
		}
		v, at = v*base+d, c.next
	}
	return v, at, true
}

func digit(r, base rune) (rune, bool) {
	switch {
	case r >= '0' && r <= '9':
		r -= '0'
	case r >= 'a' && r <= 'f':
		r += 10 - 'a'
	case r >= 'A' && r <= 'F':
		r += 10 - 'A'
	default:
		return 0, false
	}
	return r, r < base
}

// unit is a character by its number in UTF-16: one beyond 16 bits has two numbers.
func (t *reading) unit(l level, c cell) cell {
	if low := t.cells[c.next]; utf16.IsSurrogate(c.r) {
		if r := utf16.DecodeRune(c.r, low.r); r != unicode.ReplacementChar {
			return cell{r, low.next, c.quoted}
		}
	}
	return t.begun(l.below(), c)
}

// byte is a character by its bytes in UTF-8, of which c is the first.
func (t *reading) byte(l level, c cell) cell {
	if c.r < utf8.RuneSelf {
		return t.begun(l.below(), c)
	}
	var buffer [utf8.UTFMax]byte
	buffer[0] = byte(c.r) //nolint:gosec // Two hexadecimal digits, or three octal ones below 400.
	end := c.next
	for n := 1; n < utf8.UTFMax; n++ {
		following := t.cells[end]
		if following.r < byteBase || following.r > byteBase+0xff {
			break
		}
		buffer[n], end = byte(following.r-byteBase), following.next
		if r, size := utf8.DecodeRune(buffer[:n+1]); size == n+1 {
			return cell{r, end, c.quoted}
		}
	}
	return cell{byteBase + c.r, c.next, c.quoted}
}

// kind is how a character counts in a run.
type kind int

const (
	plain kind = iota
	space
	unseen
)

func kindOf(r rune) kind {
	switch {
	case r == '+': // A space in the query of a URL.
		return space
	case r > ' ' && r < 0x7f:
		return plain
	case r >= byteBase:
		return plain
	case unicode.IsSpace(r):
		return space
	case unicode.IsGraphic(r), utf16.IsSurrogate(r):
		return plain
	default:
		return unseen
	}
}

// fold makes the same of a character in capitals and in small letters. A byte that is not part of a character is the one
// that Latin 1 has for it, as JavaScript writes it.
func fold(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - ('a' - 'A')
	case r >= 0 && r < utf8.RuneSelf:
		return r
	case r >= byteBase:
		r -= byteBase
	}
	return unicode.ToUpper(unicode.ToLower(r))
}
