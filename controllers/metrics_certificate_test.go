package controllers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// metricsHost is the name in the certificates.
const metricsHost = "github-webhook-operator-metrics.github-webhook-operator.svc"

// certificateDir is a folder as the kubelet mounts a Secret: the files are links through the link ..data.
type certificateDir struct {
	path    string
	renewed int
}

// renew puts another certificate there, as the kubelet does, and returns what trusts it alone.
func (d *certificateDir) renew() *x509.CertPool {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	d.renewed++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(d.renewed)), DNSNames: []string{metricsHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())

	version := fmt.Sprintf("..version_%d", d.renewed)
	Expect(os.Mkdir(filepath.Join(d.path, version), 0o700)).To(Succeed())
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		Expect(os.WriteFile(filepath.Join(d.path, version, name), pem.EncodeToMemory(block), 0o600)).To(Succeed())
		if d.renewed == 1 {
			Expect(os.Symlink(filepath.Join("..data", name), filepath.Join(d.path, name))).To(Succeed())
		}
	}
	next := filepath.Join(d.path, "..data_tmp")
	Expect(os.Symlink(version, next)).To(Succeed())
	Expect(os.Rename(next, filepath.Join(d.path, "..data"))).To(Succeed())

	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// scrapeVerified asks for metrics without a token, and trusts only the pool's certificate.
func (o *operator) scrapeVerified(ctx context.Context, pool *x509.CertPool) (int, error) {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: metricsHost, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+o.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

var _ = Describe("The certificate for metrics", func() {
	It("is the one of --metrics-cert-path, and its successor once it is renewed", func(ctx SpecContext) {
		dir := &certificateDir{path: GinkgoT().TempDir()}
		first := dir.renew()
		o := startOperator(ctx, ownOperator(emptyNamespace(ctx), "--metrics-secure=true", "--metrics-cert-path="+dir.path))
		DeferCleanup(o.stop)
		Eventually(ctx, func() (int, error) { return o.scrapeVerified(ctx, first) }).Should(Equal(http.StatusUnauthorized))

		second := dir.renew()
		Eventually(ctx, func() (int, error) { return o.scrapeVerified(ctx, second) }).Should(Equal(http.StatusUnauthorized))
		_, err := o.scrapeVerified(ctx, first)
		Expect(err).To(MatchError(ContainSubstring("certificate")))
	})

	DescribeTable("that cannot be used stops the operator with a sentence, where it would else sign its own in silence",
		func(ctx SpecContext, words string, args ...string) {
			dir := GinkgoT().TempDir()
			args = append([]string{"--namespace=" + operatorNamespace, "--metrics-cert-path=" + dir}, args...)
			out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
			Expect(err).To(HaveOccurred())
			Expect(string(out)).To(containAll([]string{"--metrics-cert-path", words}))
		},
		Entry("no files", "put a certificate and its key there as tls.crt and tls.key, or leave the flag out"),
		Entry("metrics without TLS", "leave one of them out", "--metrics-secure=false"),
	)
})
