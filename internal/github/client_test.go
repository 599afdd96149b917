package github

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestEveryRequestCarriesGitHubsHeaders(t *testing.T) {
	g := NewWithT(t)
	var header http.Header
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		succeed(w, r, `{"id":1}`)
	})
	hooks := repositoryOn(t, server)
	_, err := hooks.Create(t.Context(), HookRequest{Config: &Config{URL: NewSecret("https://ci.example.com")}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(header).To(And(
		HaveKeyWithValue("Accept", []string{"application/vnd.github+json"}),
		HaveKeyWithValue("X-Github-Api-Version", []string{"2022-11-28"}),
		HaveKeyWithValue("User-Agent", []string{"test"}),
		HaveKeyWithValue("Authorization", []string{"Bearer " + octoToken}),
		HaveKeyWithValue("Content-Type", []string{"application/json"}),
	))
	g.Expect(hooks.Delete(t.Context(), 1)).To(Succeed())
	g.Expect(header).NotTo(HaveKey("Content-Type"))

	unnamed := repositoryOn(t, server, func(o *Options) { o.UserAgent = "" })
	g.Expect(unnamed.Delete(t.Context(), 1)).To(Succeed())
	g.Expect(header.Get("User-Agent")).To(Equal("github-webhook-operator"))
}

// broken makes a server that sends this and hangs up.
func broken(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(connection, raw)
		_ = connection.Close()
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"the connection is closed", broken(""), "the connection broke"},
		{"the body is cut off", broken("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + `{"id":1`), "the connection broke"},
		{"a chunk is missing", broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + `{"id"` + "\r\n"), "the connection broke"},
		{"the body is cut off and nobody says so", broken("HTTP/1.0 200 OK\r\n\r\n" + `{"id":1`), malformed},
		{"it is no HTTP", broken("SSH-2.0-OpenSSH\r\n"), "the connection broke"},
		{"the headers are too long", broken("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 1<<20) + "\r\n\r\n{}"), "the connection broke"},
		{"no body", answers(http.StatusOK, ``), malformed},
		{"a page", answers(http.StatusOK, `<html>`), malformed},
		{"more than JSON", answers(http.StatusOK, `{"id":1}{"id":2}`), malformed},
		{"no webhook", answers(http.StatusOK, `{}`), malformed + ": id is missing"},
		{"null", answers(http.StatusOK, `null`), malformed + ": id is missing"},
		{"another type", answers(http.StatusOK, `{"id":"planted"}`), malformed + ": id is missing"},
		{"another kind of JSON", answers(http.StatusOK, `"planted"`), malformed},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"id":1,"name":"`)
			_, _ = io.Copy(w, io.LimitReader(letters{}, maxBody))
		}, "the answer is larger than 8 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := repositoryOn(t, serve(t, c.handler)).Get(t.Context(), 1)
			g.Expect(err).To(MatchError(ErrUnavailable))
			g.Expect(err).To(MatchError(HavePrefix("GET /repos/{owner}/{repo}/hooks/{hook_id}: " + c.want)))
			g.Expect(err.Error()).NotTo(ContainSubstring("planted"))
		})
	}
}

// letters is an endless body.
type letters struct{}

func (letters) Read(p []byte) (int, error) { return copy(p, strings.Repeat("a", len(p))), nil }

func TestTimeouts(t *testing.T) {
	silent := func(http.ResponseWriter, *http.Request) {}
	for _, c := range []struct {
		name  string
		begin http.HandlerFunc
	}{
		{"no answer", silent},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"id":`)
			_ = http.NewResponseController(w).Flush()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			hanging := hang(t, c.begin)
			_, err := repositoryOn(t, hanging, within(50*time.Millisecond)).Get(t.Context(), 1)
			g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring("no answer in time"))))
			g.Expect(errors.Is(err, context.DeadlineExceeded)).To(BeFalse(), "the caller's own deadline was not met")
		})
	}
	t.Run("the caller gives up", func(t *testing.T) {
		g := NewWithT(t)
		ctx, cancel := context.WithCancel(t.Context())
		hanging := hang(t, func(http.ResponseWriter, *http.Request) { cancel() })
		_, err := repositoryOn(t, hanging).Get(ctx, 1)
		g.Expect(errors.Is(err, context.Canceled)).To(BeTrue())
		g.Expect(errors.Is(err, ErrUnavailable)).To(BeTrue(), "whether it took effect is not known")
	})
	t.Run("the caller has less time", func(t *testing.T) {
		g := NewWithT(t)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := repositoryOn(t, hang(t, silent)).Get(ctx, 1)
		g.Expect(errors.Is(err, context.DeadlineExceeded)).To(BeTrue())
		g.Expect(errors.Is(err, ErrUnavailable)).To(BeTrue())
	})
}

// hang makes a server that begins and does not go on until the test ends.
func hang(t *testing.T, begin http.HandlerFunc) *httptest.Server {
	t.Helper()
	over := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		begin(w, r)
		<-over
	})
	t.Cleanup(func() { close(over) })
	return server
}

func TestServersThatAreNotThere(t *testing.T) {
	g := NewWithT(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	address := listener.Addr().String()
	g.Expect(listener.Close()).To(Succeed())

	_, err = clientOf(t, "http://"+address, octoToken).App(t.Context())
	g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError("GET /app: the connection was refused")))
}

func TestConnectionTrouble(t *testing.T) {
	for want, err := range map[string]error{
		"the name ghe.example.com cannot be resolved": &net.OpError{Op: "dial", Err: &net.DNSError{Name: "ghe.example.com", Server: "10.0.0.10:53"}},
		"no connection could be made":                 &net.OpError{Op: "dial", Err: errors.New("planted 127.0.0.1:54321")},
		"the connection broke before the answer":      &net.OpError{Op: "read", Err: errors.New("read tcp 127.0.0.1:54321->127.0.0.1:443")},
		"there was no answer in time":                 &net.OpError{Op: "dial", Err: timeoutError{}},
		"the server cannot be reached":                &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH},
		"the server's certificate has expired":        &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		"the server's certificate is not valid":       &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}},
	} {
		NewWithT(t).Expect(connectionTrouble(err)).To(HavePrefix(want))
		NewWithT(t).Expect(connectionTrouble(err)).NotTo(ContainSubstring("54321"), "it changes with every attempt")
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func TestConnectionsAreUsedAgain(t *testing.T) {
	g := NewWithT(t)
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case repoHooks + "/1":
			w.Header().Set("Location", "/api/v3/repositories/1/hooks/1")
			w.WriteHeader(http.StatusTemporaryRedirect)
			_, _ = io.WriteString(w, strings.Repeat(" ", 10_000))
		case repoHooks + "/2":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprintf(w, `{"message":"Not Found"}%s`, strings.Repeat(" ", 50_000))
		case repoHooks + "/3/pings":
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = fmt.Fprintf(w, `{"id":1}%s`, strings.Repeat(" ", 10_000))
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	hooks := repositoryOn(t, server)
	for range 5 {
		_, err := hooks.Get(t.Context(), 1)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = hooks.Get(t.Context(), 2)
		g.Expect(err).To(MatchError(ErrNotFound))
		g.Expect(hooks.Ping(t.Context(), 3)).To(Succeed())
	}
	g.Expect(connections.Load()).To(Equal(int32(1)))
}

func TestManyObjectsShareTheClient(t *testing.T) {
	g := NewWithT(t)
	client := clientOf(t, serve(t, answers(http.StatusOK, `{"id":1}`)).URL, octoToken)
	var wait sync.WaitGroup
	var failed atomic.Int32
	for range 50 {
		wait.Go(func() {
			if _, err := client.RepositoryHooks("octo-org", "hello-world").Get(t.Context(), 1); err != nil {
				failed.Add(1)
			}
		})
	}
	wait.Wait()
	g.Expect(failed.Load()).To(BeZero())
	client.Close()
	_, err := client.OrganizationHooks("octo-org").Get(t.Context(), 1)
	g.Expect(err).NotTo(HaveOccurred(), "a closed client can still be used")
}
