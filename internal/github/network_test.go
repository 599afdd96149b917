package github

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestIsPublic(t *testing.T) {
	for _, c := range []struct {
		public    bool
		addresses []string
	}{
		{true, []string{"140.82.121.6", "1.1.1.1", "172.15.255.255", "100.63.255.255", "2606:50c0:8000::153", "::ffff:140.82.121.6", "64:ff9b::8c52:7906"}},
		{false, []string{
			"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3",
			"192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
			"::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "2002:a00:1::", "3fff::1", "5f00::1", "100::1",
			"::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1",
		}},
	} {
		for _, address := range c.addresses {
			NewWithT(t).Expect(isPublic(netip.MustParseAddr(address))).To(Equal(c.public), address)
		}
	}
	NewWithT(t).Expect(isPublic(netip.Addr{})).To(BeFalse())
}

// enterprise is an Enterprise Server on this machine with a certificate for the name example.com, and the Options to
// reach it by that name.
func enterprise(t *testing.T, hosts string) (*httptest.Server, Options) {
	t.Helper()
	server := httptest.NewTLSServer(answers(http.StatusOK, `[{"id":1}]`))
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server, Options{
		Server: serverOf(t, "https://ghe.example.com"), Hosts: hostsOf(t, hosts), Token: NewSecret(octoToken), RootCAs: pool,
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// list is one request through a client whose server's name resolves to address, without asking a DNS.
func listAt(t *testing.T, options Options, proxy proxyFunc, address string) error {
	t.Helper()
	client, err := newClient(options, proxy)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	defer client.Close()
	client.network.TLSClientConfig.ServerName = "example.com" // the name in the test server's certificate
	dial := client.network.DialContext
	client.network.DialContext = func(ctx context.Context, network, name string) (net.Conn, error) {
		if strings.HasPrefix(name, "ghe.example.com:") {
			name = address
		}
		return dial(ctx, network, name)
	}
	_, err = client.OrganizationHooks("octo-org").List(t.Context())
	return err
}

func TestOnlyNamedHostsMayHavePrivateAddresses(t *testing.T) {
	t.Run("named", func(t *testing.T) {
		server, options := enterprise(t, "ghe.example.com,*.example.com")
		NewWithT(t).Expect(listAt(t, options, noProxy, server.Listener.Addr().String())).To(Succeed())
	})
	t.Run("wildcard", func(t *testing.T) {
		server, options := enterprise(t, "*.example.com")
		err := listAt(t, options, noProxy, server.Listener.Addr().String())
		NewWithT(t).Expect(errors.Is(err, ErrHostNotAllowed)).To(BeTrue(), "%v", err)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("--github-hosts")))
	})
}

// connectProxy is an HTTP proxy that takes every name for the server at address.
func connectProxy(t *testing.T, address string, got *seen) *httptest.Server {
	t.Helper()
	return serve(t, connecting(t, address, got))
}

func connecting(t *testing.T, address string, got *seen) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got.note(r)
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		upstream, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		client, early, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		// The client may have gone on before the connection was handed over.
		go func() { _, _ = io.Copy(upstream, early); _ = upstream.Close() }()
		_, _ = io.Copy(client, upstream)
		_ = client.Close()
	}
}

// A tenant's ca.crt is for the server and not for the operator's proxy, which the system's authorities vouch for. They are
// read once per process, so the test runs itself once more with others.
func TestASecureProxyIsVerifiedWithTheSystemsAuthorities(t *testing.T) {
	server, options := enterprise(t, "ghe.example.com") // Its ca.crt signs the proxy's certificate, too.
	var got seen
	proxy := httptest.NewTLSServer(connecting(t, server.Listener.Addr().String(), &got))
	t.Cleanup(proxy.Close)
	g := NewWithT(t)
	err := listAt(t, options, through(t, proxy.URL, "octocat"), "")
	if os.Getenv(inChild) == "" {
		g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring("certificate of the proxy"))))
		g.Expect(got.requests).To(BeEmpty())
		known := filepath.Join(t.TempDir(), "ca.crt")
		g.Expect(os.WriteFile(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}), 0o600)).To(Succeed())
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), inChild+"=1", "SSL_CERT_FILE="+known)
		output, err := child.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(output))
		g.Expect(string(output)).To(ContainSubstring("--- PASS"))
		return
	}
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.requests).To(Equal([]string{"CONNECT ghe.example.com:443"}))
	options.RootCAs = x509.NewCertPool()
	g.Expect(listAt(t, options, through(t, proxy.URL, "octocat"), "")).To(MatchError(ContainSubstring("put the authority's certificate under ca.crt")))
}

func through(t *testing.T, address, user string) proxyFunc {
	t.Helper()
	u, err := url.Parse(address)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	if user != "" {
		u.User = url.UserPassword(user, "hidden")
	}
	return http.ProxyURL(u)
}

func TestProxiesAreAskedByName(t *testing.T) {
	g := NewWithT(t)
	// Only the wildcard allows the host, and its address is private: behind a proxy the name alone counts.
	server, options := enterprise(t, "*.example.com")
	var got seen
	proxy := connectProxy(t, server.Listener.Addr().String(), &got)
	g.Expect(listAt(t, options, through(t, proxy.URL, "octocat"), "")).To(Succeed())
	g.Expect(got.requests).To(Equal([]string{"CONNECT ghe.example.com:443"}))
}

func TestTroubleWithProxies(t *testing.T) {
	_, options := enterprise(t, "ghe.example.com")
	var got seen
	strict := connectProxy(t, "127.0.0.1:1", &got)
	for _, c := range []struct {
		name  string
		proxy proxyFunc
		want  string
	}{
		{"it wants a login", through(t, strict.URL, ""), "refuses the connection with 407 Proxy Authentication Required"},
		{"it cannot reach the server", through(t, strict.URL, "octocat"), "refuses the connection with 502 Bad Gateway"},
		{"it is not there", through(t, "http://127.0.0.1:1", "octocat"), "no connection to the proxy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := listAt(t, options, c.proxy, "")
			NewWithT(t).Expect(err).To(MatchError(ErrUnavailable))
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(c.want)))
			NewWithT(t).Expect(err.Error()).NotTo(ContainSubstring("hidden"))
		})
	}
	_, err := newClient(options, func(*http.Request) (*url.URL, error) {
		return nil, errors.New("invalid proxy address http://u:hidden@")
	})
	NewWithT(t).Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring("HTTPS_PROXY"))))
	NewWithT(t).Expect(err.Error()).NotTo(ContainSubstring("hidden"))
}

// The environment is read once per process, so the test of it runs itself once more with another one.
const inChild = "GITHUB_CLIENT_PROXY_TEST"

func TestTheEnvironmentsProxyIsObeyed(t *testing.T) {
	if os.Getenv(inChild) != "" {
		client := clientOf(t, "https://ghe.example.com", octoToken)
		_, err := client.OrganizationHooks("octo-org").List(t.Context())
		fmt.Println("CHILD SAYS:", err)
		return
	}
	var got seen
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.note(r)
		w.WriteHeader(http.StatusForbidden)
	})
	child := func(variables ...string) string {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), append(variables, inChild+"=1")...)
		output, err := command.CombinedOutput()
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), string(output))
		return string(output)
	}
	g := NewWithT(t)
	g.Expect(child("HTTPS_PROXY="+proxy.URL, "NO_PROXY=")).To(ContainSubstring("refuses the connection with 403"))
	g.Expect(got.requests).To(Equal([]string{"CONNECT ghe.example.com:443"}))
	g.Expect(child("HTTPS_PROXY="+proxy.URL, "NO_PROXY=.example.com")).To(ContainSubstring("CHILD SAYS: GET /orgs/{org}/hooks:"))
	g.Expect(got.requests).To(HaveLen(1), "NO_PROXY names the server")
}

func TestHTTP2IsSpoken(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			_, _ = io.WriteString(w, `[{"id":1}]`)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	hooks, err := repositoryOn(t, server, func(o *Options) { o.RootCAs = pool }).List(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hooks).To(HaveLen(1))
}

func TestCertificates(t *testing.T) {
	server, options := enterprise(t, "ghe.example.com")
	address := server.Listener.Addr().String()
	t.Run("a private authority", func(t *testing.T) {
		NewWithT(t).Expect(listAt(t, options, noProxy, address)).To(Succeed())
	})
	t.Run("an unknown authority", func(t *testing.T) {
		unknown := options
		unknown.RootCAs = nil
		err := listAt(t, unknown, noProxy, address)
		NewWithT(t).Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring("unknown authority")), MatchError(ContainSubstring("ca.crt"))))
	})
	t.Run("another host's", func(t *testing.T) {
		client, err := newClient(options, noProxy)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		defer client.Close()
		dial := client.network.DialContext
		client.network.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, address) }
		client.network.TLSClientConfig.ServerName = "ghe.example.org"
		_, err = client.App(t.Context())
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("certificate is for another host")))
	})
	t.Run("no HTTPS at all", func(t *testing.T) {
		plain := serve(t, answers(http.StatusOK, `[]`))
		NewWithT(t).Expect(listAt(t, options, noProxy, plain.Listener.Addr().String())).To(MatchError(ContainSubstring("does not speak HTTPS")))
	})
	t.Run("an old TLS", func(t *testing.T) {
		old := httptest.NewUnstartedServer(answers(http.StatusOK, `[]`))
		old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10} //nolint:gosec // what must not be talked to
		old.StartTLS()
		defer old.Close()
		NewWithT(t).Expect(listAt(t, options, noProxy, old.Listener.Addr().String())).To(MatchError(ErrUnavailable))
	})
}
