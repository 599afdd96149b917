package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// releaseName is the release, and its namespace, whose objects have the names that config/default has.
const releaseName = "github-webhook-operator"

// template renders the chart without a cluster, as Argo CD does.
func template(t *testing.T, args ...string) []*unstructured.Unstructured {
	t.Helper()
	rendered, err := tool(t.Context(), "helm", append([]string{"template", releaseName, chartDir,
		"--namespace=" + releaseName, "--kube-version=1.37"}, args...)...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return decode(t, rendered)
}

// build renders a directory with kustomize.
func build(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	rendered, err := tool(t.Context(), "kustomize", "build", dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return decode(t, rendered)
}

func decode(t *testing.T, manifests string) []*unstructured.Unstructured {
	t.Helper()
	g := NewWithT(t)
	var objects []*unstructured.Unstructured
	for document := range strings.SplitSeq("\n"+manifests, "\n---\n") {
		var content map[string]any
		g.Expect(yaml.Unmarshal([]byte(document), &content)).To(Succeed(), document)
		if content != nil {
			objects = append(objects, &unstructured.Unstructured{Object: content})
		}
	}
	g.Expect(objects).NotTo(BeEmpty())
	return objects
}

// name of an object, unique in a cluster.
func name(u *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", u.GetKind(), u.GetNamespace(), u.GetName())
}

// valueSets are the values that the chart's tests try, by name.
func valueSets(t *testing.T) map[string]string {
	t.Helper()
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(root, chartDir, "ci", "*-values.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).NotTo(BeEmpty())
	sets := map[string]string{}
	for _, file := range files {
		absolute, err := filepath.Abs(file)
		g.Expect(err).NotTo(HaveOccurred())
		sets[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = absolute
	}
	return sets
}

// container is the operator's, of a rendered Deployment.
func container(t *testing.T, objects []*unstructured.Unstructured) map[string]any {
	t.Helper()
	g := NewWithT(t)
	for _, u := range objects {
		if u.GetKind() == "Deployment" {
			containers, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(containers).To(HaveLen(1))
			return containers[0].(map[string]any)
		}
	}
	t.Fatal("there is no Deployment")
	return nil
}

// arguments of the operator, as a Deployment has them.
func arguments(t *testing.T, objects []*unstructured.Unstructured) []string {
	t.Helper()
	args, _, err := unstructured.NestedStringSlice(container(t, objects), "args")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return args
}
