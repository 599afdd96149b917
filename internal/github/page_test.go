package github

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestNextLink(t *testing.T) {
	const next, unreadable = "https://api.github.com/repositories/1/hooks?page=2", "unreadable"
	from, err := url.Parse("https://api.github.com/repos/octo-org/hello-world/hooks?per_page=100")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, c := range []struct{ name, header, want string }{
		{"none", "", ""},
		{"next alone", `<` + next + `>; rel="next"`, next},
		{"next and last", `<` + next + `>; rel="next", <https://api.github.com/repositories/1/hooks?page=9>; rel="last"`, next},
		{"next and last in one", `<` + next + `>; rel="next last"`, next},
		{"last and next in one", `<` + next + `>; rel="last  next"`, next},
		{"prev before next", `<https://api.github.com/x?page=1>; rel="prev",<` + next + `>;rel=next`, next},
		{"prev only", `<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=1>; rel="first"`, ""},
		{"another parameter first", `<` + next + `>; title="a, b; c"; rel="next"`, next},
		{"commas and semicolons in the address", `<https://h/x?a=1,2;b&cursor=v1_1>; rel="next"`, "https://h/x?a=1,2;b&cursor=v1_1"},
		{"upper case", `<` + next + `>; REL="NEXT"`, next},
		{"twice the same", `<` + next + `>; rel="next", <` + next + `>; rel="next"`, next},
		{"a relative address", `</repositories/1/hooks?page=2>; rel="next"`, next},
		{"a query alone", `<?page=2>; rel="next"`, "https://api.github.com/repos/octo-org/hello-world/hooks?page=2"},
		{"two that differ", `<` + next + `>; rel="next", <` + next + `0>; rel="next"`, unreadable},
		{"rel is part of another word", `<` + next + `>; unrel="next"`, unreadable},
		{"cut in the address", `<` + next, unreadable},
		{"cut after the address", `<` + next + `>`, unreadable},
		{"cut in the parameter", `<` + next + `>; re`, unreadable},
		{"cut in the relation", `<` + next + `>; rel="nex`, unreadable},
		{"cut after another entry", `<https://api.github.com/x?page=1>; rel="prev", <` + next, unreadable},
		{"no brackets", next + `; rel="next"`, unreadable},
		{"no address", `<>; rel="next"`, unreadable},
		{"an address that is none", `<://>; rel="next"`, unreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			u, err := nextLink(http.Header{"Link": {c.header}}, from)
			switch c.want {
			case unreadable:
				g.Expect(err).To(HaveOccurred())
			case "":
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(u).To(BeNil())
			default:
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(u.String()).To(Equal(c.want))
			}
		})
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=3>; rel="last"`)
	f.Add(`<https://h/x?a=1,2;b>; rel=next`)
	f.Add(`<<>>;;rel=,"<`)
	from := &url.URL{Scheme: https, Host: "api.github.com", Path: "/x"}
	f.Fuzz(func(t *testing.T, header string) {
		u, err := nextLink(http.Header{"Link": {header}}, from)
		g := NewWithT(t)
		if err != nil || u == nil {
			g.Expect(u).To(BeNil())
			return
		}
		g.Expect(u.Host).NotTo(BeEmpty())
		if strings.ContainsAny(u.String(), "<> \t") {
			return
		}
		again, err := nextLink(http.Header{"Link": {`<` + u.String() + `>; rel="next"`}}, from)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(again.String()).To(Equal(u.String()))
	})
}

// pages answers with a hook a page and links to the next one at the address that link makes.
func pages(count int, link func(r *http.Request, page int) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := 1
		if p, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
			page = p
		}
		if page < count {
			w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, link(r, page+1)))
		}
		_, _ = fmt.Fprintf(w, `[{"id":%d}]`, page)
	}
}

func onSameHost(r *http.Request, page int) string {
	return fmt.Sprintf("http://%s/api/v3/repositories/1/hooks?per_page=100&page=%d", r.Host, page)
}

func TestListReadsAllPages(t *testing.T) {
	g := NewWithT(t)
	var first string
	handler := pages(12, onSameHost)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if first == "" {
			first = r.URL.String()
		}
		handler(w, r)
	})
	hooks, err := repositoryOn(t, server).List(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hooks).To(HaveLen(12))
	g.Expect(hooks[11].ID).To(Equal(int64(12)))
	g.Expect(first).To(Equal(repoHooks + "?per_page=100"))
}

func TestListIsWholeOrAnError(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the token went to another host") })
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"it never ends", pages(1<<30, onSameHost), ErrUnavailable},
		{"the next page is the same page", pages(1<<30, func(r *http.Request, _ int) string { return onSameHost(r, 1) }), ErrUnavailable},
		{"the next page is on another host", pages(2, func(*http.Request, int) string { return elsewhere.URL }), ErrRedirect},
		{"the next page is over another scheme", pages(2, func(r *http.Request, _ int) string { return "https://" + r.Host + "/" }), ErrRedirect},
		{"the next page fails", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "2" {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			pages(3, onSameHost)(w, r)
		}, ErrUnavailable},
		{"the list is null", answers(http.StatusOK, `null`), ErrUnavailable},
		{"more than fit on a page", answers(http.StatusOK, `[`+strings.Repeat(`{"id":1},`, perPage)+`{"id":1}]`), ErrNotGitHub},
		{"something follows", answers(http.StatusOK, `[{"id":1}] {"id":2}`), ErrNotGitHub},
		{"it is cut off", answers(http.StatusOK, `[{"id":1},`), ErrNotGitHub},
		{"the next page is cut off", answers(http.StatusOK, `[{"id":1}]`, "Link", `</api/v3/x?page=2>; rel="ne`), ErrNotGitHub},
		{"it is an object", answers(http.StatusOK, `{"message":"hello"}`), ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			hooks, err := repositoryOn(t, serve(t, c.handler)).List(t.Context())
			NewWithT(t).Expect(errors.Is(err, c.want)).To(BeTrue(), "%v", err)
			NewWithT(t).Expect(hooks).To(BeNil())
		})
	}
}

func TestAnEmptyListIsNotNil(t *testing.T) {
	hooks, err := repositoryOn(t, serve(t, answers(http.StatusOK, `[]`))).List(t.Context())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(hooks).To(And(BeEmpty(), Not(BeNil())))
}
