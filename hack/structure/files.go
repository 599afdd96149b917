// Command structure shows how the files of the product's packages need one another. A file needs another when it uses what
// that one declares; a method counts to the file that declares it. Files that need each other in a circle can only be
// read together: the test of this package keeps circles small.
//
//	go run ./hack/structure              the largest circle of each package
//	go run ./hack/structure -edges PKG   what each file of a package needs
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// product are the packages that make the operator.
var product = []string{
	".", "./api/...", "./controllers", "./internal/credentials", "./internal/delivery", "./internal/github", "./internal/hook", "./internal/metrics", "./internal/redact", "./internal/verdict",
}

func main() {
	edges := flag.String("edges", "", "Show what each file of the package with this path's end needs")
	flag.Parse()
	all, err := load(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "structure:", err)
		os.Exit(1)
	}
	for _, p := range all {
		switch {
		case *edges == "":
			fmt.Printf("%3d of %3d files in one circle, longest function %3d lines  %s\n", len(p.largestCircle()), len(p.needs), p.longest, p.path)
		case strings.HasSuffix(p.path, *edges):
			for _, file := range slices.Sorted(maps.Keys(p.needs)) {
				fmt.Printf("%s: %s\n", file, strings.Join(slices.Sorted(maps.Keys(p.needs[file])), " "))
			}
		}
	}
}

// pkg is a package as its files need one another.
type pkg struct {
	path string
	// needs are, for each file, the others that it needs.
	needs map[string]map[string]bool
	// longest is the length of the longest function, in lines.
	longest int
}

// load the product's packages, without their tests.
func load(dir string) ([]pkg, error) {
	loaded, err := packages.Load(&packages.Config{
		Dir:  dir,
		Mode: packages.LoadSyntax,
	}, product...)
	if err != nil {
		return nil, err
	}
	var all []pkg
	for _, l := range loaded {
		if len(l.Errors) > 0 {
			return nil, l.Errors[0]
		}
		all = append(all, packageOf(l))
	}
	return all, nil
}

func packageOf(l *packages.Package) pkg {
	p := pkg{path: l.PkgPath, needs: map[string]map[string]bool{}}
	for _, file := range l.Syntax {
		name := nameOf(l.Fset, file.Pos())
		p.needs[name] = map[string]bool{}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					p.longest = max(p.longest, l.Fset.Position(n.End()).Line-l.Fset.Position(n.Pos()).Line+1)
				}
			case *ast.Ident:
				if needed := declaredIn(l, l.TypesInfo.Uses[n]); needed != "" && needed != name {
					p.needs[name][needed] = true
				}
			}
			return true
		})
	}
	return p
}

// declaredIn is the file of the package that declares an object that other files can use: one of the package's own, or a
// method. It is empty for others.
func declaredIn(l *packages.Package, object types.Object) string {
	if object == nil || object.Pkg() != l.Types {
		return ""
	}
	f, isFunc := object.(*types.Func)
	if object.Parent() != l.Types.Scope() && (!isFunc || f.Signature().Recv() == nil) {
		return ""
	}
	return nameOf(l.Fset, object.Pos())
}

func nameOf(files *token.FileSet, at token.Pos) string {
	return filepath.Base(files.Position(at).Filename)
}

// largestCircle are the files that need each other in the largest circle, sorted; one file is none.
func (p pkg) largestCircle() []string {
	var largest []string
	for _, file := range slices.Sorted(maps.Keys(p.needs)) {
		var circle []string
		for other := range p.reach(file) {
			if p.reach(other)[file] {
				circle = append(circle, other)
			}
		}
		if len(circle) > max(1, len(largest)) {
			slices.Sort(circle)
			largest = circle
		}
	}
	return largest
}

// reach are the files that a file needs, directly or over others.
func (p pkg) reach(file string) map[string]bool {
	reached := map[string]bool{}
	for todo := []string{file}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for needed := range p.needs[next] {
			if !reached[needed] {
				reached[needed] = true
				todo = append(todo, needed)
			}
		}
	}
	return reached
}
