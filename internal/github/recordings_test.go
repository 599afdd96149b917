package github_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// recording is an answer of the real GitHub. Those in testdata, and those of the simulator's tests, are written by hand
// after GitHub's documentation; GITHUB_RECORDINGS_DIR may hold real ones. Nothing here knows a particular one.
type recording struct {
	Source struct {
		Date string `json:"date"`
	} `json:"source"`
	Request struct {
		Method string `json:"method"`
		Path   string `json:"path"`
	} `json:"request"`
	Response struct {
		Status  int             `json:"status"`
		Headers map[string]any  `json:"headers"`
		Body    json.RawMessage `json:"body"`
	} `json:"response"`
}

// masks stand in recordings for names and numbers.
var masks = regexp.MustCompile(`<+[A-Z][A-Z0-9_]*>+`)

// number stands for what was masked, always the same for the same: a number is right where a name stood, too.
func number(mask string) string {
	digest := fnv.New32()
	_, _ = digest.Write([]byte(mask))
	return fmt.Sprint(100_000 + digest.Sum32()%900_000)
}

// root is what stands before the path of the API: a host, masked or not, and an Enterprise Server's prefix.
var root = regexp.MustCompile(`^(https?://[^/]+|<+[A-Z0-9_]+>+)?(/api/v3(/|$)|/|$)?`)

// host is what addresses in headers begin with.
var host = regexp.MustCompile(`https?://[^/>]+(/api/v3)?`)

// endpoint is a method of the client for the requests that fit.
type endpoint struct {
	request *regexp.Regexp
	// used are the keys of the answer that the client reads.
	used *regexp.Regexp
	call func(context.Context, *github.Client) (any, error)
}

func endpointFor(pattern, used string, call func(context.Context, *github.Client) (any, error)) endpoint {
	return endpoint{regexp.MustCompile("^" + pattern + "$"), regexp.MustCompile(`^(\[\]\.)?(` + used + `)$`), call}
}

func of(c *github.Client) github.Hooks { return c.RepositoryHooks("octo-org", "hello-world") }

// nothing is for answers without a body that matters.
func nothing(call func(context.Context, github.Hooks) error) func(context.Context, *github.Client) (any, error) {
	return func(ctx context.Context, c *github.Client) (any, error) { return nil, call(ctx, of(c)) }
}

const place = `/(?:repos/[^/]+/[^/]+|orgs/[^/]+|repositories/\d+|organizations/\d+)`

var endpoints = []endpoint{
	endpointFor(`GET `+place+`/hooks(\?.*)?`, hookKeys, func(ctx context.Context, c *github.Client) (any, error) { return of(c).List(ctx) }),
	endpointFor(`POST `+place+`/hooks`, hookKeys, func(ctx context.Context, c *github.Client) (any, error) {
		return of(c).Create(ctx, github.HookRequest{})
	}),
	endpointFor(`GET `+place+`/hooks/[^/]+`, hookKeys, func(ctx context.Context, c *github.Client) (any, error) { return of(c).Get(ctx, 1) }),
	endpointFor(`PATCH `+place+`/hooks/[^/]+`, hookKeys, func(ctx context.Context, c *github.Client) (any, error) {
		return of(c).Edit(ctx, 1, github.HookRequest{})
	}),
	endpointFor(`DELETE `+place+`/hooks/[^/]+`, "", nothing(func(ctx context.Context, h github.Hooks) error { return h.Delete(ctx, 1) })),
	endpointFor(`POST `+place+`/hooks/[^/]+/pings`, "", nothing(func(ctx context.Context, h github.Hooks) error { return h.Ping(ctx, 1) })),
	endpointFor(`POST `+place+`/hooks/[^/]+/tests?`, "", nothing(func(ctx context.Context, h github.Hooks) error { return h.Test(ctx, 1) })),
	endpointFor(`GET .*/(hook|hooks/[^/]+)/config`, configKeys, func(ctx context.Context, c *github.Client) (any, error) { return c.AppHook().Config(ctx, 0) }),
	endpointFor(`PATCH .*/(hook|hooks/[^/]+)/config`, configKeys, func(ctx context.Context, c *github.Client) (any, error) {
		return c.AppHook().EditConfig(ctx, 0, github.Config{})
	}),
	endpointFor(`GET .*/deliveries(\?.*)?`, deliveryKeys, func(ctx context.Context, c *github.Client) (any, error) {
		return c.AppHook().Deliveries(ctx, 0, github.DeliveryQuery{})
	}),
	endpointFor(`GET .*/deliveries/[^/]+`, deliveryKeys, func(ctx context.Context, c *github.Client) (any, error) { return c.AppHook().Delivery(ctx, 0, 1) }),
	endpointFor(`POST .*/deliveries/[^/]+/attempts`, "", nothing(func(ctx context.Context, h github.Hooks) error { return h.Redeliver(ctx, 1, 1) })),
	endpointFor(`GET /app`, appKeys, func(ctx context.Context, c *github.Client) (any, error) { return c.App(ctx) }),
	endpointFor(`GET /app/installations(\?.*)?`, installationKeys, func(ctx context.Context, c *github.Client) (any, error) { return c.Installations(ctx) }),
	endpointFor(`GET .*/installation`, installationKeys, func(ctx context.Context, c *github.Client) (any, error) {
		return c.OrganizationInstallation(ctx, "octo-org")
	}),
	endpointFor(`POST /app/installations/[^/]+/access_tokens`, `expires_at|permissions|repository_selection`, func(ctx context.Context, c *github.Client) (any, error) {
		return c.CreateInstallationToken(ctx, 1, github.InstallationTokenRequest{})
	}),
}

// What the client reads of each kind of answer: it must not lose any of it.
const (
	hookKeys = `id|type|name|active|events|config|created_at|updated_at|url|last_response|last_response\.(code|status|message)` +
		`|config\.(url|content_type|insecure_ssl|secret)`
	configKeys   = `url|content_type|insecure_ssl|secret`
	deliveryKeys = `id|guid|delivered_at|redelivery|duration|status|status_code|event|action|installation_id|repository_id|throttled_at|url`
	appKeys      = `id|slug|client_id|name|owner|owner\.(id|login|type)|html_url|permissions|events`

	installationKeys = `id|app_id|app_slug|account|account\.(id|login|type)|target_type|repository_selection|permissions|events|html_url|suspended_at`
)

func TestRecordingsAreUnderstood(t *testing.T) {
	dirs := map[string]int{"testdata": 9, "../githubsim/testdata": 120}
	if dir := os.Getenv("GITHUB_RECORDINGS_DIR"); dir != "" {
		dirs[dir] = 0 // Whose they are and what they are about is not known here.
	} else {
		t.Log("GITHUB_RECORDINGS_DIR is not set: GitHub's recorded answers were not read, only those in testdata, written by hand.")
	}
	for dir, atLeast := range dirs {
		understood := 0
		recordings := readRecordings(t, dir)
		for i, r := range recordings {
			t.Run(fmt.Sprintf("%s %d %s %s", dir, i, r.Request.Method, r.Request.Path), func(t *testing.T) {
				e, why := r.endpoint()
				if why != "" {
					t.Log("Not read: " + why)
					return
				}
				r.understand(t, e)
				understood++
			})
		}
		t.Logf("%d of %d recordings of %s were understood; the others are about what the client does not have.", understood, len(recordings), dir)
		NewWithT(t).Expect(understood).To(BeNumerically(">=", atLeast), dir)
	}
}

func readRecordings(t *testing.T, dir string) []recording {
	t.Helper()
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).NotTo(BeEmpty(), dir)
	var all []recording
	for _, file := range files {
		raw, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		var recordings []recording
		g.Expect(json.Unmarshal(raw, &recordings)).To(Succeed())
		for i := range recordings {
			recordings[i].unmask()
		}
		all = append(all, recordings...)
	}
	return all
}

// unmask puts numbers where names and numbers were masked. A body whose masks were no JSON was recorded as text.
func (r *recording) unmask() {
	var text string
	body := []byte(r.Response.Body)
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">"))
	r.Response.Body = masks.ReplaceAllFunc(body, func(mask []byte) []byte { return []byte(number(string(mask))) })
	if bytes.Equal(r.Response.Body, []byte("null")) {
		r.Response.Body = nil
	}
	r.Request.Path = masks.ReplaceAllStringFunc(root.ReplaceAllString(r.Request.Path, "/"), number)
}

// header of the answer, however it is written.
func (r *recording) header(name string) string {
	for recorded, value := range r.Response.Headers {
		if strings.EqualFold(recorded, name) {
			if lines, ok := value.([]any); ok && len(lines) > 0 {
				value = lines[0]
			}
			return masks.ReplaceAllStringFunc(fmt.Sprint(value), number)
		}
	}
	return ""
}

// endpoint is the client's method for the request, or why there is nothing to read.
func (r *recording) endpoint() (endpoint, string) {
	for _, e := range endpoints {
		if !e.request.MatchString(r.Request.Method + " " + r.Request.Path) {
			continue
		}
		switch {
		case r.Response.Status == http.StatusOK && r.Request.Method == http.MethodPost:
			return endpoint{}, "a POST updated a GitHub Service that was there already: they ended in 2019"
		case r.Response.Status < 300 && len(r.Response.Body) == 0 && e.used.MatchString("id"):
			return endpoint{}, "the body was not recorded"
		}
		return e, ""
	}
	return endpoint{}, "the client does not have this endpoint"
}

// redirected is an answer that sends the client elsewhere.
func (r *recording) redirected() bool {
	return r.Response.Status >= 300 && r.Response.Status < 400 && r.Response.Status != http.StatusNotModified
}

// serve answers the first request as it was recorded and later ones, of further pages and where a redirect leads to,
// with what is next. A 304 is an answer to If-None-Match alone.
func (r *recording) serve(t *testing.T) (*httptest.Server, *[]string) {
	var mu sync.Mutex
	var methods []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		mu.Lock()
		methods = append(methods, request.Method)
		first := len(methods) == 1
		mu.Unlock()
		unmodified := r.Response.Status == http.StatusNotModified
		if unmodified && request.Header.Get("If-None-Match") == "" || !unmodified && !first {
			r.serveNext(w, request)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8") // Where the recording leaves it out.
		for name := range r.Response.Headers {
			w.Header().Set(name, host.ReplaceAllString(r.header(name), "http://"+request.Host+"/api/v3"))
		}
		w.WriteHeader(r.Response.Status)
		_, _ = w.Write(r.Response.Body)
	}))
	t.Cleanup(server.Close)
	return server, &methods
}

// serveNext answers in short what a client takes for a success.
func (r *recording) serveNext(w http.ResponseWriter, request *http.Request) {
	object := `{"id":1,"url":"https://ci.example.com","updated_at":"2025-01-02T03:04:05Z"}`
	w.Header().Set("ETag", `W/"1"`)
	switch {
	case request.Method == http.MethodDelete, strings.HasSuffix(request.URL.Path, "/pings"), strings.HasSuffix(request.URL.Path, "/tests"):
		w.WriteHeader(http.StatusNoContent)
		return
	case strings.HasSuffix(r.Request.Path, "/attempts"):
		w.WriteHeader(http.StatusAccepted)
		object = `{}`
	case request.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
	case regexp.MustCompile(`/(hooks|deliveries|installations)(\?|$)`).MatchString(r.Request.Path):
		object = `[]`
	}
	_, _ = w.Write([]byte(object))
}

// understand lets the client read the answer from a server, and compares what it understood with what was there.
func (r *recording) understand(t *testing.T, e endpoint) {
	t.Helper()
	g := NewWithT(t)
	server, methods := r.serve(t)
	parsed, err := github.ParseServer(server.URL)
	g.Expect(err).NotTo(HaveOccurred())
	hosts, err := github.ParseHosts(server.URL)
	g.Expect(err).NotTo(HaveOccurred())
	client, err := github.NewClient(github.Options{Server: parsed, Hosts: hosts, Token: github.NewSecret("ghp_recorded")})
	g.Expect(err).NotTo(HaveOccurred())
	defer client.Close()

	answer, err := e.call(t.Context(), client)
	switch {
	case r.Response.Status == http.StatusNotModified:
		g.Expect(err).NotTo(HaveOccurred())
		again, err := e.call(t.Context(), client)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(again).To(Equal(answer), "what was not modified is what it was")
	case r.redirected() && r.header("Location") != "":
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(*methods).To(HaveEach(r.Request.Method), "a redirect keeps the method")
	default:
		r.compare(g, e, answer, err)
	}
}

func (r *recording) compare(g *WithT, e endpoint, answer any, err error) {
	if r.Response.Status > 299 {
		r.compareRefusal(g, err)
		return
	}
	g.Expect(err).NotTo(HaveOccurred())
	if answer == nil {
		return
	}
	if page, ok := answer.(github.DeliveryPage); ok {
		link := r.header("Link")
		hasNext := page.Next != ""
		g.Expect(hasNext).To(Equal(strings.Contains(link, `rel="next"`)))
		unescaped, err := url.QueryUnescape(link)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(unescaped).To(ContainSubstring(page.Next))
		answer = page.Deliveries
	}
	encoded, err := json.Marshal(spelt(answer))
	g.Expect(err).NotTo(HaveOccurred())
	e.same(g, "", decoded(g, encoded), decoded(g, r.Response.Body))
}

// compareRefusal: an error has GitHub's status and, where it is in GitHub's shape, GitHub's words.
func (r *recording) compareRefusal(g *WithT, err error) {
	refusal, ok := errors.AsType[*github.Error](err)
	g.Expect(ok).To(BeTrue())
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Response.Body, &body) != nil || body.Message == "" {
		return
	}
	g.Expect(refusal.StatusCode).To(Equal(r.Response.Status))
	words := strings.Join(strings.Fields(body.Message), " ")
	g.Expect(strings.Join(strings.Fields(refusal.Message), " ")).To(HavePrefix(words[:min(len(words), 60)]))
	g.Expect(errors.Is(err, github.ErrNotFound)).To(Equal(r.Response.Status == http.StatusNotFound))
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
var verbatim = regexp.MustCompile(`permissions$`)

// same holds what was understood against what was recorded. What was not recorded must be nothing.
func (e endpoint) same(g *WithT, path string, understood, recorded any) {
	switch got := understood.(type) {
	case map[string]any:
		fields, _ := recorded.(map[string]any)
		if verbatim.MatchString(path) {
			g.Expect(got).To(Equal(fields), path)
			return
		}
		for name := range fields {
			if below := strings.TrimPrefix(path+"."+name, "."); e.used.MatchString(below) {
				g.Expect(got).To(HaveKey(name), below)
			}
		}
		for name, value := range got {
			e.same(g, strings.TrimPrefix(path+"."+name, "."), value, fields[name])
		}
	case []any:
		entries, _ := recorded.([]any)
		g.Expect(got).To(HaveLen(len(entries)), path)
		for i := range got {
			e.same(g, path+"[]", got[i], entries[i])
		}
	default:
		g.Expect(canonical(understood)).To(Equal(canonical(recorded)), path)
	}
}

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
