package controllers_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
	webhook "github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// toolKinds are the kinds of other tools in the manifests and pages, with their versions.
var toolKinds = map[string]string{
	"Application":        "argoproj.io/v1alpha1",
	"Component":          "kustomize.config.k8s.io/v1alpha1",
	"ExternalSecret":     "external-secrets.io/v1",
	"GitRepository":      "source.toolkit.fluxcd.io/v1",
	"HelmRelease":        "helm.toolkit.fluxcd.io/v2",
	"SealedSecret":       "bitnami.com/v1alpha1",
	"ksops":              "viaduct.ai/v1",
	"ServiceMonitor":     "monitoring.coreos.com/v1",
	"Role":               "rbac.authorization.k8s.io/v1",
	"RoleBinding":        "rbac.authorization.k8s.io/v1",
	"ClusterRole":        "rbac.authorization.k8s.io/v1",
	"ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
}

// expectManifest holds a manifest of ours, or of Kubernetes, against the API server, and one of another tool against the
// version of its kind.
func expectManifest(ctx context.Context, namespace, where string, manifest *unstructured.Unstructured) {
	GinkgoHelper()
	group := manifest.GroupVersionKind().Group
	switch {
	case kindNamed(manifest.GetKind()).name != "" && group == v1alpha1.GroupVersion.Group, manifest.GetKind() == "Secret" && group == "":
		applied(ctx, namespace, manifest, client.DryRunAll)
	case manifest.GetKind() == "Kustomization":
		Expect([]string{"kustomize.toolkit.fluxcd.io/v1", "kustomize.config.k8s.io/v1beta1"}).To(ContainElement(manifest.GetAPIVersion()), where)
	default:
		Expect(toolKinds).To(HaveKeyWithValue(manifest.GetKind(), manifest.GetAPIVersion()), where)
	}
}

// blocks of a page in a language. One that stands in a list is indented as its fences are.
func blocks(page, language string) []string {
	var blocks []string
	var block *strings.Builder
	indent := ""
	for line := range strings.Lines(page) {
		switch fence := strings.TrimSpace(line); {
		case block == nil && fence == "```"+language:
			block = &strings.Builder{}
			indent, _, _ = strings.Cut(line, "`")
		case block != nil && fence == "```":
			blocks, block = append(blocks, block.String()), nil
		case block != nil:
			block.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return blocks
}

// heredoc is a manifest that a command of a page pipes into kubectl.
var heredoc = regexp.MustCompile(`(?s)<<'YAML'\n(.*?)\nYAML\n`)

// manifestsIn a page are those of its blocks that are whole.
func manifestsIn(page string) []*unstructured.Unstructured {
	GinkgoHelper()
	text, err := os.ReadFile(page)
	Expect(err).NotTo(HaveOccurred())
	var manifests []*unstructured.Unstructured
	for _, block := range blocks(string(text), "yaml") {
		if strings.Contains(block, "apiVersion:") {
			manifests = append(manifests, documents(block)...)
		}
	}
	for _, block := range blocks(string(text), "sh") {
		for _, piped := range heredoc.FindAllStringSubmatch(block, -1) {
			manifests = append(manifests, documents(piped[1])...)
		}
	}
	return manifests
}

// pages are the documentation.
func pages() []string {
	GinkgoHelper()
	var all []string
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		all = append(all, filepath.Join("..", page))
	}
	for _, dir := range []string{filepath.Join("..", "docs"), gitopsDir, filepath.Join("..", "charts"), filepath.Join("..", "api")} {
		Expect(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".md" {
				all = append(all, path)
			}
			return err
		})).To(Succeed())
	}
	return all
}

// link is one within the repository: a file, a heading, or both.
var link = regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)

// headings of a page as GitHub links to them: https://docs.github.com/get-started/writing-on-github, "Section links".
func headings(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		if title, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") {
			slug := strings.ToLower(strings.TrimSpace(strings.ReplaceAll(title, "`", "")))
			slug = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(slug, "")
			all = append(all, strings.ReplaceAll(slug, " ", "-"))
		}
	}
	return all
}

var _ = Describe("The documentation", func() {
	It("shows manifests that the API server takes", func(ctx SpecContext) {
		namespace := emptyNamespace(ctx)
		found := map[string]int{}
		for _, page := range pages() {
			for _, manifest := range manifestsIn(page) {
				expectManifest(ctx, namespace, page, manifest)
				found[manifest.GetKind()]++
			}
		}
		Expect(slices.Collect(maps.Keys(found))).To(ContainElements(
			"RepositoryWebhook", "OrganizationWebhook", "AppWebhookConfig", "Secret", "ExternalSecret", "SealedSecret"))
	})

	It("links to files and headings that are there", func() {
		anchors := 0
		for _, page := range pages() {
			text, err := os.ReadFile(page)
			Expect(err).NotTo(HaveOccurred())
			for _, target := range link.FindAllStringSubmatch(string(text), -1) {
				file := filepath.Join(filepath.Dir(page), target[1])
				if target[1] == "" {
					file = page
				}
				Expect(file).To(BeAnExistingFile(), page)
				if target[2] == "" {
					continue
				}
				anchors++
				there, err := os.ReadFile(file)
				Expect(err).NotTo(HaveOccurred(), page)
				Expect(headings(string(there))).To(ContainElement(target[2]), page)
			}
		}
		Expect(anchors).To(BeNumerically(">", 5))
	})

	It("has GitOps manifests of the kinds and versions that the tools know", func(ctx SpecContext) {
		namespace := emptyNamespace(ctx)
		found := map[string]int{}
		Expect(filepath.WalkDir(gitopsDir, func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, manifest := range documents(string(text)) {
				expectManifest(ctx, namespace, path, manifest)
				found[manifest.GetKind()]++
			}
			return err
		})).To(Succeed())
		Expect(slices.Sorted(maps.Keys(found))).To(Equal([]string{"Application", "GitRepository", "HelmRelease", "Kustomization"}))
	})
})

var _ = Describe("Migrating, as the documentation tells it", func() {
	It("looks first, takes the same hook over with its secret, and deletes it only when told to", func(ctx SpecContext) {
		w := newOctoWorld(ctx, "billing")
		secret := w.hmac(ctx, "ci-webhook")
		there := sim.CreateHook(w.target, githubsim.Hook{
			ID: 12345678, Active: true, Events: []string{"push", "pull_request"},
			Config: githubsim.Config{URL: "https://ci.example.com/github", ContentType: "json", Secret: "of the other tool"},
		})
		before := len(w.writes()) // Of other stories about this organization.
		var steps []*unstructured.Unstructured
		for _, manifest := range manifestsIn(filepath.Join("..", "docs", "migrating.md")) {
			if manifest.GetKind() == repositories.name {
				steps = append(steps, manifest)
			}
		}
		Expect(steps).To(HaveLen(4))
		h := &hook{w, "billing"}

		applied(ctx, w.namespace, steps[0]) // Observe.
		h.waitFor(ctx, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
		Expect(kubectl(ctx, "get", "repohook", "billing", "-n", w.namespace, "-o", "jsonpath={.status.drift}")).
			To(Equal([][]string{{`["events"]`}}))
		applied(ctx, w.namespace, steps[1]) // What differed is corrected.
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()).To(HaveLen(before))
		Expect(w.only().Config.Secret).To(Equal("of the other tool"))

		applied(ctx, w.namespace, steps[2]) // Manage.
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.writes()[before:]).To(Equal([]string{"PATCH /hooks/{hook_id}"}))
		Expect(w.only().ID).To(Equal(there.ID))
		Expect(w.only().Config.Secret).To(Equal(secret))
		h.told(ctx, v1alpha1.EventAdopted, "12345678", "octo-org/billing", "secretRef")
		Expect(hookSpec(h.get(ctx)).DeletionPolicy).To(Equal(v1alpha1.DeletionOrphan))

		applied(ctx, w.namespace, steps[3]) // Let deletion delete.
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
	})

	It("takes hooks over by their URL, and an object restored without its status its own", func(ctx SpecContext) {
		w := newOctoWorld(ctx, "hello-world")
		w.kind, w.target = organizations, octoOrg
		secret := w.hmac(ctx, "ci-webhook")
		there := sim.CreateHook(octoOrg, githubsim.Hook{
			Active: true, Events: []string{"member"}, Config: githubsim.Config{URL: "https://audit.example.com/github", Secret: "of the other tool"},
		})
		for _, manifest := range manifestsIn(filepath.Join("..", "docs", "migrating.md")) {
			if manifest.GetKind() == organizations.name {
				applied(ctx, w.namespace, manifest)
			}
		}
		h := &hook{w, "audit"}
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(there.ID))
		Expect(w.only().Config.Secret).To(Equal(secret))
		h.delete(ctx)
		sim.DeleteHook(octoOrg, there.ID)

		w.kind, w.target = repositories, octoOrg+"/hello-world"
		there = sim.CreateHook(w.target, githubsim.Hook{Active: true, Config: githubsim.Config{URL: "https://ci.example.com/github"}})
		for _, manifest := range manifestsIn(filepath.Join("..", "docs", "upgrade-uninstall.md")) {
			applied(ctx, w.namespace, manifest)
		}
		restored := &hook{w, "ci"}
		restored.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(there.ID))
		restored.delete(ctx)
	})
})

// reasonConstants are the values of the constants of api/v1alpha1/conditions.go.
func reasonConstants() []string {
	GinkgoHelper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "api", "v1alpha1", "conditions.go"), nil, 0)
	Expect(err).NotTo(HaveOccurred())
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok {
			for _, value := range spec.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				Expect(err).NotTo(HaveOccurred())
				values = append(values, text)
			}
		}
		return true
	})
	return values
}

// described is a metric's name and labels, as client_golang writes them.
var described = regexp.MustCompile(`fqName: "(github_[a-z_]+)".*variableLabels: \{([a-z_,]*)\}`)

// metricsRow is one of the tables of docs/metrics.md.
var metricsRow = regexp.MustCompile("(?m)^\\| `(github_[a-z_]+)` \\| [a-z]+ \\| ([^|]*) \\|")

var _ = Describe("The documentation is complete:", func() {
	It("every condition and reason is explained", func() {
		page, err := os.ReadFile(filepath.Join("..", "docs", "troubleshooting.md"))
		Expect(err).NotTo(HaveOccurred())
		constants := reasonConstants()
		Expect(len(constants)).To(BeNumerically(">", 40))
		for _, constant := range constants {
			Expect(string(page)).To(SatisfyAny(ContainSubstring("\n### "+constant+"\n"), ContainSubstring("\n| `"+constant+"` |"),
				ContainSubstring("`Reconciling` has `"+constant+"`")), constant)
		}
	})

	It("every metric is listed, with its labels", func() {
		descriptions := make(chan *prometheus.Desc, 1000)
		metrics.Registry.(prometheus.Collector).Describe(descriptions)
		webhook.NewCollector(nil).Describe(descriptions)
		close(descriptions)
		registered := map[string][]string{}
		for description := range descriptions {
			if found := described.FindStringSubmatch(description.String()); found != nil {
				registered[found[1]] = strings.Split(found[2], ",")
			}
		}
		Expect(len(registered)).To(BeNumerically(">", 10))

		page, err := os.ReadFile(filepath.Join("..", "docs", "metrics.md"))
		Expect(err).NotTo(HaveOccurred())
		listed := map[string][]string{}
		for _, row := range metricsRow.FindAllStringSubmatch(string(page), -1) {
			listed[row[1]] = strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ")
		}
		Expect(listed).To(Equal(registered))
	})
})
