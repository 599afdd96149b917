package controllers_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// kubectl runs the real one and returns the words of each line.
func kubectl(ctx context.Context, args ...string) [][]string {
	GinkgoHelper()
	var lines [][]string
	for line := range strings.Lines(kubectlSays(ctx, args...)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// kubectlSays runs the real one and returns what it prints.
func kubectlSays(ctx context.Context, args ...string) string {
	GinkgoHelper()
	command := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), append([]string{"--kubeconfig=" + shared.api.kubeconfig()}, args...)...)
	out, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return string(out)
}

var _ = Describe("kubectl", func() {
	It("shows at a glance what a hook is about and how it is", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.readyHook(ctx, "ci")
		lines := kubectl(ctx, "get", "repohook", "-n", w.namespace)
		Expect(lines[0]).To(Equal([]string{"NAME", "OWNER", "REPOSITORY", "READY", "REASON", "DELIVERIES", "CODE", "AGE"}))
		Expect(lines[1][:5]).To(Equal([]string{"ci", w.owner, "hello-world", "True", "Synced"}))

		wide := kubectl(ctx, "get", "repohook", "-n", w.namespace, "-o", "wide")
		Expect(strings.Join(wide[0], " ")).To(HaveSuffix("AGE HOOK URL LAST DELIVERY"))
		Expect(wide[1]).To(ContainElements("https://ci.example.com/github", fmt.Sprint(w.only().ID)))
	})

	It("fits a synced repository webhook into 80 columns, for names up to 12 characters", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{"acme-org"}})
		sim.AddRepository("acme-org/hello-world")
		w.readyHook(ctx, "build-server", func(obj controllers.Webhook) {
			obj.(*v1alpha1.RepositoryWebhook).Spec.Owner = "acme-org"
		})
		h := &hook{w, "build-server"}
		Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReady).Reason }).Should(Equal(v1alpha1.ReasonSynced))
		for line := range strings.Lines(kubectlSays(ctx, "get", "repohook", "-n", w.namespace)) {
			Expect(len(strings.TrimRight(line, " \n"))).To(BeNumerically("<=", 80), line)
		}
	})

	It("shows the App of an App's webhook in the wide form", func(ctx SpecContext) {
		w := newWorld(ctx, apps)
		w.readyHook(ctx, "app")
		Expect(kubectl(ctx, "get", "apphook", "-n", w.namespace)[0]).To(Equal([]string{"NAME", "READY", "REASON", "DELIVERIES", "CODE", "AGE"}))
		wide := kubectlSays(ctx, "get", "apphook", "-n", w.namespace, "-o", "wide")
		Expect(wide).To(MatchRegexp(`^NAME +READY +REASON +DELIVERIES +CODE +AGE +APP ID +URL +LAST DELIVERY`))
		Expect(wide).To(ContainSubstring(fmt.Sprint(w.app.ID)))
	})

	It("knows the short names and the category", func(ctx SpecContext) {
		w := newWorld(ctx, organizations)
		w.readyHook(ctx, "ci")
		lines := kubectl(ctx, "get", "orghook", "-n", w.namespace)
		Expect(lines[0]).To(Equal([]string{"NAME", "ORGANIZATION", "READY", "REASON", "DELIVERIES", "CODE", "AGE"}))
		Expect(lines[1][:4]).To(Equal([]string{"ci", w.owner, "True", "Synced"}))
		Expect(kubectl(ctx, "get", "apphook", "-n", w.namespace)[0]).To(ContainElement("No"))
		Expect(kubectl(ctx, "get", "githubwebhooks", "-n", w.namespace)[1]).To(ContainElement(HaveSuffix("/ci")))
	})

	DescribeTable("explains each field with its default, its bounds and what each value means", func(kind string) {
		file := filepath.Join("..", "config", "crd", "bases", "github-webhooks.dev_"+kind+".yaml")
		content, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		var crd apiextensionsv1.CustomResourceDefinition
		Expect(yaml.Unmarshal(content, &crd)).To(Succeed())
		spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		Expect(unexplained("spec", spec)).To(BeEmpty())
	},
		Entry("of a repository's webhook", "repositorywebhooks"),
		Entry("of an organization's webhook", "organizationwebhooks"),
		Entry("of an App's webhook", "appwebhookconfigs"),
	)

	It("shows that explanation", func(ctx SpecContext) {
		said := strings.Join(strings.Fields(kubectlSays(ctx, "explain", "repohook.spec.eventsPolicy")), " ")
		Expect(said).To(ContainSubstring("Exact: they are removed. AtLeast: they stay, even those that left the spec. Default: Exact."))
	})

	It("can wait for a hook", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.hook(ctx, "ci")
		kubectl(ctx, "wait", "repohook/ci", "-n", w.namespace, "--for=condition=Ready", "--timeout=10s")
	})
})

// unexplained lists what descriptions of fields leave out: the default, each value, and each bound.
func unexplained(path string, schema apiextensionsv1.JSONSchemaProps) (missing []string) {
	says := func(what string) {
		if !strings.Contains(schema.Description, what) {
			missing = append(missing, path+" does not say "+what)
		}
	}
	if schema.Description == "" {
		missing = append(missing, path+" has no description")
	}
	if schema.Default != nil {
		says("Default: " + strings.Trim(string(schema.Default.Raw), `"`))
	}
	for _, value := range schema.Enum {
		says(strings.Trim(string(value.Raw), `"`) + ": ")
	}
	for _, bound := range []*float64{schema.Minimum, schema.Maximum} {
		if bound != nil {
			says(fmt.Sprint(*bound))
		}
	}
	bounds := []*int64{schema.MaxItems}
	if schema.Type == "string" && len(schema.XValidations) == 0 || strings.HasSuffix(path, "url") {
		bounds = append(bounds, schema.MaxLength)
	}
	for _, bound := range bounds {
		if bound != nil {
			says(fmt.Sprint(*bound))
		}
	}
	if strings.HasPrefix(schema.Type, "string") && len(schema.XValidations) == 2 && schema.MaxLength != nil && *schema.MaxLength == 20 {
		says("a duration such as")
		says("at ") // at least, at most
	}
	for name, property := range schema.Properties {
		missing = append(missing, unexplained(path+"."+name, property)...)
	}
	return missing
}

// expectedStatus is what a GitOps user should see of an object in this state.
func expectedStatus(obj controllers.Webhook, ready metav1.Condition, stalled, reconciling bool) status.Status {
	switch {
	case !obj.GetDeletionTimestamp().IsZero():
		return status.TerminatingStatus
	case stalled:
		return status.FailedStatus
	case ready.Status == metav1.ConditionTrue && !reconciling:
		return status.CurrentStatus
	default:
		return status.InProgressStatus
	}
}

// expectKstatus computes the object's status as Flux, Helm and kubectl-based tools do.
func (h *hook) expectKstatus(ctx context.Context) {
	GinkgoHelper()
	obj := h.get(ctx)
	if obj == nil {
		return
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	Expect(err).NotTo(HaveOccurred())
	content["apiVersion"], content["kind"] = v1alpha1.GroupVersion.String(), h.kind.name
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	Expect(err).NotTo(HaveOccurred())
	conditions := map[string]metav1.Condition{}
	for _, c := range obj.CommonStatus().Conditions {
		conditions[c.Type] = c
	}
	_, stalled := conditions[v1alpha1.ConditionStalled]
	_, reconciling := conditions[v1alpha1.ConditionReconciling]
	Expect(stalled && reconciling).To(BeFalse(), "Stalled and Reconciling exclude each other")
	if obj.CommonStatus().ObservedGeneration != obj.GetGeneration() && obj.GetDeletionTimestamp().IsZero() {
		Expect(result.Status).To(Equal(status.InProgressStatus), "a generation that was not looked at yet")
		return
	}
	Expect(result.Status).To(Equal(expectedStatus(obj, conditions[v1alpha1.ConditionReady], stalled, reconciling)), result.Message)
}
