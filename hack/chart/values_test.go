package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// Every flag of the operator has a value of the chart, and no value makes a flag that the operator does not have.
func TestValuesCoverEveryFlag(t *testing.T) {
	g := NewWithT(t)
	usage, _ := exec.Command(binary, "--help").CombinedOutput() // It tells what it knows, and fails.
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^ {2}-([a-z-]+)`).FindAllSubmatch(usage, -1) {
		known[string(match[1])] = true
	}
	g.Expect(known).NotTo(BeEmpty())
	delete(known, "kubeconfig") // In a cluster there is none.
	delete(known, "version")    // It starts nothing.

	rendered := map[string]bool{}
	for _, values := range valueSets(t) {
		for _, arg := range arguments(t, template(t, "--values="+values)) {
			flag, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			rendered[flag] = true
		}
	}
	g.Expect(slices.Sorted(maps.Keys(rendered))).To(Equal(slices.Sorted(maps.Keys(known))))
}

// The chart's README says of every value what it means.
func TestEveryValueIsDocumented(t *testing.T) {
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, chartDir, "README.md"))
	g.Expect(err).NotTo(HaveOccurred())
	_, table, found := strings.Cut(string(content), "## Values")
	g.Expect(found).To(BeTrue())
	rows := regexp.MustCompile(`(?m)^\| ([a-zA-Z.]+) \|.*\| *([^|]*?) *\|$`).FindAllStringSubmatch(table, -1)
	g.Expect(len(rows)).To(BeNumerically(">", 50))
	for _, row := range rows {
		g.Expect(row[2]).NotTo(BeEmpty(), row[1])
	}
}
