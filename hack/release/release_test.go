package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// root of the repository.
const root = "../.."

const version = "v1.2.3-test.1"

// A release that is built twice, in two places, is the same to the byte, and tells the truth about itself.
func TestRelease(t *testing.T) {
	first, second := build(t), build(t)
	t.Run("is reproducible", func(t *testing.T) {
		g := NewWithT(t)
		g.Expect(files(t, first)).To(Equal(files(t, second)))
	})
	t.Run("has all files, and their sums", func(t *testing.T) {
		g := NewWithT(t)
		g.Expect(files(t, first)).To(And(HaveLen(8),
			HaveKey("github-webhook-operator_linux_amd64"), HaveKey("github-webhook-operator_linux_arm64"),
			HaveKey("github-webhook-operator_linux_amd64.cdx.json"), HaveKey("github-webhook-operator_linux_arm64.cdx.json"),
			HaveKey("github-webhook-operator-1.2.3-test.1.tgz"), HaveKey("install.yaml"), HaveKey(provenanceFile), HaveKey(sumsFile)))
		out, err := run(first, "sha256sum", "--check", "--strict", sumsFile)
		g.Expect(err).NotTo(HaveOccurred(), out)
		g.Expect(strings.Count(out, ": OK")).To(Equal(7))
	})
	t.Run("has static binaries of both architectures that know their version", func(t *testing.T) { expectBinaries(t, first) })
	t.Run("lists the modules of each binary", func(t *testing.T) { expectSBOM(t, first) })
	t.Run("says what it was built from", func(t *testing.T) { expectProvenance(t, first) })
	t.Run("has manifests and a chart that run this version", func(t *testing.T) { expectVersion(t, first) })
}

// A release is built from a commit: what nobody committed would be in the files, and in no commit.
func TestReleaseRefusesWhatIsNotCommitted(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"an edited file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600)
		},
		"a file of no commit": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "more.go"), []byte("package main\n"), 0o600)
		},
		"a deleted file": func(dir string) error { return os.Remove(filepath.Join(dir, "LICENSE")) },
	} {
		t.Run(what, func(t *testing.T) {
			g := NewWithT(t)
			dir := checkout(t)
			g.Expect(change(dir)).To(Succeed())
			out, err := makeRelease(dir)
			g.Expect(err).To(HaveOccurred())
			g.Expect(out).To(ContainSubstring("Commit these files"))
			g.Expect(filepath.Join(dir, "dist")).NotTo(BeADirectory())
		})
	}
	t.Run("a tree without git", func(t *testing.T) {
		g := NewWithT(t)
		dir := checkout(t)
		g.Expect(os.RemoveAll(filepath.Join(dir, ".git"))).To(Succeed())
		out, err := makeRelease(dir)
		g.Expect(err).To(HaveOccurred())
		g.Expect(out).To(ContainSubstring("needs a git checkout"))
	})
}

// build runs `make release` in a checkout, and returns its dist.
func build(t *testing.T) string {
	t.Helper()
	dir := checkout(t)
	out, err := makeRelease(dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), out)
	return filepath.Join(dir, "dist")
}

func makeRelease(dir string) (string, error) {
	return run(dir, "make", "release", "VERSION="+version, "REVISION=0123456789abcdef0123456789abcdef01234567", "SOURCE_DATE_EPOCH=1700000000")
}

// checkout is a copy of the working tree in which everything is committed.
func checkout(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), "checkout")
	tracked, err := run(root, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	g.Expect(err).NotTo(HaveOccurred(), tracked)
	for name := range strings.Lines(tracked) {
		name = strings.TrimSpace(name)
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)).To(Succeed())
		g.Expect(os.WriteFile(filepath.Join(dir, name), content, 0o600)).To(Succeed())
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=All"}} {
		out, err := run(dir, "git", args...)
		g.Expect(err).NotTo(HaveOccurred(), out)
	}
	return dir
}

func run(dir, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// files are the sums of a directory's files.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := release{dir: dir}.files()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	sums := map[string]string{}
	for _, f := range list {
		sums[f.name] = f.sum
	}
	return sums
}

func expectBinaries(t *testing.T, dist string) {
	t.Helper()
	g := NewWithT(t)
	for _, arch := range []string{"amd64", "arm64"} {
		binary := filepath.Join(dist, "github-webhook-operator_linux_"+arch)
		built, err := run(root, "go", "version", "-m", binary)
		g.Expect(err).NotTo(HaveOccurred(), built)
		g.Expect(built).To(And(ContainSubstring("CGO_ENABLED=0"), ContainSubstring("GOARCH="+arch), ContainSubstring("-trimpath=true")))
		g.Expect(built).NotTo(ContainSubstring("vcs."))
	}
	own := filepath.Join(dist, fmt.Sprintf("github-webhook-operator_%s_%s", runtime.GOOS, runtime.GOARCH))
	if _, err := os.Stat(own); err == nil {
		g.Expect(run(dist, own, "--version")).To(Equal(version + "\n"))
	}
}

func expectSBOM(t *testing.T, dist string) {
	t.Helper()
	g := NewWithT(t)
	binary := filepath.Join(dist, "github-webhook-operator_linux_arm64")
	var list bom
	read(t, binary+sbomSuffix, &list)
	g.Expect(list.Metadata.Timestamp).To(Equal("2023-11-14T22:13:20Z"))
	g.Expect(list.Metadata.Component.Hashes).To(ConsistOf(hash{"SHA-256", files(t, dist)[filepath.Base(binary)]}))
	built, err := run(root, "go", "version", "-m", binary)
	g.Expect(err).NotTo(HaveOccurred(), built)
	modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(built, -1)
	g.Expect(list.Components).To(HaveLen(len(modules) + 1)) // and the standard library
	for _, m := range modules {
		g.Expect(list.Components).To(ContainElement(module("library", m[1], m[2])))
	}
}

func expectProvenance(t *testing.T, dist string) {
	t.Helper()
	g := NewWithT(t)
	var said statement
	read(t, filepath.Join(dist, provenanceFile), &said)
	sums := files(t, dist)
	delete(sums, provenanceFile)
	delete(sums, sumsFile)
	subjects := map[string]string{}
	for _, s := range said.Subject {
		subjects[s.Name] = s.Digest["sha256"]
	}
	g.Expect(subjects).To(Equal(sums))
	g.Expect(said.Predicate.BuildDefinition.ResolvedDependencies[0].Digest).To(HaveKeyWithValue("gitCommit", "0123456789abcdef0123456789abcdef01234567"))
	g.Expect(said.Predicate.BuildDefinition.ExternalParameters).To(HaveKeyWithValue("version", version))
}

func expectVersion(t *testing.T, dist string) {
	t.Helper()
	g := NewWithT(t)
	manifests, err := os.ReadFile(filepath.Join(dist, "install.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(manifests)).To(ContainSubstring("image: ghcr.io/github-webhooks/github-webhook-operator:" + version + "\n"))
	entries, err := unpack(filepath.Join(dist, "github-webhook-operator-1.2.3-test.1.tgz"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, e := range entries {
		if e.header.Name == "github-webhook-operator/Chart.yaml" {
			var chart struct{ Version, AppVersion string }
			g.Expect(yaml.Unmarshal(e.content, &chart)).To(Succeed())
			g.Expect(chart).To(Equal(struct{ Version, AppVersion string }{"1.2.3-test.1", version}))
			return
		}
	}
	t.Error("the chart has no Chart.yaml")
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	g := NewWithT(t)
	content, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Unmarshal(content, into)).To(Succeed())
}

// The image's binary is built as `make build` and `make release` build it.
func TestImageBuildsTheReleasesBinary(t *testing.T) {
	g := NewWithT(t)
	flags := func(file, pattern string) string {
		content, err := os.ReadFile(filepath.Join(root, file))
		g.Expect(err).NotTo(HaveOccurred())
		match := regexp.MustCompile(pattern).FindSubmatch(content)
		g.Expect(match).NotTo(BeNil(), file)
		return string(match[1])
	}
	g.Expect(flags("Dockerfile", `go build (-trimpath .*) -ldflags`)).To(Equal(flags("Makefile", `GOFLAGS = (-trimpath .*)`)))
	g.Expect(flags("Dockerfile", `-ldflags "(.*main\.version=)`)).To(Equal(flags("Makefile", `LDFLAGS = (.*main\.version=)`)))
}
