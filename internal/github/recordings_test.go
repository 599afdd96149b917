package github_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// recording is an answer of the real GitHub. Those in testdata are written by hand after GitHub's documentation;
// GITHUB_RECORDINGS_DIR may hold real ones.
type recording struct {
	Request struct {
		Method string `json:"method"`
		Path   string `json:"path"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

// masks stand in recordings for names and numbers.
var masks = strings.NewReplacer(
	"<GITHUB_LOGIN>", "octocat", "<GITHUB_TEST_ORGANIZATION>", "octo-org", "<GITHUB_TEST_REPOSITORY>", "hello-world",
	"<GITHUB_TEST_INTEGRATION_INSTALLATION>", "288186", "<GITHUB_TEST_INTEGRATION>", "4242",
)

// notOurs are recorded requests to endpoints that the client does not have.
var notOurs = regexp.MustCompile(`^/hooks$|enterprise/stats/hooks$`)

// endpoint is a method of the client for the requests that fit.
type endpoint struct {
	request *regexp.Regexp
	call    func(context.Context, *github.Client) (any, error)
}

func endpointFor(pattern string, call func(context.Context, *github.Client) (any, error)) endpoint {
	return endpoint{regexp.MustCompile("^" + pattern + "$"), call}
}

func of(c *github.Client) github.Hooks { return c.RepositoryHooks("octo-org", "hello-world") }

// nothing is for answers without a body that matters.
func nothing(call func(context.Context, github.Hooks) error) func(context.Context, *github.Client) (any, error) {
	return func(ctx context.Context, c *github.Client) (any, error) { return nil, call(ctx, of(c)) }
}

const place = `/(?:repos/[^/]+|orgs)/[^/]+`

var endpoints = []endpoint{
	endpointFor(`GET `+place+`/hooks`, func(ctx context.Context, c *github.Client) (any, error) { return of(c).List(ctx) }),
	endpointFor(`POST `+place+`/hooks`, func(ctx context.Context, c *github.Client) (any, error) {
		return of(c).Create(ctx, github.HookRequest{})
	}),
	endpointFor(`GET `+place+`/hooks/\d+`, func(ctx context.Context, c *github.Client) (any, error) { return of(c).Get(ctx, 1) }),
	endpointFor(`PATCH `+place+`/hooks/\d+`, func(ctx context.Context, c *github.Client) (any, error) {
		return of(c).Edit(ctx, 1, github.HookRequest{})
	}),
	endpointFor(`DELETE `+place+`/hooks/\d+`, nothing(func(ctx context.Context, h github.Hooks) error { return h.Delete(ctx, 1) })),
	endpointFor(`POST `+place+`/hooks/\d+/pings`, nothing(func(ctx context.Context, h github.Hooks) error { return h.Ping(ctx, 1) })),
	endpointFor(`POST `+place+`/hooks/\d+/tests`, nothing(func(ctx context.Context, h github.Hooks) error { return h.Test(ctx, 1) })),
	endpointFor(`GET .*/hook/config`, func(ctx context.Context, c *github.Client) (any, error) { return c.AppHook().Config(ctx, 0) }),
	endpointFor(`GET .*/deliveries(\?.*)?`, func(ctx context.Context, c *github.Client) (any, error) {
		return c.AppHook().Deliveries(ctx, 0, github.DeliveryQuery{})
	}),
	endpointFor(`GET .*/deliveries/\d+`, func(ctx context.Context, c *github.Client) (any, error) { return c.AppHook().Delivery(ctx, 0, 1) }),
	endpointFor(`POST .*/deliveries/\d+/attempts`, nothing(func(ctx context.Context, h github.Hooks) error { return h.Redeliver(ctx, 1, 1) })),
	endpointFor(`GET /app`, func(ctx context.Context, c *github.Client) (any, error) { return c.App(ctx) }),
	endpointFor(`GET .*/installation`, func(ctx context.Context, c *github.Client) (any, error) {
		return c.OrganizationInstallation(ctx, "octo-org")
	}),
	endpointFor(`POST /app/installations/[^/]+/access_tokens`, func(ctx context.Context, c *github.Client) (any, error) {
		return c.CreateInstallationToken(ctx, 1, github.InstallationTokenRequest{})
	}),
}

func TestRecordingsAreUnderstood(t *testing.T) {
	dirs := map[string]int{"testdata": 9}
	if dir := os.Getenv("GITHUB_RECORDINGS_DIR"); dir != "" {
		dirs[dir] = 80
	} else {
		t.Log("GITHUB_RECORDINGS_DIR is not set: GitHub's recorded answers were not read, only those in testdata, written by hand.")
	}
	for dir, atLeast := range dirs {
		understood := 0
		for i, r := range readRecordings(t, filepath.Join(dir, "recordings.json")) {
			if notOurs.MatchString(r.Request.Path) {
				continue
			}
			t.Run(fmt.Sprintf("%s %d %s %s", filepath.Base(dir), i, r.Request.Method, r.Request.Path), func(t *testing.T) { r.understand(t) })
			understood++
		}
		NewWithT(t).Expect(understood).To(BeNumerically(">=", atLeast), dir)
	}
}

func readRecordings(t *testing.T, path string) []recording {
	t.Helper()
	g := NewWithT(t)
	raw, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	var recordings []recording
	g.Expect(json.Unmarshal([]byte(masks.Replace(string(raw))), &recordings)).To(Succeed())
	for i := range recordings {
		// A body whose masks were no JSON was recorded as text.
		var text string
		if json.Unmarshal(recordings[i].Response.Body, &text) == nil {
			recordings[i].Response.Body = json.RawMessage(text)
		}
	}
	return recordings
}

// understand lets the client read the answer from a server, and compares what it understood with what was there.
func (r recording) understand(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range r.Response.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(r.Response.Status)
		if !bytes.Equal(r.Response.Body, []byte("null")) {
			_, _ = w.Write(r.Response.Body)
		}
	}))
	defer server.Close()
	parsed, err := github.ParseServer(server.URL)
	g.Expect(err).NotTo(HaveOccurred())
	hosts, err := github.ParseHosts(server.URL)
	g.Expect(err).NotTo(HaveOccurred())
	client, err := github.NewClient(github.Options{Server: parsed, Hosts: hosts, Token: github.NewSecret("ghp_recorded")})
	g.Expect(err).NotTo(HaveOccurred())
	defer client.Close()

	for _, e := range endpoints {
		if e.request.MatchString(r.Request.Method + " " + r.Request.Path) {
			answer, err := e.call(t.Context(), client)
			r.compare(g, answer, err)
			return
		}
	}
	t.Fatal("no method of the client is for this request")
}

func (r recording) compare(g *WithT, answer any, err error) {
	recorded := decoded(g, r.Response.Body)
	if r.Response.Status > 299 {
		refusal, ok := errors.AsType[*github.Error](err)
		g.Expect(ok).To(BeTrue())
		g.Expect(refusal.StatusCode).To(Equal(r.Response.Status))
		g.Expect(refusal.Message).To(HavePrefix(recorded.(map[string]any)["message"].(string)))
		g.Expect(errors.Is(err, github.ErrNotFound)).To(Equal(r.Response.Status == http.StatusNotFound))
		return
	}
	g.Expect(err).NotTo(HaveOccurred())
	if answer == nil {
		return
	}
	if page, ok := answer.(github.DeliveryPage); ok {
		link := r.Response.Headers["link"]
		hasNext := page.Next != ""
		g.Expect(hasNext).To(Equal(strings.Contains(link, `rel="next"`)))
		g.Expect(link).To(ContainSubstring(page.Next))
		answer = page.Deliveries
	}
	encoded, err := json.Marshal(spelt(answer))
	g.Expect(err).NotTo(HaveOccurred())
	same(g, "", decoded(g, encoded), recorded)
}

func decoded(g *WithT, body []byte) any {
	if len(body) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	g.Expect(decoder.Decode(&value)).To(Succeed(), string(body))
	return value
}

// spelt gives what has other names in Go, or other types, GitHub's own.
func spelt(answer any) any {
	config := func(c github.HookConfig) map[string]any {
		return map[string]any{
			"url": c.URL, "content_type": c.ContentType, "secret": c.Secret, "insecure_ssl": map[bool]string{true: "1", false: "0"}[c.InsecureSSL],
		}
	}
	hook := func(h github.Hook) any {
		return struct {
			github.Hook
			Config map[string]any `json:"config"`
		}{h, config(h.Config)}
	}
	switch answer := answer.(type) {
	case *github.Hook:
		return hook(*answer)
	case []github.Hook:
		hooks := []any{}
		for _, h := range answer {
			hooks = append(hooks, hook(h))
		}
		return hooks
	case *github.HookConfig:
		return config(*answer)
	case *github.InstallationToken:
		return map[string]any{
			"expires_at": answer.ExpiresAt, "permissions": answer.Permissions, "repository_selection": answer.RepositorySelection,
		}
	default:
		return answer
	}
}

// verbatim are objects of which every key is kept.
var verbatim = regexp.MustCompile(`(permissions|headers|payload)$`)

// unused is what GitHub shows and the client leaves alone.
var unused = regexp.MustCompile(`(^|\.)(test_url|ping_url|deliveries_url` +
	`|config\.(railsbp_url|token)` + // settings of GitHub Services
	`|account\..*|target_id|node_id|created_at|updated_at|access_tokens_url|repositories_url|single_file_name|has_multiple_single_files` +
	`|single_file_paths|suspended_by|contact_email|client_id` + // of installations
	`|token|repositories)$`) // of an installation's token: it is secret, and compared by the simulator's tests

// same holds what was understood against what was recorded. What was not recorded must be nothing.
func same(g *WithT, path string, understood, recorded any) {
	switch got := understood.(type) {
	case map[string]any:
		fields, _ := recorded.(map[string]any)
		if verbatim.MatchString(path) {
			g.Expect(got).To(Equal(fields), path)
			return
		}
		for name := range fields {
			if below := strings.TrimPrefix(path+"."+name, "."); !unused.MatchString(below) || isHook(fields) && strings.HasSuffix(name, "ted_at") {
				g.Expect(got).To(HaveKey(name), below)
			}
		}
		for name, value := range got {
			same(g, strings.TrimPrefix(path+"."+name, "."), value, fields[name])
		}
	case []any:
		entries, _ := recorded.([]any)
		g.Expect(got).To(HaveLen(len(entries)), path)
		for i := range got {
			same(g, path+"[]", got[i], entries[i])
		}
	default:
		g.Expect(canonical(understood)).To(Equal(canonical(recorded)), path)
	}
}

// isHook tells a hook, whose times are used, from an installation.
func isHook(fields map[string]any) bool { return fields["config"] != nil }

// canonical makes values equal that mean the same: a time in any precision, and nothing in any form.
func canonical(value any) string {
	text := fmt.Sprint(cmp.Or(value, any("")))
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		text = at.UTC().Format(time.RFC3339Nano)
	}
	switch text {
	case "0", "false", "[]", "map[]", "0001-01-01T00:00:00Z":
		return ""
	}
	return text
}
