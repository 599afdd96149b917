package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// versions are the module versions that go.mod pins, as v1.37.2.
type versions struct {
	kubernetes, etcd string
}

// String is one name for all of them and for the platform: the directory of the cache that holds what is built from them.
func (v versions) String() string {
	return fmt.Sprintf("kubernetes-%s-etcd-%s-%s-%s", v.kubernetes, v.etcd, runtime.GOOS, runtime.GOARCH)
}

// minor is the Kubernetes version without its patch and its v, as setup-envtest wants it: 1.37.
func (v versions) minor() string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(v.kubernetes, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// readVersions reads them from the go.mod of the working directory.
func readVersions(ctx context.Context) (versions, error) {
	cmd := goCommand(ctx, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes", "go.etcd.io/etcd/server/v3")
	out, err := cmd.Output()
	if err != nil {
		return versions{}, fmt.Errorf("the versions to build cannot be read from go.mod (%s): "+
			"run it as `go -C hack/envtest run .`", reason(err))
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		return versions{}, fmt.Errorf("go list names %d versions where it should name 2: %q", len(fields), out)
	}
	return versions{kubernetes: fields[0], etcd: fields[1]}, nil
}

// goCommand runs go in this module and for this machine, whatever the caller's environment says of his own: his flags
// and workspace are not meant for Kubernetes. Without cgo no C compiler is needed.
func goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	return cmd
}
