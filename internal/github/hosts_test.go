package github

import (
	"errors"
	"testing"

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
