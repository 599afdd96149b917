package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	certutil "k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Prometheus, which does what the ServiceMonitor says and nothing else, may read metrics, and verifies who answers: with the
// certificate that cert-manager makes as the chart asks for it.
func TestTheServiceMonitorLeadsToMetrics(t *testing.T) {
	g := NewWithT(t)
	installOtherCRDs(t)
	w := newWalk(t, "scraped", "scraped-too")
	const namespace = "monitored"
	makeNamespace(t, namespace)
	values := "--set=metrics.certificate.certManager.enabled=true,metrics.serviceMonitor.enabled=true"
	certManager(t, template(t, values), namespace)
	install(w, namespace, values)
	o := runInstalled(t, namespace)

	monitor := objectOf(t, decode(t, helm(t, "get", "manifest", releaseName, "--namespace="+namespace)), "ServiceMonitor")
	endpoints, _, err := unstructured.NestedSlice(monitor.Object, "spec", "endpoints")
	g.Expect(err).NotTo(HaveOccurred())
	endpoint := endpoints[0].(map[string]any)
	at := func(path ...string) string {
		value, found, err := unstructured.NestedString(endpoint, path...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(BeTrue(), "%v", path)
		return value
	}

	var login, certificate corev1.Secret
	key := client.ObjectKey{Namespace: namespace, Name: at("authorization", "credentials", "name")}
	g.Expect(k8s.Get(t.Context(), key, &login)).To(Succeed())
	// As Kubernetes' token controller fills it in, which does not run here.
	bearer := token(t, namespace, login.Annotations[corev1.ServiceAccountNameKey])
	key.Name = at("tlsConfig", "ca", "secret", "name")
	g.Expect(k8s.Get(t.Context(), key, &certificate)).To(Succeed())
	pool := x509.NewCertPool()
	g.Expect(pool.AppendCertsFromPEM(certificate.Data[at("tlsConfig", "ca", "secret", "key")])).To(BeTrue())
	prometheus := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: at("tlsConfig", "serverName"), MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}}
	url := at("scheme") + "://" + o.metrics + at("path")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := prometheus.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(response.Body.Close()).To(Succeed())
	g.Expect(response.StatusCode).To(Equal(http.StatusOK))
}

func objectOf(t *testing.T, objects []*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	t.Helper()
	for _, u := range objects {
		if u.GetKind() == kind {
			return u
		}
	}
	t.Fatalf("there is no %s", kind)
	return nil
}

// certManager makes the Secret that a Certificate asks for, with a certificate that signs itself.
func certManager(t *testing.T, objects []*unstructured.Unstructured, namespace string) {
	t.Helper()
	g := NewWithT(t)
	spec := objectOf(t, objects, "Certificate").Object["spec"].(map[string]any)
	g.Expect(spec["dnsNames"]).To(Equal([]any{releaseName + "-metrics." + releaseName + ".svc"}))
	// The chart was rendered for another namespace than it is installed in.
	certificate, key, err := certutil.GenerateSelfSignedCertKey(releaseName+"-metrics."+namespace+".svc", nil, nil)
	g.Expect(err).NotTo(HaveOccurred())
	secret(t, namespace, spec["secretName"].(string), map[string]string{
		"tls.crt": string(certificate), "tls.key": string(key), "ca.crt": string(certificate),
	})
}
