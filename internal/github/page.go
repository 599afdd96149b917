package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	// perPage is the most that GitHub puts on a page.
	perPage = 100
	// maxPages bounds a list: 10,000 hooks are more than an Enterprise Server allows for 40 different events.
	maxPages = 100
)

// entity is a pointer to what a list holds.
type entity[T any] interface {
	*T
	answer
}

// list is one page.
type list[T any, P entity[T]] []T

func (l *list[T, P]) check() error {
	if *l == nil {
		return errors.New("the list is missing")
	}
	for i := range *l {
		if err := P(&(*l)[i]).check(); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// allPages reads a list to its end. A part of a list is never returned: what is on the rest would be taken for absent.
func allPages[T any, P entity[T]](ctx context.Context, client *Client, c call) ([]T, error) {
	c.query = url.Values{"per_page": {strconv.Itoa(perPage)}}
	all := []T{}
	for range maxPages {
		var page list[T, P]
		header, err := client.do(ctx, c, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next := nextLink(header)
		if next == nil {
			return all, nil
		}
		if !sameOrigin(next, client.root) {
			return nil, c.fail(ErrRedirect, "the list's next page is on another host")
		}
		c.page = next
	}
	return nil, c.fail(ErrUnavailable, fmt.Sprintf("the list has more than %d pages", maxPages))
}

// nextLink is the address of the next page, nil when this one is the last. RFC 8288 as far as GitHub uses it.
func nextLink(header http.Header) *url.URL {
	for _, value := range header.Values("Link") {
		if u := parseNext(value); u != nil {
			return u
		}
	}
	return nil
}

// parseNext finds the entry with rel="next". An address in angle brackets may contain commas and semicolons.
func parseNext(value string) *url.URL {
	for {
		_, rest, found := strings.Cut(value, "<")
		if !found {
			return nil
		}
		address, rest, found := strings.Cut(rest, ">")
		if !found {
			return nil
		}
		parameters := rest
		if i := strings.Index(rest, "<"); i >= 0 {
			parameters = rest[:i]
		}
		if isNext(parameters) {
			u, err := url.Parse(address)
			if err != nil || u.Host == "" {
				return nil
			}
			return u
		}
		value = rest
	}
}

func isNext(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(parameter, " \t,"), "=")
		value = strings.Trim(value, `" `)
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.EqualFold(value, "next") {
			return true
		}
	}
	return false
}

// sameOrigin: the same scheme, host and port, so that a credential may go there. An address with a user in it is nobody's.
func sameOrigin(a, b *url.URL) bool {
	return a.User == nil && a.Scheme == b.Scheme && origin(a) == origin(b)
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{https: "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
