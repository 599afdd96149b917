package main

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// What a user has to fill in is what the demo fills in, and nothing is left.
func TestSamplesAreFilledIn(t *testing.T) {
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), "samples")
	g.Expect(os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", samplesDir)))).To(Succeed())

	g.Expect(fillInFile(filepath.Join(dir, "github_credentials.yaml"), "github", map[string]string{"token": "t", "githubURL": "http://127.0.0.1:1"})).To(Succeed())
	g.Expect(fillInFile(filepath.Join(dir, hmacSecretFile), hmacSecretName, map[string]string{"secret": "s"})).To(Succeed())

	files, err := os.ReadDir(dir)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).NotTo(BeEmpty())
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(content)).NotTo(ContainSubstring("replace-with"), file.Name())
	}
}

func TestFillIn(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: github, labels: {team: a}}\nstringData: {token: replace, ca.crt: kept}\n"
	g := NewWithT(t)

	filled, err := fillIn([]byte(manifest), "github", map[string]string{"token": "new", "githubURL": "http://127.0.0.1:1"})

	g.Expect(err).NotTo(HaveOccurred())
	var secret corev1.Secret
	g.Expect(yaml.Unmarshal(filled, &secret)).To(Succeed())
	g.Expect(secret.Labels).To(Equal(map[string]string{"team": "a"}))
	g.Expect(secret.StringData).To(Equal(map[string]string{"token": "new", "ca.crt": "kept", "githubURL": "http://127.0.0.1:1"}))
}

func TestFillInRefuses(t *testing.T) {
	for name, manifest := range map[string]string{
		"another kind":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: github}\n",
		"another Secret":   "apiVersion: v1\nkind: Secret\nmetadata: {name: other}\n",
		"an unknown field": "apiVersion: v1\nkind: Secret\nmetadata: {name: github}\nstrings: {token: a}\n",
		"no YAML":          "kind: [",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fillIn([]byte(manifest), "github", map[string]string{"token": "new"})
			NewWithT(t).Expect(err).To(HaveOccurred())
		})
	}
}
