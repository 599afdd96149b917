package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
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

// list is one page, or all of them.
type list[T any, P entity[T]] struct {
	entries []T
	// odd are the entries that could not be read, and why is what is wrong with the first.
	odd int
	why string
}

func (l *list[T, P]) check() error { return nil }

// read takes the entries one by one. One that cannot be read is counted: what that means is for the caller to say.
func (l *list[T, P]) read(decoder *json.Decoder) error {
	l.entries = []T{}
	begin, err := decoder.Token()
	switch {
	case err != nil:
		return err
	case begin != json.Delim('['):
		return notUnderstood("the list is missing")
	}
	var raw json.RawMessage
	for n := 0; decoder.More(); n++ {
		if n == perPage {
			return notUnderstood(fmt.Sprintf("a page has more than %d entries", perPage))
		}
		if err := decoder.Decode(&raw); err != nil {
			return err
		}
		l.add(raw, n)
	}
	_, err = decoder.Token()
	return err
}

func (l *list[T, P]) add(raw []byte, n int) {
	var entry T
	err := json.Unmarshal(raw, P(&entry))
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s has another type", redact.Clean(mismatch.Field, maxWord))
	} else if err != nil {
		err = errors.New("it cannot be read")
	} else {
		err = P(&entry).check()
	}
	if err == nil {
		l.entries = append(l.entries, entry)
		return
	}
	if l.odd == 0 {
		l.why = fmt.Sprintf("entry %d: %v", n+1, err)
	}
	l.odd++
}

// allPages reads a list to its end. A part of a list is never returned: what is on the rest would be taken for absent.
func allPages[T any, P entity[T]](ctx context.Context, client *Client, c call) (list[T, P], error) {
	c.query = url.Values{"per_page": {strconv.Itoa(perPage)}}
	all := list[T, P]{entries: []T{}}
	visited := map[string]bool{}
	for range maxPages {
		page, next, err := onePage[T, P](ctx, client, c)
		if err != nil {
			return list[T, P]{}, err
		}
		if all.odd == 0 && page.odd > 0 {
			all.why = page.why
		}
		all.entries, all.odd = append(all.entries, page.entries...), all.odd+page.odd
		switch {
		case next == nil:
			return all, nil
		case !sameOrigin(next, client.root):
			return list[T, P]{}, c.fail(ErrRedirect, "the list's next page is on another host")
		case visited[next.String()]:
			return list[T, P]{}, c.fail(ErrNotGitHub, "the list's next page is one that was read already")
		}
		visited[next.String()] = true
		c.page = next
	}
	return list[T, P]{}, c.fail(ErrUnavailable, fmt.Sprintf("the list has more than %d pages", maxPages))
}

// onePage reads a page and finds the next one. What is kept of a page that was full does not tell whether another one
// follows by now, where GitHub's word that it is still true leaves out Link: then the page is read anew.
func onePage[T any, P entity[T]](ctx context.Context, client *Client, c call) (page list[T, P], next *url.URL, err error) {
	for _, c.afresh = range []bool{false, true} {
		said, err := client.do(ctx, c, &page)
		if err != nil {
			return page, nil, err
		}
		if next, err = nextLink(said.header, said.from); err != nil {
			return page, nil, c.fail(ErrNotGitHub, err.Error())
		}
		if next != nil || !said.unlinked || len(page.entries)+page.odd < perPage {
			break
		}
	}
	return page, next, nil
}

// nextLink is the address of the next page, nil when this one is the last. What cannot be read is an error: it could
// name one. RFC 8288 as far as GitHub uses it.
func nextLink(header http.Header, from *url.URL) (*url.URL, error) {
	var next *url.URL
	for _, value := range header.Values("Link") {
		links, err := parseLinks(value)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if !l.isNext() {
				continue
			}
			u, err := from.Parse(l.address)
			if err != nil || l.address == "" || u.Host == "" {
				return nil, errLink
			}
			if next != nil && next.String() != u.String() {
				return nil, notUnderstood(malformed + ": the list has several next pages")
			}
			next = u
		}
	}
	return next, nil
}

var errLink = notUnderstood(malformed + ": its header Link cannot be read")

// link is one entry of a header Link.
type link struct {
	address   string
	relations []string
}

func (l link) isNext() bool {
	return slices.ContainsFunc(l.relations, func(relation string) bool { return strings.EqualFold(relation, "next") })
}

// parseLinks reads the entries of a header Link. An address in angle brackets may contain commas and semicolons.
func parseLinks(value string) ([]link, error) {
	var links []link
	rest := strings.Trim(value, " \t,")
	for rest != "" {
		address, parameters, found := strings.Cut(strings.TrimPrefix(rest, "<"), ">")
		if rest[0] != '<' || !found || strings.ContainsAny(address, "< \t") {
			return nil, errLink
		}
		l := link{address: address}
		var err error
		if rest, err = l.readParameters(parameters); err != nil {
			return nil, err
		}
		if len(l.relations) == 0 { // GitHub names one each time, so this one was cut off.
			return nil, errLink
		}
		links = append(links, l)
	}
	return links, nil
}

// readParameters reads up to the next entry and returns that with all that follows.
func (l *link) readParameters(text string) (rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t")
		switch {
		case text == "":
			return "", nil
		case text[0] == ',':
			return strings.TrimLeft(text, " \t,"), nil
		case text[0] != ';':
			return "", errLink
		}
		var name, value string
		if name, value, text, err = parameter(text[1:]); err != nil {
			return "", err
		}
		if strings.EqualFold(name, "rel") {
			l.relations = append(l.relations, strings.Fields(value)...)
		}
	}
}

// parameter reads one of an entry's parameters, whose value may stand in quotes.
func parameter(text string) (name, value, rest string, err error) {
	end := strings.IndexAny(text, "=;,")
	if end < 0 {
		end = len(text)
	}
	name, rest = strings.TrimSpace(text[:end]), text[end:]
	if !strings.HasPrefix(rest, "=") {
		return name, "", rest, nil
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	quoted, found := strings.CutPrefix(rest, `"`)
	if !found {
		if end = strings.IndexAny(rest, ";,"); end < 0 {
			end = len(rest)
		}
		value = strings.TrimSpace(rest[:end])
		if value == "" || strings.ContainsAny(value, `"<>`) {
			return "", "", "", errLink
		}
		return name, value, rest[end:], nil
	}
	if value, rest, found = strings.Cut(quoted, `"`); !found {
		return "", "", "", errLink
	}
	return name, value, rest, nil
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
