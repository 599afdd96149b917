package githubsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
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
// written by hand; GITHUB_RECORDINGS_DIR may hold real ones.
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
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

// placeholders stand in recordings for names and numbers that were masked.
var placeholders = strings.NewReplacer(
	"<GITHUB_LOGIN>", "octocat", "<GITHUB_TEST_ORGANIZATION>", "octo-org", "<GITHUB_TEST_REPOSITORY>", "hello-world",
	"<GITHUB_TEST_INTEGRATION_INSTALLATION>", "288186", "<GITHUB_TEST_INTEGRATION>", "4242",
)

// elsewhere are recorded requests to endpoints that the simulator does not have, and why not.
var elsewhere = map[string]*regexp.Regexp{
	"installations are looked up by repository and organization only": regexp.MustCompile(`^/users/[^/]+/installation$`),
	"the catalogue of GitHub Services, which ended in 2019":           regexp.MustCompile(`^/hooks$`),
	"an Enterprise Server's statistics, for its administrators":       regexp.MustCompile(`enterprise/stats/hooks$`),
}

// aged are differences that time made. A key that GitHub added later is missing in older recordings; one of GitHub
// Services went with them.
var aged = []struct {
	key    string // A regular expression for the whole path of the key.
	before string // Recorded before this day.
	why    string
}{
	{`deliveries_url`, "2021-06-30", "the delivery API came in June 2021"},
	{`type`, "2016-01-01", "hooks tell their type since 2016"},
	{`config\.insecure_ssl`, "2016-01-01", "an insecure_ssl that nobody set was left out"},
	{`ping_url`, "2014-01-01", "pings came with the API of 2014"},
	{`documentation_url`, "2014-01-01", "errors did not link to the documentation"},
	{`status`, "2024-07-01", "errors repeat their status since mid-2024"},
	{`(\[\]\.)?throttled_at`, "2025-01-01", "throttling was added to deliveries later"},
	{`(client_id|has_multiple_single_files|single_file_paths)`, "2025-01-01", "installations got these fields one by one"},
	{`(app_slug|suspended_at|suspended_by)`, "2020-01-01", "installations got these fields one by one"},
	{`(account|repositories\[\]\.owner)\.user_view_type`, "2025-01-01", "accounts got this field in 2024"},
	{`(permissions.*|repository_selection)`, "2018-01-01", "the answer was the token and its end"},
	{`repositories\[\]\.has_discussions`, "2023-01-01", "repositories tell of their discussions since late 2022"},
	{`config\.(railsbp_url|token|url|content_type)`, "2019-01-31", "GitHub Services had settings of their own"},
}

func TestRecordingsAreAnsweredAlike(t *testing.T) {
	dirs := []string{"testdata"}
	if dir := os.Getenv("GITHUB_RECORDINGS_DIR"); dir != "" {
		dirs = append(dirs, dir)
	} else {
		t.Log("GITHUB_RECORDINGS_DIR is not set: GitHub's recorded answers were not compared, only those in testdata, written by hand.")
	}
	for _, dir := range dirs {
		compared := 0
		for i, r := range readRecordings(t, filepath.Join(dir, "recordings.json")) {
			t.Run(fmt.Sprintf("%s %d %s %s", filepath.Base(dir), i, r.Request.Method, r.Request.Path), func(t *testing.T) {
				if why := r.elsewhere(); why != "" {
					t.Log(why)
					return
				}
				r.compare(t)
				compared++
			})
		}
		t.Logf("%d recordings of %s answered alike", compared, dir)
		NewWithT(t).Expect(compared).To(BeNumerically(">", 4), dir)
	}
}

func readRecordings(t *testing.T, path string) []recording {
	t.Helper()
	g := NewWithT(t)
	raw, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	var recordings []recording
	g.Expect(json.Unmarshal([]byte(placeholders.Replace(string(raw))), &recordings)).To(Succeed())
	for i := range recordings {
		recordings[i].Request.Body = unquoted(recordings[i].Request.Body)
		recordings[i].Response.Body = unquoted(recordings[i].Response.Body)
	}
	return recordings
}

// unquoted is the JSON in a body that was recorded as text, because its placeholders were no JSON.
func unquoted(body json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = json.RawMessage(text)
	}
	if bytes.Equal(body, []byte("null")) {
		return nil
	}
	return body
}

func (r recording) elsewhere() string {
	for why, path := range elsewhere {
		if path.MatchString(r.Request.Path) {
			return why
		}
	}
	return ""
}

func (r recording) compare(t *testing.T) {
	h := start(t, githubsim.Options{OnExchange: unvalidated, DeliveryRetention: 100 * 365 * 24 * time.Hour})
	token, want := r.prepare(h), r.Response.Status
	if want == http.StatusOK && r.Request.Method == http.MethodPost {
		want = http.StatusCreated // A GitHub Service that was there already was updated by a POST.
	}
	answer := h.as(token, r.Request.Method, r.Request.Path, r.modern())
	h.g.Expect(answer.status).To(Equal(want), answer.raw)
	theirs, ours := keysOf(h.g, r.Response.Body), keysOf(h.g, []byte(answer.raw))
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		h.g.Expect(ours[key] || r.aged(h.g, key)).To(BeTrue(), "GitHub's %s is missing", key)
	}
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		h.g.Expect(theirs[key] || r.aged(h.g, key)).To(BeTrue(), "GitHub has no %s", key)
	}
	for _, header := range []string{"Link", "Etag", "Location"} {
		if r.Response.Headers[strings.ToLower(header)] != "" && (header != "Etag" || answer.status == http.StatusOK) {
			h.g.Expect(answer.header).To(HaveKey(header))
		}
	}
}

// modern is the request's body, with a GitHub Service turned into the webhook that came after it.
func (r recording) modern() string {
	if !bytes.Contains(r.Request.Body, []byte("railsbp_url")) {
		return string(r.Request.Body)
	}
	return `{"config":{"url":"https://railsbp.com","content_type":"json"},"events":["push"],"active":true}`
}

func (r recording) aged(g *WithT, key string) bool {
	recorded, err := time.Parse(time.RFC1123, r.Source.Date)
	g.Expect(err).NotTo(HaveOccurred())
	for _, difference := range aged {
		before, err := time.Parse(time.DateOnly, difference.before)
		g.Expect(err).NotTo(HaveOccurred())
		if recorded.Before(before) && regexp.MustCompile("^("+difference.key+")$").MatchString(key) {
			return true
		}
	}
	return false
}

// keysOf are the paths of all keys of a document, with [] for the elements of a list.
func keysOf(g *WithT, raw []byte) map[string]bool {
	keys := map[string]bool{}
	if len(raw) == 0 {
		return keys
	}
	var document any
	g.Expect(json.Unmarshal(raw, &document)).To(Succeed(), string(raw))
	collectKeys(document, "", keys)
	return keys
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

// prepare brings the simulator into the state that the recorded request met, and returns who asks.
func (r recording) prepare(h githubServer) (token string) {
	segments := strings.Split(strings.TrimPrefix(strings.Split(r.Request.Path, "?")[0], "/"), "/")
	h.AddUser("octocat")
	h.AddUser("bogus")
	if segments[0] == "app" || segments[len(segments)-1] == "installation" {
		return r.prepareApp(h, segments)
	}
	target, rest := githubsim.Target(segments[1]), segments[2:]
	if segments[0] == "repos" {
		target, rest = githubsim.Target(segments[1]+"/"+segments[2]), segments[3:]
		h.AddRepository(target)
	} else {
		h.AddOrganization(segments[1])
	}
	if len(rest) > 1 && r.Response.Status != http.StatusNotFound {
		id, err := strconv.ParseInt(rest[1], 10, 64)
		h.g.Expect(err).NotTo(HaveOccurred())
		r.addHook(h, target, id)
	}
	return adminToken
}

// addHook puts a webhook there with the settings that GitHub answered.
func (r recording) addHook(h githubServer, target githubsim.Target, id int64) {
	var shown struct {
		Config map[string]string
	}
	if len(r.Response.Body) > 0 {
		h.g.Expect(json.Unmarshal(r.Response.Body, &shown)).To(Succeed())
	}
	h.CreateHook(target, githubsim.Hook{ID: id, Config: githubsim.Config{
		URL: "https://ci.example.com", ContentType: shown.Config["content_type"], Secret: shown.Config["secret"],
	}})
}

// prepareApp adds the App, installed where the request looks for it.
func (r recording) prepareApp(h githubServer, segments []string) (token string) {
	var shown struct {
		RepositorySelection string            `json:"repository_selection"`
		Permissions         map[string]string `json:"permissions"`
		Events              []string          `json:"events"`
	}
	if len(r.Response.Body) > 0 && r.Response.Body[0] == '{' {
		h.g.Expect(json.Unmarshal(r.Response.Body, &shown)).To(Succeed())
	}
	app := h.AddApp(githubsim.App{ID: 4242, PrivateKey: testKey(), Events: shown.Events, Webhook: githubsim.Config{URL: "https://ci.example.com"}})
	installation := githubsim.Installation{AppID: app.ID, Account: "bogus", Permissions: shown.Permissions}
	h.AddRepository("bogus/bogus")
	switch segments[0] {
	case "repos":
		h.AddRepository(githubsim.Target(segments[1] + "/" + segments[2]))
		installation.Account = segments[1]
	case "orgs":
		installation.Account = segments[1]
	}
	if len(segments) == 4 && segments[3] == "access_tokens" {
		id, err := strconv.ParseInt(segments[2], 10, 64)
		h.g.Expect(err).NotTo(HaveOccurred())
		installation.ID = id
	}
	if shown.RepositorySelection == "selected" {
		installation.Repositories = []githubsim.Target{"bogus/bogus"}
		if segments[0] == "repos" {
			installation.Repositories = append(installation.Repositories, githubsim.Target(segments[1]+"/"+segments[2]))
		}
		if segments[0] == "orgs" {
			installation.Repositories = []githubsim.Target{}
		}
	}
	h.Install(installation)
	r.addDeliveries(h, githubsim.AppTarget(app.ID))
	return signed(app, nil)
}

// addDeliveries logs the deliveries that GitHub showed, and those that its links point to.
func (r recording) addDeliveries(h githubServer, app githubsim.Target) {
	type shown struct {
		ID             int64  `json:"id"`
		StatusCode     int    `json:"status_code"`
		InstallationID int64  `json:"installation_id"`
		Event          string `json:"event"`
		Request        struct {
			Headers map[string]string `json:"headers"`
			Payload json.RawMessage   `json:"payload"`
		} `json:"request"`
		Response struct {
			Headers map[string]string `json:"headers"`
			Payload string            `json:"payload"`
		} `json:"response"`
	}
	var rows []shown
	if json.Unmarshal(r.Response.Body, &rows) != nil {
		rows = make([]shown, 1)
		if len(r.Response.Body) > 0 {
			_ = json.Unmarshal(r.Response.Body, &rows[0])
		}
	}
	add := func(row shown) {
		h.AddDelivery(app, 0, githubsim.Delivery{
			ID: row.ID, Event: row.Event, StatusCode: row.StatusCode, InstallationID: row.InstallationID,
			Request:  githubsim.DeliveryRequest{Headers: row.Request.Headers, Payload: row.Request.Payload},
			Response: githubsim.DeliveryResponse{Headers: row.Response.Headers, Payload: row.Response.Payload},
		})
	}
	for _, row := range rows {
		if row.ID != 0 {
			add(row)
		}
	}
	numbers := regexp.MustCompile(`v1_(\d+)|deliveries/(\d+)/attempts`)
	for _, match := range numbers.FindAllStringSubmatch(r.Response.Headers["link"]+r.Request.Path, -1) {
		id, err := strconv.ParseInt(match[1]+match[2], 10, 64)
		h.g.Expect(err).NotTo(HaveOccurred())
		if !slices.ContainsFunc(rows, func(row shown) bool { return row.ID == id }) {
			add(shown{ID: id})
		}
	}
}
