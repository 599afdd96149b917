package github

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
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
	var spelt []string
	for _, secret := range secrets {
		switch {
		case secret == "":
		case len(secret) < tellingLength:
			r.short = append(r.short, strings.ToLower(secret))
		case len(secret) > quotableLength:
			r.mute = true
		default:
			spelt = append(spelt, spellings(secret)...)
		}
	}
	if len(spelt) == 0 {
		return r
	}
	slices.SortFunc(spelt, func(a, b string) int { return len(b) - len(a) }) // A part must not go before the whole.
	for i, s := range spelt {
		spelt[i] = regexp.QuoteMeta(s)
	}
	r.pattern = regexp.MustCompile("(?i)" + strings.Join(slices.Compact(spelt), "|"))
	return r
}

// line is text in one line of at most limit characters, without the secrets.
func (r redactor) line(text string, limit int) string {
	lower := strings.ToLower(text)
	if r.mute || slices.ContainsFunc(r.short, func(s string) bool { return strings.Contains(lower, s) }) {
		return ""
	}
	// Once as the server wrote it and once as it is shown: taking characters out must not put a secret together.
	return cut(r.hide(clean(r.hide(text), len(text))), limit)
}

func (r redactor) hide(text string) string {
	if r.pattern == nil {
		return text
	}
	return r.pattern.ReplaceAllLiteralString(string([]rune(text)), redacted)
}

// spellings are the ways in which a server could write a secret: raw, in JSON, in Go or Ruby quotes, in a URL, in HTML,
// in one line, and each of them within a string of JSON again.
func spellings(secret string) []string {
	valid := string([]rune(secret)) // as every decoder of JSON does with what is no UTF-8
	plain := []string{
		valid, clean(valid, len(valid)), url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(valid), unquoted(strconv.Quote(secret)),
		strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
	}
	all := slices.Clone(plain)
	for _, s := range plain {
		escaped, _ := json.Marshal(s) // a string can always be encoded
		all = append(all, unquoted(string(escaped)))
		if bare, err := encode(s); err == nil {
			all = append(all, unquoted(strings.TrimSpace(string(bare))))
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < tellingLength })
}

func unquoted(s string) string { return s[1 : len(s)-1] }

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

// clean puts text into one line of at most limit characters: white space becomes one space, and what a terminal or a
// reader's eye could be led astray with goes.
func clean(text string, limit int) string {
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
	return cut(strings.Join(strings.Fields(printable), " "), limit)
}

// cut shortens text to limit characters.
func cut(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}
