package main

import (
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const (
	// mostInCircle files may need each other: more cannot be understood one by one.
	mostInCircle = 3
	// mostLines of a function fit on a screen.
	mostLines = 60
)

// larger are the packages whose circle is larger than it may be, with its size. A number here only goes down.
var larger = map[string]int{"/internal/github": 30}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	g := NewWithT(t)
	all, err := load(filepath.Join("..", ".."))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(all)).To(BeNumerically(">=", 10))
	for _, p := range all {
		_, path, _ := strings.Cut(p.path, "/github-webhook-operator")
		circle := p.largestCircle()
		if size, listed := larger[path]; listed {
			g.Expect(circle).To(HaveLen(size), "the circle of %s has another size than is listed: it may shrink, and then its number does", path)
		} else {
			g.Expect(len(circle)).To(BeNumerically("<=", mostInCircle), "the files of %s need each other in a circle: %v", path, circle)
		}
		g.Expect(p.longest).To(BeNumerically("<=", mostLines), "the longest function of %s", path)
	}
}

func TestLargestCircle(t *testing.T) {
	g := NewWithT(t)
	needs := func(edges ...string) pkg {
		p := pkg{needs: map[string]map[string]bool{}}
		for _, edge := range edges {
			from, to, _ := strings.Cut(edge, ">")
			for _, file := range []string{from, to} {
				if p.needs[file] == nil {
					p.needs[file] = map[string]bool{}
				}
			}
			p.needs[from][to] = true
		}
		return p
	}
	g.Expect(needs("a>b", "b>c").largestCircle()).To(BeEmpty())
	g.Expect(needs("a>b", "b>a", "b>c").largestCircle()).To(Equal([]string{"a", "b"}))
	g.Expect(needs("a>b", "b>a", "c>d", "d>e", "e>c", "b>c").largestCircle()).To(Equal([]string{"c", "d", "e"}))
}
