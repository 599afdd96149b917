package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The Role names the one Lease that the operator takes, whichever objects are its share.
func TestTheLeaseIsTheOneThatTheRoleNames(t *testing.T) {
	for share, values := range map[string]string{
		"labels":            `watchLabelSelector=shard in (a\,b)`,
		"namespaces":        "watchNamespaces={leading-b,leading-a}",
		"both":              `watchLabelSelector=shard!=a,watchNamespaces={leading-a}`,
		"another-namespace": `watchLabelSelector=shard=a,leaderElection.namespace=leading-b`,
	} {
		t.Run(share, func(t *testing.T) {
			w := newWalk(t, "leading-a", "leading-b")
			namespace := "leading-" + share
			makeNamespace(t, namespace)
			install(w, namespace, "--set="+values, "--set=metrics.secure=false,rbac.userRoles=false")
			o := runInstalled(t, namespace)
			leases := namespace
			if share == "another-namespace" {
				leases = "leading-b"
			}
			expectLeads(t, o, leases)
			NewWithT(t).Expect(leaseOf(t, leases)).To(HavePrefix("github-webhook-operator-"))
		})
	}
}

// leaseOf is the name in the Role for leader election.
func leaseOf(t *testing.T, namespace string) string {
	t.Helper()
	g := NewWithT(t)
	var role rbacv1.Role
	key := client.ObjectKey{Namespace: namespace, Name: releaseName + "-leader-election"}
	g.Expect(k8s.Get(t.Context(), key, &role)).To(Succeed())
	g.Expect(role.Rules[0].ResourceNames).To(HaveLen(1))
	return role.Rules[0].ResourceNames[0]
}

// expectLeads waits until the operator holds the Lease that its Role names, has it renew and release it, and finds no call
// about Leases refused.
func expectLeads(t *testing.T, o *operator, namespace string) {
	t.Helper()
	g := NewWithT(t)
	lease := leaseOf(t, namespace)
	holder := func() string {
		var l coordinationv1.Lease
		err := k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: lease}, &l)
		if err != nil || l.Spec.HolderIdentity == nil {
			return ""
		}
		return *l.Spec.HolderIdentity
	}
	g.Eventually(holder).WithTimeout(patience).ShouldNot(BeEmpty(), func() string { return o.log.String() })
	o.stop()
	g.Expect(holder()).To(BeEmpty(), "it releases the Lease")
	seen := 0
	for _, c := range calls(t, o) {
		if c.ObjectRef.Resource == "leases" {
			g.Expect(c.Annotations).To(HaveKeyWithValue("authorization.k8s.io/decision", "allow"), "%+v", c)
			seen++
		}
	}
	g.Expect(seen).To(BeNumerically(">=", 3))
}

// What `make deploy` applies leads with its rights, and `make undeploy` takes away the operator alone.
func TestKustomizeInstallationLeadsAndGoes(t *testing.T) {
	g := NewWithT(t)
	rendered, err := tool(t.Context(), "kustomize", "build", "config/default")
	g.Expect(err).NotTo(HaveOccurred())
	for _, port := range []string{":8443", ":8081"} {
		rendered = strings.ReplaceAll(rendered, port, ":"+strconv.Itoa(freePort(t)))
	}
	objects := decode(t, rendered)
	makeNamespace(t, releaseName)
	for _, u := range objects {
		g.Expect(k8s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u.DeepCopy()),
			client.ForceOwnership, client.FieldOwner("kubectl"))).To(Succeed(), name(u))
	}
	expectLeads(t, runRendered(t, releaseName, objects), releaseName)
	g.Expect(leaseOf(t, releaseName)).To(Equal("github-webhook-operator"))

	kubectl := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")
	undeploy := exec.CommandContext(t.Context(), "make", "undeploy", "KUBECTL="+kubectl)
	undeploy.Dir = root
	undeploy.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	out, err := undeploy.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	key := client.ObjectKey{Namespace: releaseName, Name: releaseName}
	g.Expect(apierrors.IsNotFound(k8s.Get(t.Context(), key, &appsv1.Deployment{}))).To(BeTrue())
	key.Namespace = ""
	g.Expect(apierrors.IsNotFound(k8s.Get(t.Context(), key, &rbacv1.ClusterRole{}))).To(BeTrue())
	var kept corev1.Namespace
	g.Expect(k8s.Get(t.Context(), key, &kept)).To(Succeed())
	g.Expect(kept.DeletionTimestamp).To(BeNil(), "other things of the user's may be in the namespace")
	fingerprintSecret(t, releaseName)
	g.Expect(hasField(t, "url")).To(BeTrue(), "the CRDs stay")
}
