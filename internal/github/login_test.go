package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

const mintedToken = "ghs_minted0123.0123456789.planted0123"

// echo is a server that answers one kind of request with all that it was sent, and the login's others properly.
type echo struct {
	*httptest.Server
	// on is the end of the path that is refused, with this status.
	on     string
	status int

	mu sync.Mutex
	// sent are all credentials, with the parts of the JSON web tokens.
	sent []string
}

func newEcho(t *testing.T, on string, status int) *echo {
	t.Helper()
	e := &echo{on: on, status: status}
	e.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		parts := strings.Split(strings.TrimPrefix(authorization, bearerPrefix), ".")
		e.mu.Lock()
		e.sent = append(append(e.sent, authorization), parts...)
		e.mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, e.on):
			message := fmt.Sprintf("refused %s: %s", authorization, strings.Join(parts, " and "))
			body, _ := json.Marshal(map[string]string{"message": message})
			w.Header().Set("X-Accepted-GitHub-Permissions", authorization)
			w.Header().Set("X-GitHub-Request-Id", authorization)
			w.WriteHeader(e.status)
			_, _ = w.Write(body)
		case strings.HasSuffix(r.URL.Path, "/installation"):
			_, _ = fmt.Fprint(w, `{"id":1,"account":{"login":"octo-org"}}`)
		case strings.HasSuffix(r.URL.Path, "/access_tokens"):
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"token":%q,"expires_at":"2100-01-01T00:00:00Z"}`, mintedToken)
		default:
			_, _ = fmt.Fprint(w, `[]`)
		}
	})
	return e
}

func TestNoLoginShowsInErrors(t *testing.T) {
	key := pkcs1(rsaKey(t, 2048))
	for _, on := range []string{"/installation", "/access_tokens", "/hooks", "/config"} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity} {
			t.Run(fmt.Sprintf("%d to %s", status, on), func(t *testing.T) {
				g := NewWithT(t)
				server := newEcho(t, on, status)
				client := clientOf(t, server.URL, "", func(o *Options) { o.App = &AppCredentials{ID: "1", PrivateKey: NewSecret(key)} })
				_, err := client.RepositoryHooks("octo-org", "hello-world").List(t.Context())
				if on == "/config" {
					_, err = client.AppHook().Config(t.Context(), 0)
				}
				g.Expect(err).To(MatchError(ContainSubstring(redacted)))
				shown := fmt.Sprintf("%v %+v %#v", err, err, err)
				for _, sent := range server.sent {
					g.Expect(shown).NotTo(ContainSubstring(sent))
				}
				g.Expect(server.sent).To(ContainElement(HavePrefix(bearerPrefix + "eyJ")))
				g.Expect(fmt.Sprintf("%v %+v", client.login, *client.options.App)).NotTo(ContainSubstring(key))
			})
		}
	}
}

func TestMintedTokensThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"no end":        `{"token":"planted0123"}`,
		"no token":      `{"expires_at":"2100-01-01T00:00:00Z"}`,
		"an end of old": `{"token":"planted0123","expires_at":"planted"}`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			server := serve(t, answers(http.StatusCreated, body))
			client := clientOf(t, server.URL, "", func(o *Options) {
				o.App = &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048))), InstallationID: 1}
			})
			_, err := client.RepositoryHooks("octo-org", "hello-world").List(t.Context())
			g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring(malformed))))
			g.Expect(err.Error()).NotTo(ContainSubstring("planted"))
		})
	}
}
