package githubsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

const (
	adminToken   = "ghp_admin"
	repository   = githubsim.Target("octo-org/hello-world")
	organization = githubsim.Target("octo-org")
	repoHooks    = "/repos/octo-org/hello-world/hooks"
	orgHooks     = "/orgs/octo-org/hooks"
)

// githubServer is a started simulator with one repository, its organization and an administrator's token.
type githubServer struct {
	*githubsim.Server
	t *testing.T
	g *WithT
}

func start(t *testing.T, options githubsim.Options) githubServer {
	t.Helper()
	g := NewWithT(t)
	validate(t, &options)
	s := githubsim.New(options)
	g.Expect(s.Start()).To(Succeed())
	t.Cleanup(s.Close)
	s.AddRepository(repository)
	s.AddToken(githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}})
	return githubServer{Server: s, t: t, g: g}
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
	list   []map[string]any
}

func (r reply) message() string {
	message, _ := r.body["message"].(string)
	return message
}

// errors joins the messages of a 422's entries.
func (r reply) errors() string {
	entries, _ := r.body["errors"].([]any)
	var messages []string
	for _, entry := range entries {
		fields, _ := entry.(map[string]any)
		if message, ok := fields["message"].(string); ok {
			messages = append(messages, message)
		}
	}
	return strings.Join(messages, "; ")
}

func (h githubServer) as(token, method, path, body string, header ...string) reply {
	h.t.Helper()
	response, err := h.try(token, method, path, body, header...)
	h.g.Expect(err).NotTo(HaveOccurred())
	return response
}

// do is a request of the administrator.
func (h githubServer) do(method, path, body string, header ...string) reply {
	h.t.Helper()
	return h.as(adminToken, method, path, body, header...)
}

// try may fail to get an answer. A path that is an address is taken as it is.
func (h githubServer) try(token, method, path, body string, header ...string) (reply, error) {
	h.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = h.URL() + "/api/v3" + path
	}
	request, err := http.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	h.g.Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if json.Unmarshal(raw, &got.body) != nil {
		_ = json.Unmarshal(raw, &got.list)
	}
	return got, nil
}

// created makes a webhook of the repository over the API and returns its path.
func (h githubServer) created(body string) string {
	h.t.Helper()
	answer := h.do(http.MethodPost, repoHooks, body)
	h.g.Expect(answer.status).To(Equal(http.StatusCreated), answer.raw)
	return strings.TrimPrefix(answer.header.Get("Location"), h.URL()+"/api/v3")
}

// serve is a request of the administrator without a network.
func serve(s *githubsim.Server, method, path, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+adminToken)
	request.Header.Set("User-Agent", "test")
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	return recorder
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }
