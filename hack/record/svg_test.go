package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestRender(t *testing.T) {
	g := NewWithT(t)
	svg := render([]line{
		{"1. A step", 0}, {"  $ kubectl get <repohook>", time.Millisecond}, {"", 0}, {"  ✓ done", time.Hour}, {strings.Repeat("x", columns+1), 0},
	}, "a & b")
	g.Expect(wellFormed(svg)).To(Succeed())
	g.Expect(svg).To(ContainSubstring("<title>a &amp; b</title>"))
	g.Expect(svg).To(ContainSubstring(`class="title" xml:space="preserve">1. A step<`))
	g.Expect(svg).To(ContainSubstring(`class="command" xml:space="preserve">  $ kubectl get &lt;repohook&gt;<`))
	g.Expect(svg).To(ContainSubstring(`class="done"`))
	g.Expect(svg).To(ContainSubstring(">x</text>"), "what is too wide is folded")
	g.Expect(svg).NotTo(ContainSubstring("<script"))
}

// The recording begins with a full screen, and takes as long as the lines that follow did, within bounds.
func TestAnimation(t *testing.T) {
	g := NewWithT(t)
	lines := slices.Repeat([]line{{"first screen", time.Hour}}, rows)
	lines = append(lines, line{"at once", 0}, line{"an hour later", time.Hour})
	css := animation(lines)
	g.Expect(css).To(ContainSubstring("animation: scroll 7.38s step-end infinite"))
	g.Expect(css).To(ContainSubstring("0.000% { transform: translateY(0px) }"))
	g.Expect(css).To(ContainSubstring("translateY(-40px)"))
	g.Expect(strings.Count(css, "translateY(")).To(Equal(3))
}

func wellFormed(svg string) error {
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestRecord(t *testing.T) {
	g := NewWithT(t)
	out := filepath.Join(t.TempDir(), "demo.svg")
	var echo bytes.Buffer
	g.Expect(record(strings.NewReader("one\ntwo\n"), &echo, out, "")).To(Succeed())
	g.Expect(echo.String()).To(Equal("one\ntwo\n"))
	svg, err := os.ReadFile(out)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(svg)).To(And(ContainSubstring(">one<"), ContainSubstring(">two<")))
	g.Expect(record(strings.NewReader(""), &echo, out, "")).To(MatchError("nothing was printed"))
}
