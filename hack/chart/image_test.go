package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// image is what a release publishes.
const image = "ghcr.io/github-webhooks/github-webhook-operator"

// Nobody publishes the development tree's image: a chart that does not know which one to run says how to come by one.
func TestDevelopmentChartWantsAnImage(t *testing.T) {
	for name, values := range map[string][]string{
		"nothing":          nil,
		"no tag":           {"--set=image.repository=registry.example.com/op"},
		"no repository":    {"--set=image.tag=v1"},
		"a digest without": {"--set=image.digest=sha256:" + strings.Repeat("0", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rawTool(t.Context(), "helm", append([]string{"template", releaseName, chartDir, "--kube-version=1.37"}, values...)...)
			NewWithT(t).Expect(err).To(MatchError(And(
				ContainSubstring("make docker-build docker-push IMG="), ContainSubstring("make kind-load"), ContainSubstring("--set image.repository="))))
		})
	}
	_, err := rawTool(t.Context(), "helm", "template", releaseName, chartDir, "--kube-version=1.37",
		"--set=image.repository=registry.example.com/op,image.digest=sha256:"+strings.Repeat("0", 64))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// imageReference finds the operator's image with a tag or digest, wherever it is written.
var imageReference = regexp.MustCompile(`[\w./-]*github-webhook-operator[:@](v?[0-9]+\.[0-9]+\.[0-9]+|dev\b|sha256:)`)

func TestOneImageName(t *testing.T) {
	g := NewWithT(t)
	found := 0
	tree := os.DirFS(root)
	g.Expect(fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "dist"}, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".md", ".gotmpl", ".tpl", ".txt", "", ".go", ".sh"}, filepath.Ext(path)) {
			return nil
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		for _, reference := range imageReference.FindAllString(string(content), -1) {
			found++
			reference = strings.TrimPrefix(reference, "//") // the end of oci://
			g.Expect(reference).To(Or(HavePrefix(image), HavePrefix("registry.example.com/")), path)
		}
		return nil
	})).To(Succeed())
	g.Expect(found).To(BeNumerically(">=", 5), "the name is written in the manifests, the workflows and the documentation")
}
