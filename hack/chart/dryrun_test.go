package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Every value set that the chart is tested with is accepted by the API server: each object, and the Pod that the
// Deployment would make, in a namespace that lets only restricted Pods in.
func TestAPIServerAcceptsEveryValueSet(t *testing.T) {
	g := NewWithT(t)
	installOtherCRDs(t)
	for _, namespace := range []string{releaseName, "team-a", "team-b"} {
		makeNamespace(t, namespace)
	}
	for set, values := range valueSets(t) {
		t.Run(set, func(*testing.T) {
			for _, u := range template(t, "--values="+values) {
				g.Expect(dryRun(t.Context(), u)).To(Succeed(), name(u))
				if u.GetKind() == "Deployment" {
					g.Expect(k8s.Create(t.Context(), podOf(t, u), client.DryRunAll)).To(Succeed())
				}
			}
		})
	}
}

// dryRun applies an object on the server's side without keeping it: a field that its schema does not know is an error.
func dryRun(ctx context.Context, u *unstructured.Unstructured) error {
	return k8s.Apply(ctx, client.ApplyConfigurationFromUnstructured(u.DeepCopy()),
		client.DryRunAll, client.ForceOwnership, client.FieldOwner("chart-test"))
}

func podOf(t *testing.T, deployment *unstructured.Unstructured) *corev1.Pod {
	t.Helper()
	g := NewWithT(t)
	template, _, err := unstructured.NestedMap(deployment.Object, "spec", "template")
	g.Expect(err).NotTo(HaveOccurred())
	var pod corev1.Pod
	g.Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(template, &pod)).To(Succeed())
	pod.Namespace, pod.Name = deployment.GetNamespace(), "operator"
	return &pod
}

// makeNamespace makes a namespace that lets only restricted Pods in.
func makeNamespace(t *testing.T, name string) {
	t.Helper()
	err := k8s.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	if !apierrors.IsAlreadyExists(err) {
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	}
}

// otherCRDs are those of kinds that the chart makes objects of, by the module and the directory that has them.
var otherCRDs = []struct {
	module, dir string
	files       []string
}{
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd",
		[]string{"monitoring.coreos.com_servicemonitors.yaml", "monitoring.coreos.com_prometheusrules.yaml"}},
	{"github.com/cert-manager/cert-manager@v1.19.1", "deploy/crds",
		[]string{"cert-manager.io_certificates.yaml", "cert-manager.io_issuers.yaml"}},
}

// moduleDir is where go has put a module.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	g := NewWithT(t)
	download := exec.Command("go", "mod", "download", "-json", module)
	download.Dir = home // outside of any module
	out, err := download.Output()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	var found struct{ Dir string }
	g.Expect(json.Unmarshal(out, &found)).To(Succeed())
	return found.Dir
}

func installOtherCRDs(t *testing.T) {
	t.Helper()
	var paths []string
	for _, crds := range otherCRDs {
		dir := moduleDir(t, crds.module)
		for _, file := range crds.files {
			paths = append(paths, filepath.Join(dir, crds.dir, file))
		}
	}
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{ErrorIfPathMissing: true, Paths: paths})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}
