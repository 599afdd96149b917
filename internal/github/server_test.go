package github

import (
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestParseServer(t *testing.T) {
	const dotcomAPI = "https://api.github.com"
	for _, c := range []struct{ address, want, api string }{
		{"", "https://github.com", dotcomAPI},
		{"https://github.com", "https://github.com", dotcomAPI},
		{"https://github.com/", "https://github.com", dotcomAPI},
		{"https://GitHub.com:443", "https://github.com", dotcomAPI},
		{"https://api.github.com", "https://github.com", dotcomAPI},
		{"https://api.github.com/", "https://github.com", dotcomAPI},
		{"http://github.com", "http://github.com", "http://api.github.com"},
		{"https://octocorp.ghe.com", "https://octocorp.ghe.com", "https://api.octocorp.ghe.com"},
		{"https://api.octocorp.ghe.com/", "https://octocorp.ghe.com", "https://api.octocorp.ghe.com"},
		{"https://ghe.example.com", "https://ghe.example.com", "https://ghe.example.com/api/v3"},
		{"https://ghe.example.com/api/v3", "https://ghe.example.com", "https://ghe.example.com/api/v3"},
		{"https://ghe.example.com/api/v3/", "https://ghe.example.com", "https://ghe.example.com/api/v3"},
		{"https://api.ghe.example.com", "https://api.ghe.example.com", "https://api.ghe.example.com/api/v3"},
		{"HTTPS://GHE.Example.COM:8443/", "https://ghe.example.com:8443", "https://ghe.example.com:8443/api/v3"},
		{"https://ghe.example.com:0443", "https://ghe.example.com", "https://ghe.example.com/api/v3"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"},
		{"http://localhost:80", "http://localhost", "http://localhost/api/v3"},
		{"https://[2001:DB8::1]", "https://[2001:db8::1]", "https://[2001:db8::1]/api/v3"},
		{"https://[::1]:8443", "https://[::1]:8443", "https://[::1]:8443/api/v3"},
		{"https://notghe.com", "https://notghe.com", "https://notghe.com/api/v3"},
	} {
		t.Run(c.address, func(t *testing.T) {
			g := NewWithT(t)
			s, err := ParseServer(c.address)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(s.String()).To(Equal(c.want))
			g.Expect(s.APIRoot()).To(Equal(c.api))
		})
	}
}

func TestServersAreComparable(t *testing.T) {
	g := NewWithT(t)
	g.Expect(serverOf(t, "https://api.github.com/")).To(BeIdenticalTo(serverOf(t, "")))
	g.Expect(Server{}).To(BeIdenticalTo(serverOf(t, "https://github.com")))
	g.Expect(serverOf(t, "https://ghe.example.com/api/v3")).To(BeIdenticalTo(serverOf(t, "https://GHE.example.com:443")))
	g.Expect(serverOf(t, "http://ghe.example.com")).NotTo(BeIdenticalTo(serverOf(t, "https://ghe.example.com")))
}

func TestParseServerSaysWhatToWrite(t *testing.T) {
	for _, c := range []struct{ address, want string }{
		{"github.com", "write https://github.com"},
		{"ghp_hidden", "must begin with https://"},
		{"ssh://git@github.com", "must begin with https://"},
		{"https://", "must begin with https://"},
		{"https:ghe.example.com", "must begin with https://"},
		{"https://%zz/hidden", "must begin with https://"},
		{"https://user:hidden@ghe.example.com", "must not contain a user or password: write https://ghe.example.com"},
		{"https://hidden@api.github.com", "write https://github.com"},
		{"https://ghe.example.com?token=hidden", "must not contain a query or fragment: write https://ghe.example.com"},
		{"https://ghe.example.com?", "query"},
		{"https://ghe.example.com#hidden", "write https://ghe.example.com"},
		{"https://ghe.example.com/octo-org/hidden", "repository or organization: write https://ghe.example.com"},
		{"https://ghe.example.com/api", "write https://ghe.example.com"},
		{"https://github.com/api/v3", "write https://github.com"},
		{"https://octocorp.ghe.com/api/v3", "write https://octocorp.ghe.com"},
		{"https://github.com:8443", "write https://github.com"},
		{"https://www.github.com", "write https://github.com"},
		{"https://ghe.com", "write https://SUBDOMAIN.ghe.com"},
		{"https://api.ghe.com", "write https://SUBDOMAIN.ghe.com"},
		{"https://a.b.ghe.com", "write https://SUBDOMAIN.ghe.com"},
		{"https://ghe_.example..com", "neither a name in DNS nor an IP address"},
		{"https://github.com.", "neither a name in DNS"},
		{"https://bücher.example.com", "neither a name in DNS"},
		{"https://127.1", "neither a name in DNS"},
		{"https://0x7f000001", "neither a name in DNS"},
		{"https://[fe80::1%25eth0]", "neither a name in DNS"},
		{"https://ghe.example.com:0", "from 1 to 65535"},
		{"https://ghe.example.com:65536", "from 1 to 65535"},
	} {
		t.Run(c.address, func(t *testing.T) {
			g := NewWithT(t)
			_, err := ParseServer(c.address)
			g.Expect(errors.Is(err, ErrServerURL)).To(BeTrue())
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
			g.Expect(err.Error()).NotTo(ContainSubstring("hidden"))
		})
	}
}

func FuzzParseServer(f *testing.F) {
	for _, seed := range []string{
		"", "https://github.com", "https://api.octocorp.ghe.com/", "https://ghe.example.com:8443/api/v3/", "http://[::1]:80",
		"https://user:password@ghe.example.com?a=b#c", "https://a.ghe.com:443", "HTTPS://X", "https://1.2.3.4/api/v3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		g := NewWithT(t)
		s, err := ParseServer(address)
		if err != nil {
			g.Expect(errors.Is(err, ErrServerURL)).To(BeTrue())
			g.Expect(s).To(Equal(Server{}))
			return
		}
		for _, spelling := range []string{s.String(), s.String() + "/", s.APIRoot(), s.APIRoot() + "/"} {
			again, err := ParseServer(spelling)
			g.Expect(err).NotTo(HaveOccurred(), spelling)
			g.Expect(again).To(BeIdenticalTo(s), spelling)
		}
		g.Expect(s.String()).NotTo(ContainSubstring("@"))
		g.Expect(strings.HasPrefix(s.APIRoot(), s.scheme()+"://")).To(BeTrue())
	})
}
