package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

// seen are the requests that a server got: method, address, body and login.
type seen struct {
	mu       sync.Mutex
	requests []string
}

func (s *seen) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	address := r.URL.RequestURI()
	if r.Method == http.MethodConnect {
		address = r.Host
	}
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+address+" "+string(body)))
}

const (
	renamed  = "/api/v3/repositories/1296269/hooks/1"
	editBody = `{"config":{"url":"https://ci.example.com","secret":"s3cret","insecure_ssl":"0"}}`
)

func edit(ctx context.Context, h Hooks) error {
	_, err := h.Edit(ctx, 1, HookRequest{Config: &Config{URL: NewSecret("https://ci.example.com"), Secret: NewSecret("s3cret")}})
	return err
}

func TestRedirectsKeepMethodAndBody(t *testing.T) {
	operations := map[string]func(context.Context, Hooks) error{
		"GET":    func(ctx context.Context, h Hooks) error { _, err := h.Get(ctx, 1); return err },
		"PATCH":  edit,
		"DELETE": func(ctx context.Context, h Hooks) error { return h.Delete(ctx, 1) },
	}
	for _, status := range redirectCodes {
		for method, operation := range operations {
			if method != http.MethodGet && !slices.Contains(writeRedirectCodes, status) {
				continue
			}
			t.Run(http.StatusText(status)+" "+method, func(t *testing.T) {
				g := NewWithT(t)
				var got seen
				server := serve(t, func(w http.ResponseWriter, r *http.Request) {
					got.note(r)
					g.Expect(r.Header.Get("Authorization")).To(Equal("Bearer " + octoToken))
					g.Expect(r.Header.Get("Accept")).To(Equal("application/vnd.github+json"))
					if r.URL.Path == renamed {
						succeed(w, r, `{"id":1}`)
						return
					}
					w.Header().Set("Location", "http://"+r.Host+renamed)
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"message":"Moved","url":"…"}`)
				})
				g.Expect(operation(t.Context(), repositoryOn(t, server))).To(Succeed())
				body := ""
				if method == http.MethodPatch {
					body = " " + editBody
				}
				g.Expect(got.requests).To(Equal([]string{method + " " + repoHooks + "/1" + body, method + " " + renamed + body}))
			})
		}
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name     string
		location func(host string) string
		requests int
	}{
		{"another host", func(string) string { return "ELSEWHERE" }, 1},
		{"another scheme", func(host string) string { return "https://" + host + renamed }, 1},
		{"another port", func(string) string { return "http://127.0.0.1:1" + renamed }, 1},
		{"another name of the host", func(host string) string { return "http://" + strings.Replace(host, "127.0.0.1", "localhost", 1) }, 1},
		{"an address without a scheme", func(string) string { return "//example.com/" }, 1},
		{"a user in the address", func(host string) string { return "http://user:pass@" + host + renamed }, 1},
		{"no address", func(string) string { return "" }, 1},
		{"an address that is none", func(string) string { return "http://%zz" }, 1},
		{"a circle", func(host string) string { return "http://" + host + renamed }, maxRedirects + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
			var got seen
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got.note(r)
				if location := c.location(r.Host); location != "" {
					w.Header().Set("Location", strings.Replace(location, "ELSEWHERE", elsewhere.URL, 1))
				}
				w.WriteHeader(http.StatusTemporaryRedirect)
			})
			err := edit(t.Context(), repositoryOn(t, server))
			g.Expect(errors.Is(err, ErrRedirect)).To(BeTrue(), "%v", err)
			g.Expect(errors.Is(err, ErrUnavailable)).To(BeFalse())
			g.Expect(got.requests).To(HaveLen(c.requests))
			g.Expect(err.Error()).NotTo(ContainSubstring("pass"))
		})
	}
}

func TestRedirectsWithoutASchemeStayOnTheHost(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != renamed {
			w.Header().Set("Location", renamed)
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, `{"id":1}`)
	})
	hook, err := repositoryOn(t, server).Get(t.Context(), 1)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(hook.ID).To(Equal(int64(1)))
}

func TestAnswersThatAreNoRedirectsForUs(t *testing.T) {
	for _, status := range []int{http.StatusMultipleChoices, http.StatusSeeOther, http.StatusNotModified} {
		err := edit(t.Context(), repositoryOn(t, serve(t, answers(status, ``, "Location", "/api/v3/x"))))
		e, ok := errors.AsType[*Error](err)
		NewWithT(t).Expect(ok).To(BeTrue())
		NewWithT(t).Expect(e.StatusCode).To(Equal(status))
	}
}
