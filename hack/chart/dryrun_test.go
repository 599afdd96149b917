package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"sync"
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
	installMonitoringCRDs(t)
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

// monitoringModule is where the CRDs of ServiceMonitor and PrometheusRule come from.
const monitoringModule = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

// monitoringCRDs is the directory of the module that has them.
var monitoringCRDs = sync.OnceValues(func() (string, error) {
	download := exec.Command("go", "mod", "download", "-json", monitoringModule)
	download.Dir = home // outside of any module
	out, err := download.Output()
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	err = json.Unmarshal(out, &module)
	return filepath.Join(module.Dir, "example", "prometheus-operator-crd"), err
})

func installMonitoringCRDs(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	dir, err := monitoringCRDs()
	g.Expect(err).NotTo(HaveOccurred())
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{ErrorIfPathMissing: true, Paths: []string{
		filepath.Join(dir, "monitoring.coreos.com_servicemonitors.yaml"),
		filepath.Join(dir, "monitoring.coreos.com_prometheusrules.yaml"),
	}})
	g.Expect(err).NotTo(HaveOccurred())
}
