package githubsim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPageSize = 30
	maxPageSize     = 100
)

// window is the part of a list that one page shows.
type window struct{ from, to int }

// links are the entries of a Link header in GitHub's order.
type links []string

func (l *links) add(address, relation string) {
	*l = append(*l, "<"+address+`>; rel="`+relation+`"`)
}

// set leaves the header out when there is nothing to link to.
func (l links) set(header http.Header) {
	if len(l) > 0 {
		header.Set("Link", strings.Join(l, ", "))
	}
}

// pageSize reads per_page: 30 where it is missing or no number, never more than 100.
func (c *call) pageSize() int {
	size, err := strconv.Atoi(c.request.URL.Query().Get("per_page"))
	if err != nil || size < 1 {
		return defaultPageSize
	}
	return min(size, maxPageSize)
}

// numberedPage cuts the page that the query asks for out of a list and links to its neighbours.
func (c *call) numberedPage(length int, path string) (window, links) {
	size := c.pageSize()
	page, err := strconv.Atoi(c.request.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	last := max(1, (length+size-1)/size)
	var l links
	if page > 1 {
		l.add(c.pageURL(path, "page", strconv.Itoa(min(page-1, last))), "prev")
	}
	if page < last {
		l.add(c.pageURL(path, "page", strconv.Itoa(page+1)), "next")
		l.add(c.pageURL(path, "page", strconv.Itoa(last)), "last")
	}
	if page > 1 {
		l.add(c.pageURL(path, "page", "1"), "first")
	}
	from := min((page-1)*size, length)
	return window{from, min(from+size, length)}, l
}

// pageURL is the request's own address with another value of one parameter, which stands where it stood or at the end.
func (c *call) pageURL(path, parameter, value string) string {
	var pairs []string
	replaced := false
	for pair := range strings.SplitSeq(c.request.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case pair == "":
		case name == parameter:
			pairs = append(pairs, parameter+"="+url.QueryEscape(value))
			replaced = true
		default:
			pairs = append(pairs, pair)
		}
	}
	if !replaced {
		pairs = append(pairs, parameter+"="+url.QueryEscape(value))
	}
	return c.base + path + "?" + strings.Join(pairs, "&")
}
