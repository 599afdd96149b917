package githubsim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// reason is why GitHub did not do what it was asked, as its words give away, and how a simulator comes to say the same.
type reason struct {
	statuses []int
	// words are in the message; nil is any message. Where there is no message, the first reason of the status counts.
	words   *regexp.Regexp
	when    func(*recording) bool
	options func(*recording, *githubsim.Options)
	arrange func(*recordedWorld)
	// insist changes a request that today is not refused any more, or not here, into one that is for the same reason.
	insist func(body string) string
}

// reason of a refusal; nil of a success, and of a refusal that nobody knows how to come by.
func (r *recording) reason() *reason {
	for i := range reasons {
		candidate := &reasons[i]
		if slices.Contains(candidate.statuses, r.Response.Status) && (candidate.when == nil || candidate.when(r)) &&
			(candidate.words == nil || candidate.words.MatchString(r.message())) {
			return candidate
		}
	}
	return nil
}

func words(pattern string) *regexp.Regexp { return regexp.MustCompile("(?i)" + pattern) }

func not(question func(*recording) bool) func(*recording) bool {
	return func(r *recording) bool { return !question(r) }
}

var (
	limitStatuses = []int{http.StatusForbidden, http.StatusTooManyRequests}
	refusals      = []int{http.StatusForbidden}
	unauthorized  = []int{http.StatusUnauthorized}
	invalid       = []int{http.StatusUnprocessableEntity}
	bad           = []int{http.StatusBadRequest}
)

var reasons = slices.Concat(redirects, loginReasons, limitReasons, accessReasons, valueReasons)

var redirects = []reason{{
	statuses: []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect},
	when:     func(r *recording) bool { return r.vars["owner"] != "" },
	arrange:  func(w *recordedWorld) { w.h.Rename(w.target, w.target+"-renamed") },
}}

// loginReasons are what is wrong with credentials.
var loginReasons = []reason{
	{statuses: unauthorized, when: not(ofApps), words: words(`requires authentication`), arrange: func(w *recordedWorld) { w.token = "" }},
	{statuses: unauthorized, when: not(ofApps), arrange: func(w *recordedWorld) { w.token = "ghp_wrong" }},
	{statuses: unauthorized, words: words(`'exp'.* too far`), arrange: func(w *recordedWorld) {
		w.signedOtherwise(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(24 * time.Hour).Unix() })
	}},
	{statuses: unauthorized, words: words(`'exp'`), arrange: func(w *recordedWorld) {
		w.signedOtherwise(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() })
	}},
	{statuses: unauthorized, words: words(`'iat'`), arrange: func(w *recordedWorld) {
		w.signedOtherwise(func(c jwt.MapClaims) { c["iat"] = time.Now().Add(time.Hour).Unix() })
	}},
	{statuses: unauthorized, words: words(`'iss'`), arrange: func(w *recordedWorld) {
		w.signedOtherwise(func(c jwt.MapClaims) { delete(c, "iss") })
	}},
	{statuses: unauthorized, arrange: func(w *recordedWorld) { w.token = "no-jwt" }},
	{statuses: []int{http.StatusNotFound}, words: words(`integration not found`), arrange: asNobody},
	{statuses: []int{http.StatusNotFound}, when: func(r *recording) bool { return r.route == "/app" || r.route == "/app/installations" }, arrange: asNobody},
	{statuses: refusals, words: words(`login attempts`), options: func(_ *recording, o *githubsim.Options) {
		o.Lockout = &githubsim.Lockout{Attempts: 1}
	}, arrange: func(w *recordedWorld) {
		w.token = "ghp_wrong"
		w.ask()
	}},
	{statuses: refusals, words: words(`administrative rules`), arrange: func(w *recordedWorld) { w.extra = []string{"User-Agent", ""} }},
}

// asNobody asks with the JWT of an App that is not there.
func asNobody(w *recordedWorld) { w.signedOtherwise(func(c jwt.MapClaims) { c["iss"] = "nobody" }) }

// limitReasons are exceeded rate limits.
var limitReasons = []reason{
	{statuses: limitStatuses, words: words(`rate limit exceeded for (user|app|installation)`), options: hourly, arrange: useUp},
	{statuses: limitStatuses, words: words(`rate limit exceeded`), when: hasRights, options: hourly, arrange: useUp},
	{statuses: limitStatuses, words: words(`secondary rate limit|abuse`), options: func(r *recording, o *githubsim.Options) {
		o.Limits = &githubsim.Limits{PointsPerMinute: 1, Status: r.Response.Status, NoRetryAfter: r.header("Retry-After") == ""}
	}, arrange: useUp},
	{statuses: limitStatuses, words: words(`rate limit exceeded`), options: func(r *recording, o *githubsim.Options) {
		o.Limits = &githubsim.Limits{Anonymous: 1, Status: r.Response.Status}
	}, arrange: func(w *recordedWorld) {
		w.token = "ghp_wrong"
		w.ask()
	}},
	{statuses: []int{http.StatusTooManyRequests}, options: func(_ *recording, o *githubsim.Options) {
		o.Limits = &githubsim.Limits{PointsPerMinute: 1, Status: http.StatusTooManyRequests}
	}, arrange: useUp},
}

func hourly(r *recording, o *githubsim.Options) {
	o.Limits = &githubsim.Limits{Hourly: 1, Status: r.Response.Status}
}

// hasRights tells whether GitHub knew who asked: it names rights to nobody else.
func hasRights(r *recording) bool {
	return r.header("X-Accepted-GitHub-Permissions") != "" || r.header("X-OAuth-Scopes") != ""
}

// useUp makes the one request that the limit has room for. Apps themselves have no limit, so that a token asks.
func useUp(w *recordedWorld) {
	if w.ofJWT() {
		w.token = adminToken
	}
	w.h.as(w.token, http.MethodGet, "/orgs/nobody/hooks", "")
}

// accessReasons are rights that are missing, and places that are closed.
var accessReasons = []reason{
	{statuses: refusals, words: words(`suspended`), arrange: func(w *recordedWorld) {
		if w.ofJWT() {
			w.h.ChangeInstallation(int64(atoi(w.vars["installation_id"], 0)), suspend)
			return
		}
		w.h.ChangeInstallation(w.useInstallation(w.grants).ID, suspend)
	}},
	{statuses: refusals, when: not(ofApps), words: words(`SAML|single sign-on`), arrange: func(w *recordedWorld) {
		w.h.RequireSSO(w.target, "https://github.com/orgs/octo-org/sso")
		w.token = adminToken
	}},
	{statuses: refusals, when: not(ofApps), words: words(`IP (address|allow)`), arrange: func(w *recordedWorld) {
		w.h.AllowAddresses(w.target, "192.0.2.1")
	}},
	{statuses: refusals, when: ofRepository, words: words(`archived`), arrange: func(w *recordedWorld) { w.h.SetArchived(w.target, true) }},
	{statuses: refusals, when: ofRepository, words: words(`blocked|unavailable`), arrange: block},
	{statuses: []int{http.StatusUnavailableForLegalReasons}, when: ofRepository, arrange: block},
	{statuses: refusals, when: not(ofApps), words: words(`by integration`), arrange: func(w *recordedWorld) {
		w.useInstallation(map[string]string{"metadata": "read"})
	}},
	// Whatever else GitHub says with a 403 is about a permission.
	{statuses: refusals, when: not(ofApps), arrange: func(w *recordedWorld) {
		w.useFineGrained(map[string]string{"metadata": "read"}, time.Time{})
	}},
	{statuses: refusals, when: func(r *recording) bool { return r.vars["installation_id"] != "" }, arrange: func(w *recordedWorld) {
		w.h.ChangeInstallation(int64(atoi(w.vars["installation_id"], 0)), suspend)
	}},
	{statuses: []int{http.StatusNotFound}},
}

func suspend(i *githubsim.Installation) { i.Suspended = true }

func block(w *recordedWorld) { w.h.Block(w.target, w.Response.Status) }

func ofRepository(r *recording) bool { return r.vars["repo"] != "" && !ofApps(r) }

// valueReasons are what is wrong with the request itself. Most of it is in its body; the rest is that it met another
// webhook.
var valueReasons = []reason{
	{statuses: bad, words: words(`version`), arrange: func(w *recordedWorld) { w.extra = []string{"X-GitHub-Api-Version", "1999-01-01"} }},
	{statuses: bad, words: words(`pars|JSON`), arrange: func(w *recordedWorld) {
		if w.body == "" || json.Valid([]byte(w.body)) && strings.HasPrefix(w.body, "{") {
			w.body = "{"
		}
	}},
	{statuses: bad, when: func(r *recording) bool {
		_, err := strconv.Atoi(r.vars["delivery_id"])
		return r.vars["delivery_id"] != "" && err != nil
	}},
	{statuses: invalid, when: ofWords(`already exists`), arrange: func(w *recordedWorld) { w.twin(1) }},
	{statuses: invalid, when: ofWords(`cannot have more than \d+ hooks`), options: func(r *recording, o *githubsim.Options) {
		o.HooksPerEvent = r.hooksPerEvent()
	}, arrange: func(w *recordedWorld) { w.twin(w.hooksPerEvent()) }},
	{statuses: invalid, words: words(`permissions`), when: ofApps, arrange: func(w *recordedWorld) {
		w.h.ChangeInstallation(int64(atoi(w.vars["installation_id"], 0)), func(i *githubsim.Installation) { i.Permissions = nil })
	}},
	{statuses: invalid, words: words(`repositor`), when: ofApps},
	// The rest is in the request.
	{statuses: invalid, when: ofWords(`public Internet`), insist: inConfig("url", "http://localhost")},
	{statuses: invalid, when: ofWords(`cannot be blank`), insist: inConfig("url", "")},
	{statuses: invalid, when: ofWords(`http\(s\) scheme`), insist: inConfig("url", "ftp://ci.example.com")},
	{statuses: invalid, when: ofWords(`URL you've entered`), insist: inConfig("url", "https://%zz")},
	{statuses: invalid, when: ofWords(`valid event name`), insist: inBody("events", []string{"no_such_event"})},
	{statuses: invalid, when: ofWords(`not allowed for this hook`), insist: inBody("events", []string{"installation"})},
	{statuses: invalid, when: ofWords(`"field": ?"name"`), insist: inBody("name", "railsbp")},
	{statuses: invalid, when: ofWords(`'properties/|'items/`), insist: inBody("events", nil)},
	{statuses: invalid, when: ofWords(`permitted key`), insist: inBody("no_such_key", true)},
	{statuses: invalid, when: func(r *recording) bool { return r.vars["org"] != "" && ofWords(`(wasn't|weren't) supplied`)(r) }, insist: inBody("config", map[string]any{})},
	{statuses: invalid, words: words(`possible value|cursor`), when: func(r *recording) bool { return ofDeliveries(r) && strings.Contains(r.Request.Path, "?") }},
}

// inConfig puts a value into the config that is sent.
func inConfig(name string, value any) func(string) string {
	return inBody("config", map[string]any{name: value})
}

// inBody puts a value into the body that is sent.
func inBody(name string, value any) func(string) string {
	return func(body string) string {
		fields := map[string]any{}
		_ = json.Unmarshal([]byte(body), &fields)
		fields[name] = value
		encoded, err := json.Marshal(fields)
		if err != nil {
			panic(err) // It came from JSON and goes into it.
		}
		return string(encoded)
	}
}

// ofWords asks for words anywhere in the answer: a 422 has its reasons in entries.
func ofWords(pattern string) func(*recording) bool {
	return func(r *recording) bool { return words(pattern).Match(r.Response.Body) }
}

func (r *recording) hooksPerEvent() int {
	found := regexp.MustCompile(`more than (\d+) hooks`).FindSubmatch(r.Response.Body)
	number, err := strconv.Atoi(string(found[1]))
	if err != nil {
		panic(err) // It matched digits.
	}
	return number
}

// twin makes webhooks of the same target with the request's events; the first has its config, too.
func (w *recordedWorld) twin(number int) {
	var wanted struct {
		Config map[string]any `json:"config"`
		Events []string       `json:"events"`
		Added  []string       `json:"add_events"`
	}
	if json.Unmarshal([]byte(w.body), &wanted) != nil {
		return
	}
	for i := range number {
		hook := githubsim.Hook{Config: configOf(wanted.Config), Events: append(wanted.Events, wanted.Added...)}
		hook.Config.URL = cmp.Or(hook.Config.URL, publicURL)
		if i > 0 {
			hook.Config.URL = fmt.Sprintf("https://%d.example.com", i)
		}
		w.h.CreateHook(w.target, hook)
	}
}
