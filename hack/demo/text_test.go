package main

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestIndent(t *testing.T) {
	NewWithT(t).Expect(indent("one\n\ntwo\n")).To(Equal("  one\n\n  two"))
}

func TestWrapped(t *testing.T) {
	g := NewWithT(t)
	g.Expect(wrapped("one\n\ntwo", 10)).To(Equal("one\n\ntwo"))
	g.Expect(wrapped("one two three four", 10)).To(Equal("one two\n    three\n    four"))
	g.Expect(wrapped("$ kubectl get all", 14)).To(Equal("$ kubectl \\\n    get all"))
	g.Expect(wrapped(strings.Repeat("x", 20), 10)).To(Equal(strings.Repeat("x", 20)), "one word")
	for line := range strings.SplitSeq(wrapped(strings.Repeat("words and words ", 40), 78), "\n") {
		g.Expect(len(line)).To(BeNumerically("<=", 78))
	}
}

func TestTable(t *testing.T) {
	NewWithT(t).Expect(table([][]string{{"A", "B"}, {"long", "x"}})).To(Equal("  A      B\n  long   x"))
}

// What is printed can be typed into a shell.
func TestCommandLine(t *testing.T) {
	g := NewWithT(t)
	g.Expect(commandLine([]string{"get", "repohook,orghook"})).To(Equal("kubectl get repohook,orghook"))
	g.Expect(commandLine([]string{"-o", "jsonpath={.a}"})).To(Equal("kubectl -o 'jsonpath={.a}'"))
	g.Expect(commandLine([]string{"it's"})).To(Equal(`kubectl 'it'\''s'`))
}

func TestDescribe(t *testing.T) {
	g := NewWithT(t)
	g.Expect(describe(githubsim.Received{Event: "push", HookID: "7", Verified: true})).To(Equal("push from webhook 7, signature verified"))
	g.Expect(describe(githubsim.Received{Event: "push", HookID: "7"})).To(Equal("push from webhook 7, signature WRONG"))
}
