// Command envtest prints the directory that holds the control plane the tests and the demo run on: etcd, kube-apiserver
// and kubectl. Nothing but that directory goes to stdout; what it does meanwhile is told on stderr.
//
// The directory is the first of these that there is:
//
//  1. KUBEBUILDER_ASSETS. One that is set and lacks a binary is an error: whoever sets it wants that control plane.
//  2. The user's cache, if an earlier run had to build them.
//  3. What setup-envtest has or can fetch: the one that is installed, else the one that hack/tools pins. Whether it can is
//     known within seconds, and a failure there only leads on to the next.
//  4. The user's cache again, where this program builds them from source, once for each set of versions in its go.mod.
//
// Run it as `go -C hack/envtest run .`: the versions come from the go.mod of the directory it runs in.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	dir, err := assets(ctx)
	stop()
	if err != nil {
		say("%v", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

// assets is the directory, wherever it comes from.
func assets(ctx context.Context) (string, error) {
	if dir, err := fromEnvironment(); dir != "" || err != nil {
		return dir, err
	}
	want, err := readVersions(ctx)
	if err != nil {
		return "", err
	}
	target, err := cacheDir(want)
	if err != nil {
		return "", err
	}
	if len(missing(target)) == 0 {
		return target, nil
	}
	dir, err := fromSetupEnvtest(ctx, want)
	if err == nil {
		return dir, nil
	}
	say("KUBEBUILDER_ASSETS is not set, and %v: building from source.", err)
	return target, buildOnce(ctx, target, want)
}

// say tells the person who waits.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "envtest: "+format+"\n", args...)
}
