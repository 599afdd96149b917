package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// setupEnvtestTimeout bounds setup-envtest, which fetches some 60 MB when it does not have them yet. Building takes
// about twice as long, so waiting longer for a slow line is not worth it.
const setupEnvtestTimeout = 2 * time.Minute

// binaries are what a complete directory holds.
var binaries = []string{"etcd", "kube-apiserver", "kubectl"}

// missing names the binaries that dir lacks; what is not an executable file counts as lacking.
func missing(dir string) []string {
	var names []string
	for _, name := range binaries {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			names = append(names, name)
		}
	}
	return names
}

// fromEnvironment is KUBEBUILDER_ASSETS, or "" where it is not set.
func fromEnvironment() (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		return "", nil
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("KUBEBUILDER_ASSETS is the relative path %q, and tests run in their own directories: "+
			"name an absolute path, or unset it", dir)
	}
	if lacking := missing(dir); len(lacking) > 0 {
		return "", fmt.Errorf("KUBEBUILDER_ASSETS is %s, and there is no executable %s in it: "+
			"name a directory with %s, or unset it to have them found or built",
			dir, strings.Join(lacking, ", no "), strings.Join(binaries, ", "))
	}
	return dir, nil
}

// index lists what setup-envtest can fetch: https://book.kubebuilder.io/reference/envtest. Tests name another one.
var index = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

// indexTimeout bounds the question whether anything can be fetched at all: behind a firewall it is known within seconds.
const indexTimeout = 5 * time.Second

// fromSetupEnvtest asks setup-envtest for the newest patch of want's minor version: the one that is installed, else the one
// that hack/tools pins, where it could fetch something. Its errors are not fatal to the caller: they are the end of a
// sentence that says why it was of no help.
func fromSetupEnvtest(ctx context.Context, want versions) (string, error) {
	command := []string{"setup-envtest"}
	if _, err := exec.LookPath(command[0]); err != nil {
		if err := reachable(ctx, index); err != nil {
			return "", fmt.Errorf("setup-envtest can fetch nothing here (%w)", err)
		}
		command = []string{"go", "tool", "-modfile=" + filepath.Join("..", "tools", "go.mod"), "setup-envtest"}
	}
	tooLong := fmt.Errorf("setup-envtest did not answer within %s", setupEnvtestTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, setupEnvtestTimeout, tooLong)
	defer cancel()
	selector := want.minor() + ".x"
	say("Asking setup-envtest for Kubernetes %s (for at most %s).", selector, setupEnvtestTimeout)
	command = append(command, "use", selector, "--print", "path")
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("setup-envtest has no Kubernetes %s (%s)", selector, reason(err))
	}
	dir := strings.TrimSpace(string(out))
	if lacking := missing(dir); len(lacking) > 0 {
		return "", fmt.Errorf("setup-envtest named %q, which lacks %s", dir, strings.Join(lacking, ", "))
	}
	return dir, nil
}

// reachable tells, within seconds, whether an address answers.
func reachable(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if ctx.Err() != nil {
		return fmt.Errorf("%s did not answer within %s", request.URL.Host, indexTimeout)
	}
	if err != nil {
		return errors.Unwrap(err) // Without the address once more.
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL.Host, response.Status)
	}
	return nil
}

// reason is the last line a failed command wrote to stderr, or how it ended when it wrote none.
func reason(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		if last := lines[len(lines)-1]; last != "" {
			return last
		}
	}
	return err.Error()
}
