package controllers_test

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// documentSeparator stands between the objects of a YAML file.
var documentSeparator = regexp.MustCompile(`(?m)^---\s*$`)

// documents are the objects of a YAML text, whose keys must not stand there twice.
func documents(text string) []*unstructured.Unstructured {
	GinkgoHelper()
	var objects []*unstructured.Unstructured
	for _, document := range documentSeparator.Split(text, -1) {
		data, err := yaml.YAMLToJSONStrict([]byte(document))
		Expect(err).NotTo(HaveOccurred(), document)
		if string(data) == "null" {
			continue // Comments only.
		}
		obj := &unstructured.Unstructured{}
		Expect(obj.UnmarshalJSON(data)).To(Succeed(), document)
		objects = append(objects, obj)
	}
	return objects
}

// samples are the objects of config/samples.
func samples() []*unstructured.Unstructured {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join("..", "config", "samples", "*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	var objects []*unstructured.Unstructured
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		objects = append(objects, documents(string(text))...)
	}
	return objects
}

// emptyNamespace is one without a target on GitHub.
func emptyNamespace(ctx context.Context) string {
	GinkgoHelper()
	name := "samples-" + rand.String(8)
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	return name
}

// applied is what a server-side apply of a manifest leaves in a namespace. Fields that the API server does not know are
// an error.
func applied(ctx context.Context, namespace string, manifest *unstructured.Unstructured, options ...client.ApplyOption) *unstructured.Unstructured {
	GinkgoHelper()
	obj := manifest.DeepCopy()
	obj.SetNamespace(namespace)
	options = append(options, client.FieldOwner("gitops"), client.ForceOwnership)
	Expect(k8s.Apply(ctx, client.ApplyConfigurationFromUnstructured(obj), options...)).To(Succeed(), manifest.GetKind()+" "+manifest.GetName())
	return obj
}

// content of an object is what its writers wrote, without the API server's bookkeeping and the status.
func content(obj *unstructured.Unstructured) map[string]any {
	content := obj.DeepCopy()
	content.SetManagedFields(nil)
	content.SetResourceVersion("")
	delete(content.Object, "status")
	return content.Object
}

// unwatched makes objects that no operator looks after.
func unwatched(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	for _, obj := range objects {
		labels := obj.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[ownLabel] = "own"
		obj.SetLabels(labels)
	}
	return objects
}

// pemBlock is a key or certificate, or the place for one.
var pemBlock = regexp.MustCompile(`-{5}BEGIN ([A-Z ]+)-{5}\n[^-]*\n-{5}END [A-Z ]+-{5}\n?`)

// filledIn puts a key and a certificate where a sample has the place for one, as its user does.
func filledIn(text string) string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	values := map[string]string{
		"RSA PRIVATE KEY": sim.AddApp(githubsim.App{Slug: "sample-" + rand.String(8), Owner: "sample"}).PrivateKey,
		"CERTIFICATE":     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	}
	return pemBlock.ReplaceAllStringFunc(text, func(block string) string { return values[pemBlock.FindStringSubmatch(block)[1]] })
}

// read is a Secret as the API server gives it.
func read(ctx context.Context, namespace, name string) *corev1.Secret {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)).To(Succeed())
	return secret
}

var _ = Describe("The samples", func() {
	It("are taken by the API server, and applying them again changes nothing", func(ctx SpecContext) {
		namespace := emptyNamespace(ctx)
		manifests := unwatched(samples())
		kinds := map[string]int{}
		for _, manifest := range manifests {
			kinds[manifest.GetKind()]++
			first := applied(ctx, namespace, manifest)
			second := applied(ctx, namespace, manifest)
			Expect(content(second)).To(Equal(content(first)))
			// The API server stores the status's default with the second write, and nothing from then on.
			Expect(applied(ctx, namespace, manifest).GetResourceVersion()).To(Equal(second.GetResourceVersion()), manifest.GetName())
		}
		Expect(kinds).To(And(HaveKey("RepositoryWebhook"), HaveKey("OrganizationWebhook"), HaveKey("AppWebhookConfig")))
	})

	It("refer to Secrets and keys that are samples, too", func() {
		secrets := map[string]corev1.Secret{}
		for _, manifest := range samples() {
			if manifest.GetKind() == "Secret" {
				var secret corev1.Secret
				Expect(runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(manifest.Object, &secret, true)).To(Succeed())
				secrets[secret.Name] = secret
			}
		}
		for _, manifest := range samples() {
			if manifest.GetKind() == "Secret" {
				continue
			}
			spec, _, err := unstructured.NestedMap(manifest.Object, "spec")
			Expect(err).NotTo(HaveOccurred())
			var common v1alpha1.WebhookSpec
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &common)).To(Succeed())
			Expect(secrets).To(HaveKey(common.CredentialsRef.Name))
			Expect(secrets[common.SecretRef.Name].StringData).To(HaveKey("secret"))
			if common.URLFrom != nil {
				Expect(secrets[common.URLFrom.SecretKeyRef.Name].StringData).To(HaveKey(common.URLFrom.SecretKeyRef.Key))
			}
		}
	})

	It("hold credentials for every login and server, which the operator reads", func(ctx SpecContext) {
		type login struct {
			server, app  string
			installation int64
			privateCA    bool
		}
		want := map[string]login{
			"github":                    {server: "https://github.com"},
			"github-app":                {server: "https://github.com", app: "12345"},
			"github-app-installation":   {server: "https://github.com", app: "Iv23liReplaceByYours", installation: 67890},
			"ghes":                      {server: "https://ghe.example.com", privateCA: true},
			"ghe-com":                   {server: "https://octocorp.ghe.com"},
			"flux-github-app":           {server: "https://github.com", app: "12345", installation: 67890},
			"argocd-repository":         {server: "https://ghe.example.com", app: "12345", installation: 67890},
			"actions-runner-controller": {server: "https://github.com", app: "12345", installation: 67890},
		}
		namespace := emptyNamespace(ctx)
		found := map[string]login{}
		for _, manifest := range samples() {
			if manifest.GetKind() != "Secret" || manifest.GetName() == "ci-webhook" || manifest.GetName() == "chat-url" {
				continue
			}
			text, err := yaml.Marshal(manifest.Object["stringData"])
			Expect(err).NotTo(HaveOccurred())
			values := map[string]any{}
			Expect(yaml.Unmarshal(text, &values)).To(Succeed())
			for key, value := range values {
				values[key] = filledIn(value.(string))
			}
			manifest.Object["stringData"] = values
			applied(ctx, namespace, manifest)

			parsed, err := credentials.Parse(read(ctx, namespace, manifest.GetName()))
			Expect(err).NotTo(HaveOccurred())
			is := login{server: parsed.Server.String(), privateCA: parsed.RootCAs != nil}
			if parsed.App != nil {
				is.app, is.installation = parsed.App.ID, parsed.App.InstallationID
			}
			Expect(parsed.Token.IsZero()).To(Equal(parsed.App != nil), "one login")
			found[manifest.GetName()] = is
		}
		Expect(found).To(Equal(want))
	})

	It("in kustomization.yaml are whole: what its objects refer to is in it", func(ctx SpecContext) {
		names := map[string]bool{}
		listed := documents(kubectlOutput(ctx, "kustomize", filepath.Join("..", "config", "samples")))
		for _, manifest := range listed {
			names[manifest.GetName()] = true
		}
		for _, manifest := range listed {
			for _, ref := range []string{"credentialsRef", "secretRef"} {
				if name, found, _ := unstructured.NestedString(manifest.Object, "spec", ref, "name"); found {
					Expect(names).To(HaveKey(name))
				}
			}
		}
		Expect(len(listed)).To(BeNumerically(">=", 4))
	})
})

// kubectlOutput runs the real one and returns what it prints.
func kubectlOutput(ctx context.Context, args ...string) string {
	GinkgoHelper()
	out, err := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), args...).Output()
	Expect(err).NotTo(HaveOccurred())
	return string(out)
}
