package controllers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// internet is the wide world of a story: an HTTP proxy for which every name leads to the simulator, over TLS and with a
// certificate authority of its own. It remembers who was asked for what.
type internet struct {
	// ca is the authority's certificate in PEM.
	ca    string
	proxy *httptest.Server
	tls   *httptest.Server

	mu       sync.Mutex
	dialled  []string
	requests []string
	down     map[string]bool
}

// anyAddress is an address of this machine that Go sends to a proxy, as it does not 127.0.0.1.
const anyAddress = "0.0.0.0"

// newInternet has the names that stories use, and anyAddress.
func newInternet() *internet {
	GinkgoHelper()
	n := &internet{down: map[string]bool{}}
	certificate, ca := certify("api.github.com", "github.com", "api.octocorp.ghe.com", "ghe.example.com", "moved.example.com")
	n.ca = ca
	n.tls = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.note(&n.requests, r.Method+" "+r.Host+r.URL.Path)
		sim.ServeHTTP(w, r)
	}))
	n.tls.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	n.tls.EnableHTTP2 = true
	n.tls.Config.ErrorLog = log.New(io.Discard, "", 0) // It tells of clients that do not trust the authority.
	n.tls.StartTLS()
	n.proxy = httptest.NewServer(http.HandlerFunc(n.connect))
	DeferCleanup(n.close)
	return n
}

func (n *internet) close() {
	for _, server := range []*httptest.Server{n.proxy, n.tls} {
		server.CloseClientConnections()
		server.Close()
	}
}

// connect is the proxy: it takes every name for the simulator's.
func (n *internet) connect(w http.ResponseWriter, r *http.Request) {
	n.note(&n.dialled, r.Host)
	if r.Method != http.MethodConnect || n.isDown(r.Host) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	upstream, err := (&net.Dialer{}).DialContext(context.WithoutCancel(r.Context()), "tcp", n.tls.Listener.Addr().String())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	client, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = upstream.Close()
		return
	}
	go func() { // What came before the connection was handed over is in early.
		_, _ = io.Copy(upstream, early)
		_ = upstream.Close()
	}()
	_, _ = io.Copy(client, upstream)
	_ = client.Close()
}

func (n *internet) note(to *[]string, entry string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*to = append(*to, entry)
}

// asked is what the proxy was asked to connect to, each once.
func (n *internet) asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(n.dialled)))
}

// got are the requests that came in over TLS, as in "GET api.github.com/orgs/octo-org/hooks".
func (n *internet) got() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.requests)
}

// gotWrites are those that asked for a change.
func (n *internet) gotWrites() []string {
	return slices.DeleteFunc(n.got(), func(r string) bool { return strings.HasPrefix(r, http.MethodGet) })
}

// setDown makes the proxy refuse to connect to host:port.
func (n *internet) setDown(host string, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[host] = down
}

func (n *internet) isDown(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down[host]
}

// env leads an operator through the proxy, but for the hosts in noProxy.
func (n *internet) env(noProxy string) []string {
	var env []string
	for name, value := range map[string]string{"HTTPS_PROXY": n.proxy.URL, "HTTP_PROXY": n.proxy.URL, "NO_PROXY": noProxy} {
		env = append(env, name+"="+value, strings.ToLower(name)+"="+value)
	}
	return env
}

// trusting makes an operator's system trust the authority.
func (n *internet) trusting() string {
	GinkgoHelper()
	bundle := filepath.Join(GinkgoT().TempDir(), "ca.crt")
	Expect(os.WriteFile(bundle, []byte(n.ca), 0o600)).To(Succeed())
	return "SSL_CERT_FILE=" + bundle
}

// certify makes a certificate for names and anyAddress, and the certificate of its authority in PEM.
func certify(names ...string) (certificate tls.Certificate, authority string) {
	GinkgoHelper()
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "The story's authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, IPAddresses: []net.IP{net.ParseIP(anyAddress)},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	Expect(err).NotTo(HaveOccurred())
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	Expect(err).NotTo(HaveOccurred())
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))
}

func newKey() *ecdsa.PrivateKey {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	return key
}
