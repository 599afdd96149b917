package github

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// etagged is a server whose answer has an ETag, and that counts what it was asked.
type etagged struct {
	mu         sync.Mutex
	etag, body string
	link       string
	mangle     func(http.ResponseWriter) bool
	compressed bool
	codes      []int
}

func (e *etagged) handler(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Method == http.MethodDelete {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	code := http.StatusOK
	if r.Header.Get("If-None-Match") == e.etag {
		code = http.StatusNotModified
	}
	e.codes = append(e.codes, code)
	w.Header().Set("ETag", e.etag)
	switch {
	case code == http.StatusNotModified:
		w.WriteHeader(code)
	case e.mangle != nil && e.mangle(w):
	default:
		e.write(w)
	}
}

func (e *etagged) write(w http.ResponseWriter) {
	if e.link != "" {
		w.Header().Set("Link", e.link)
	}
	if !e.compressed {
		_, _ = io.WriteString(w, e.body)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	zipped := gzip.NewWriter(w)
	_, _ = io.WriteString(zipped, e.body)
	_ = zipped.Close()
}

// asked are the codes since the last time.
func (e *etagged) asked() []int {
	e.mu.Lock()
	defer e.mu.Unlock()
	codes := e.codes
	e.codes = nil
	return codes
}

func (e *etagged) change(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func TestQuietPollsAre304s(t *testing.T) {
	for _, c := range []struct {
		name, body string
		compressed bool
		poll       func(*testing.T, Hooks) (any, error)
	}{
		{"a hook", `{"id":1,"events":["push"]}`, false, func(t *testing.T, h Hooks) (any, error) { return h.Get(t.Context(), 1) }},
		{"a hook, compressed on the way", `{"id":1,"events":["push"]}`, true, func(t *testing.T, h Hooks) (any, error) { return h.Get(t.Context(), 1) }},
		{"the list of hooks", `[{"id":1},{"id":2}]`, false, func(t *testing.T, h Hooks) (any, error) { return h.List(t.Context()) }},
		{"a config", `{"url":"https://ci.example.com"}`, false, func(t *testing.T, h Hooks) (any, error) { return h.Config(t.Context(), 1) }},
		{"an App's config", `{"url":"https://ci.example.com"}`, false, func(t *testing.T, h Hooks) (any, error) {
			return h.client.AppHook().Config(t.Context(), 0)
		}},
		{"deliveries", `[{"id":9,"guid":"a","status":"OK"}]`, false, func(t *testing.T, h Hooks) (any, error) {
			return h.Deliveries(t.Context(), 1, DeliveryQuery{PerPage: 30})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			server := &etagged{etag: `W/"1"`, body: c.body, compressed: c.compressed}
			hooks := repositoryOn(t, serve(t, server.handler))
			first, err := c.poll(t, hooks)
			g.Expect(err).NotTo(HaveOccurred())
			for range 3 {
				again, err := c.poll(t, hooks)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(again).To(Equal(first))
			}
			g.Expect(server.asked()).To(Equal([]int{200, 304, 304, 304}))

			server.change(func() { server.etag = `W/"2"` })
			_, err = c.poll(t, hooks)
			g.Expect(err).NotTo(HaveOccurred())
			_, err = c.poll(t, hooks)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(server.asked()).To(Equal([]int{200, 304}))
		})
	}
}

func TestTheNextPageIsKnownAfterA304(t *testing.T) {
	g := NewWithT(t)
	server := &etagged{etag: `"1"`, body: `[{"id":9}]`}
	at := serve(t, server.handler)
	server.link = "<" + at.URL + repoHooks + `/1/deliveries?cursor=v1_8>; rel="next"`
	hooks := repositoryOn(t, at)
	for range 2 {
		page, err := hooks.Deliveries(t.Context(), 1, DeliveryQuery{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(page.Next).To(Equal("v1_8"))
	}
	g.Expect(server.asked()).To(Equal([]int{200, 304}))
}

// An answer that could not be read must not come back with every 304.
func TestOnlyWhatWasUnderstoodIsKept(t *testing.T) {
	for name, mangle := range map[string]func(http.ResponseWriter) bool{
		"malformed": func(w http.ResponseWriter) bool {
			_, _ = io.WriteString(w, `<html>{"id":1}`)
			return true
		},
		"of another kind": func(w http.ResponseWriter) bool {
			_, _ = io.WriteString(w, `{}`)
			return true
		},
		"truncated": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":1}`)
			return true
		},
		"an error": func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			server := &etagged{etag: `"1"`, body: `{"id":1}`, mangle: mangle}
			hooks := repositoryOn(t, serve(t, server.handler))
			for range 2 {
				_, err := hooks.Get(t.Context(), 1)
				g.Expect(err).To(MatchError(ErrUnavailable))
			}
			server.change(func() { server.mangle = nil })
			for range 2 {
				_, err := hooks.Get(t.Context(), 1)
				g.Expect(err).NotTo(HaveOccurred())
			}
			g.Expect(server.asked()).To(Equal([]int{200, 200, 200, 304}))

			server.change(func() { server.etag, server.mangle = `"2"`, mangle })
			_, err := hooks.Get(t.Context(), 1)
			g.Expect(err).To(MatchError(ErrUnavailable))
			server.change(func() { server.etag, server.mangle = `"1"`, nil })
			hook, err := hooks.Get(t.Context(), 1)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(hook.ID).To(Equal(int64(1)))
		})
	}
}

func TestWhatIsNotKept(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		call   func(*testing.T, Hooks)
	}{
		"no ETag":                {nil, func(t *testing.T, h Hooks) { _, _ = h.Get(t.Context(), 1) }},
		"the server forbids it":  {[]string{"ETag", `"1"`, "Cache-Control", "no-store"}, func(t *testing.T, h Hooks) { _, _ = h.Get(t.Context(), 1) }},
		"a write":                {[]string{"ETag", `"1"`}, func(t *testing.T, h Hooks) { _, _ = h.Edit(t.Context(), 1, HookRequest{}) }},
		"a whole delivery":       {[]string{"ETag", `"1"`}, func(t *testing.T, h Hooks) { _, _ = h.Delivery(t.Context(), 1, 1) }},
		"what the login asks":    {[]string{"ETag", `"1"`}, func(t *testing.T, h Hooks) { _, _ = h.client.App(t.Context()) }},
		"a body that is so long": {[]string{"ETag", `"1"`}, func(t *testing.T, h Hooks) { _, _ = h.Get(t.Context(), 2) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var conditional atomic.Int32
			hooks := repositoryOn(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("If-None-Match") != "" {
					conditional.Add(1)
				}
				body := `{"id":1}`
				if strings.HasSuffix(r.URL.Path, "/2") {
					body += strings.Repeat(" ", maxKeptBody)
				}
				answers(http.StatusOK, body, c.header...)(w, r)
			}))
			c.call(t, hooks)
			c.call(t, hooks)
			g.Expect(conditional.Load()).To(BeZero())
		})
	}
}

func TestWhatIsGoneIsNotAskedForAgain(t *testing.T) {
	g := NewWithT(t)
	server := &etagged{etag: `"1"`, body: `{"id":1}`}
	hooks := repositoryOn(t, serve(t, server.handler))
	client := hooks.client
	get := func(id int64) {
		_, err := hooks.Get(t.Context(), id)
		g.Expect(err).NotTo(HaveOccurred())
	}
	get(1)
	get(10)
	server.change(func() { server.body = `[]` })
	_, err := hooks.Deliveries(t.Context(), 1, DeliveryQuery{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(client.kept.entries.Len()).To(Equal(3))
	g.Expect(hooks.Delete(t.Context(), 1)).To(Succeed())
	g.Expect(client.kept.entries.Keys()).To(HaveExactElements(HaveSuffix("/hooks/10")))

	server.change(func() {
		server.etag = `"2"`
		server.mangle = func(w http.ResponseWriter) bool {
			answers(http.StatusNotFound, `{"message":"Not Found"}`)(w, nil)
			return true
		}
	})
	_, err = hooks.Get(t.Context(), 10)
	g.Expect(err).To(MatchError(ErrNotFound))
	g.Expect(client.kept.entries.Len()).To(BeZero())
	g.Expect(client.kept.size).To(BeZero())
}

// A server that lags behind its own write would bring the hook back as it was, if it were asked with the old ETag.
func TestAWriteDropsWhatItMadeUntrue(t *testing.T) {
	const list, here, deliveries, other = "list", "hook 1", "deliveries of hook 1", "hook 10"
	reads := map[string]func(context.Context, Hooks) error{
		list:       func(ctx context.Context, h Hooks) error { _, err := h.List(ctx); return err },
		here:       func(ctx context.Context, h Hooks) error { _, err := h.Get(ctx, 1); return err },
		"config 1": func(ctx context.Context, h Hooks) error { _, err := h.Config(ctx, 1); return err },
		deliveries: func(ctx context.Context, h Hooks) error { _, err := h.Deliveries(ctx, 1, DeliveryQuery{}); return err },
		other:      func(ctx context.Context, h Hooks) error { _, err := h.Get(ctx, 10); return err },
	}
	whole := []string{list, here, "config 1", deliveries}
	config := Config{URL: NewSecret("https://ci.example.com")}
	for name, c := range map[string]struct {
		write   func(context.Context, Hooks) error
		dropped []string
	}{
		"create":      {func(ctx context.Context, h Hooks) error { _, err := h.Create(ctx, HookRequest{}); return err }, []string{list}},
		"edit":        {edit, whole},
		"edit config": {func(ctx context.Context, h Hooks) error { _, err := h.EditConfig(ctx, 1, config); return err }, whole},
		"delete":      {func(ctx context.Context, h Hooks) error { return h.Delete(ctx, 1) }, whole},
		"ping":        {func(ctx context.Context, h Hooks) error { return h.Ping(ctx, 1) }, nil},
	} {
		for _, how := range []string{"", "by another name", "redirected", "without an answer"} {
			t.Run(name+" "+how, func(t *testing.T) {
				g := NewWithT(t)
				s := &lagging{how: how}
				hooks := repositoryOn(t, serve(t, s.handler))
				for _, read := range reads {
					g.Expect(read(t.Context(), hooks)).To(Succeed())
				}
				writer := hooks
				if how == "by another name" {
					writer = hooks.client.RepositoryHooks("Octo-Org", "Hello-World")
				}
				g.Expect(c.write(t.Context(), writer) == nil).To(Equal(how != "without an answer"))
				var dropped []string
				for name, read := range reads {
					s.conditional = false
					g.Expect(read(t.Context(), hooks)).To(Succeed())
					if !s.conditional {
						dropped = append(dropped, name)
					}
				}
				g.Expect(dropped).To(ConsistOf(c.dropped))
			})
		}
	}
}

// lagging is a server on which everything has an ETag.
type lagging struct {
	how         string
	conditional bool
}

func (l *lagging) handler(w http.ResponseWriter, r *http.Request) {
	const byID = "/api/v3/repositories/7/hooks"
	moved := strings.HasPrefix(r.URL.Path, byID)
	switch {
	case l.how == "redirected" && !moved:
		w.Header().Set("Location", strings.Replace(r.URL.RequestURI(), repoHooks, byID, 1))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case r.Method != http.MethodGet && l.how == "without an answer":
		panic(http.ErrAbortHandler)
	case strings.HasSuffix(r.URL.Path, "/pings"):
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet:
		succeed(w, r, `{"id":1,"url":"https://ci.example.com"}`)
	case r.Header.Get("If-None-Match") != "":
		l.conditional = true
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("ETag", `"1"`)
		body := `{"id":1,"url":"https://ci.example.com"}`
		if strings.HasSuffix(r.URL.Path, "/hooks") || strings.HasSuffix(r.URL.Path, "/deliveries") {
			body = "[" + body + "]"
		}
		_, _ = io.WriteString(w, body)
	}
}

// The pages of a list have other addresses than its beginning.
func TestAWriteDropsAllPagesOfTheList(t *testing.T) {
	g := NewWithT(t)
	handler := pages(3, onSameHost)
	conditional := 0
	hooks := repositoryOn(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			conditional++
		}
		if r.Method != http.MethodGet {
			succeed(w, r, `{"id":1}`)
			return
		}
		w.Header().Set("ETag", `"1"`)
		handler(w, r)
	}))
	for range 2 {
		_, err := hooks.List(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(hooks.client.kept.entries.Len()).To(Equal(3))
		_, err = hooks.Create(t.Context(), HookRequest{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(hooks.client.kept.entries.Len()).To(BeZero())
	}
	g.Expect(conditional).To(BeZero())
}

// A read that was sent before a write and answered after it may show what was before.
func TestAReadThatAWriteOvertookIsNotKept(t *testing.T) {
	g := NewWithT(t)
	reached, goOn := make(chan struct{}), make(chan struct{})
	hooks := repositoryOn(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == repoHooks+"/1" {
			close(reached)
			<-goOn
		}
		w.Header().Set("ETag", `"1"`)
		succeed(w, r, `{"id":1}`)
	}))
	read := make(chan error)
	go func() { _, err := hooks.Get(t.Context(), 1); read <- err }()
	<-reached
	g.Expect(edit(t.Context(), hooks)).To(Succeed())
	close(goOn)
	g.Expect(<-read).NotTo(HaveOccurred())
	g.Expect(hooks.client.kept.entries.Len()).To(BeZero())
	g.Expect(hooks.client.kept.open).To(BeEmpty())
	_, err := hooks.Get(t.Context(), 10)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hooks.client.kept.entries.Len()).To(Equal(1), "only what the write was about")
}

func TestA304ThatNobodyAskedForIsAnError(t *testing.T) {
	_, err := repositoryOn(t, serve(t, answers(http.StatusNotModified, ``))).Get(t.Context(), 1)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("304")))
}

func TestRedirectedPollsAreKeptWhereTheyEnd(t *testing.T) {
	g := NewWithT(t)
	var codes []int
	hooks := repositoryOn(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusOK
		switch {
		case r.URL.Path == repoHooks+"/1":
			code = http.StatusMovedPermanently
			w.Header().Set("Location", "/api/v3/repositories/7/hooks/1")
		case r.Header.Get("If-None-Match") == `"1"`:
			code = http.StatusNotModified
		default:
			w.Header().Set("ETag", `"1"`)
		}
		codes = append(codes, code)
		w.WriteHeader(code)
		if code == http.StatusOK {
			_, _ = io.WriteString(w, `{"id":1}`)
		}
	}))
	for range 2 {
		_, err := hooks.Get(t.Context(), 1)
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(codes).To(Equal([]int{301, 200, 301, 304}))
	g.Expect(hooks.client.kept.entries.Keys()).To(HaveExactElements(HaveSuffix("/repositories/7/hooks/1")))
}

func TestManyPollAtOnce(t *testing.T) {
	g := NewWithT(t)
	server := &etagged{etag: `"1"`, body: `{"id":1}`}
	hooks := repositoryOn(t, serve(t, server.handler))
	var wait sync.WaitGroup
	var failed atomic.Int32
	for range 40 {
		wait.Go(func() {
			for i := range 10 {
				if hook, err := hooks.Get(t.Context(), int64(i%3+1)); err != nil || hook.ID != 1 {
					failed.Add(1)
				}
				if i == 5 {
					_ = hooks.Delete(t.Context(), 3)
				}
			}
		})
	}
	wait.Wait()
	g.Expect(failed.Load()).To(BeZero())
	for _, budget := range hooks.client.budgets.known {
		g.Expect(budget.open).To(BeZero())
		g.Expect(budget.flying).To(BeZero())
	}
}

func TestWhoIsInUseKeepsItsPlace(t *testing.T) {
	g := NewWithT(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	kept := newKeptAnswers(newKeptRoom(4*keptOverhead), func() time.Time { return now })
	keep := func(key string) { kept.keep(&exchange{key: key, fresh: &keptAnswer{etag: `"1"`}}, []byte(key)) }
	for i := range 10 {
		keep(fmt.Sprint("first ", i))
	}
	room := kept.entries.Len()
	g.Expect(room).To(Equal(3))
	g.Expect(kept.size).To(BeNumerically("<=", kept.room.max))
	g.Expect(kept.refusing()).To(BeTrue())
	g.Expect(kept.get("first 0")).NotTo(BeNil())

	now = now.Add(unusedAfter)
	g.Expect(kept.refusing()).To(BeFalse())
	g.Expect(kept.get("first 0")).NotTo(BeNil())
	for i := range 10 {
		keep(fmt.Sprint("later ", i))
	}
	g.Expect(kept.entries.Keys()).To(ConsistOf("first 0", "later 0", "later 1"))
	keep("later 1")
	g.Expect(kept.entries.Len()).To(Equal(3))
	kept.keep(&exchange{key: "large", fresh: &keptAnswer{etag: strings.Repeat("e", 5*keptOverhead)}}, nil)
	g.Expect(kept.get("large")).To(BeNil())
	total := 0
	for _, key := range kept.entries.Keys() {
		total += kept.get(key).size(key)
	}
	g.Expect(kept.size).To(Equal(total))
}

func TestAllCredentialsShareWhatIsKept(t *testing.T) {
	g := NewWithT(t)
	room := newKeptRoom(100 * keptOverhead)
	client := func() *keptAnswers { return newKeptAnswers(room, time.Now) }
	keep := func(k *keptAnswers, n int) {
		for i := range n {
			k.keep(&exchange{key: fmt.Sprint(i), fresh: &keptAnswer{etag: `"1"`}}, []byte("{}"))
			g.Expect(room.size).To(BeNumerically("<=", room.max))
		}
	}
	greedy := client()
	keep(greedy, 1000)
	all := greedy.entries.Len()
	g.Expect(greedy.size).To(BeNumerically(">", room.max-2*keptOverhead), "who is alone may use all")

	others := []*keptAnswers{client(), client(), client()}
	for _, k := range others {
		keep(k, 5)
		g.Expect(k.entries.Len()).To(Equal(5), "there is room for who keeps little")
	}
	for _, k := range others {
		keep(k, 1000)
	}
	for _, k := range append(others, greedy) {
		g.Expect(k.size).To(BeNumerically("~", room.max/4, 3*keptOverhead), "each has its share")
	}
	before := greedy.entries.Len()
	keep(others[0], 1000)
	g.Expect(greedy.entries.Len()).To(Equal(before), "nobody is pushed below his share")

	for _, k := range others {
		k.close()
		keep(k, 5)
		g.Expect(k.entries.Len()).To(BeZero(), "who was closed keeps nothing")
	}
	g.Expect(room.clients).To(HaveLen(1))
	keep(greedy, 1000)
	g.Expect(greedy.entries.Len()).To(Equal(all), "what was given back may be used")
	greedy.close()
	g.Expect(room.size).To(BeZero())
	g.Expect(room.clients).To(BeEmpty())
}

// deliveriesPage is a page as GitHub sends it, with guids that do not compress.
func deliveriesPage(rows int) string {
	items := make([]string, rows)
	for i := range items {
		items[i] = fmt.Sprintf(`{"id":%d,"guid":"%08x-11f0-8%03x-9c3b-%012x","delivered_at":"2026-01-02T03:%02d:%02dZ","redelivery":false,"duration":0.%02d,`+
			`"status":"OK","status_code":200,"event":"push","action":null,"installation_id":null,"repository_id":%d,"throttled_at":null}`,
			73209766136+i*7919, i*2654435761%(1<<32), i%4096, i*6364136223846793%(1<<48), i/60%60, i%60, i%100, 1296269+i%3)
	}
	return "[" + strings.Join(items, ",") + "]"
}

// 10,000 hooks with a page of deliveries each fit into what is kept.
func TestTenThousandHooksAreKept(t *testing.T) {
	g := NewWithT(t)
	hook := `{"type":"Repository","id":%d,"name":"web","active":true,"events":["push","pull_request"],"config":{"content_type":"json","insecure_ssl":"0",` +
		`"url":"https://ci.example.com/github/%d","secret":"********"},"updated_at":"2026-01-02T03:04:05Z","created_at":"2026-01-02T03:04:05Z",` +
		`"url":"https://api.github.com/repos/octo-org/repository-%[2]d/hooks/%[1]d","test_url":"https://api.github.com/repos/octo-org/repository-%[2]d/hooks/%[1]d/test",` +
		`"ping_url":"https://api.github.com/repos/octo-org/repository-%[2]d/hooks/%[1]d/pings","deliveries_url":"https://api.github.com/repos/octo-org/repository-%[2]d/hooks/%[1]d/deliveries",` +
		`"last_response":{"code":200,"status":"active","message":"OK"}}`
	kept := newKeptAnswers(NewKeptAnswers(), time.Now)
	page := []byte(deliveriesPage(30))
	for i := range 100 { // Compressing all would only take time.
		url := fmt.Sprintf("https://api.github.com/repos/octo-org/repository-%d/hooks/%d", i, 400_000_000+i)
		etag := `W/"` + strings.Repeat("0123456789abcdef", 4) + `"`
		kept.keep(&exchange{key: url, fresh: &keptAnswer{etag: etag}}, fmt.Appendf(nil, hook, 400_000_000+i, i))
		kept.keep(&exchange{key: url + "/deliveries?per_page=30", fresh: &keptAnswer{etag: etag}}, page)
	}
	each := kept.size / 100
	t.Logf("A hook and its newest 30 deliveries take %d bytes; 10,000 take %d MiB of %d; with 100 deliveries the page alone takes %d bytes.",
		each, each*10_000>>20, maxKept>>20, len(compress([]byte(deliveriesPage(100)))))
	g.Expect(each * 10_000).To(BeNumerically("<=", maxKept))
}

// BenchmarkPoll is a page of 100 deliveries: read anew, and read from what is kept after a 304.
func BenchmarkPoll(b *testing.B) {
	body := deliveriesPage(100)
	for name, etag := range map[string]string{"200": "", "304": `"1"`} {
		b.Run(name, func(b *testing.B) {
			network := roundTripper(func(r *http.Request) (*http.Response, error) {
				response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
				if etag != "" {
					response.Header.Set("ETag", etag)
				}
				if r.Header.Get("If-None-Match") != "" {
					response.StatusCode, response.Body = http.StatusNotModified, http.NoBody
				}
				return response, nil
			})
			hosts, err := ParseHosts(dotcom)
			if err != nil {
				b.Fatal(err)
			}
			client, err := NewClient(Options{Hosts: hosts, Token: NewSecret(octoToken)})
			if err != nil {
				b.Fatal(err)
			}
			client.transport = bearer{NewSecret(octoToken), account{}, conditional{client.kept, network}}
			hooks := client.RepositoryHooks("octo-org", "hello-world")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hooks.Deliveries(b.Context(), 1, DeliveryQuery{PerPage: 100}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
