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
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// The secrets of a request, which a server says back. They begin with a public prefix where GitHub's do.
const (
	saidToken   = "plantedTOKEN0123456789abcdefABCDEF"
	saidSecret  = `planted "SECRET" <é> 0123456789 +/='`
	saidUser    = "planted-user"
	saidPass    = "planted-pass"
	saidPath    = "/planted-path/0123456789abcdef"
	saidQuery   = "key=planted~query~value"
	saidAddress = "https://" + saidUser + ":" + saidPass + "@ci.example.com" + saidPath + "?" + saidQuery
)

// echoes are the ways in which a server says a secret back, or a part of it.
var echoes = map[string]func(string) string{
	"raw":          func(s string) string { return s },
	"first half":   func(s string) string { return s[:len(s)/2] },
	"last twelve":  func(s string) string { return s[len(s)-12:] },
	"in the midst": func(s string) string { return "abc" + s[2:len(s)-2] + "def" },
	"in a query":   url.QueryEscape,
	"in a path":    url.PathEscape,
	"in quotes":    strconv.Quote,
	"in HTML":      html.EscapeString,
	"in capitals":  strings.ToUpper,
	"a part of it, in a query in JSON": func(s string) string {
		return strconv.Quote(url.QueryEscape(s[3:]))
	},
}

// expectNoRun looks for eight characters in a row of any of the secrets, in any of the spellings.
func expectNoRun(t *testing.T, how, text string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, secret := range []string{saidToken, saidSecret, saidUser, saidPass, saidPath, saidQuery} {
		for at := range len(secret) - redact.Run + 1 {
			run := secret[at : at+redact.Run]
			for _, spell := range []func(string) string{strings.ToLower, url.QueryEscape, url.PathEscape, html.EscapeString} {
				if strings.Contains(text, strings.ToLower(spell(run))) {
					t.Fatalf("%s shows %q: %s", how, run, text)
				}
			}
		}
	}
}

// TestErrorsKeepSecrets has a server say back whatever it was sent, in the places and spellings that a server could.
func TestErrorsKeepSecrets(t *testing.T) {
	all := []string{saidToken, saidSecret, saidUser, saidPass, saidPath, saidQuery, saidAddress}
	echo := func(status int, spell func(string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			words := make([]string, len(all))
			for i, s := range all {
				words[i] = spell(s)
			}
			said := strings.Join(words, " ")
			w.Header().Set("X-GitHub-Request-Id", words[0]+" "+words[1])
			w.Header().Set("X-Accepted-GitHub-Permissions", said)
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"message": said, "errors": []any{said, map[string]string{"field": words[0], "code": words[4]}, spell(string(body))},
			})
		}
	}
	for how, spell := range echoes {
		for _, status := range []int{401, 403, 404, 422, 500} {
			t.Run(fmt.Sprintf("%s %d", how, status), func(t *testing.T) {
				client := clientOf(t, serve(t, echo(status, spell)).URL, "ghp_"+saidToken)
				request := HookRequest{Config: &Config{URL: NewSecret(saidAddress), Secret: NewSecret(saidSecret)}}
				hooks := client.RepositoryHooks("octo-org", "hello-world")
				_, created := hooks.Create(t.Context(), request)
				_, edited := hooks.Edit(t.Context(), 1, request)
				_, configured := client.AppHook().EditConfig(t.Context(), 0, *request.Config)
				for _, err := range []error{created, edited, configured} {
					for how, text := range printed(err) {
						expectNoRun(t, how, text)
					}
				}
			})
		}
	}
}

// TestRefusalsTakeLittleTime: a secret is the tenant's and an answer the server's, so neither may cost much.
func TestRefusalsTakeLittleTime(t *testing.T) {
	for name, c := range map[string]struct{ token, secret, address, echo string }{
		"a token of 4,096 quotes": {strings.Repeat("'", 4096), "0123456789", "https://ci.example.com/", strings.Repeat("'", 60<<10)},
		"a secret of 512 dashes":  {octoToken, strings.Repeat("-", 512), "https://ci.example.com/", strings.Repeat("-", 60<<10)},
		"a URL of 48 KB": {octoToken, "0123456789", "https://ci.example.com" + strings.Repeat("/"+strings.Repeat("'", 4096), 12),
			strings.Repeat("/"+strings.Repeat("'", 4096), 12)},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			body, err := json.Marshal(map[string]string{"message": c.echo})
			g.Expect(err).NotTo(HaveOccurred())
			hooks := clientOf(t, serve(t, answers(http.StatusUnprocessableEntity, string(body))).URL, c.token).RepositoryHooks("octo-org", "hello-world")
			start := time.Now()
			for range 10 {
				_, err := hooks.Create(t.Context(), HookRequest{Config: &Config{URL: NewSecret(c.address), Secret: NewSecret(c.secret)}})
				g.Expect(err).To(MatchError(ErrValidation))
			}
			g.Expect(time.Since(start)).To(BeNumerically("<", 10*time.Second))
		})
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
