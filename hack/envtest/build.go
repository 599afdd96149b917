package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// heartbeat is how often a build says that it is still alive.
const heartbeat = 10 * time.Second

// unfinished begins the name of a directory in which a build has not come to its end.
const unfinished = "unfinished-"

// program is a binary and what it is built from.
type program struct {
	name, pkg, ldflags string
	// expected is how long it takes on two cores from an empty build cache.
	expected string
}

// programs are the binaries of a control plane, in the order of building.
func programs(v versions) []program {
	// Without a version stamped in, the API server calls itself v0.0.0-master, which Helm and kubectl cannot compare.
	const base = "k8s.io/component-base/version."
	major, minor, _ := strings.Cut(v.minor(), ".")
	kubernetes := fmt.Sprintf("-s -w -X %[1]sgitVersion=%[2]s -X %[1]sgitMajor=%[3]s -X %[1]sgitMinor=%[4]s",
		base, v.kubernetes, major, minor)
	return []program{
		{"etcd", "go.etcd.io/etcd/server/v3", "-s -w", "about half a minute on 2 cores"},
		{"kubectl", "k8s.io/kubernetes/cmd/kubectl", kubernetes, "about a minute on 2 cores"},
		{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", kubernetes, "about two minutes on 2 cores"},
	}
}

// cacheDir is the directory in the user's cache that holds, or will hold, what is built in these versions.
func cacheDir(v versions) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no place to keep the binaries: %w", err)
	}
	return filepath.Join(cache, "github-webhook-operator", "envtest", v.String()), nil
}

// buildOnce makes target whole. Of several that run at once, one builds and the others wait for it.
func buildOnce(ctx context.Context, target string, v versions) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, target+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if len(missing(target)) == 0 { // built by the one that held the lock
		return nil
	}
	return buildInto(ctx, target, v)
}

// buildInto builds beside target and renames at the end, so that a target that is there is whole. The caller holds the
// lock, so what earlier builds left unfinished is nobody's.
func buildInto(ctx context.Context, target string, v versions) error {
	start := time.Now()
	say("Building etcd %s, kubectl and kube-apiserver %s from source. This happens once: they go to %s.", v.etcd, v.kubernetes, target)
	stale, _ := filepath.Glob(filepath.Join(filepath.Dir(target), unfinished+filepath.Base(target)+"-*"))
	for _, dir := range append(stale, target) {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(target), unfinished+filepath.Base(target)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	defer prefetch(ctx, programs(v))()
	for _, p := range programs(v) {
		if err := build(ctx, p, work); err != nil {
			return err
		}
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	if err := os.Rename(work, target); err != nil {
		return err
	}
	say("Built all three in %s. From now on they are taken from the cache.", time.Since(start).Round(time.Second))
	return nil
}

// buildFlags are those of the Makefile, without the version: what the operator and the control plane have in common is then
// compiled once.
var buildFlags = []string{"-trimpath", "-buildvcs=false", "-tags=grpcnotrace", "-gcflags=all=-dwarf=false"}

// prefetch has go fetch the modules of all programs while the first one is compiled. What it cannot fetch, the build
// complains about. The function that it returns ends it.
func prefetch(ctx context.Context, all []program) func() {
	ctx, stop := context.WithCancel(ctx)
	args := []string{"list", "-deps", "-tags=grpcnotrace"}
	for _, p := range all {
		args = append(args, p.pkg)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = goCommand(ctx, args...).Run()
	}()
	return func() {
		stop()
		<-done
	}
}

// build builds one program into dir and says every heartbeat how far it is.
func build(ctx context.Context, p program, dir string) error {
	start := time.Now()
	say("%s: building, %s, and longer where its modules have to be fetched first.", p.name, p.expected)
	var log progress
	args := slices.Concat([]string{"build", "-v"}, buildFlags, []string{"-ldflags", p.ldflags, "-o", filepath.Join(dir, p.name), p.pkg})
	cmd := goCommand(ctx, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets go remove its temporary files
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s cannot be built: %w", p.name, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			say("%s: %s so far, %s.", p.name, time.Since(start).Round(time.Second), &log)
		case err := <-done:
			if ctx.Err() != nil {
				return fmt.Errorf("%s was stopped before it was built; nothing half built is left", p.name)
			}
			if err != nil {
				return fmt.Errorf("%s could not be built (%w). The end of what go said:\n%s", p.name, err, log.tail())
			}
			say("%s: built in %s.", p.name, time.Since(start).Round(time.Second))
			return nil
		}
	}
}
