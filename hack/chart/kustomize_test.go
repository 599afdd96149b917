package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// developmentImage makes the chart name the image that config/ names.
const developmentImage = "--set=image.repository=" + image + ",image.tag=dev"

// config/default and the chart with its default values are the same objects.
func TestKustomizeRendersWhatTheChartDoes(t *testing.T) {
	chart, kustomize := unmarked(t, template(t, developmentImage)), unmarked(t, build(t, "config/default"))
	delete(kustomize, "Namespace /"+releaseName) // Helm makes it by a flag.
	expectSame(t, chart, kustomize)
}

// config/prometheus is what the chart makes for the Prometheus operator.
func TestKustomizeRendersTheChartsMonitoring(t *testing.T) {
	chart := unmarked(t, template(t, "--set=metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true",
		"--show-only=templates/servicemonitor.yaml", "--show-only=templates/prometheusrule.yaml", "--show-only=templates/metrics-reader.yaml"))
	expectSame(t, chart, unmarked(t, build(t, "config/prometheus")))
}

// config/certmanager does what the chart's metrics.certificate.certManager does, in a kustomization as docs/metrics.md has it.
func TestKustomizeRendersTheChartsCertificate(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.CopyFS(filepath.Join(dir, "config"), os.DirFS(filepath.Join(root, "config")))).To(Succeed())
	overlay := filepath.Join(dir, "overlay")
	g.Expect(os.Mkdir(overlay, 0o700)).To(Succeed())
	kustomization := yamlBlock(t, "docs/metrics.md", "components:")
	g.Expect(os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(kustomization), 0o600)).To(Succeed())
	kustomize := unmarked(t, build(t, overlay))
	delete(kustomize, "Namespace /"+releaseName) // Helm makes it by a flag.
	expectSame(t, unmarked(t, template(t, developmentImage, "--set=metrics.certificate.certManager.enabled=true",
		"--set=metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true")), kustomize)
}

func expectSame(t *testing.T, chart, kustomize map[string]string) {
	t.Helper()
	g := NewWithT(t)
	for object, want := range chart {
		g.Expect(kustomize).To(HaveKeyWithValue(object, want))
	}
	g.Expect(kustomize).To(HaveLen(len(chart)), "kustomize renders what the chart does not")
}

// unmarked is each object as YAML, without the labels and annotations by which each tool marks what is its own.
func unmarked(t *testing.T, objects []*unstructured.Unstructured) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, u := range objects {
		template, _, _ := unstructured.NestedMap(u.Object, "spec", "template")
		unmark(u)
		if u.GetKind() == "Deployment" {
			pod := &unstructured.Unstructured{Object: template}
			unmark(pod)
			u.Object["spec"].(map[string]any)["template"] = pod.Object
		}
		text, err := yaml.Marshal(u.Object)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		texts[name(u)] = string(text)
	}
	return texts
}

func unmark(u *unstructured.Unstructured) {
	u.SetLabels(without(u.GetLabels(), "app.kubernetes.io/"))
	u.SetAnnotations(without(u.GetAnnotations(), "helm.sh/resource-policy"))
}

func without(from map[string]string, prefix string) map[string]string {
	kept := map[string]string{}
	for key, value := range from {
		if !strings.HasPrefix(key, prefix) && key != "helm.sh/chart" {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}
