package redact_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

const limit = 500

// spellings are the ways in which a server could write a text.
var spellings = map[string]func(string) string{
	"in JSON": func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err) // A string is always JSON.
		}
		return string(text[1 : len(text)-1])
	},
	"in JSON that keeps HTML": func(s string) string {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(s); err != nil {
			panic(err) // As above.
		}
		return strings.TrimSuffix(b.String()[1:], "\"\n")
	},
	"in a query": url.QueryEscape,
	"in a path":  url.PathEscape,
	"in quotes": func(s string) string {
		text := strconv.QuoteToASCII(s)
		return text[1 : len(text)-1]
	},
	"in HTML": html.EscapeString,
	"in numbers of HTML": func(s string) string {
		return each(s, func(r rune) string { return fmt.Sprintf("&#x%04X;", r) })
	},
	"in names of HTML": func(s string) string {
		return strings.NewReplacer(`"`, "&quot;", "'", "&apos;", "/", "&sol;", ":", "&colon;", "&", "&amp;", "<", "&LT;").Replace(s)
	},
	"in code units": func(s string) string {
		return each(s, func(r rune) string {
			if r > 0xffff {
				return string(r)
			}
			return fmt.Sprintf(`\u%04x`, r)
		})
	},
	"in bytes": func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
		return b.String()
	},
	"in percent": func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		return b.String()
	},
	"in capitals":      strings.ToUpper,
	"in small letters": strings.ToLower,
}

func each(s string, spell func(rune) string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(spell(r))
	}
	return b.String()
}

func TestLineHidesEverySpellingWithinAnother(t *testing.T) {
	for _, secret := range []string{`p"l'a n<t>é/+=:😀` + "\n" + `0123`, "0123456789abcdef", "correct horse battery staple 9", `"""""""""`, "-----------"} {
		for outer, spell := range spellings {
			for inner, within := range spellings {
				text := "before " + spell(within(secret)) + " after"
				g := NewWithT(t)
				line := redact.Line(text, limit, redact.Value("other secret 1"), redact.Value(secret))
				g.Expect(line).To(MatchRegexp(`^(?i)before \[redacted\][^ ]{0,4} after$`), "%s, %s: %s", inner, outer, text)
			}
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"no secrets", nil, "Not Found", "Not Found"},
		{"empty secrets", []string{"", ""}, "Not Found", "Not Found"},
		{"in one line without what cannot be seen", nil, " a\n\tb\x00\u202ec ", "a bc"},
		{"twice", []string{"h1dden"}, "h1dden and H1DDEN", "[redacted] and [redacted]"},
		{"one within the other", []string{"h1dden", "h1dden-too"}, "h1dden-too", "[redacted]"},
		{"a secret that could be read from its gap", []string{"o"}, "Not Found", ""},
		{"a secret of one word", []string{"Validation"}, "Validation Failed", ""},
		{"a secret of words", []string{"already exists"}, "Hook already exists on this repository", ""},
		{"a short secret that is not there", []string{"x1"}, "Not Found", "Not Found"},
		{"a secret that is put together by cleaning", []string{"h1dden"}, "h1d\x00den", "[redacted]"},
		{"a secret that spans lines", []string{"first\nsecond1"}, "about first\nsecond1", "about [redacted]"},
		{"a secret with its line break", []string{"0123456789\n"}, "about 0123456789", "about [redacted]"},
		{"a secret that is no UTF-8", []string{"h1d\xff\xfeden"}, "about h1d\ufffd\ufffdden", "about [redacted]"},
		{"a secret too long to look for", []string{strings.Repeat("x", 16<<10+1)}, "about xxx", ""},
		{"seven characters", []string{"0123456789"}, "about 0123456", "about 0123456"},
		{"eight characters of the beginning", []string{"0123456789"}, "about 01234567", "about [redacted]"},
		{"eight characters of the end", []string{"0123456789"}, "about 23456789.", "about [redacted]."},
		{"eight characters apart", []string{"0123456789"}, "about 0 1 2 3 4 5 6 7", "about [redacted]"},
		{"a secret behind the beginning of an escape", []string{"1bcdefgh"}, "%41bcdefgh", "%4[redacted]"},
		{"a secret that could begin an escape, in a plain text", []string{"50%off&more"}, "about 50%off&m", "about [redacted]"},
		{"a secret that could begin an escape, beside one", []string{"50%off&more"}, "about %3C", ""},
		{"a secret with escapes", []string{"%41%42%43%44"}, "about %41%42%4.", ""},
		{"a secret like the mark", []string{"[redacted]"}, "about [redacted]", ""},
		{"a long line is cut after the secret went", []string{strings.Repeat("h", 80) + "1"}, strings.Repeat("a", limit-40) + strings.Repeat("h", 80),
			strings.Repeat("a", limit-40) + redact.Mark},
	} {
		t.Run(c.name, func(t *testing.T) {
			var secrets []*redact.Secret
			for _, s := range c.secrets {
				secrets = append(secrets, redact.Value(s))
			}
			NewWithT(t).Expect(redact.Line(c.text, limit, secrets...)).To(Equal(c.want))
		})
	}
}

func TestTokensLoseAllButTheirPublicPrefix(t *testing.T) {
	g := NewWithT(t)
	for _, prefix := range []string{"ghp_", "ghs_", "github_pat_", "v1."} {
		line := redact.Line("about "+prefix+"0123456789", limit, redact.Token(prefix+"0123456789"))
		g.Expect(line).To(Equal("about " + prefix + redact.Mark))
		g.Expect(redact.Line(prefix+" is where it begins", limit, redact.Token(prefix+"0123456789"))).To(HavePrefix(prefix))
	}
}

func TestPrivateKeysLoseTheirBody(t *testing.T) {
	g := NewWithT(t)
	body := strings.Repeat("0123456789abcdefABCDEF+/ghijklmnop+/QRSTUVWXYZ0123456789abcdefAB\n", 3)
	key := redact.PrivateKey("-----BEGIN RSA PRIVATE KEY-----\n" + body + "-----END RSA PRIVATE KEY-----\n")
	g.Expect(redact.Line("begins with -----BEGIN RSA PRIVATE KEY-----", limit, key)).To(Equal("begins with -----BEGIN RSA PRIVATE KEY-----"))
	for at := range len(body) - 2*redact.Run {
		g.Expect(redact.Line(body[at:at+redact.Run+1], limit, key)).NotTo(ContainSubstring(strings.TrimSpace(body[at : at+redact.Run])))
	}
}

func TestURLs(t *testing.T) {
	for _, c := range []struct{ address, echo, want string }{
		{"https://ci.example.com/github", "url https://ci.example.com/github is bad", "url https://ci.example.com[redacted] is bad"},
		{"https://us3r:p4ss@ci.example.com/", "p4ss of us3r", "[redacted] of [redacted]"},
		{"https://user:pass@ci.example.com/", "password of user", ""},
		{"https://ci.example.com/hooks/T0KEN12345", "no route /hooks/T0KEN12345", "no route [redacted]"},
		{"https://ci.example.com/hooks/T0KEN12345", "bad segment T0KEN12345", "bad segment [redacted]"},
		{"https://ci.example.com/?token=T0KEN12345", "bad value T0KEN12345", "bad value [redacted]"},
		{"https://ci.example.com/?T0KEN12345", "bad name T0KEN12345", "bad name [redacted]"},
		{"https://ci.example.com/#T0KEN12345", "bad fragment T0KEN12345", "bad fragment [redacted]"},
		{"https://ci.example.com/a%20T0KEN12345", "bad path /a T0KEN12345", "bad path [redacted]"},
		{"https://ci.example.com/webhooks", "Hook exists for the host ci.example.com", "Hook exists for the host ci.example.com"},
		{"https://%zz", "bad https://%zz", "bad [redacted]"},
		{"", "nothing to hide", "nothing to hide"},
	} {
		t.Run(c.address+" "+c.echo, func(t *testing.T) {
			NewWithT(t).Expect(redact.Line(c.echo, limit, redact.URL(c.address))).To(Equal(c.want))
		})
	}
	NewWithT(t).Expect(redact.Line("no such host as ci.example.com", limit, redact.Address("https://ci.example.com/"))).To(Equal("no such host as [redacted]"))
}

func TestShows(t *testing.T) {
	g := NewWithT(t)
	secret := redact.Value("0123456789")
	g.Expect(redact.Shows("octo-org/hello-world", secret)).To(BeTrue())
	g.Expect(redact.Shows("octo-org/12345678", secret)).To(BeFalse())
}

// attacks took minutes, or a gigabyte, with patterns that grow with the secret.
var attacks = map[string]struct {
	secrets []*redact.Secret
	text    string
}{
	"a token of 4,096 quotes":          {[]*redact.Secret{redact.Token(strings.Repeat("'", 4096))}, strings.Repeat("'", 60<<10)},
	"a secret of 512 dashes":           {[]*redact.Secret{redact.Value(strings.Repeat("-", 512))}, strings.Repeat("-", 60<<10)},
	"a URL of 48 KB":                   {[]*redact.Secret{redact.URL("https://ci.example.com" + strings.Repeat("/"+strings.Repeat("%27", 1365), 12))}, strings.Repeat("%27", 20<<10)},
	"a URL of 2 KB":                    {[]*redact.Secret{redact.URL("https://ci.example.com/" + strings.Repeat("%27", 670))}, strings.Repeat("%27", 20<<10)},
	"percents within percents":         {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, "%" + strings.Repeat("25", 30<<10)},
	"percents beside percents":         {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, strings.Repeat("%25", 20<<10)},
	"backslashes":                      {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, strings.Repeat(`\`, 60<<10)},
	"entities that do not end":         {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, strings.Repeat("&ampampampampampampampampampamp", 2<<10)},
	"entities within entities":         {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, "&" + strings.Repeat("amp;", 15<<10)},
	"what cannot be seen":              {[]*redact.Secret{redact.Value(strings.Repeat("ab", 2048))}, strings.Repeat(`a\u200bb\u200b`, 4<<10)},
	"white space":                      {[]*redact.Secret{redact.Value(strings.Repeat("a b", 1024))}, strings.Repeat(`a\n\n\n\n\n\nb+++++++++`, 3<<10)},
	"all characters, of a long secret": {[]*redact.Secret{redact.Value(allCharacters(4096))}, allCharacters(60 << 10)},
}

func allCharacters(n int) string {
	var b strings.Builder
	for r := rune(' '); b.Len() < n; r = (r*7 + 11) % 0xd000 {
		b.WriteRune(r)
	}
	return b.String()
}

// perCharacter is far more than a character takes, with the race detector on a busy machine, and far less than an attack
// needs to be felt.
const perCharacter = 100 * time.Microsecond

func TestAttacksTakeLittleTimeAndMemory(t *testing.T) {
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for _, s := range a.secrets {
				g.Expect(s.Size()).To(BeNumerically("<=", 512<<10))
			}
			g.Expect(fastest(func() { redact.Line(a.text, limit, a.secrets...) })).To(BeNumerically("<", 4096*perCharacter))
			g.Expect(allocated(func() { redact.Line(a.text, limit, a.secrets...) })).To(BeNumerically("<", 16<<20))
		})
	}
}

func BenchmarkLine(b *testing.B) {
	for name, a := range attacks {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				redact.Line(a.text, limit, a.secrets...)
			}
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	for name, prepare := range map[string]func() *redact.Secret{
		"a token":                    func() *redact.Secret { return redact.Token("ghp_0123456789abcdefghijABCDEFGHIJ012345") },
		"a token of 4,096 quotes":    func() *redact.Secret { return redact.Token(strings.Repeat("'", 4096)) },
		"4 KB of many characters":    func() *redact.Secret { return redact.Value(allCharacters(4096)) },
		"a URL of 2 KB with escapes": func() *redact.Secret { return redact.URL("https://ci.example.com/" + strings.Repeat("%27a%e9", 290)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				prepare()
			}
		})
	}
}

// fastest of some tries: a busy machine makes single ones slow.
func fastest(do func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range 3 {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
	}
	return best
}

func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzLine has a server say a part of a secret, in a spelling within another, somewhere in a text of its own.
func FuzzLine(f *testing.F) {
	f.Add("0123456789abcdef", "before ", " after", 0, 16, uint8(0), uint8(0))
	f.Add("1bc\"efgh", "%4", "", 0, 8, uint8(4), uint8(0))
	f.Add("p\"l&a n<t>é/+%\\\n0123", "", "%41", 3, 9, uint8(2), uint8(1))
	f.Add("lt;\"bcdefgh", "&", ";", 0, 20, uint8(1), uint8(9))
	f.Add("a\n\nb c\td+e", "", "", 0, 20, uint8(3), uint8(5))
	f.Add("'", "it's", "", 0, 1, uint8(7), uint8(7))
	f.Add("😀😀😀é😀😀😀😀", "\\ud83d", "\\", 0, 8, uint8(4), uint8(5))
	names := make([]string, 0, len(spellings))
	for name := range spellings {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Fuzz(func(t *testing.T, secret, before, after string, from, length int, inner, outer uint8) {
		secret = strings.ToValidUTF8(secret, "")
		if runes := []rune(secret); len(runes) > 64 {
			secret = string(runes[:64])
		}
		runes := []rune(secret)
		from = min(max(from, 0), len(runes))
		part := string(runes[from:min(max(length, 0)+from, len(runes))])
		spell := func(s string) string {
			return spellings[names[int(outer)%len(names)]](spellings[names[int(inner)%len(names)]](s))
		}
		text := before + spell(part) + after
		prepared := redact.Value(secret)
		var line string
		took := fastest(func() { line = redact.Line(text, limit, prepared) })

		expectHidden(t, line, secret)
		if most := time.Duration(min(utf8.RuneCountInString(text), 4096)+100) * perCharacter; took > most {
			t.Fatalf("%d characters took %s", len(text), took)
		}
		if utf8.RuneCountInString(line) > limit || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Fatalf("not a printable line of at most %d characters: %q", limit, line)
		}
	})
}

// expectHidden looks for each run of a secret in each spelling within another, and for all of one that is shorter.
func expectHidden(t *testing.T, line, secret string) {
	t.Helper()
	line = folded(line)
	for _, s := range []string{secret, strings.Join(strings.Fields(secret), " ")} {
		runes := []rune(s)
		size := min(len(runes), redact.Run)
		if strings.TrimSpace(s) == "" {
			continue
		}
		for at := range len(runes) - size + 1 {
			run := string(runes[at : at+size])
			for how, spell := range spellings {
				for within, inner := range spellings {
					for _, needle := range []string{run, spell(run), spell(inner(run))} {
						if isLine(needle) && strings.Contains(line, folded(needle)) {
							t.Fatalf("%q shows %q of %q, %s within %s", line, needle, secret, within, how)
						}
					}
				}
			}
		}
	}
}

func folded(s string) string { return strings.ToUpper(strings.ToLower(s)) }

// isLine tells whether a text can stand in a line as it is.
func isLine(s string) bool {
	return s != "" && !strings.Contains(s, "  ") && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' })
}
