package github

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestRedaction(t *testing.T) {
	const secret = `p"l&a n<t>é/+%\` + "\n" + `0123`
	inJSON, err := json.Marshal(secret)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	bare, err := encode(secret)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for how, spelling := range map[string]string{
		"raw":                       secret,
		"in JSON":                   inner(string(inJSON)),
		"in JSON that keeps HTML":   inner(strings.TrimSpace(string(bare))),
		"in a query":                url.QueryEscape(secret),
		"in a query, spaces as %20": strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
		"in a query, lower case":    strings.ToLower(url.QueryEscape(secret)),
		"in a path":                 url.PathEscape(secret),
		"in quotes":                 strconv.Quote(secret),
		"in HTML":                   html.EscapeString(secret),
		"in one line":               oneLine(secret),
		"in JSON in a query":        url.QueryEscape(inner(string(inJSON))),
		"in a query in a query":     url.QueryEscape(url.QueryEscape(secret)),
		"in HTML in JSON":           strings.ReplaceAll(html.EscapeString(inner(strings.TrimSpace(string(bare)))), "&#34;", "&quot;"),
		"in JSON in JSON":           strings.ReplaceAll(strings.ReplaceAll(inner(string(inJSON)), `\`, `\\`), `"`, `\"`),
	} {
		t.Run(how, func(t *testing.T) {
			line := newRedactor("other", secret).line("before "+spelling+" after", maxMessage)
			NewWithT(t).Expect(line).To(MatchRegexp(`^before "?\[redacted\]"? after$`))
		})
	}
}

// inner is what stands between the quotes.
func inner(s string) string { return s[1 : len(s)-1] }

func TestRedactionLine(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"no secrets", nil, "Not Found", "Not Found"},
		{"empty secrets", []string{"", ""}, "Not Found", "Not Found"},
		{"twice", []string{"hidden"}, "hidden and HIDDEN", "[redacted] and [redacted]"},
		{"the longer one goes first", []string{"hidden", "hidden-too"}, "hidden-too", "[redacted]"},
		{"a secret that could be read from its gap", []string{"o"}, "Not Found", ""},
		{"a short secret that is not there", []string{"x1"}, "Not Found", "Not Found"},
		{"a secret that is put together by cleaning", []string{"hidden"}, "hid\x00den", "[redacted]"},
		{"a secret that spans lines", []string{"first\nsecond"}, "about first\nsecond", "about [redacted]"},
		{"a secret that is no UTF-8", []string{"hid\xff\xfeden"}, "about hid\ufffd\ufffdden", "about [redacted]"},
		{"a secret that could be quoted in part", []string{strings.Repeat("x", quotableLength+1)}, "about xxx", ""},
		{"a long line is cut after the secret went", []string{strings.Repeat("h", 80)}, strings.Repeat("a", maxMessage-40) + strings.Repeat("h", 80),
			strings.Repeat("a", maxMessage-40) + redacted},
	} {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(newRedactor(c.secrets...).line(c.text, maxMessage)).To(Equal(c.want))
		})
	}
}

func TestURLSecrets(t *testing.T) {
	for _, c := range []struct{ address, echo, want string }{
		{"https://ci.example.com/github", "url https://ci.example.com/github is bad", "url [redacted] is bad"},
		{"https://user:pass@ci.example.com/", "pass of user", "[redacted] of [redacted]"},
		{"https://ci.example.com/hooks/T0KEN12345", "no route /hooks/T0KEN12345", "no route [redacted]"},
		{"https://ci.example.com/hooks/T0KEN12345", "bad segment T0KEN12345", "bad segment [redacted]"},
		{"https://ci.example.com/?token=T0KEN12345", "bad value T0KEN12345", "bad value [redacted]"},
		{"https://ci.example.com/?T0KEN12345", "bad name T0KEN12345", "bad name [redacted]"},
		{"https://ci.example.com/webhooks", "Hook exists for the host ci.example.com", "Hook exists for the host ci.example.com"},
		{"https://%zz", "bad https://%zz", "bad [redacted]"},
		{"", "nothing to hide", "nothing to hide"},
	} {
		t.Run(c.address, func(t *testing.T) {
			NewWithT(t).Expect(newRedactor(urlSecrets(c.address)...).line(c.echo, maxMessage)).To(Equal(c.want))
		})
	}
}

// TestErrorsKeepSecrets has a server say back whatever it was sent, in the places and spellings that a server could.
func TestErrorsKeepSecrets(t *testing.T) {
	const (
		token   = "ghp_plantedTOKEN0123456789"
		secret  = `planted "SECRET" <&> 0123456789`
		address = "https://planted-user:planted-pass@ci.example.com/planted-path?key=planted%20query+value"
	)
	echo := func(status int, spell func(string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			said := spell(fmt.Sprintf("%s %s %s %s %s", r.Header.Get("Authorization"), body, secret, address, address[len("https://"):]))
			w.Header().Set("X-GitHub-Request-Id", said)
			w.Header().Set("X-Accepted-GitHub-Permissions", said)
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"message": said, "errors": []any{said, map[string]string{"field": said, "code": said}}})
		}
	}
	for how, spell := range map[string]func(string) string{
		"raw":        func(s string) string { return s },
		"in a query": url.QueryEscape, "in a path": url.PathEscape, "in quotes": strconv.Quote, "in HTML": html.EscapeString, "in capitals": strings.ToUpper,
	} {
		for _, status := range []int{403, 422, 500} {
			t.Run(fmt.Sprintf("%s %d", how, status), func(t *testing.T) {
				client := clientOf(t, serve(t, echo(status, spell)).URL, token)
				request := HookRequest{Config: &Config{URL: NewSecret(address), Secret: NewSecret(secret)}}
				hooks := client.RepositoryHooks("octo-org", "hello-world")
				_, created := hooks.Create(t.Context(), request)
				_, edited := hooks.Edit(t.Context(), 1, request)
				_, configured := client.AppHook().EditConfig(t.Context(), 0, *request.Config)
				for _, err := range []error{created, edited, configured} {
					for how, text := range printed(err) {
						NewWithT(t).Expect(strings.ToLower(text)).NotTo(ContainSubstring("planted"), how)
					}
				}
			})
		}
	}
}

// TestAnswersAreNotQuoted: what cannot be decoded can hold a token.
func TestAnswersAreNotQuoted(t *testing.T) {
	for _, body := range []string{
		`{"token":"planted","expires_at":"planted"}`, `{"token":"planted"`, `planted`, `{"token":["planted"]}`, `{"expires_at":"2026-01-01T00:00:00Z"}`,
		`{"token":"planted","expires_at":"2026-01-01T00:00:00Z","permissions":{"planted":1}}`,
	} {
		t.Run(body, func(t *testing.T) {
			_, err := clientOf(t, serve(t, answers(http.StatusCreated, body)).URL, octoToken).CreateInstallationToken(t.Context(), 1, InstallationTokenRequest{})
			NewWithT(t).Expect(err).To(MatchError(ErrUnavailable))
			for how, text := range printed(err) {
				NewWithT(t).Expect(text).NotTo(ContainSubstring("planted"), how)
			}
		})
	}
}
