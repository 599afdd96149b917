package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// helm runs a helm command that must succeed.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tool(t.Context(), "helm", args...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return out
}

// An upgrade brings the CRDs' new fields and leaves the fingerprint key alone, and so do a rollback, an uninstall and a
// new installation, even under another name.
func TestUpgradeKeepsTheFingerprintKeyAndUpgradesTheCRDs(t *testing.T) {
	g := NewWithT(t)
	const namespace = "upgraded"
	makeNamespace(t, namespace)
	old := olderChart(t)
	in := []string{"--namespace=" + namespace}

	helm(t, append(in, "install", "first", old, "--take-ownership")...)
	g.Expect(hasField(t, "suspend")).To(BeFalse())
	secret := fingerprintSecret(t, namespace)
	g.Expect(secret.Data).To(BeEmpty())

	secret.Data = map[string][]byte{"key": []byte("made by the operator")}
	g.Expect(k8s.Update(t.Context(), secret)).To(Succeed())
	keepsKey := func(after string) {
		g.Expect(fingerprintSecret(t, namespace).Data).To(HaveKeyWithValue("key", []byte("made by the operator")), "after %s", after)
	}

	helm(t, append(in, "upgrade", "first", chartDir)...)
	g.Expect(hasField(t, "suspend")).To(BeTrue())
	keepsKey("an upgrade")
	g.Expect(helm(t, append(in, "get", "manifest", "first")...)).NotTo(ContainSubstring("made by the operator"))
	applyFingerprintSecret(t, namespace)
	keepsKey("a sync without Helm")
	helm(t, append(in, "rollback", "first")...)
	keepsKey("a rollback")
	helm(t, append(in, "uninstall", "first")...)
	keepsKey("an uninstall")
	g.Expect(hasField(t, "url")).To(BeTrue(), "the CRDs are kept")
	helm(t, append(in, "install", "first", chartDir)...)
	keepsKey("a new installation")
	helm(t, append(in, "uninstall", "first")...)
	helm(t, append(in, "install", "second", chartDir, "--take-ownership")...)
	keepsKey("an installation under another name")
	helm(t, append(in, "uninstall", "second")...)
	keepsKey("its uninstall")
}

// olderChart is the chart from before the field suspend.
func olderChart(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), "older")
	g.Expect(os.CopyFS(dir, os.DirFS(filepath.Join(root, chartDir)))).To(Succeed())
	file := filepath.Join(dir, "templates", "crds", "github-webhooks.dev_repositorywebhooks.yaml")
	crd, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	// The field with all lines that are indented deeper.
	field := regexp.MustCompile(`(?m)^ +suspend:\n(?: {16,}.*\n)+`)
	g.Expect(field.FindAll(crd, -1)).To(HaveLen(1))
	g.Expect(os.WriteFile(file, field.ReplaceAll(crd, nil), 0o600)).To(Succeed())
	return dir
}

// hasField tells whether the CRD in the cluster knows a field of a RepositoryWebhook's spec.
func hasField(t *testing.T, field string) bool {
	t.Helper()
	g := NewWithT(t)
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Name: "repositorywebhooks.github-webhooks.dev"}, crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(versions).To(HaveLen(1))
	_, ok, err := unstructured.NestedMap(versions[0].(map[string]any),
		"schema", "openAPIV3Schema", "properties", "spec", "properties", field)
	g.Expect(err).NotTo(HaveOccurred())
	return ok
}

func fingerprintSecret(t *testing.T, namespace string) *corev1.Secret {
	t.Helper()
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: namespace, Name: "github-webhook-operator-fingerprint"}
	NewWithT(t).Expect(k8s.Get(t.Context(), key, &secret)).To(Succeed())
	return &secret
}

// applyFingerprintSecret does what Argo CD, Flux and kubectl do with the rendered Secret: they see no cluster when they
// render it.
func applyFingerprintSecret(t *testing.T, namespace string) {
	t.Helper()
	for _, u := range template(t, "--show-only=templates/fingerprint-secret.yaml") {
		u.SetNamespace(namespace)
		err := k8s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u), client.ForceOwnership, client.FieldOwner("sync"))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	}
}
