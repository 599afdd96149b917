package githubsim_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// testKey is one key for all tests: making one is slow.
var testKey = sync.OnceValue(newKey)

func newKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// signed is a JWT that the App signed now, with claims changed.
func signed(app githubsim.App, change func(jwt.MapClaims)) string {
	now := time.Now()
	claims := jwt.MapClaims{"iss": app.ClientID, "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix()}
	if change != nil {
		change(claims)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(app.PrivateKey))
	if err != nil {
		panic(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	if err != nil {
		panic(err)
	}
	return token
}

// withApp adds an App that is installed on the organization.
func (h githubServer) withApp() (githubsim.App, githubsim.Installation) {
	h.t.Helper()
	app := h.AddApp(githubsim.App{PrivateKey: testKey(), Slug: "ci", Events: []string{"push"}})
	return app, h.Install(githubsim.Installation{AppID: app.ID, Account: "octo-org"})
}

// minted makes an installation token over the API.
func (h githubServer) minted(app githubsim.App, installation githubsim.Installation, body string) string {
	h.t.Helper()
	answer := h.as(signed(app, nil), http.MethodPost, fmt.Sprintf("/app/installations/%d/access_tokens", installation.ID), body)
	h.g.Expect(answer.status).To(Equal(http.StatusCreated), answer.raw)
	return answer.body["token"].(string)
}

func TestJWTs(t *testing.T) {
	const (
		undecodable = "A JSON web token could not be decoded"
		exp         = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
		tooFar      = "'Expiration time' claim ('exp') is too far in the future"
		iat         = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	)
	now := time.Now()
	set := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	drop := func(name string) func(jwt.MapClaims) { return func(c jwt.MapClaims) { delete(c, name) } }
	for name, tc := range map[string]struct {
		change  func(jwt.MapClaims)
		status  int
		message string
	}{
		"the client ID":          {nil, 200, ""},
		"the App ID":             {set("iss", "4242"), 200, ""},
		"the App ID as a number": {set("iss", 4242), 200, ""},
		"another App":            {set("iss", "4711"), 404, "Integration not found"},
		"no issuer":              {drop("iss"), 401, "'Issuer' claim ('iss') must be an Integer"},
		"no expiry":              {drop("exp"), 401, exp},
		"expired":                {set("exp", now.Add(-time.Second).Unix()), 401, exp},
		"expiry as text":         {set("exp", "soon"), 401, exp},
		"expires too late":       {set("exp", now.Add(11*time.Minute).Unix()), 401, tooFar},
		"no issue time":          {drop("iat"), 401, iat},
		"issued tomorrow":        {set("iat", now.Add(time.Hour).Unix()), 401, iat},
		"half a second":          {set("iat", float64(now.Unix())-0.5), 401, iat},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			app := h.AddApp(githubsim.App{ID: 4242, PrivateKey: testKey()})
			answer := h.as(signed(app, tc.change), http.MethodGet, "/app", "")
			h.g.Expect(answer.status).To(Equal(tc.status))
			h.g.Expect(answer.message()).To(Equal(tc.message))
		})
	}
	t.Run("not by the App's key", func(t *testing.T) {
		h := start(t, githubsim.Options{})
		app := h.AddApp(githubsim.App{PrivateKey: testKey()})
		app.PrivateKey = newKey()
		symmetric, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": app.ClientID}).SignedString([]byte("x"))
		h.g.Expect(err).NotTo(HaveOccurred())
		for _, token := range []string{signed(app, nil), symmetric, "ghp_token", ""} {
			answer := h.as(token, http.MethodGet, "/app", "")
			h.g.Expect(answer.status).To(Equal(http.StatusUnauthorized))
			h.g.Expect(answer.message()).To(Equal(undecodable))
		}
	})
	t.Run("client IDs are unknown to older servers", func(t *testing.T) {
		h := start(t, githubsim.Options{AppIDOnly: true})
		app := h.AddApp(githubsim.App{PrivateKey: testKey()})
		h.g.Expect(h.as(signed(app, nil), http.MethodGet, "/app", "").status).To(Equal(http.StatusNotFound))
		h.g.Expect(h.as(signed(app, set("iss", app.ID)), http.MethodGet, "/app", "").status).To(Equal(http.StatusOK))
	})
	t.Run("do not open what tokens open", func(t *testing.T) {
		h := start(t, githubsim.Options{})
		app, _ := h.withApp()
		h.g.Expect(h.as(signed(app, nil), http.MethodGet, repoHooks, "").message()).To(Equal("Bad credentials"))
	})
}

func TestAppMakesItsOwnKeyWhereItHasNone(t *testing.T) {
	h := start(t, githubsim.Options{})
	app := h.AddApp(githubsim.App{})
	answer := h.as(signed(app, nil), http.MethodGet, "/app", "")
	h.g.Expect(answer.body).To(And(HaveKeyWithValue("slug", app.Slug), HaveKeyWithValue("client_id", app.ClientID)))
}

func TestInstallationsAreFound(t *testing.T) {
	h := start(t, githubsim.Options{})
	app, installation := h.withApp()
	h.AddRepository("other-org/secret")
	token := signed(app, nil)
	want := HaveKeyWithValue("id", BeNumerically("==", installation.ID))
	h.g.Expect(h.as(token, http.MethodGet, "/app/installations", "").list).To(ConsistOf(want))
	for _, path := range []string{"/repos/octo-org/hello-world/installation", "/orgs/octo-org/installation"} {
		answer := h.as(token, http.MethodGet, path, "")
		h.g.Expect(answer.body).To(And(want, HaveKeyWithValue("app_slug", "ci"), HaveKeyWithValue("repository_selection", "all"), HaveKeyWithValue("suspended_at", BeNil())))
		h.g.Expect(answer.header.Get("Cache-Control")).To(HavePrefix("public"))
	}
	for _, path := range []string{"/repos/other-org/secret/installation", "/orgs/other-org/installation", "/repos/octo-org/none/installation"} {
		h.g.Expect(h.as(token, http.MethodGet, path, "").status).To(Equal(http.StatusNotFound), path)
	}
	h.Rename(repository, "octo-org/hello-moon")
	h.g.Expect(h.as(token, http.MethodGet, "/repos/octo-org/hello-world/installation", "").status).To(Equal(http.StatusMovedPermanently))
	h.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Repositories = []githubsim.Target{"octo-org/another"} })
	h.g.Expect(h.as(token, http.MethodGet, "/repos/octo-org/hello-moon/installation", "").status).To(Equal(http.StatusNotFound))
	h.Uninstall(installation.ID)
	h.g.Expect(h.as(token, http.MethodGet, "/app/installations", "").raw).To(Equal("[]"))
}

func TestInstallationOnAUser(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.AddUser("mona")
	h.AddRepository("mona/dotfiles")
	app := h.AddApp(githubsim.App{PrivateKey: testKey()})
	h.Install(githubsim.Installation{AppID: app.ID, Account: "mona"})
	answer := h.as(signed(app, nil), http.MethodGet, "/repos/mona/dotfiles/installation", "")
	h.g.Expect(answer.body).To(And(HaveKeyWithValue("target_type", "User"), HaveKeyWithValue("account", HaveKeyWithValue("type", "User"))))
	h.g.Expect(h.do(http.MethodGet, "/orgs/mona/hooks", "").status).To(Equal(http.StatusNotFound))
}

func TestInstallationTokens(t *testing.T) {
	clock := time.Now()
	h := start(t, githubsim.Options{Now: func() time.Time { return clock }})
	app, installation := h.withApp()
	h.AddRepository("octo-org/another")
	token := h.minted(app, installation, "")
	h.g.Expect(h.as(token, http.MethodPost, repoHooks, plainHook).status).To(Equal(http.StatusCreated))
	h.g.Expect(h.as(token, http.MethodPost, orgHooks, plainHook).status).To(Equal(http.StatusCreated))
	h.settle()

	one := h.minted(app, installation, `{"repositories":["another"]}`)
	h.g.Expect(h.as(one, http.MethodGet, "/repos/octo-org/another/hooks", "").status).To(Equal(http.StatusOK))
	h.g.Expect(h.as(one, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusNotFound))
	byID := h.minted(app, installation, fmt.Sprintf(`{"repository_ids":[%d]}`, h.AddRepository(repository)))
	h.g.Expect(h.as(byID, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))

	clock = clock.Add(time.Hour)
	h.g.Expect(h.as(token, http.MethodGet, repoHooks, "").message()).To(Equal("Bad credentials"))
}

func TestInstallationTokensKeepThePermissionsTheyWereMadeWith(t *testing.T) {
	h := start(t, githubsim.Options{})
	app, installation := h.withApp()
	reading := h.minted(app, installation, `{"permissions":{"repository_hooks":"read"}}`)
	h.g.Expect(h.as(reading, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	refused := h.as(reading, http.MethodPost, repoHooks, plainHook)
	h.g.Expect(refused.status).To(Equal(http.StatusForbidden))
	h.g.Expect(refused.message()).To(Equal("Resource not accessible by integration"))
	h.g.Expect(refused.header.Get("X-Accepted-GitHub-Permissions")).To(Equal("repository_hooks=write"))

	everything := h.minted(app, installation, `{"permissions":{}}`)
	h.g.Expect(h.as(everything, http.MethodPost, repoHooks, plainHook).status).To(Equal(http.StatusCreated), "none named are all")

	h.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { delete(i.Permissions, "repository_hooks") })
	h.g.Expect(h.as(reading, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	h.g.Expect(h.as(h.minted(app, installation, ""), http.MethodGet, repoHooks, "").status).To(Equal(http.StatusForbidden))
	path := fmt.Sprintf("/app/installations/%d/access_tokens", installation.ID)
	for _, body := range []string{`{"permissions":{"repository_hooks":"write"}}`, `{"repositories":["none"]}`} {
		h.g.Expect(h.as(signed(app, nil), http.MethodPost, path, body).status).To(Equal(http.StatusUnprocessableEntity), body)
	}
	h.g.Expect(h.as(signed(app, nil), http.MethodPost, "/app/installations/1/access_tokens", "").status).To(Equal(http.StatusNotFound))
}

func TestSuspendedInstallation(t *testing.T) {
	h := start(t, githubsim.Options{})
	app, installation := h.withApp()
	token := h.minted(app, installation, "")
	h.ChangeInstallation(installation.ID, func(i *githubsim.Installation) { i.Suspended = true })
	minting := h.as(signed(app, nil), http.MethodPost, fmt.Sprintf("/app/installations/%d/access_tokens", installation.ID), "")
	for _, answer := range []reply{h.as(token, http.MethodGet, repoHooks, ""), minting} {
		h.g.Expect(answer.status).To(Equal(http.StatusForbidden))
		h.g.Expect(answer.message()).To(Equal("This GitHub App installation is currently suspended"))
	}
	h.g.Expect(h.as(signed(app, nil), http.MethodGet, "/app/installations", "").list[0]).To(HaveKeyWithValue("suspended_at", Not(BeNil())))
	h.Uninstall(installation.ID)
	h.g.Expect(h.as(token, http.MethodGet, repoHooks, "").status).To(Equal(http.StatusUnauthorized))
}

func TestAppWebhook(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t, "s3cret")
	app, installation := h.withApp()
	token := signed(app, nil)
	h.g.Expect(h.as(token, http.MethodGet, "/app/hook/config", "").body).To(Equal(map[string]any{"content_type": "form", "insecure_ssl": "0"}))
	patched := h.as(token, http.MethodPatch, "/app/hook/config", `{"url":"`+r.URL()+`","content_type":"json","secret":"s3cret","insecure_ssl":0}`)
	h.g.Expect(patched.body).To(Equal(map[string]any{"url": r.URL(), "content_type": "json", "secret": "********", "insecure_ssl": "0"}))
	h.g.Expect(h.as(token, http.MethodPatch, "/app/hook/config", `{"url":"http://localhost"}`).status).To(Equal(http.StatusUnprocessableEntity))

	h.Emit(repository, "push", "", nil)
	h.Emit(repository, "fork", "", nil)
	h.settle()
	h.g.Expect(r.Received()).To(ConsistOf(And(HaveField("Verified", true), HaveField("Event", "push"),
		HaveField("Header", HaveKeyWithValue("X-Github-Hook-Installation-Target-Type", []string{"integration"})))))
	rows := h.as(token, http.MethodGet, "/app/hook/deliveries", "").list
	h.g.Expect(rows).To(ConsistOf(HaveKeyWithValue("installation_id", BeNumerically("==", installation.ID))))
	row := fmt.Sprintf("/app/hook/deliveries/%d", h.Deliveries(githubsim.AppTarget(app.ID), 0)[0].ID)
	h.g.Expect(h.as(token, http.MethodGet, row, "").body).To(HaveKeyWithValue("url", r.URL()))
	h.g.Expect(h.as(token, http.MethodPost, row+"/attempts", "").status).To(Equal(http.StatusAccepted))
	h.settle()
	h.g.Expect(r.Received()).To(HaveLen(2))

	h.EditHook(githubsim.AppTarget(app.ID), 0, func(hook *githubsim.Hook) { hook.Config.Secret = "" })
	h.g.Expect(h.as(token, http.MethodGet, "/app/hook/config", "").body).NotTo(HaveKey("secret"))
	h.SetAppWebhookOff(app.ID, true)
	h.g.Expect(h.as(token, http.MethodGet, "/app/hook/config", "").status).To(Equal(http.StatusNotFound))
	h.SetAppWebhookOff(app.ID, false)
	h.g.Expect(h.as(token, http.MethodGet, "/app/hook/config", "").status).To(Equal(http.StatusOK))
}

func TestETagOfAppEndpointsDoesNotDependOnTheJWT(t *testing.T) {
	h := start(t, githubsim.Options{})
	app, _ := h.withApp()
	first := h.as(signed(app, nil), http.MethodGet, "/app/hook/config", "")
	other := signed(app, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(5 * time.Minute).Unix() })
	h.g.Expect(h.as(other, http.MethodGet, "/app/hook/config", "", "If-None-Match", first.header.Get("ETag")).status).To(Equal(http.StatusNotModified))
	h.g.Expect(strings.Contains(first.header.Get("Vary"), "Authorization")).To(BeFalse())
}
