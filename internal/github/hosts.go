package github

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// ErrHostNotAllowed: the server is not among those that the operator may talk to, or it is one of a wildcard's hosts and
// resolves to an address that is not public. Nothing was sent. The message names the flag.
var ErrHostNotAllowed = errors.New("host is not allowed")

// Hosts are the servers that the operator may talk to: the flag --github-hosts. The zero Hosts allow none.
type Hosts struct {
	servers   []Server
	wildcards []wildcard
}

// wildcard is an entry such as *.ghe.com: every host with one more label, over HTTPS.
type wildcard struct {
	// suffix begins with a dot.
	suffix string
	// port is empty for 443.
	port string
}

// ParseHosts reads a comma-separated list of hosts. HOST[:PORT] is that server over HTTPS, api.github.com the same as
// github.com; *.DOMAIN[:PORT] is every host with one label before DOMAIN, at a public address; http://HOST[:PORT] allows
// plain HTTP to that host. A list that names none is an error.
func ParseHosts(list string) (Hosts, error) {
	var h Hosts
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		if err := h.add(entry); err != nil {
			return Hosts{}, fmt.Errorf("--github-hosts: %w", err)
		}
	}
	if len(h.servers) == 0 && len(h.wildcards) == 0 {
		return Hosts{}, errors.New("--github-hosts names no host: write github.com, or the host of your server")
	}
	return h, nil
}

func (h *Hosts) add(entry string) error {
	scheme, host, found := strings.Cut(entry, "://")
	if !found {
		scheme, host = https, entry
	}
	domain, isWildcard := strings.CutPrefix(host, "*.")
	if strings.Contains(domain, "*") {
		return fmt.Errorf("%w: a * may only stand for the first label, as in *.ghe.com", ErrServerURL)
	}
	if !isWildcard {
		s, err := ParseServer(scheme + "://" + host)
		if err != nil {
			return err
		}
		h.servers = append(h.servers, s)
		return nil
	}
	// A label in the place of the * makes it a server, with all the rules for one.
	s, err := ParseServer(scheme + "://any." + domain)
	switch {
	case err != nil:
		return err
	case s.scheme() != https:
		return fmt.Errorf("%w: plain HTTP needs a host of its own, not a wildcard", ErrServerURL)
	}
	name, port, _ := strings.Cut(s.host(), ":")
	suffix := strings.TrimPrefix(name, "any")
	if isPublicSuffix(strings.TrimPrefix(suffix, ".")) {
		return fmt.Errorf("%w: *%s is too wide: anybody can have a host there. Write the hosts, or a wildcard within your own domain",
			ErrServerURL, suffix)
	}
	h.wildcards = append(h.wildcards, wildcard{suffix, port})
	return nil
}

// isPublicSuffix tells whether anybody can register names right below a domain: co.uk, github.io. GHE.com gives them out, to
// enterprises alone.
func isPublicSuffix(domain string) bool {
	if "."+domain == gheDotcom {
		return false
	}
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain || !strings.Contains(domain, ".")
}

// label is how metrics name an allowed server: by the host of its API or, where a wildcard allows it, by that, so that their
// number is bounded whatever hosts Secrets name.
func (h Hosts) label(s Server) string {
	if !h.named(s) {
		for _, w := range h.wildcards {
			if w.fits(s) {
				return w.String()
			}
		}
	}
	return accountsOn(s).host
}

// Allow tells whether the server may be talked to. The error wraps ErrHostNotAllowed and says what to add to which flag.
func (h Hosts) Allow(s Server) error {
	if h.named(s) || h.matched(s) {
		return nil
	}
	entry := s.host()
	if s.scheme() != https {
		entry = s.String()
	}
	return fmt.Errorf("%w: the operator's flag --github-hosts (githubHosts in the Helm chart) does not name %s: add %q there if it may be talked to",
		ErrHostNotAllowed, s, entry)
}

// named: an entry is the server itself.
func (h Hosts) named(s Server) bool { return slices.Contains(h.servers, s) }

// matched: a wildcard fits the server.
func (h Hosts) matched(s Server) bool {
	return slices.ContainsFunc(h.wildcards, func(w wildcard) bool { return w.fits(s) })
}

func (w wildcard) fits(s Server) bool {
	name, port, _ := strings.Cut(s.host(), ":")
	label, found := strings.CutSuffix(name, w.suffix)
	return s.scheme() == https && found && label != "" && !strings.Contains(label, ".") && port == w.port
}

// String is the entry as it stands in the flag.
func (w wildcard) String() string {
	if w.port == "" {
		return "*" + w.suffix
	}
	return "*" + w.suffix + ":" + w.port
}
