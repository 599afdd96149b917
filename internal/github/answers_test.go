package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// operations are one request to each endpoint.
func operations(client *Client) map[string]func(context.Context) error {
	hooks := client.RepositoryHooks("octo-org", "hello-world")
	config := Config{URL: NewSecret("https://ci.example.com")}
	return map[string]func(context.Context) error{
		"list":   func(ctx context.Context) error { _, err := hooks.List(ctx); return err },
		"get":    func(ctx context.Context) error { _, err := hooks.Get(ctx, 1); return err },
		"create": func(ctx context.Context) error { _, err := hooks.Create(ctx, HookRequest{Config: &config}); return err },
		"edit": func(ctx context.Context) error {
			_, err := hooks.Edit(ctx, 1, HookRequest{Config: &config})
			return err
		},
		"delete":        func(ctx context.Context) error { return hooks.Delete(ctx, 1) },
		"config":        func(ctx context.Context) error { _, err := hooks.Config(ctx, 1); return err },
		"edit config":   func(ctx context.Context) error { _, err := hooks.EditConfig(ctx, 1, config); return err },
		"App's config":  func(ctx context.Context) error { _, err := client.AppHook().Config(ctx, 0); return err },
		"ping":          func(ctx context.Context) error { return hooks.Ping(ctx, 1) },
		"test":          func(ctx context.Context) error { return hooks.Test(ctx, 1) },
		"deliveries":    func(ctx context.Context) error { _, err := hooks.Deliveries(ctx, 1, DeliveryQuery{}); return err },
		"delivery":      func(ctx context.Context) error { _, err := hooks.Delivery(ctx, 1, 1); return err },
		"redeliver":     func(ctx context.Context) error { return hooks.Redeliver(ctx, 1, 1) },
		"App":           func(ctx context.Context) error { _, err := client.App(ctx); return err },
		"installations": func(ctx context.Context) error { _, err := client.Installations(ctx); return err },
		"installation": func(ctx context.Context) error {
			_, err := client.OrganizationInstallation(ctx, "octo-org")
			return err
		},
		"token": func(ctx context.Context) error {
			_, err := client.CreateInstallationToken(ctx, 1, InstallationTokenRequest{})
			return err
		},
	}
}

const loginPage = "<!DOCTYPE html><title>Sign in</title>"

// toLogin sends every request to a login page on the same host.
func toLogin(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			page(http.StatusOK, "text/html; charset=utf-8", loginPage)(w, r)
			return
		}
		w.Header().Set("Location", location)
		page(status, "text/html", "moved")(w, r)
	}
}

func page(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// What a proxy, a firewall or a login page answers is neither a success nor a refusal of GitHub's, on any endpoint.
func TestAnswersOfOthersAreNotGitHubs(t *testing.T) {
	const jsonKind = "application/json"
	for name, handler := range map[string]http.HandlerFunc{
		"a login page":                  page(200, "text/html", loginPage),
		"a page without a name":         page(200, "text/plain", "OK"),
		"JSON that is nobody's":         page(200, jsonKind, `{"ok":true}`),
		"a list in a page":              page(200, "text/html", `[]`),
		"accepted, by a page":           page(202, "text/html", `<p>later</p>`),
		"partial":                       page(206, jsonKind, `{"id":1}`),
		"a redirect to a login page":    toLogin(302, "/login"),
		"a redirect within the API":     toLogin(302, "/api/v3/login"),
		"a lasting one to a login page": toLogin(301, "/login"),
		"a 307 to a login page":         toLogin(307, "/api/v3/login"),
		"no backend":                    page(404, "text/plain; charset=utf-8", "default backend - 404"),
		"no backend, in JSON's name":    page(404, jsonKind, "default backend - 404"),
		"JSON without a message":        page(404, jsonKind, `{"error":"not found"}`),
		"an empty message":              page(404, jsonKind, `{"message":""}`),
		"a message that is no text":     page(404, jsonKind, `{"message":{"a":"b"}}`),
		"a message in a page":           page(404, "text/plain", `{"message":"Not Found"}`),
		"a proxy's 401":                 page(401, "text/html", "log in"),
		"a proxy's 403":                 page(403, "text/html", "blocked by policy"),
		"a proxy's 407":                 page(407, "text/html", "log in"),
		"a proxy's 410":                 page(410, "text/html", "gone"),
		"a proxy's 422":                 page(422, jsonKind, `{"detail":"no"}`),
		"a proxy's 451":                 page(451, "text/html", "no"),
		"a proxy's 502":                 page(502, "text/html", "bad gateway"),
	} {
		server := serve(t, handler)
		for operation, run := range operations(clientOf(t, server.URL, octoToken)) {
			t.Run(name+", "+operation, func(t *testing.T) {
				err := run(t.Context())
				g := NewWithT(t)
				g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ErrNotGitHub)))
				for _, kind := range []error{ErrNotFound, ErrUnauthorized, ErrForbidden, ErrValidation} {
					g.Expect(err).NotTo(MatchError(kind))
				}
			})
		}
	}
}

// An App's login is refused by GitHub only.
func TestAnAppsLoginIsNotRefusedByAProxy(t *testing.T) {
	for _, on := range []string{"/installation", "/access_tokens", "/hooks"} {
		t.Run(on, func(t *testing.T) {
			g := NewWithT(t)
			minted := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, on):
					page(http.StatusUnauthorized, "text/html", "log in")(w, r)
				case strings.HasSuffix(r.URL.Path, "/installation"):
					_, _ = io.WriteString(w, `{"id":1,"account":{"login":"octo-org"}}`)
				default:
					minted++
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"token":"ghs_minted0123456789","expires_at":"2100-01-01T00:00:00Z"}`)
				}
			})
			client := clientOf(t, server.URL, "", func(o *Options) { o.App = &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048)))} })
			_, err := client.RepositoryHooks("octo-org", "hello-world").List(t.Context())
			g.Expect(err).To(And(MatchError(ErrNotGitHub), Not(MatchError(ErrUnauthorized))))
			g.Expect(minted).To(BeNumerically("<=", 1))
		})
	}
}

// Whoever says that it is too much, and until when, is obeyed.
func TestLimitsAreObeyedWhoeverSaysSo(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		class  error
	}{
		{http.StatusTooManyRequests, "slow down", ErrRateLimited},
		{http.StatusTooManyRequests, `{"message":"slow down"}`, ErrRateLimited},
		{http.StatusForbidden, "slow down", ErrRateLimited},
		{http.StatusServiceUnavailable, "back soon", ErrUnavailable},
		{http.StatusNotFound, "back soon", ErrUnavailable},
		{http.StatusOK, "back soon", ErrUnavailable},
	} {
		for _, kind := range []string{"text/plain", "application/json"} {
			t.Run(fmt.Sprint(c.status, c.body, kind), func(t *testing.T) {
				server := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Retry-After", "120")
					page(c.status, kind, c.body)(w, r)
				})
				err := repositoryOn(t, server).Delete(t.Context(), 1)
				g := NewWithT(t)
				g.Expect(err).To(MatchError(c.class))
				g.Expect(asError(g, err).RetryAt).To(BeTemporally("~", time.Now().Add(2*time.Minute), 10*time.Second))
			})
		}
	}
}

func asError(g *WithT, err error) *Error {
	e, ok := err.(*Error) //nolint:errorlint // It is what the client returns.
	g.Expect(ok).To(BeTrue())
	return e
}

func TestSingleSignOnNamesAPageOfTheServer(t *testing.T) {
	const body = `{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."}`
	for _, c := range []struct{ name, header, want string }{
		{"the server's", "required; url=https://SERVER/orgs/octo-org/sso?authorization_request=A1", "https://SERVER/orgs/octo-org/sso?authorization_request=A1"},
		{"none", "", ""},
		{"another host's", "required; url=https://evil.example.com/orgs/octo-org/sso", ""},
		{"a host that looks like it", "required; url=https://SERVER.evil.example.com/", ""},
		{"a user in it", "required; url=https://SERVER@evil.example.com/", ""},
		{"a name and password in it", "required; url=https://me:pass@SERVER/", ""},
		{"plain HTTP", "required; url=http://SERVER/orgs/octo-org/sso", ""},
		{"a script", "required; url=javascript:alert(1)", ""},
		{"the token in it", "required; url=https://SERVER/?" + octoToken, ""},
		{"characters that mislead", "required; url=https://SERVER/\u202e", ""},
		{"far too long", "required; url=https://SERVER/" + strings.Repeat("a", maxPage), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				answers(http.StatusForbidden, body, "X-GitHub-SSO", strings.ReplaceAll(c.header, "SERVER", r.Host))(w, r)
			})
			_, err := repositoryOn(t, server).Get(t.Context(), 1)
			g.Expect(err).To(MatchError(ErrSAML))
			host := strings.TrimPrefix(server.URL, "http://")
			g.Expect(asError(g, err).SSOURL).To(Equal(strings.ReplaceAll(c.want, "SERVER", host)))
		})
	}
	t.Run("said by the header alone", func(t *testing.T) {
		_, err := repositoryOn(t, serve(t, answers(http.StatusForbidden, `{"message":"Forbidden"}`, "X-GitHub-SSO", "required; url=https://x/"))).Get(t.Context(), 1)
		NewWithT(t).Expect(err).To(MatchError(ErrSAML))
	})
}

func TestAnIPAllowListNamesTheAddress(t *testing.T) {
	const words = "Although you appear to have the correct authorization credentials, the `octo-org` organization has an IP allow list enabled, and %s is not permitted to access this resource."
	for said, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "your IP address 2001:db8::7": "2001:db8::7", "your IP address": "", "203.0.113.7 (or 203.0.113.8)": "",
	} {
		g := NewWithT(t)
		_, err := repositoryOn(t, serve(t, answers(http.StatusForbidden, fmt.Sprintf(`{"message":%q}`, fmt.Sprintf(words, said))))).Get(t.Context(), 1)
		g.Expect(err).To(MatchError(ErrIPAddress))
		g.Expect(asError(g, err).IPAddress).To(Equal(want))
	}
}

// Each try makes the lock-out longer, so nothing is sent for some minutes.
func TestALockOutOfLoginsIsALimit(t *testing.T) {
	for header, wait := range map[string]time.Duration{"": 5 * time.Minute, "900": 15 * time.Minute} {
		g := NewWithT(t)
		asked := 0
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			answers(http.StatusForbidden, `{"message":"Maximum number of login attempts exceeded. Please try again later."}`)(w, r)
		})
		hooks := repositoryOn(t, server)
		_, err := hooks.Get(t.Context(), 1)
		g.Expect(err).To(And(MatchError(ErrLockedOut), MatchError(ErrRateLimited), Not(MatchError(ErrForbidden))))
		g.Expect(asError(g, err).RetryAt).To(BeTemporally("~", time.Now().Add(wait), 30*time.Second))
		_, err = hooks.Get(t.Context(), 2)
		g.Expect(err).To(MatchError(ErrRateLimited))
		g.Expect(asked).To(Equal(1))
	}
}

// A permission that an answer names is missing only where GitHub says so: the App that may not write reads with less, any
// other refusal stays as it is.
func TestANamedPermissionIsNoRefusal(t *testing.T) {
	for words, tokens := range map[string]int{"Resource not accessible by integration": 2, "This is something else": 1} {
		g := NewWithT(t)
		asked := 0
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			answers(http.StatusForbidden, fmt.Sprintf(`{"message":%q}`, words), "X-Accepted-GitHub-Permissions", "repository_hooks=write")(w, r)
		})
		client := clientOf(t, server.URL, "", func(o *Options) {
			o.App = &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048))), InstallationID: 1}
		})
		_, err := client.RepositoryHooks("octo-org", "hello-world").List(t.Context())
		g.Expect(err).To(MatchError(ErrForbidden))
		g.Expect(asked).To(Equal(tokens), words)
	}
}

func TestARowWithAnIDStaysInTheList(t *testing.T) {
	const fine = `{"id":1,"active":true,"events":["push"],"config":{"url":"https://ci.example.com"},"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`
	for _, c := range []struct {
		name, row string
		unknown   Property
		unclear   bool
		gone      bool
	}{
		{"nothing odd", fine, 0, false, false},
		{"no settings", strings.Replace(fine, `{"url":"https://ci.example.com"}`, `{}`, 1), 0, false, false},
		{"no config", strings.Replace(fine, `{"url":"https://ci.example.com"}`, `null`, 1), 0, false, false},
		{"another name", strings.Replace(fine, `"id":1`, `"id":1,"name":"railsbp"`, 1), 0, false, false},
		{"a name that is none", strings.Replace(fine, `"id":1`, `"id":1,"name":["web"]`, 1), 0, false, false},
		{"a time in another format", strings.Replace(fine, `"updated_at":"2026-01-02T03:04:05Z"`, `"updated_at":"Fri Jan 2 2026"`, 1), PropertyUpdatedAt, false, false},
		{"a time that is a number", strings.Replace(fine, `"created_at":"2026-01-02T03:04:05Z"`, `"created_at":1767323045`, 1), PropertyCreatedAt, false, false},
		{"events that are none", strings.Replace(fine, `["push"]`, `["push",1]`, 1), PropertyEvents, false, false},
		{"no events", strings.Replace(fine, `["push"]`, `null`, 1), PropertyEvents, false, false},
		{"active in words", strings.Replace(fine, `true`, `"yes"`, 1), PropertyActive, false, false},
		{"a secret that is no text", strings.Replace(fine, `{"url"`, `{"secret":true,"url"`, 1), PropertySecret, false, false},
		{"insecure_ssl that is neither", strings.Replace(fine, `{"url"`, `{"insecure_ssl":"2","url"`, 1), PropertyInsecureSSL, false, false},
		{"a content type that is no text", strings.Replace(fine, `{"url"`, `{"content_type":1,"url"`, 1), PropertyContentType, false, false},
		{"a code in words", strings.Replace(fine, `"id":1`, `"id":1,"last_response":{"code":"200"}`, 1), 0, false, false},
		{"a URL that is no text", strings.Replace(fine, `"https://ci.example.com"`, `7`, 1), PropertyURL, true, false},
		{"a URL that is null", strings.Replace(fine, `"https://ci.example.com"`, `null`, 1), PropertyURL, true, false},
		{"settings that are none", strings.Replace(fine, `{"url":"https://ci.example.com"}`, `"https://ci.example.com"`, 1),
			PropertyURL | PropertyContentType | PropertyInsecureSSL | PropertySecret, true, false},
		{"null", `null`, 0, true, true},
		{"no object", `7`, 0, true, true},
		{"no ID", `{"name":"web"}`, 0, true, true},
		{"an ID in words", strings.Replace(fine, `"id":1`, `"id":"1"`, 1), 0, true, true},
		{"an ID that is none", strings.Replace(fine, `"id":1`, `"id":-1`, 1), 0, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			hooks, err := repositoryOn(t, serve(t, answers(http.StatusOK, `[{"id":7,"config":{}},`+c.row+`,{"id":8}]`))).List(t.Context())
			if c.unclear {
				g.Expect(err).To(And(MatchError(ErrUnclear), MatchError(ErrUnavailable)))
			} else {
				g.Expect(err).NotTo(HaveOccurred())
			}
			if c.gone {
				g.Expect(hooks).To(HaveLen(2))
				return
			}
			g.Expect(hooks).To(HaveLen(3))
			g.Expect(hooks[1].ID).To(Equal(int64(1)))
			g.Expect(hooks[1].Unknown).To(Equal(c.unknown))

			alone, err := repositoryOn(t, serve(t, answers(http.StatusOK, c.row))).Get(t.Context(), 1)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(*alone).To(Equal(hooks[1]))
		})
	}
}

func TestDeliveriesThatCannotBeReadAreCounted(t *testing.T) {
	g := NewWithT(t)
	hooks := repositoryOn(t, serve(t, answers(http.StatusOK, `[{"id":5,"status_code":"200"},{"id":4,"guid":"a","delivered_at":"2026-01-02T03:04:05Z","status":"OK"},`+
		`null,{"id":2,"delivered_at":"Fri Jan 2"},{"guid":"x"}]`)))
	page, err := hooks.Deliveries(t.Context(), 1, DeliveryQuery{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(page.Deliveries).To(HaveLen(1))
	g.Expect(page.Deliveries[0].GUID).To(Equal("a"))
	g.Expect(page.Skipped).To(Equal(4))
}

func TestTheNextPageOfDeliveriesHasACursorOfItsOwn(t *testing.T) {
	for link, fine := range map[string]bool{
		`</api/v3/x?cursor=v1_8>; rel="next"`: true, `</api/v3/x?page=2>; rel="next"`: false, `</api/v3/x?cursor=v1_9>; rel="next"`: false,
		`</api/v3/x?cursor=v1_8>; rel="ne`: false,
	} {
		_, err := repositoryOn(t, serve(t, answers(http.StatusOK, `[{"id":1}]`, "Link", link))).Deliveries(t.Context(), 1, DeliveryQuery{Cursor: "v1_9"})
		NewWithT(t).Expect(err == nil).To(Equal(fine), link)
	}
}

// A page that was full hides the next one where a 304 does not say that there is one by now.
func TestAFullPageIsReadAnewAfterA304WithoutLink(t *testing.T) {
	g := NewWithT(t)
	full := "[" + strings.TrimSuffix(strings.Repeat(`{"id":1},`, perPage), ",") + "]"
	grown := false
	var asked []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("page")+" "+r.Header.Get("If-None-Match"))
		switch {
		case r.URL.Query().Get("page") == "2":
			_, _ = io.WriteString(w, `[{"id":101}]`)
		case r.Header.Get("If-None-Match") != "":
			w.WriteHeader(http.StatusNotModified)
		default:
			if grown {
				w.Header().Set("Link", `<`+repoHooks+`?page=2>; rel="next"`)
			}
			w.Header().Set("ETag", `"1"`)
			_, _ = io.WriteString(w, full)
		}
	})
	hooks := repositoryOn(t, server)
	all, err := hooks.List(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(HaveLen(perPage))
	grown = true
	all, err = hooks.List(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(HaveLen(perPage + 1))
	g.Expect(asked).To(Equal([]string{" ", ` "1"`, " ", "2 "}))
}

// A hostile list of 8 MB costs what a page costs.
func TestAListThatIsTooLongCostsLittle(t *testing.T) {
	g := NewWithT(t)
	body := "[" + strings.Repeat(`{"id":1},`, maxBody/len(`{"id":1},`)-1) + `{"id":1}]`
	hooks := repositoryOn(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := hooks.List(t.Context())
	runtime.ReadMemStats(&after)
	g.Expect(err).To(MatchError(ContainSubstring("more than 100 entries")))
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("A list of %d MB took %d KB.", len(body)>>20, allocated>>10)
	g.Expect(allocated).To(BeNumerically("<", 4<<20))
}
