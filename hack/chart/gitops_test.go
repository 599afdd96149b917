package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// yamlBlock is the one block of a page that contains words.
func yamlBlock(t *testing.T, page, words string) string {
	t.Helper()
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, page))
	g.Expect(err).NotTo(HaveOccurred())
	var found []string
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)\n```").FindAllStringSubmatch(string(content), -1) {
		if strings.Contains(block[1], words) {
			found = append(found, block[1])
		}
	}
	g.Expect(found).To(HaveLen(1), "%q in %s", words, page)
	return found[0]
}

// argoInstall stands for Argo CD's own manifest, whose objects name no namespace.
const argoInstall = `apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    app.kubernetes.io/part-of: argocd
  name: argocd-cm
data:
  url: https://argocd.example.com
`

// Where argocd-cm is in Git, the page's two kustomizations add the keys to it.
func TestArgoCDComponentAddsTheHealthToWhatIsThere(t *testing.T) {
	const page = "config/gitops/argocd/README.md"
	for namespaced, install := range map[bool]string{
		false: argoInstall,
		true:  strings.Replace(argoInstall, "  name: argocd-cm\n", "  name: argocd-cm\n  namespace: argocd\n", 1),
	} {
		g := NewWithT(t)
		dir := t.TempDir()
		folder := os.DirFS(filepath.Join(root, "config", "gitops", "argocd", "health"))
		g.Expect(os.CopyFS(filepath.Join(dir, "health"), folder)).To(Succeed())
		component := yamlBlock(t, page, "kind: Component")
		if namespaced {
			component = strings.Replace(component, "- name: argocd-cm\n", "- name: argocd-cm\n    namespace: argocd\n", 1)
		}
		for name, content := range map[string]string{
			"install.yaml":              install,
			"kustomization.yaml":        yamlBlock(t, page, "components:"),
			"health/kustomization.yaml": component,
		} {
			g.Expect(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)).To(Succeed())
		}
		rendered := build(t, dir)
		g.Expect(rendered).To(HaveLen(1))
		g.Expect(name(rendered[0])).To(Equal("ConfigMap argocd/argocd-cm"))
		g.Expect(rendered[0].GetLabels()).To(Equal(map[string]string{"app.kubernetes.io/part-of": "argocd"}))
		data, _, err := unstructured.NestedStringMap(rendered[0].Object, "data")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(data).To(HaveLen(4))
		g.Expect(data).To(HaveKeyWithValue("url", "https://argocd.example.com"))
		g.Expect(data).To(HaveKeyWithValue(
			"resource.customizations.health.github-webhooks.dev_AppWebhookConfig", ContainSubstring("obj.status")))
	}
}
