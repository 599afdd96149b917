package githubsim_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// recordedWorld is a simulator in the state that a recorded request met, and the request.
type recordedWorld struct {
	*recording
	h      githubServer
	target githubsim.Target
	app    githubsim.App
	// grants are what the App's installation or a fine-grained token may do.
	grants map[string]string
	// why GitHub refused; nil where it did not.
	why *reason

	token string
	path  string
	body  string
	// extra are headers of the request, by name and value.
	extra []string
}

// world makes it, from what the answer gives away.
func (r *recording) world(t *testing.T) *recordedWorld {
	t.Helper()
	options := githubsim.Options{
		OnExchange: unvalidated, DeliveryRetention: 100 * 365 * 24 * time.Hour, FoundRedirects: r.Response.Status == http.StatusFound,
		NoAnonymousNumbers: r.header("X-RateLimit-Limit") == "",
	}
	why := r.reason()
	if why != nil && why.options != nil {
		why.options(r, &options)
	}
	w := &recordedWorld{
		recording: r, why: why, h: start(t, options), token: adminToken, path: r.Request.Path, body: r.sent(),
		grants: map[string]string{"metadata": "read", "repository_hooks": "write", "organization_hooks": "write"},
	}
	w.addTarget()
	w.addApp()
	w.addHooks()
	w.addDeliveries()
	w.logIn()
	if why != nil && why.arrange != nil {
		why.arrange(w)
	}
	return w
}

// ask makes the recorded request. A 304 needs to know what there is.
func (w *recordedWorld) ask() reply {
	if w.Response.Status == http.StatusNotModified {
		w.extra = append(w.extra, "If-None-Match", w.h.as(w.token, w.Request.Method, w.path, w.body, w.extra...).header.Get("ETag"))
	}
	answer := w.h.as(w.token, w.Request.Method, w.path, w.body, w.extra...)
	if w.why != nil && w.why.insist != nil && answer.status < 300 {
		w.body = w.why.insist(w.body)
		answer = w.h.as(w.token, w.Request.Method, w.path, w.body, w.extra...)
	}
	if w.Response.Status < 300 && answer.status == http.StatusUnprocessableEntity {
		w.body = w.sentToday()
		answer = w.h.as(w.token, w.Request.Method, w.path, w.body, w.extra...)
	}
	return answer
}

// sentToday is the body as GitHub takes it today: with events that it still has, without keys that it once left alone,
// and with an address where the body was not recorded.
func (w *recordedWorld) sentToday() string {
	fields := map[string]any{}
	_ = json.Unmarshal([]byte(w.body), &fields)
	maps.DeleteFunc(fields, func(key string, _ any) bool {
		return !slices.Contains([]string{"name", "config", "events", "add_events", "remove_events", "active"}, key)
	})
	for _, events := range []string{"events", "add_events", "remove_events"} {
		if fields[events] != nil {
			fields[events] = []string{"push"}
		}
	}
	if config, ok := fields["config"].(map[string]any); !ok || config["url"] == nil {
		fields["name"], fields["config"] = "web", map[string]any{"url": publicURL, "content_type": "json"}
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		panic(err) // It came from JSON.
	}
	return string(encoded)
}

// found tells whether the request met what its path names. A 404 met nothing, unless the token's scopes explain it.
func (r *recording) found() bool {
	return r.Response.Status != http.StatusNotFound || r.lacksScope()
}

// lacksScope tells whether a classic token's scopes are none of those that would do.
func (r *recording) lacksScope() bool {
	scopes, accepted := listed(r.header("X-OAuth-Scopes")), listed(r.header("X-Accepted-OAuth-Scopes"))
	return len(accepted) > 0 && r.header("X-OAuth-Scopes") != "" &&
		!slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(accepted, scope) })
}

func listed(header string) []string {
	return strings.FieldsFunc(header, func(c rune) bool { return c == ',' || c == ' ' })
}

// ofService tells whether the request or its answer is about a webhook of a GitHub Service: they ended in 2019.
func ofService(r *recording) bool {
	for _, body := range []json.RawMessage{r.Request.Body, r.Response.Body} {
		var hook struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(body, &hook) == nil && hook.Name != "" && hook.Name != "web" && r.Response.Status < 300 {
			return true
		}
	}
	return false
}

// sent is the request's body. What a GitHub Service was given is turned into the webhook that came after it, and an
// address that was masked into one that is none of anybody's.
func (r *recording) sent() string {
	var fields map[string]any
	if r.Response.Status > 299 || json.Unmarshal(r.Request.Body, &fields) != nil {
		return string(r.Request.Body)
	}
	if ofService(r) {
		delete(fields, "name")
		fields["config"] = map[string]any{"url": publicURL, "content_type": "json"}
	}
	for _, config := range []any{fields["config"], fields} {
		if config, ok := config.(map[string]any); ok {
			if address, given := config["url"].(string); given && !reachable(address) {
				config["url"] = publicURL
			}
		}
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		panic(err) // It came from JSON.
	}
	return string(encoded)
}

const publicURL = "https://ci.example.com"

func reachable(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && strings.HasPrefix(parsed.Scheme, "http") && parsed.Hostname() != "" && parsed.Hostname() != "localhost"
}

// shown is the answer's body as an object; a list's first row.
func (r *recording) shown() map[string]any {
	if rows := r.rows(); len(rows) > 0 {
		return rows[0]
	}
	var fields map[string]any
	_ = json.Unmarshal(r.Response.Body, &fields)
	return fields
}

// rows are those of a list.
func (r *recording) rows() []map[string]any {
	var rows []map[string]any
	decoder := json.NewDecoder(bytes.NewReader(r.Response.Body))
	decoder.UseNumber()
	if decoder.Decode(&rows) != nil {
		return nil
	}
	return rows
}

// addTarget makes the repository or organization that the path names.
func (w *recordedWorld) addTarget() {
	owner, _ := w.shown()["account"].(map[string]any)
	login, repository := cmp.Or(w.vars["owner"], w.vars["org"], text(owner["login"]), "octo-org"), w.vars["repo"]
	if text(owner["type"]) == "User" && w.vars["org"] == "" {
		w.h.AddUser(login)
	}
	byID := strings.HasPrefix(w.path, "/repositories/") || strings.HasPrefix(w.path, "/organizations/")
	if byID {
		login, repository = "octo-org", map[bool]string{true: "by-id"}[repository != ""]
	}
	w.target = githubsim.Target(login)
	if !w.found() && w.vars["hook_id"] == "" {
		return
	}
	id := w.h.AddOrganization(login)
	if repository != "" {
		w.target = githubsim.Target(login + "/" + repository)
		id = w.h.AddRepository(w.target)
	}
	if byID {
		segments := strings.SplitN(w.path, "/", 4)
		segments[2] = itoa(id)
		w.path = strings.Join(segments, "/")
	}
}

// addHooks puts the webhooks there that the answer shows, or the one that the path names.
func (w *recordedWorld) addHooks() {
	_, named := w.vars["hook_id"]
	switch {
	case strings.HasSuffix(w.route, "/hooks") && w.Request.Method != http.MethodPost:
		w.fillPage(w.rows(), func(id int64, row map[string]any) { w.addHook(w.target, id, row) })
	case named && (w.found() || w.vars["delivery_id"] != ""):
		row := w.shown()
		if strings.HasSuffix(w.route, "/config") {
			row = map[string]any{"config": row}
		}
		w.addHook(w.target, int64(atoi(w.vars["hook_id"], 1)), row)
	}
}

// addHook puts a webhook there with the settings that GitHub showed.
func (w *recordedWorld) addHook(target githubsim.Target, id int64, row map[string]any) {
	config, given := row["config"].(map[string]any)
	settings := githubsim.Hook{ID: id, Config: configOf(config)}
	settings.Config.URL = cmp.Or(settings.Config.URL, publicURL)
	if w.Request.Method != http.MethodPatch {
		settings.Name = text(row["name"])
	}
	today := config["url"] != nil && config["content_type"] != nil && config["insecure_ssl"] != nil
	if given && w.Response.Status < 300 && !today && w.Request.Method != http.MethodPatch {
		w.h.CreateOldHook(target, settings, config)
		return
	}
	w.h.CreateHook(target, settings)
}

func configOf(config map[string]any) githubsim.Config {
	return githubsim.Config{
		URL: text(config["url"]), ContentType: text(config["content_type"]), InsecureSSL: text(config["insecure_ssl"]),
		Secret: text(config["secret"]), Username: text(config["username"]), Password: text(config["password"]),
	}
}

// text of a value that may be a number; nothing of null.
func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// fillPage adds the rows of a numbered page, so many before it and so many after it that its links are right.
func (w *recordedWorld) fillPage(rows []map[string]any, add func(id int64, row map[string]any)) {
	size, page := w.pageSize(len(rows)), max(1, atoi(w.query().Get("page"), 1))
	var shape map[string]any
	largest := int64(1_000_000)
	if len(rows) > 0 {
		shape = rows[0]
	}
	for i, row := range rows {
		id := int64(atoi(text(row["id"]), 1_000_000+i))
		largest = max(largest, id)
		add(id, row)
	}
	if len(rows) > 0 || strings.Contains(w.header("Link"), `rel="prev"`) {
		for i := range (page - 1) * size {
			add(-int64((page-1)*size-i), shape)
		}
	}
	if strings.Contains(w.header("Link"), `rel="next"`) {
		for i := range size - len(rows) + 1 {
			add(largest+int64(i)+1, shape)
		}
	}
}

// pageSize is the one that was asked for, or a larger one where more rows were answered.
func (w *recordedWorld) pageSize(rows int) int {
	size := min(100, max(1, atoi(w.query().Get("per_page"), 30)))
	if rows > size {
		size = 100
		path, _, _ := strings.Cut(w.path, "?")
		query := w.query()
		query.Set("per_page", "100")
		w.path = path + "?" + query.Encode()
	}
	return size
}

func (w *recordedWorld) query() url.Values {
	_, query, _ := strings.Cut(w.path, "?")
	values, err := url.ParseQuery(query)
	w.h.g.Expect(err).NotTo(HaveOccurred())
	return values
}

func atoi(number string, otherwise int) int {
	if n, err := strconv.Atoi(number); err == nil {
		return n
	}
	return otherwise
}

// ofJWT tells whether the endpoint is for an App itself.
func (w *recordedWorld) ofJWT() bool { return ofApps(w.recording) }

// addApp makes the App, installed where the request looks for it.
func (w *recordedWorld) addApp() {
	shown := w.shown()
	webhook := configOf(shown)
	webhook.URL = cmp.Or(webhook.URL, publicURL)
	if !strings.HasSuffix(w.route, "/hook/config") {
		webhook = githubsim.Config{URL: publicURL}
	}
	if granted, ok := shown["permissions"].(map[string]any); ok {
		w.grants = textsOf(granted)
	}
	w.app = w.h.AddApp(githubsim.App{
		ID: 4242, PrivateKey: testKey(), Events: []string{"push"}, Permissions: w.grants, Webhook: webhook,
		WebhookOff: w.Response.Status == http.StatusNotFound && w.vars["delivery_id"] == "",
	})
	switch {
	case !w.ofJWT() || !w.found() && w.vars["installation_id"] == "":
	case strings.HasSuffix(w.route, "/installations"):
		w.fillPage(w.rows(), w.addInstallation)
	case w.vars["installation_id"] != "" && w.found():
		w.addInstallation(int64(atoi(w.vars["installation_id"], 0)), shown)
	case strings.HasSuffix(w.route, "/installation"):
		w.addInstallation(int64(atoi(text(shown["id"]), 0)), shown)
	}
}

// addInstallation installs the App as GitHub showed it.
func (w *recordedWorld) addInstallation(id int64, shown map[string]any) {
	installation := githubsim.Installation{ID: id, AppID: w.app.ID, Account: w.target.Owner(), Suspended: text(shown["suspended_at"]) != ""}
	if account, ok := shown["account"].(map[string]any); ok && strings.HasSuffix(w.route, "/installations") {
		installation.Account = cmp.Or(text(account["login"]), installation.Account)
	}
	granted, _ := shown["permissions"].(map[string]any)
	installation.Permissions = textsOf(granted)
	var requested struct {
		Permissions   map[string]any `json:"permissions"`
		Repositories  []string       `json:"repositories"`
		RepositoryIDs []int64        `json:"repository_ids"`
	}
	_ = json.Unmarshal([]byte(w.body), &requested)
	if w.Response.Status < 300 {
		maps.Copy(installation.Permissions, textsOf(requested.Permissions))
		for _, name := range requested.Repositories {
			w.h.AddRepository(githubsim.Target(installation.Account + "/" + name))
		}
		for _, named := range requested.RepositoryIDs {
			made := w.h.AddRepository(githubsim.Target(fmt.Sprintf("%s/r%d", installation.Account, named)))
			w.body = strings.ReplaceAll(w.body, itoa(named), itoa(made))
		}
	}
	if shown["repository_selection"] == "selected" {
		installation.Repositories = []githubsim.Target{w.target}
		for _, name := range requested.Repositories {
			installation.Repositories = append(installation.Repositories, githubsim.Target(installation.Account+"/"+name))
		}
		for _, named := range requested.RepositoryIDs {
			installation.Repositories = append(installation.Repositories, githubsim.Target(fmt.Sprintf("%s/r%d", installation.Account, named)))
		}
	}
	w.h.Install(installation)
}

func textsOf(values map[string]any) map[string]string {
	texts := map[string]string{}
	for name, value := range values {
		texts[name] = text(value)
	}
	return texts
}

// addDeliveries logs the deliveries that GitHub showed, and as many older and newer ones as its links need.
func (w *recordedWorld) addDeliveries() {
	if !strings.Contains(w.route, "/deliveries") {
		return
	}
	rows := w.rows()
	if rows == nil && w.found() && w.vars["delivery_id"] != "" {
		row := w.shown()
		if _, shown := row["guid"]; !shown {
			row = map[string]any{}
		}
		row["id"] = w.vars["delivery_id"]
		rows = []map[string]any{row}
	}
	oldest, newest := int64(1)<<40, int64(0)
	for i, row := range rows {
		id := delivered(row, int64(1)<<40-int64(i))
		oldest, newest = min(oldest, id), max(newest, id)
		w.addDelivery(id, row)
	}
	if w.vars["delivery_id"] != "" || w.Response.Status > 299 && w.Response.Status != http.StatusNotModified {
		return
	}
	size := w.pageSize(len(rows))
	var shape map[string]any
	if len(rows) > 0 {
		shape = rows[0]
	}
	if strings.Contains(w.header("Link"), `rel="next"`) {
		for i := range size - len(rows) + 1 {
			w.addDelivery(oldest-int64(i)-1, shape)
		}
	}
	if strings.Contains(w.header("Link"), `rel="prev"`) {
		w.addDelivery(newest+1, shape)
	}
	if cursor := w.query().Get("cursor"); cursor != "" {
		w.path = strings.Replace(w.path, url.QueryEscape(cursor), fmt.Sprintf("v1_%d", max(newest, 0)), 1)
		w.path = strings.Replace(w.path, cursor, fmt.Sprintf("v1_%d", max(newest, 0)), 1)
	}
}

func delivered(row map[string]any, otherwise int64) int64 {
	if id, err := strconv.ParseInt(text(row["id"]), 10, 64); err == nil && id > 0 {
		return id
	}
	return otherwise
}

func (w *recordedWorld) addDelivery(id int64, row map[string]any) {
	target, hook := githubsim.AppTarget(w.app.ID), int64(0)
	if w.vars["hook_id"] != "" {
		target, hook = w.target, int64(atoi(w.vars["hook_id"], 0))
	}
	request, _ := row["request"].(map[string]any)
	response, _ := row["response"].(map[string]any)
	payload, err := json.Marshal(request["payload"])
	w.h.g.Expect(err).NotTo(HaveOccurred())
	w.h.AddDelivery(target, hook, githubsim.Delivery{
		ID: id, Event: text(row["event"]), Status: text(row["status"]), StatusCode: atoi(text(row["status_code"]), 0),
		Request:  githubsim.DeliveryRequest{Headers: headersOf(request), Payload: payload},
		Response: githubsim.DeliveryResponse{Headers: headersOf(response), Payload: text(response["payload"])},
	})
}

// headersOf a delivery; nil where there were none.
func headersOf(message map[string]any) map[string]string {
	headers, ok := message["headers"].(map[string]any)
	if !ok {
		return nil
	}
	return textsOf(headers)
}

// logIn chooses who asks: an App where only Apps may, else whoever the answer's headers speak to.
func (w *recordedWorld) logIn() {
	ends := time.Time{}
	if w.header("GitHub-Authentication-Token-Expiration") != "" {
		ends = time.Now().Add(time.Hour)
	}
	switch {
	case w.ofJWT():
		w.token = signed(w.app, nil)
	case w.header("X-Accepted-GitHub-Permissions") != "":
		w.useFineGrained(w.grants, ends)
	default:
		token := githubsim.Token{Value: adminToken, Admin: []githubsim.Target{githubsim.Everything}, Expires: ends}
		if scopes := w.header("X-OAuth-Scopes"); scopes != "" && w.lacksScope() == (w.Response.Status == http.StatusNotFound) {
			token.Scopes = listed(scopes)
			if slices.Contains(token.Scopes, "public_repo") && w.found() && w.Response.Status != http.StatusNotFound {
				token.Scopes = append(token.Scopes, "repo") // All repositories of the simulator are private.
			}
		}
		w.h.AddToken(token)
	}
}

func (w *recordedWorld) useFineGrained(permissions map[string]string, ends time.Time) {
	w.token = "github_pat_recorded"
	w.h.AddToken(githubsim.Token{
		Value: w.token, Kind: githubsim.FineGrained, Permissions: permissions, Admin: []githubsim.Target{githubsim.Everything}, Expires: ends,
	})
}

// useInstallation asks with a token of the App, installed on the target's owner.
func (w *recordedWorld) useInstallation(permissions map[string]string) githubsim.Installation {
	installation := w.h.Install(githubsim.Installation{AppID: w.app.ID, Account: w.target.Owner(), Permissions: permissions})
	w.token = w.h.minted(w.app, installation, "")
	return installation
}

// signedOtherwise asks with a JWT whose claims are changed.
func (w *recordedWorld) signedOtherwise(change func(jwt.MapClaims)) { w.token = signed(w.app, change) }
