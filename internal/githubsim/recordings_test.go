package githubsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// recording is one request that somebody made to the real GitHub, and its answer. The tests' own ones, in testdata, are
// written by hand; GITHUB_RECORDINGS_DIR may hold real ones. Nothing here knows a particular one: what the request met
// on GitHub is derived from the request and its answer (recordings_world_test.go).
type recording struct {
	Source struct {
		Path string `json:"path"`
		Date string `json:"date"`
	} `json:"source"`
	Request struct {
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Body   json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int             `json:"status"`
		Headers map[string]any  `json:"headers"`
		Body    json.RawMessage `json:"body"`
	} `json:"response"`

	// route is the endpoint with the variables of its path.
	route string
	vars  map[string]string
	// enterprise: it was an Enterprise Server that answered.
	enterprise bool
}

func TestRecordingsAreAnsweredAlike(t *testing.T) {
	dirs := []string{"testdata"}
	if dir := os.Getenv("GITHUB_RECORDINGS_DIR"); dir != "" {
		dirs = append(dirs, dir)
	} else {
		t.Log("GITHUB_RECORDINGS_DIR is not set: GitHub's recorded answers were not compared, only those in testdata, written by hand.")
	}
	for _, dir := range dirs {
		recordings := readRecordings(t, dir)
		NewWithT(t).Expect(recordings).NotTo(BeEmpty(), dir)
		compared := 0
		for i := range recordings {
			r := &recordings[i]
			t.Run(fmt.Sprintf("%s %d %s %s", filepath.Base(dir), i, r.Request.Method, r.Request.Path), func(t *testing.T) {
				if why := r.elsewhere(); why != "" {
					t.Log("Not compared: " + why)
					return
				}
				r.compare(t)
				compared++
			})
		}
		t.Logf("%d of %d recordings of %s were answered alike; the others are about what the simulator does not have.", compared, len(recordings), dir)
		if dir == "testdata" {
			NewWithT(t).Expect(compared).To(BeNumerically(">=", 70))
		}
	}
}

// readRecordings reads every file of a directory that holds recordings.
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
		all = append(all, parseRecordings(g, raw)...)
	}
	return all
}

func parseRecordings(g *WithT, raw []byte) []recording {
	var recordings []recording
	g.Expect(json.Unmarshal(raw, &recordings)).To(Succeed())
	for i := range recordings {
		r := &recordings[i]
		r.Request.Body, r.Response.Body = unmasked(r.Request.Body), unmasked(r.Response.Body)
		r.enterprise = strings.Contains(r.Request.Path, enterpriseRoot) || bytes.Contains(r.Response.Body, []byte(enterpriseRoot))
		r.Request.Path = masks.ReplaceAllStringFunc(root.ReplaceAllString(r.Request.Path, "/"), number)
		r.route, r.vars = routeOf(r.Request.Method, r.Request.Path)
		r.numberIDs()
	}
	return recordings
}

// numberIDs gives IDs that were masked a number, where GitHub found what they name.
func (r *recording) numberIDs() {
	for name, value := range r.vars {
		if _, err := strconv.ParseInt(value, 10, 64); err == nil || r.Response.Status >= 400 || !strings.HasSuffix(name, "_id") {
			continue
		}
		r.vars[name] = number(value)
		r.Request.Path = strings.Replace(r.Request.Path, "/"+value, "/"+r.vars[name], 1)
	}
}

const enterpriseRoot = "/api/v3/"

// root is what stands before the path of the API: a host, masked or not, and an Enterprise Server's prefix.
var root = regexp.MustCompile(`^(https?://[^/]+|<+[A-Z0-9_]+>+)?(/api/v3(/|$)|/|$)?`)

// masks stand in recordings for names and numbers.
var masks = regexp.MustCompile(`<+[A-Z][A-Z0-9_]*>+`)

// number stands for what was masked, always the same for the same: a number is right where a name stood, too.
func number(mask string) string {
	digest := fnv.New32()
	_, _ = digest.Write([]byte(mask))
	return fmt.Sprint(100_000 + digest.Sum32()%900_000)
}

// unmasked is a body as it was before it was masked. One that was no JSON any more was recorded as text; no body is
// nil.
func unmasked(body json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = json.RawMessage(text)
	}
	body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">"))
	body = masks.ReplaceAllFunc(body, func(mask []byte) []byte { return []byte(number(string(mask))) })
	if len(body) == 0 || bytes.Equal(body, []byte("null")) {
		return nil
	}
	return body
}

// header of the answer, however it is written.
func (r *recording) header(name string) string {
	for recorded, value := range r.Response.Headers {
		if strings.EqualFold(recorded, name) {
			if lines, ok := value.([]any); ok && len(lines) > 0 {
				value = lines[0]
			}
			return masks.ReplaceAllStringFunc(text(value), number)
		}
	}
	return ""
}

// message of an error.
func (r *recording) message() string {
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Response.Body, &body) != nil {
		return string(r.Response.Body)
	}
	return body.Message
}

// recorded is when; zero is unknown, and as good as long ago. An Enterprise Server is as github.com was up to two years
// before.
func (r *recording) recorded() time.Time {
	if r.enterprise {
		return r.said().AddDate(-2, 0, 0)
	}
	return r.said()
}

// said is when the recording says that it was made.
func (r *recording) said() time.Time {
	for _, text := range []string{r.Source.Date, r.header("Date")} {
		for _, layout := range []string{time.RFC1123, time.RFC1123Z, time.RFC3339, time.DateOnly, time.RFC850, time.ANSIC} {
			if at, err := time.Parse(layout, text); err == nil {
				return at
			}
		}
	}
	return time.Time{}
}

// elsewhere says why a recording cannot be compared; empty where it can.
func (r *recording) elsewhere() string {
	switch {
	case r.route == "":
		return "the simulator does not have this endpoint"
	case r.Response.Status >= 500:
		return "GitHub was out of order, which faults play"
	case r.Response.Status >= 300 && r.Response.Status != http.StatusNotModified && r.reason() == nil:
		return "why GitHub refused cannot be read from the answer"
	}
	return ""
}

// compare makes the same request of a simulator on which all is as it was on GitHub. Its answer has the same status,
// the same keys and the same headers, but for what time explains.
func (r *recording) compare(t *testing.T) {
	t.Helper()
	w := r.world(t)
	answer := w.ask()
	w.h.g.Expect(answer.status).To(Equal(r.status()), answer.raw)
	r.compareHeaders(w.h.g, answer)
	if r.Request.Method == http.MethodHead || answer.status == http.StatusNoContent || answer.status == http.StatusNotModified {
		w.h.g.Expect(answer.raw).To(BeEmpty())
		return
	}
	theirs, isJSON := keysOf(r.Response.Body)
	if !isJSON {
		return // Somebody's page in GitHub's stead, or a body that was not recorded.
	}
	ours, isJSON := keysOf([]byte(answer.raw))
	w.h.g.Expect(isJSON).To(BeTrue())
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		w.h.g.Expect(ours[key] || r.explained(key)).To(BeTrue(), "GitHub's %s is missing: %s", key, answer.raw)
	}
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		w.h.g.Expect(theirs[key] || r.explained(key)).To(BeTrue(), "GitHub has no %s", key)
	}
}

// status is what a simulator of today answers: the POST that updated a GitHub Service that was there already makes a
// webhook, and redirects of what is not a read are 307.
func (r *recording) status() int {
	if r.redirected() {
		switch {
		case r.Request.Method != http.MethodGet && r.Request.Method != http.MethodHead:
			return http.StatusTemporaryRedirect
		case r.Response.Status != http.StatusFound:
			return http.StatusMovedPermanently
		}
	}
	if r.Response.Status == http.StatusOK && r.Request.Method == http.MethodPost && strings.HasSuffix(r.route, "/hooks") {
		return http.StatusCreated
	}
	return r.Response.Status
}

// compareHeaders looks for the headers that clients read.
func (r *recording) compareHeaders(g *WithT, answer reply) {
	promised := []string{"Link", "Location", "X-GitHub-SSO"}
	if !ofApps(r) && r.header("X-GitHub-SSO") == "" {
		promised = append(promised, "X-Accepted-OAuth-Scopes", "X-Accepted-GitHub-Permissions", "GitHub-Authentication-Token-Expiration")
	}
	for _, name := range promised {
		// "required" is the value with which GitHub refuses; others come with lists over several organizations.
		if r.header(name) != "" && answer.status == r.Response.Status && !strings.HasPrefix(r.header(name), "partial-results") {
			g.Expect(answer.header.Get(name)).NotTo(BeEmpty(), name)
		}
	}
	if r.header("ETag") != "" && (answer.status == http.StatusOK || answer.status == http.StatusCreated) {
		g.Expect(answer.header.Get("ETag")).NotTo(BeEmpty())
	}
	if recorded := r.header("Cache-Control"); strings.Contains(recorded, "max-age=60") && answer.status == http.StatusOK {
		g.Expect(strings.HasPrefix(answer.header.Get("Cache-Control"), "public")).To(Equal(strings.HasPrefix(recorded, "public")))
	}
	for _, relation := range []string{`rel="next"`, `rel="prev"`} {
		g.Expect(strings.Contains(answer.header.Get("Link"), relation)).To(Equal(strings.Contains(r.header("Link"), relation)), relation)
	}
	if numbers := r.header("X-RateLimit-Limit"); r.Response.Status == http.StatusUnauthorized && !ofApps(r) {
		_, given := answer.header["X-Ratelimit-Limit"]
		g.Expect(given).To(Equal(numbers != ""), "the numbers of a 401")
	}
	// Before 2015 the scopes were repo and public_repo; those of other endpoints are not known for sure.
	wellKnown := strings.HasSuffix(r.route, "/hooks") || strings.HasSuffix(r.route, "/{hook_id}") || strings.HasSuffix(r.route, "/pings")
	if accepted := r.header("X-Accepted-OAuth-Scopes"); accepted != "" && wellKnown && r.recorded().Year() >= 2015 && r.Request.Method != http.MethodPatch {
		g.Expect(listed(answer.header.Get("X-Accepted-OAuth-Scopes"))).To(ConsistOf(listed(accepted)))
	}
}

// keysOf are the paths of all keys of a document, with [] for the elements of a list. What is no document has none.
func keysOf(raw []byte) (map[string]bool, bool) {
	var document any
	if json.Unmarshal(raw, &document) != nil {
		return nil, false
	}
	keys := map[string]bool{}
	collectKeys(document, "", keys)
	return keys, true
}

func collectKeys(document any, path string, keys map[string]bool) {
	switch document := document.(type) {
	case map[string]any:
		for name, value := range document {
			below := strings.TrimPrefix(path+"."+name, ".")
			keys[below] = true
			collectKeys(value, below, keys)
		}
	case []any:
		for _, element := range document {
			collectKeys(element, path+"[]", keys)
		}
	}
}

// differences that explain a key which one of the two answers lacks.
var differences = []struct {
	key    *regexp.Regexp
	before string // Recorded before this day; empty is any day.
	when   func(*recording) bool
	why    string
}{
	{key: whole(`deliveries_url`), before: "2021-06-30", why: "the delivery API came in June 2021"},
	{key: whole(`type`), before: "2017-01-01", why: "hooks name their type since 2016"},
	{key: whole(`config\.(insecure_ssl|content_type)`), before: "2019-01-31", why: "what nobody set was left out"},
	{key: whole(`ping_url`), before: "2015-01-01", why: "pings came with the API of 2014"},
	{key: whole(`documentation_url`), before: "2015-01-01", why: "errors did not link to the documentation"},
	{key: whole(`status`), before: "2024-09-01", when: failed, why: "errors repeat their status since mid-2024"},
	{key: whole(`throttled_at`), before: "2026-01-01", why: "throttling was added to deliveries later"},
	{key: whole(`(app_slug|suspended_at|suspended_by)`), before: "2021-01-01", why: "installations got these fields one by one"},
	{key: whole(`(slug|permissions|events|node_id)`), before: "2020-01-01", when: ofApps, why: "Apps got these fields one by one"},
	{key: whole(`(permissions.*|repository_selection)`), before: "2019-01-01", when: ofApps, why: "the answer was the token and its end"},

	{key: whole(`(client_id|has_multiple_single_files|single_file_paths|single_file_name|single_file|contact_email|installations_count)`),
		when: ofApps, why: "GitHub's description does not promise these fields"},
	{key: whole(`repositories(\[\].*)?`), when: ofApps, why: "a token's repositories are shown at times where none were named"},
	{key: regexp.MustCompile(`(^|\.)(account|owner|suspended_by)\.(.+\.)?[^.]*$`), when: ofApps, why: "an account's own fields come and go"},
	{key: whole(`config\.(url|content_type|insecure_ssl|secret)`), when: ofService, why: "GitHub Services had settings of their own"},
	{key: whole(`url`), when: ofDeliveries, why: "GitHub's description does not promise the address in a list, where it is empty"},
	{key: whole(`url`), when: (*recording).redirected, why: "a redirect's address is in its Location"},
	{key: regexp.MustCompile(`(^|\.)config\.(active|digest|room|user|domain|[a-z_]*_url|token|ssl_[a-z_]*)$`), why: "GitHub kept what else was in a config"},
	{key: regexp.MustCompile(`^config\.`), when: ofService, why: "GitHub Services had settings of their own"},
	{key: regexp.MustCompile(`^errors(\[\].*)?$`), when: failed, why: "what an entry of a 422 says besides its message depends on the field"},
	{key: regexp.MustCompile(`^block(\..*)?$`), when: failed, why: "the reason of a block is shown where there is one to show"},
}

// whole matches the key at the top of a document or of a list's elements.
func whole(key string) *regexp.Regexp { return regexp.MustCompile(`^(\[\]\.)?` + key + `$`) }

func failed(r *recording) bool { return r.Response.Status >= 300 }

func ofApps(r *recording) bool {
	return strings.HasPrefix(r.route, "/app") || strings.HasSuffix(r.route, "/installation")
}

func ofDeliveries(r *recording) bool { return strings.HasSuffix(r.route, "/deliveries") }

// redirected is an answer that sends the client elsewhere.
func (r *recording) redirected() bool {
	return r.Response.Status >= 300 && r.Response.Status < 400 && r.Response.Status != http.StatusNotModified
}

func (r *recording) explained(key string) bool {
	for _, difference := range differences {
		before, err := time.Parse(time.DateOnly, difference.before)
		inTime := difference.before == "" || err == nil && r.recorded().Before(before)
		if inTime && (difference.when == nil || difference.when(r)) && difference.key.MatchString(key) {
			return true
		}
	}
	return false
}

// routeOf finds the simulator's endpoint for a request, also where the target is named by its ID.
func routeOf(method, path string) (string, map[string]string) {
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodHead {
		method = http.MethodGet
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case segments[0] == "repositories" && len(segments) > 1:
		segments = append([]string{"repos", "", segments[1]}, segments[2:]...)
	case segments[0] == "organizations" && len(segments) > 1:
		segments[0] = "orgs"
	}
	if last := len(segments) - 1; segments[last] == "test" {
		segments[last] = "tests"
	}
	for _, endpoint := range githubsim.Endpoints() {
		if vars := match(strings.Split(strings.TrimPrefix(endpoint.Route, "/"), "/"), segments); vars != nil && endpoint.Method == method {
			return endpoint.Route, vars
		}
	}
	return "", nil
}

func match(pattern, segments []string) map[string]string {
	if len(pattern) != len(segments) {
		return nil
	}
	vars := map[string]string{}
	for i, want := range pattern {
		if name, isVariable := strings.CutPrefix(want, "{"); isVariable {
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				return nil
			}
			vars[strings.TrimSuffix(name, "}")] = value
		} else if want != segments[i] {
			return nil
		}
	}
	return vars
}
