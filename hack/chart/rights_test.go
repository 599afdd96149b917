package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The chart's default gives the operator what it uses, and nothing that it does not.
func TestDefaultRightsAreWhatIsUsed(t *testing.T) {
	w := newWalk(t, "walked", "leaving")
	makeNamespace(t, releaseName)
	install(w, releaseName)
	bindMetricsReader(t)
	o := runInstalled(t, releaseName)
	t.Run("the basic path works for every kind that the operator looks after", func(t *testing.T) { w.along(t, o) })
	t.Run("metrics are shown to those whom the cluster lets read them", func(t *testing.T) { expectAuthenticatedMetrics(t, o) })
	expectRightsUsed(t, o)
}

// With watchNamespaces no right is cluster-wide: Roles alone suffice.
func TestNamespacedRightsAreWhatIsUsed(t *testing.T) {
	w := newWalk(t, "walked-alone", "leaving-alone")
	const namespace = "alone"
	makeNamespace(t, namespace)
	install(w, namespace, "--set=watchNamespaces={walked-alone,leaving-alone},metrics.secure=false,rbac.userRoles=false,crds.install=false")
	for _, u := range decode(t, helm(t, "get", "manifest", releaseName, "--namespace="+namespace)) {
		NewWithT(t).Expect(u.GetKind()).NotTo(HavePrefix("Cluster"), name(u))
	}
	o := runInstalled(t, namespace)
	t.Run("the basic path works for every kind that the operator looks after", func(t *testing.T) { w.along(t, o) })
	expectRightsUsed(t, o)
}

// install installs the chart with ports that are free here and the simulated GitHub.
func install(w *walk, namespace string, args ...string) {
	w.Helper()
	helm(w.T, append([]string{"install", releaseName, chartDir, "--namespace=" + namespace, "--take-ownership",
		"--set=githubHosts={" + w.github.URL() + "}",
		fmt.Sprintf("--set=health.port=%d,metrics.port=%d", freePort(w.T), freePort(w.T))}, args...)...)
	w.Cleanup(func() {
		if _, err := tool(w.Context(), "helm", "uninstall", releaseName, "--namespace="+namespace); err != nil && w.Context().Err() == nil {
			w.Error(err)
		}
	})
}

// along walks the paths of the kinds that the operator has rights to.
func (w *walk) along(t *testing.T, o *operator) {
	t.Helper()
	w.T = t
	served := 0
	for plural := range kinds {
		if slices.ContainsFunc(grants(t, o), func(g grant) bool { return g.resource == plural }) {
			w.basicPath(plural)
			served++
		}
	}
	NewWithT(t).Expect(served).To(BeNumerically(">=", 2))
	w.leave(o.namespace)
}

// bindMetricsReader does what the chart's notes say.
func bindMetricsReader(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	for _, name := range []string{"prometheus", "stranger"} {
		g.Expect(k8s.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}})).To(Succeed())
	}
	g.Expect(k8s.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: releaseName + "-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: "prometheus"}},
	})).To(Succeed())
}

func expectAuthenticatedMetrics(t *testing.T, o *operator) {
	t.Helper()
	g := NewWithT(t)
	url := "https://" + o.metrics + "/metrics"
	g.Expect(o.get(t.Context(), url, "")).To(HavePrefix("401"))
	g.Expect(o.get(t.Context(), url, token(t, "default", "stranger"))).To(HavePrefix("403"))
	shown := o.get(t.Context(), url, token(t, "default", "prometheus"))
	g.Expect(shown).To(HavePrefix("200"))
	expectDocumentedMetrics(t, shown)
}

// grant is one verb on one resource that a role gives to the operator.
type grant struct {
	role                        string
	group, resource, name, verb string
	namespaces                  []string // none: all
}

func (g grant) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s: %s %s %s %s", g.role, g.verb, g.group, g.resource, g.name)), " ")
}

// grants are all that the operator's ServiceAccount is bound to. Roles of one name are one in several namespaces.
func grants(t *testing.T, o *operator) []grant {
	t.Helper()
	g := NewWithT(t)
	var all []grant
	var bindings rbacv1.RoleBindingList
	g.Expect(k8s.List(t.Context(), &bindings)).To(Succeed())
	for _, b := range bindings.Items {
		if o.isIn(b.Subjects) {
			var role rbacv1.Role
			g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: b.Namespace, Name: b.RoleRef.Name}, &role)).To(Succeed())
			all = merge(all, flatten("Role "+role.Name, b.Namespace, role.Rules))
		}
	}
	var clusterBindings rbacv1.ClusterRoleBindingList
	g.Expect(k8s.List(t.Context(), &clusterBindings)).To(Succeed())
	for _, b := range clusterBindings.Items {
		if o.isIn(b.Subjects) {
			var role rbacv1.ClusterRole
			g.Expect(k8s.Get(t.Context(), client.ObjectKey{Name: b.RoleRef.Name}, &role)).To(Succeed())
			all = append(all, flatten("ClusterRole "+role.Name, "", role.Rules)...)
		}
	}
	g.Expect(all).NotTo(BeEmpty())
	return all
}

func (o *operator) isIn(subjects []rbacv1.Subject) bool {
	return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Name == o.account && s.Namespace == o.namespace })
}

func flatten(role, namespace string, rules []rbacv1.PolicyRule) []grant {
	var flat []grant
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						g := grant{role: role, group: group, resource: resource, name: name, verb: verb}
						if namespace != "" {
							g.namespaces = []string{namespace}
						}
						flat = append(flat, g)
					}
				}
			}
		}
	}
	return flat
}

// merge adds grants of a Role to those of its namesakes in other namespaces.
func merge(all, more []grant) []grant {
	for _, m := range more {
		same := slices.IndexFunc(all, func(g grant) bool { return g.String() == m.String() })
		if same < 0 {
			all = append(all, m)
		} else {
			all[same].namespaces = append(all[same].namespaces, m.namespaces...)
		}
	}
	return all
}

// call is what the API server wrote down of a request.
type call struct {
	User      struct{ Username string }
	Verb      string
	ObjectRef struct{ APIGroup, Resource, Subresource, Namespace, Name string }
	// Annotations have the authorizer's decision.
	Annotations map[string]string
}

func (c call) resource() string {
	return strings.TrimSuffix(c.ObjectRef.Resource+"/"+c.ObjectRef.Subresource, "/")
}

// uses tells whether a call needed the grant.
func (c call) uses(g grant) bool {
	return c.Verb == g.verb && c.ObjectRef.APIGroup == g.group && c.resource() == g.resource &&
		(g.name == "" || c.ObjectRef.Name == g.name) &&
		(g.namespaces == nil || slices.Contains(g.namespaces, c.ObjectRef.Namespace))
}

// calls are those of the operator so far.
func calls(t *testing.T, o *operator) []call {
	t.Helper()
	g := NewWithT(t)
	file, err := os.Open(auditLog)
	g.Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	var made []call
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return made // What follows the last line's end is still being written.
		}
		var c call
		g.Expect(json.Unmarshal(line, &c)).To(Succeed(), string(line))
		if c.User.Username == fmt.Sprintf("system:serviceaccount:%s:%s", o.namespace, o.account) {
			made = append(made, c)
		}
	}
}

// expectRightsUsed ends the operator, which releases its Lease, and compares what it may with what it did. API servers
// before 1.34 do not stream lists; with them it lists before it watches.
func expectRightsUsed(t *testing.T, o *operator) {
	t.Helper()
	granted := grants(t, o)
	o.stop()
	older := runInstalled(t, o.namespace, "KUBE_FEATURE_WatchListClient=false")
	t.Run("every granted verb is used", func(t *testing.T) {
		NewWithT(t).Eventually(func() []string {
			made := calls(t, o)
			var unused []string
			for _, g := range granted {
				if !slices.ContainsFunc(made, func(c call) bool { return c.uses(g) }) {
					unused = append(unused, g.String())
				}
			}
			return unused
		}).WithTimeout(patience).Should(BeEmpty())
	})
	older.stop()
	t.Run("no call is forbidden", func(t *testing.T) {
		made := calls(t, o)
		NewWithT(t).Expect(made).NotTo(BeEmpty())
		for _, c := range made {
			NewWithT(t).Expect(c.Annotations).To(HaveKeyWithValue("authorization.k8s.io/decision", "allow"), "%+v", c)
		}
	})
}
