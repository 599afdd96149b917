package github

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		list    string
		allowed []string
		refused []string
	}{
		{
			list:    "github.com",
			allowed: []string{"", "https://github.com", "https://api.github.com"},
			refused: []string{"http://github.com", "https://octocorp.ghe.com", "https://ghe.example.com", "https://github.com.example.com"},
		},
		{list: "api.github.com", allowed: []string{"https://github.com"}},
		{
			list:    "ghe.example.com, GHE2.example.com:8443 ,",
			allowed: []string{"https://ghe.example.com/api/v3", "https://ghe2.example.com:8443"},
			refused: []string{"", "http://ghe.example.com", "https://ghe.example.com:8443", "https://ghe2.example.com", "https://a.ghe.example.com"},
		},
		{
			list:    "*.ghe.com",
			allowed: []string{"https://octocorp.ghe.com", "https://api.octocorp.ghe.com"},
			refused: []string{"https://github.com", "http://octocorp.ghe.com", "https://xghe.com", "https://octocorp.ghe.com.example.com"},
		},
		{
			list:    "*.example.com:8443",
			allowed: []string{"https://ghe.example.com:8443"},
			refused: []string{"https://ghe.example.com", "https://a.b.example.com:8443", "https://example.com:8443", "http://ghe.example.com:8443"},
		},
		{
			list:    "http://127.0.0.1:8080",
			allowed: []string{"http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"},
			refused: []string{"https://127.0.0.1:8080", "http://127.0.0.1", "http://127.0.0.1:8081", "http://localhost:8080"},
		},
		{list: "https://ghe.example.com/api/v3,[::1]:8443", allowed: []string{"https://ghe.example.com", "https://[::1]:8443"}},
	} {
		t.Run(c.list, func(t *testing.T) {
			hosts := hostsOf(t, c.list)
			for _, address := range c.allowed {
				NewWithT(t).Expect(hosts.Allow(serverOf(t, address))).To(Succeed(), address)
			}
			for _, address := range c.refused {
				err := hosts.Allow(serverOf(t, address))
				NewWithT(t).Expect(errors.Is(err, ErrHostNotAllowed)).To(BeTrue(), address)
				NewWithT(t).Expect(err).To(MatchError(ContainSubstring("--github-hosts")))
			}
		})
	}
}

func TestHostsSayWhatToAdd(t *testing.T) {
	g := NewWithT(t)
	hosts := hostsOf(t, "github.com")
	g.Expect(hosts.Allow(serverOf(t, "https://ghe.example.com:8443/api/v3"))).To(MatchError(ContainSubstring(`add "ghe.example.com:8443" there`)))
	g.Expect(hosts.Allow(serverOf(t, "http://127.0.0.1:8080"))).To(MatchError(ContainSubstring(`add "http://127.0.0.1:8080" there`)))
	g.Expect(errors.Is(Hosts{}.Allow(Server{}), ErrHostNotAllowed)).To(BeTrue(), "the zero Hosts")

	_, err := NewClient(Options{Server: serverOf(t, "https://ghe.example.com"), Hosts: hosts, Token: NewSecret(octoToken)})
	g.Expect(errors.Is(err, ErrHostNotAllowed)).To(BeTrue())
}

func TestParseHostsRefuses(t *testing.T) {
	for list, want := range map[string]string{
		"":                         "names no host",
		" , ":                      "names no host",
		"*":                        "first label",
		"*.com":                    "too wide",
		"*.*.example.com":          "first label",
		"ghe.*.example.com":        "first label",
		"*ghe.example.com":         "first label",
		"http://*.example.com":     "plain HTTP needs a host of its own",
		"https://u:p@example.com":  "must not contain a user",
		"ghe.example.com/octo-org": "path",
		"ftp://ghe.example.com":    "must begin with https://",
		"github.com,a b":           "must begin with https://",
		"ghe.example.com:99999":    "port",
		"*.0.0.1":                  "neither a name in DNS",
	} {
		t.Run(list, func(t *testing.T) {
			_, err := ParseHosts(list)
			NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring("--github-hosts"), ContainSubstring(want))))
		})
	}
}

func FuzzParseHosts(f *testing.F) {
	for _, seed := range []string{"github.com", "*.ghe.com,ghe.example.com:8443", "http://127.0.0.1:8080", "*", "*.a.b:1,,", "[::1]"} {
		f.Add(seed, "https://octocorp.ghe.com")
	}
	f.Fuzz(func(t *testing.T, list, address string) {
		g := NewWithT(t)
		hosts, err := ParseHosts(list)
		if err != nil {
			return
		}
		for _, s := range hosts.servers {
			g.Expect(hosts.Allow(s)).To(Succeed())
			alone, err := ParseHosts(s.String())
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(alone.Allow(s)).To(Succeed())
		}
		s, err := ParseServer(address)
		if err != nil || hosts.Allow(s) != nil {
			return
		}
		g.Expect(hosts.named(s) || s.scheme() == https).To(BeTrue(), "plain HTTP is allowed by name only")
	})
}

// Anybody can have a host below a public suffix, and make it name itself a GitHub.
func TestWildcardsOverPublicSuffixesAreRefused(t *testing.T) {
	for list, fine := range map[string]bool{
		"*.co.uk": false, "*.github.io": false, "*.com": false, "*.CO.UK:8443": false, "*.internal": false, "*.s3.amazonaws.com": false,
		"*.ghe.com": true, "*.example.co.uk": true, "*.octo-org.github.io": true, "*.corp.internal": true,
	} {
		_, err := ParseHosts(list)
		g := NewWithT(t)
		g.Expect(err == nil).To(Equal(fine), list)
		if !fine {
			g.Expect(err).To(MatchError(And(ContainSubstring("--github-hosts"), ContainSubstring("anybody can have a host there"))), list)
		}
	}
}

// However many hosts Secrets name, the series of a wildcard's are its own.
func TestMetricsNameTheEntryThatAllowsAHost(t *testing.T) {
	g := NewWithT(t)
	hosts := hostsOf(t, "github.com,ghe.example.com:8443,*.ghe.com,octocorp.ghe.com,*.example.org:8443")
	for address, label := range map[string]string{
		"https://github.com": "api.github.com", "https://ghe.example.com:8443": "ghe.example.com:8443", "https://octocorp.ghe.com": "api.octocorp.ghe.com",
		"https://other.ghe.com": "*.ghe.com", "https://another.ghe.com": "*.ghe.com", "https://a.example.org:8443": "*.example.org:8443",
	} {
		g.Expect(hosts.label(serverOf(t, address))).To(Equal(label), address)
	}
}

type namedHosts struct {
	unobserved
	requests, limits map[string]bool
}

func (n namedHosts) Request(host, _, _ string, _ int, _ time.Duration) { n.requests[host] = true }
func (n namedHosts) RateLimit(host, _ string, _ int, _ time.Time)      { n.limits[host] = true }

func TestAThousandHostsOfAWildcardAreOneLabel(t *testing.T) {
	g := NewWithT(t)
	named := namedHosts{requests: map[string]bool{}, limits: map[string]bool{}}
	budgets := NewBudgets(BudgetOptions{Observer: named, MAC: func(digest string) string { return digest }})
	for i := range 1000 {
		client, err := newClient(Options{
			Server: serverOf(t, fmt.Sprintf("https://tenant-%d.ghe.com", i)), Hosts: hostsOf(t, "*.ghe.com"), Token: NewSecret(octoToken),
			Observer: named, Budgets: budgets,
		}, noProxy)
		g.Expect(err).NotTo(HaveOccurred())
		network := roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{
				"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"4999"}, "Content-Type": {"application/json"},
				"X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(time.Hour/2).Unix(), 10)},
			}
			return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(`[]`)), Request: r}, nil
		})
		replaceNetwork(client, network)
		_, err = client.OrganizationHooks("octo-org").List(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(named.requests).To(Equal(map[string]bool{"*.ghe.com": true}))
	g.Expect(named.limits).To(Equal(map[string]bool{"*.ghe.com": true}))
}

// replaceNetwork below everything else that the client does.
func replaceNetwork(client *Client, network http.RoundTripper) {
	top := client.transport.(redirects)
	login := top.next.(bearer)
	kept := login.next.(conditional)
	counted := kept.next.(budgeted)
	allowed := counted.next.(permitted)
	told := allowed.next.(observed)
	told.next = network
	allowed.next = told
	counted.next = allowed
	kept.next = counted
	login.next = kept
	top.next = login
	client.transport, client.login = top, login
}
