package redact

import (
	"encoding/pem"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const (
	// tellingLength: a shorter secret could be read from the gaps that it leaves in a known sentence.
	tellingLength = 4
	// ordinaryLength: up to this length letters alone may be words, which can be read from their gap, too.
	ordinaryLength = 32
	// maxSecret bounds what is prepared, in bytes. Nothing is quoted beside a longer secret.
	maxSecret = 16 << 10
)

// Secret is what is kept of a secret so that it is found in a text. It is safe for concurrent use.
type Secret struct {
	// runs are the hashes of what leaves a gap, in order; mutes of what takes the whole text away.
	runs, mutes []uint64
	// lengths that occur among them, besides Run.
	lengths [Run]bool
	// encoded: the secret has characters that begin an escape. A part of it can read as something else than what it is, so
	// that a text with escapes is not quoted beside it.
	encoded bool
	// unbounded: the secret is too long to look for.
	unbounded bool
}

// Value prepares a text all of which is secret.
func Value(text string) *Secret {
	return prepared("value", text, func() *Secret { return value(text) })
}

func value(text string) *Secret {
	var s Secret
	s.add(text, len(text) <= ordinaryLength && onlyLetters(text))
	return s.sorted()
}

// publicPrefixes say what kind of token it is. GitHub docs: "GitHub's token formats".
var publicPrefixes = []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "v1."}

// Token prepares a token, whose public prefix is no secret.
func Token(token string) *Secret {
	for _, prefix := range publicPrefixes {
		if rest, ok := strings.CutPrefix(token, prefix); ok && rest != "" {
			return Value(rest)
		}
	}
	return Value(token)
}

// PrivateKey prepares a key's body, without the lines around it that all keys have.
func PrivateKey(text string) *Secret {
	return prepared("key", text, func() *Secret { return privateKey(text) })
}

func privateKey(text string) *Secret {
	var s Secret
	if block, _ := pem.Decode([]byte(text)); block != nil {
		text = string(pem.EncodeToMemory(&pem.Block{Bytes: block.Bytes}))
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "-----") {
			text = strings.ReplaceAll(text, line, "")
		}
	}
	s.add(text, false)
	return s.sorted()
}

// URL prepares those parts of a URL in which a receiver's token can stand: user, password, path, query and fragment.
func URL(address string) *Secret {
	return prepared("url", address, func() *Secret { return parts(address, false) })
}

// Address prepares a URL whose host is not shown either.
func Address(address string) *Secret {
	return prepared("address", address, func() *Secret { return parts(address, true) })
}

func parts(address string, host bool) *Secret {
	var s Secret
	u, err := url.Parse(address)
	if err != nil {
		s.add(address, false)
		return s.sorted()
	}
	password, _ := u.User.Password()
	for _, credential := range []string{u.User.Username(), password} {
		s.add(credential, onlyLetters(credential))
	}
	s.add(u.User.String(), false)
	if host {
		s.add(u.Host, false)
	}
	for _, part := range []string{u.EscapedPath(), u.Path, u.RawQuery, u.EscapedFragment(), u.RequestURI(), u.Opaque} {
		if len(part) >= tellingLength { // A shorter one is no token, and stands in any text.
			s.add(part, false)
		}
	}
	return s.sorted()
}

func onlyLetters(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && kindOf(r) == plain })
}

// add what must not be shown. An ordinary text takes all of the text away that it is found in.
func (s *Secret) add(text string, ordinary bool) {
	if len(text) > maxSecret {
		s.unbounded = true
		return
	}
	s.encoded = s.encoded || strings.ContainsAny(text, escapes)
	runes := []rune(text)
	raw := read(runes, false)
	s.addRuns(raw, ordinary)
	if !strings.ContainsAny(text, escapes) {
		return
	}
	if decoded := read(runes, true); decoded.escapes {
		s.addRuns(decoded, ordinary)
	}
}

func (s *Secret) addRuns(t *reading, ordinary bool) {
	for way := range t.ways() {
		for i := range t.folded {
			at := int32(i)
			w := t.window(at, way)
			switch {
			case w.length == Run && ordinary:
				s.mutes = append(s.mutes, w.run.hash())
			case w.length == Run:
				s.runs = append(s.runs, w.run.hash())
			case w.length > 0 && (at == t.shown[0] || at == t.visible[0]): // All of it is shorter than a run.
				s.lengths[w.length] = true
				if ordinary || w.length < tellingLength {
					s.mutes = append(s.mutes, w.run.hash())
				} else {
					s.runs = append(s.runs, w.run.hash())
				}
			}
		}
		s.runs, s.mutes = compact(s.runs), compact(s.mutes)
	}
}

func compact(hashes []uint64) []uint64 {
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

func (s *Secret) sorted() *Secret {
	s.runs, s.mutes = slices.Clip(compact(s.runs)), slices.Clip(compact(s.mutes))
	return s
}

// Size is about how much memory it takes, in bytes.
func (s *Secret) Size() int { return 8*(cap(s.runs)+cap(s.mutes)) + 128 }

// find tells how many characters of the window are the secret's, and whether the text must not be shown for it.
func (s *Secret) find(w *window) (length int, mute bool) {
	for n := w.length; n > 0; n-- {
		if n < Run && !s.lengths[n] {
			continue
		}
		hash := w.start(n).hash()
		if _, found := slices.BinarySearch(s.mutes, hash); found {
			return n, true
		}
		if _, found := slices.BinarySearch(s.runs, hash); found {
			length = max(length, n)
		}
	}
	return length, false
}
