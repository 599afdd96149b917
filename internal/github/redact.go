package github

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxMessage and maxWord bound what is quoted of a server, in characters.
	maxMessage = 500
	maxWord    = 200

	// tellingLength: a shorter secret could be read from the gaps that it leaves in a known sentence.
	tellingLength = 4
	// quotableLength: of a longer secret a server could quote a part, which no pattern finds.
	quotableLength = 4096
	// tokenLength is where a part of a URL may be a token and no longer an ordinary word such as "webhooks".
	tokenLength = 9
)

// redactor takes secrets out of what a server says, in every spelling that a server could echo.
type redactor struct {
	// pattern is nil where there is no secret.
	pattern *regexp.Regexp
	// short secrets take away the whole text they occur in.
	short []string
	// mute: nothing may be quoted.
	mute bool
}

func newRedactor(secrets ...string) redactor {
	var r redactor
	var patterns []string
	for _, secret := range secrets {
		switch visible := oneLine(secret); {
		case secret == "":
		case visible == "" || len(secret) > quotableLength:
			r.mute = true
		case len([]rune(visible)) < tellingLength:
			r.short = append(r.short, strings.ToLower(visible))
		default:
			patterns = append(patterns, spellings(secret))
		}
	}
	if len(patterns) > 0 {
		// A part must not go before the whole.
		slices.SortFunc(patterns, func(a, b string) int { return len(b) - len(a) })
		r.pattern = regexp.MustCompile("(?i)" + strings.Join(slices.Compact(patterns), "|"))
	}
	return r
}

// line is text in one line of at most limit characters, without the secrets.
func (r redactor) line(text string, limit int) string {
	text = oneLine(text)
	lower := strings.ToLower(text)
	if r.mute || slices.ContainsFunc(r.short, func(s string) bool { return strings.Contains(lower, s) }) {
		return ""
	}
	if r.pattern != nil {
		text = r.pattern.ReplaceAllLiteralString(text, redacted)
	}
	return cut(text, limit)
}

// backslash escapes what follows, and can itself be encoded for a URL any number of times.
const backslash = `(?:\\|%(?:25)*5c)`

// whiteSpace is any run of it in one line, in JSON or in a URL.
const whiteSpace = `(?: |\+|` + backslash + `+[nrtvf]|%(?:25)*(?:20|2b|0[9a-d]))+`

// entities are the characters that have a name in HTML.
var entities = map[rune]string{'"': "quot", '\'': "apos", '&': "amp", '<': "lt", '>': "gt"}

// spellings is a pattern for all ways in which a server could write a secret in one line: raw, in JSON, in quotes, in a
// URL, in HTML, and one within the other.
func spellings(secret string) string {
	var pattern strings.Builder
	inSpace := false
	for i, r := range secret {
		_, size := utf8.DecodeRuneInString(secret[i:])
		isSpace := unicode.IsSpace(r)
		switch {
		case isSpace && !inSpace:
			pattern.WriteString(whiteSpace)
		case !isSpace:
			pattern.WriteString(spelling(r, secret[i:i+size]))
		}
		inSpace = isSpace
	}
	return pattern.String()
}

// spelling is a pattern for one character, of which bytes are the encoding. What cannot be seen may be left out.
func spelling(r rune, bytes string) string {
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return string(r)
	}
	var inURL, inQuotes, inJSON string
	for _, b := range []byte(bytes) {
		inURL += fmt.Sprintf(`%%(?:25)*%02x`, b)
		inQuotes += backslash + fmt.Sprintf(`+x%02x`, b)
	}
	for _, unit := range utf16.Encode([]rune{r}) {
		inJSON += backslash + fmt.Sprintf(`+u%04x`, unit)
	}
	inHTML := fmt.Sprintf(`&(?:amp;)*(?:#0*%d|#x0*%x|%s);`, r, r, cmp.Or(entities[r], "#"))
	optional := ""
	if !unicode.IsGraphic(r) {
		optional = "?"
	}
	raw := regexp.QuoteMeta(string(r))
	return "(?:" + strings.Join([]string{backslash + "*" + raw, backslash + "*" + inURL, inQuotes, inJSON, backslash + "*" + inHTML}, "|") + ")" + optional
}

// urlSecrets are a URL and those parts of it in which a receiver's token can stand.
func urlSecrets(address string) []string {
	if address == "" {
		return nil
	}
	all := []string{address}
	u, err := url.Parse(address)
	if err != nil {
		return all
	}
	if password, ok := u.User.Password(); ok {
		all = append(all, password)
	}
	if u.User != nil {
		all = append(all, u.User.Username())
	}
	parts := strings.Split(u.Path, "/")
	for name, values := range u.Query() {
		parts = append(append(parts, name), values...)
	}
	parts = append(parts, u.RawQuery, u.Fragment, u.Path, u.RequestURI())
	for _, part := range parts {
		if len(part) >= tokenLength {
			all = append(all, part)
		}
	}
	return all
}

// clean puts text into one line of at most limit characters.
func clean(text string, limit int) string { return cut(oneLine(text), limit) }

// oneLine turns white space into one space each and takes out what a terminal or a reader's eye could be led astray with.
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

// cut shortens text to limit characters.
func cut(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}
