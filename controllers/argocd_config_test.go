package controllers_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// argoConfig is Argo CD's ConfigMap as a team may keep it.
const argoConfig = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
  annotations:
    example.com/owner: platform
data:
  url: https://argocd.example.com
  accounts.ci: apiKey
  dex.config: |
    connectors: []
`

// argoPage is the page for users of Argo CD.
var argoPage = filepath.Join(gitopsDir, "argocd", "README.md")

// commandsIn a page are the lines of its shell blocks.
func commandsIn(page string) []string {
	GinkgoHelper()
	text, err := os.ReadFile(page)
	Expect(err).NotTo(HaveOccurred())
	var commands []string
	for _, block := range blocks(string(text), "sh") {
		commands = append(commands, strings.Split(strings.TrimSpace(strings.ReplaceAll(block, "\\\n", "")), "\n")...)
	}
	return commands
}

// commandAbout is a page's one command that contains words.
func commandAbout(page, words string) string {
	GinkgoHelper()
	found := slices.DeleteFunc(commandsIn(page), func(c string) bool { return !strings.Contains(c, words) })
	Expect(found).To(HaveLen(1), "commands with %q in %s", words, page)
	return found[0]
}

// shell runs a line as a user does, from the root of the repository, with the real kubectl.
func shell(ctx context.Context, line string) string {
	GinkgoHelper()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
	command.Dir = ".."
	command.Env = append(os.Environ(), "KUBECONFIG="+shared.api.kubeconfig(), "PATH="+assets+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "%s\n%s", line, out)
	return string(out)
}

// argoCD is an installation of it, as far as its ConfigMap goes.
type argoCD struct {
	// manifest is a file with the ConfigMap.
	manifest string
}

// installArgoCD makes the ConfigMap with the commands, in which FILE is its manifest, and a key and a label by hand.
func installArgoCD(ctx context.Context, commands ...string) argoCD {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argocd"}}
	if err := k8s.Create(ctx, namespace); !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	DeferCleanup(func(ctx SpecContext) {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "argocd-cm"}}
		Expect(k8s.Delete(ctx, config)).To(Succeed())
	})
	argo := argoCD{filepath.Join(GinkgoT().TempDir(), "argocd-cm.yaml")}
	Expect(os.WriteFile(argo.manifest, []byte(argoConfig), 0o600)).To(Succeed())
	for _, command := range commands {
		argo.run(ctx, command)
	}
	shell(ctx, `kubectl patch configmap argocd-cm -n argocd --type=merge -p '{"data":{"statusbadge.enabled":"true"}}'`)
	shell(ctx, `kubectl label configmap argocd-cm -n argocd example.com/by-hand=true`)
	return argo
}

func (a argoCD) run(ctx context.Context, command string) {
	GinkgoHelper()
	shell(ctx, strings.ReplaceAll(command, "FILE", a.manifest))
}

// config is the ConfigMap as it is now.
func (argoCD) config(ctx context.Context) corev1.ConfigMap {
	GinkgoHelper()
	var config corev1.ConfigMap
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: "argocd", Name: "argocd-cm"}, &config)).To(Succeed())
	return config
}

// healthKeys are the keys that teach Argo CD the health of our kinds.
func healthKeys() map[string]string {
	GinkgoHelper()
	script, err := os.ReadFile(filepath.Join(gitopsDir, "argocd", "health", "health.lua"))
	Expect(err).NotTo(HaveOccurred())
	keys := map[string]string{}
	for _, kind := range append(slices.Clone(hookKinds), apps) {
		keys["resource.customizations.health.github-webhooks.dev_"+kind.name] = string(script)
	}
	return keys
}

// expectTaught holds the ConfigMap against what it was, with our keys besides.
func (a argoCD) expectTaught(ctx context.Context, before corev1.ConfigMap) {
	GinkgoHelper()
	want := maps.Clone(before.Data)
	maps.Copy(want, healthKeys())
	now := a.config(ctx)
	Expect(now.Data).To(Equal(want))
	Expect(now.Labels).To(Equal(before.Labels))
	Expect(now.Annotations).To(HaveKeyWithValue("example.com/owner", "platform"))
}

var _ = Describe("Teaching Argo CD the health of webhooks, as its page says,", func() {
	const (
		clientSide = `kubectl apply -f FILE`
		serverSide = `kubectl apply --server-side --field-manager=argocd-controller --force-conflicts -f FILE`
	)
	DescribeTable("takes nothing from argocd-cm, and lasts, where it was made by",
		func(ctx SpecContext, next string, made ...string) {
			argo := installArgoCD(ctx, made...)
			before := argo.config(ctx)
			Expect(before.Data).To(HaveLen(4))
			Expect(before.Labels).To(HaveLen(3))

			shell(ctx, commandAbout(argoPage, "kubectl patch configmap argocd-cm"))
			argo.expectTaught(ctx, before)
			Expect(argo.config(ctx).Annotations).To(Equal(before.Annotations))
			argo.run(ctx, next)
			argo.expectTaught(ctx, before)
			shell(ctx, commandAbout(argoPage, "kubectl patch configmap argocd-cm"))
			argo.expectTaught(ctx, before)
		},
		Entry("kubectl apply", clientSide, clientSide),
		Entry("kubectl apply as another manager",
			`kubectl apply --field-manager=argocd -f FILE`, `kubectl apply --field-manager=argocd -f FILE`),
		Entry("kubectl create", clientSide, `kubectl create -f FILE`),
		Entry("kubectl create --save-config", clientSide, `kubectl create --save-config -f FILE`),
		Entry("kubectl create as another manager", clientSide, `kubectl create --save-config --field-manager=argocd -f FILE`),
		Entry("server-side apply", `kubectl apply --server-side -f FILE`, `kubectl apply --server-side -f FILE`),
		Entry("server-side apply of Argo CD", serverSide, serverSide),
		Entry("client-side, then server-side apply", serverSide, clientSide, serverSide),
		Entry("client-side, then server-side apply as the same manager", `kubectl apply --server-side -f FILE`,
			clientSide, `kubectl apply --server-side --force-conflicts -f FILE`),
		Entry("server-side, then client-side apply", clientSide, serverSide, clientSide),
		Entry("kubectl create, then server-side apply", serverSide, `kubectl create --save-config -f FILE`, serverSide),
	)
})

var _ = Describe("What an earlier version of Argo CD's page took from argocd-cm", func() {
	It("shows as the page says, and comes back with the manifest", func(ctx SpecContext) {
		const apply = `kubectl apply -f FILE`
		argo := installArgoCD(ctx, apply)
		look := commandAbout(argoPage, "--show-managed-fields")
		Expect(shell(ctx, look)).To(And(ContainSubstring("part-of"), Not(ContainSubstring("github-webhook-operator"))))
		before := argo.config(ctx)

		shell(ctx, `kubectl kustomize config/gitops/argocd/health |
			kubectl apply --server-side --field-manager=github-webhook-operator -f -`)
		Expect(argo.config(ctx).Data).NotTo(HaveKey("url"))
		Expect(shell(ctx, look)).To(And(Not(ContainSubstring("part-of")), ContainSubstring("github-webhook-operator")))

		argo.run(ctx, apply)
		argo.expectTaught(ctx, before)
		Expect(shell(ctx, look)).To(ContainSubstring("part-of"))
		shell(ctx, commandAbout(argoPage, "kubectl patch configmap argocd-cm"))
		argo.run(ctx, apply)
		argo.expectTaught(ctx, before)
	})
})

// maxAnnotations is how much all annotations of an object may be, in bytes: Kubernetes' TotalAnnotationSizeLimitB.
const maxAnnotations = 256 << 10

var _ = Describe("The CRDs", func() {
	It("are small enough for client-side apply, which keeps a copy of each in an annotation", func(ctx SpecContext) {
		files, err := filepath.Glob(filepath.Join("..", "config", "crd", "bases", "*.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).NotTo(BeEmpty())
		for _, file := range files {
			copied := kubectlOutput(ctx, "--kubeconfig="+shared.api.kubeconfig(), "apply", "--dry-run=server", "-f", file,
				"-o", `jsonpath={.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}`)
			Expect(copied).To(HavePrefix("{"), file)
			// A fifth is left for the chart's labels and annotations, and for what others add.
			Expect(len(copied)).To(BeNumerically("<", maxAnnotations*4/5), file)
		}
	})
})
