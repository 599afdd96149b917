package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const (
	octoToken = "ghp_octo0123456789"
	repoHooks = "/api/v3/repos/octo-org/hello-world/hooks"
)

func hostsOf(t *testing.T, list string) Hosts {
	t.Helper()
	hosts, err := ParseHosts(list)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return hosts
}

func serverOf(t *testing.T, address string) Server {
	t.Helper()
	server, err := ParseServer(address)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return server
}

// clientOf is a client of the server at address, which it may talk to.
func clientOf(t *testing.T, address, token string, change ...func(*Options)) *Client {
	t.Helper()
	options := Options{Server: serverOf(t, address), Hosts: hostsOf(t, address), Token: NewSecret(token), UserAgent: "test"}
	for _, c := range change {
		c(&options)
	}
	client, err := NewClient(options)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(client.Close)
	return client
}

func within(timeout time.Duration) func(*Options) {
	return func(o *Options) { o.Timeout = timeout }
}

// serve starts a server that is no GitHub at all.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8") // As GitHub does.
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// repositoryOn is the repository octo-org/hello-world on a server.
func repositoryOn(t *testing.T, server *httptest.Server, change ...func(*Options)) Hooks {
	t.Helper()
	return clientOf(t, server.URL, octoToken, change...).RepositoryHooks("octo-org", "hello-world")
}

// answers makes a handler that always says the same.
func answers(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

// succeed answers with the status that GitHub documents for the webhooks' own endpoints.
func succeed(w http.ResponseWriter, r *http.Request, body string) {
	switch r.Method {
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPost:
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = fmt.Fprint(w, body)
}
