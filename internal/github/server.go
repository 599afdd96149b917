package github

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// ErrServerURL: an address is not that of a GitHub server. The message says what to write instead, without the parts of
// the address that could hold a secret.
var ErrServerURL = errors.New("not the address of a GitHub server")

const (
	dotcom    = "github.com"
	gheDotcom = ".ghe.com"
	https     = "https"
)

// Server is a GitHub: github.com, a GHE.com subdomain or an Enterprise Server. Servers are comparable, and the same
// server is equal however its address was written. The zero Server is github.com.
type Server struct {
	// origin is the canonical web address; empty for github.com's.
	origin string
}

// ParseServer reads the address of a server as people know it, web address or API root: https://github.com, which empty
// stands for, https://SUBDOMAIN.ghe.com, https://HOST[:PORT][/api/v3]. Whether it may be talked to, over plain HTTP in
// particular, is for [Hosts] to say. Errors wrap ErrServerURL.
func ParseServer(githubURL string) (Server, error) {
	if githubURL == "" {
		return Server{}, nil
	}
	u, err := url.Parse(githubURL)
	if err != nil || u.Hostname() == "" || u.Scheme != https && u.Scheme != "http" {
		return Server{}, serverError("it must begin with https:// and name a host: write https://github.com, " +
			"https://SUBDOMAIN.ghe.com or https://ghe.example.com")
	}
	host, err := canonicalHost(u)
	if err != nil {
		return Server{}, err
	}
	s := serverAt(u.Scheme, host)
	if err := s.checkRest(u); err != nil {
		return Server{}, err
	}
	return s, nil
}

func serverError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrServerURL}, args...)...)
}

func serverAt(scheme, host string) Server {
	if scheme == https && host == dotcom {
		return Server{}
	}
	return Server{origin: scheme + "://" + host}
}

// checkRest refuses what an address may have besides scheme and host.
func (s Server) checkRest(u *url.URL) error {
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	switch {
	case u.User != nil:
		return serverError("it must not contain a user or password: write %s, and the token under its own key", s)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return serverError("it must not contain a query or fragment: write %s", s)
	case path == "" || path == "/api/v3" && s.selfHosted():
		return nil
	default:
		return serverError("it must not contain the path of a page, repository or organization: write %s", s)
	}
}

// hostName is what a name in DNS looks like: underscores occur in private zones.
var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// looksLikeIP are ends of a name that some resolvers take for an IPv4 address: 127.1, 0x7f000001.
var looksLikeIP = regexp.MustCompile(`(^|\.)(\d+|0x[0-9a-f]*)$`)

// canonicalHost is the host of the web address in lower case, with its port unless that is the scheme's own.
func canonicalHost(u *url.URL) (string, error) {
	host := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(host)
	isIP := err == nil && ip.Zone() == ""
	if !isIP && (len(host) > 253 || !hostName.MatchString(host) || looksLikeIP.MatchString(host)) {
		return "", serverError("its host is neither a name in DNS nor an IP address: write https://ghe.example.com")
	}
	if isIP {
		host = ip.String()
	} else if host, err = webHost(host); err != nil {
		return "", err
	}
	port, err := canonicalPort(u)
	switch {
	case err != nil:
		return "", err
	case port != "" && (host == dotcom || strings.HasSuffix(host, gheDotcom)):
		return "", serverError("%s has no other port: write https://%s", host, host)
	case port != "":
		return net.JoinHostPort(host, port), nil
	case ip.Is6():
		return "[" + host + "]", nil
	}
	return host, nil
}

// webHost is the web address's host where the API has one of its own.
func webHost(host string) (string, error) {
	switch {
	case host == "api."+dotcom:
		return dotcom, nil
	case host == "www."+dotcom:
		return "", serverError("write https://github.com")
	case "."+host != gheDotcom && !strings.HasSuffix(host, gheDotcom):
		return host, nil
	}
	subdomain := strings.TrimPrefix(strings.TrimSuffix(host, gheDotcom), "api.")
	if "."+host == gheDotcom || subdomain == "api" || strings.Contains(subdomain, ".") {
		return "", serverError("on GHE.com every enterprise has a subdomain: write https://SUBDOMAIN.ghe.com")
	}
	return subdomain + gheDotcom, nil
}

func canonicalPort(u *url.URL) (string, error) {
	if u.Port() == "" {
		return "", nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil || port == 0:
		return "", serverError("its port must be a number from 1 to 65535")
	case u.Scheme == https && port == 443 || u.Scheme == "http" && port == 80:
		return "", nil
	}
	return strconv.FormatUint(port, 10), nil
}

// String is the canonical web address without a slash at its end, such as https://github.com.
func (s Server) String() string {
	if s.origin == "" {
		return https + "://" + dotcom
	}
	return s.origin
}

// APIRoot is where the REST API begins, without a slash at its end: https://api.github.com,
// https://api.SUBDOMAIN.ghe.com, and below /api/v3 on every other server.
func (s Server) APIRoot() string {
	if s.selfHosted() {
		return s.String() + "/api/v3"
	}
	return s.scheme() + "://api." + s.host()
}

// selfHosted: an Enterprise Server, whose API has no host of its own.
func (s Server) selfHosted() bool {
	return s.host() != dotcom && !strings.HasSuffix(s.host(), gheDotcom)
}

func (s Server) scheme() string {
	scheme, _, _ := strings.Cut(s.String(), "://")
	return scheme
}

// host is the host of the web address, with a port where there is one.
func (s Server) host() string {
	_, host, _ := strings.Cut(s.String(), "://")
	return host
}

// ownPage is an address that the server named itself, if it is one of its own pages; else empty.
func (s Server) ownPage(address string) string {
	page, err := url.Parse(address)
	own, ownErr := url.Parse(s.String())
	if err != nil || ownErr != nil || !sameOrigin(page, own) || redact.Clean(address, maxPage) != address {
		return ""
	}
	return page.String()
}

// maxPage is more than addresses of GitHub's pages have.
const maxPage = 512
