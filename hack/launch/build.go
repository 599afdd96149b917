package launch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Variant is a way to build the operator.
type Variant struct {
	// Variable of the environment that holds the path of a binary that was built before: `make test` sets it.
	Variable string
	// name of the file in bin, and arguments of go build.
	name  string
	flags []string
	cgo   string
}

// The same flags as in the Makefile, so that both share the build cache.
var release = []string{"-trimpath", "-buildvcs=false", "-tags=grpcnotrace", "-gcflags=all=-dwarf=false"}

// Variants of the operator.
var (
	// Plain is the binary that users have.
	Plain = Variant{Variable: "OPERATOR", name: "manager", flags: append(release, "-ldflags", "-s -w"), cgo: "0"}
	// Race is built with the race detector. It takes several times the memory and CPU.
	Race = Variant{Variable: "OPERATOR_RACE", name: "manager-race", flags: []string{"-race"}, cgo: "1"}
	// Hasty believes that GitHub's limits pass 60 times as fast.
	Hasty = Variant{Variable: "OPERATOR_HASTY", name: "manager-hasty", flags: append(release, "-ldflags", "-s -w -X main.limitsTimeScale=60"), cgo: "0"}
)

// Built returns the path of the variant's binary: the one that was built before, else one that is built now.
func (v Variant) Built(ctx context.Context) (string, error) {
	if path := os.Getenv(v.Variable); path != "" {
		return path, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", v.name)
	build := exec.CommandContext(ctx, "go", append(append([]string{"build"}, v.flags...), "-o", path, ".")...)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED="+v.cgo)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(build.Args, " "), err, said)
	}
	return path, nil
}

// Root is the folder of the repository that the working directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "PROJECT")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in a checkout of the operator", dir)
		}
	}
}
