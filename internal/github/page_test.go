package github

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
)

func TestParseNext(t *testing.T) {
	const next = "https://api.github.com/repositories/1/hooks?page=2"
	for _, c := range []struct{ name, header, want string }{
		{"none", "", ""},
		{"next alone", `<` + next + `>; rel="next"`, next},
		{"next and last", `<` + next + `>; rel="next", <https://api.github.com/repositories/1/hooks?page=9>; rel="last"`, next},
		{"prev before next", `<https://api.github.com/x?page=1>; rel="prev",<` + next + `>;rel=next`, next},
		{"prev only", `<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=1>; rel="first"`, ""},
		{"another parameter first", `<` + next + `>; title="a"; rel="next"`, next},
		{"commas and semicolons in the address", `<https://h/x?a=1,2;b&cursor=v1_1>; rel="next"`, "https://h/x?a=1,2;b&cursor=v1_1"},
		{"upper case", `<` + next + `>; REL="NEXT"`, next},
		{"rel is part of another word", `<` + next + `>; unrel="next"`, ""},
		{"not closed", `<` + next, ""},
		{"a relative address", `</x?page=2>; rel="next"`, ""},
		{"no address", `<://>; rel="next"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := parseNext(c.header)
			if c.want == "" {
				NewWithT(t).Expect(u).To(BeNil())
				return
			}
			NewWithT(t).Expect(u).NotTo(BeNil())
			NewWithT(t).Expect(u.String()).To(Equal(c.want))
		})
	}
}

func FuzzParseNext(f *testing.F) {
	f.Add(`<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=3>; rel="last"`)
	f.Add(`<https://h/x?a=1,2;b>; rel=next`)
	f.Add(`<<>>;;rel=,"<`)
	f.Fuzz(func(t *testing.T, header string) {
		u := parseNext(header)
		if u == nil {
			return
		}
		g := NewWithT(t)
		g.Expect(u.Host).NotTo(BeEmpty())
		again := parseNext(`<` + u.String() + `>; rel="next"`)
		g.Expect(again).NotTo(BeNil())
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
		{"a hook has no ID", answers(http.StatusOK, `[{"id":1},{"name":"web"}]`), ErrUnavailable},
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
