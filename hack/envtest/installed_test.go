package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// put writes executable files into dir, each a shell script.
func put(t *testing.T, dir string, scripts map[string]string) {
	t.Helper()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// controlPlane is a directory with all that is wanted.
func controlPlane(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{"etcd": "", "kube-apiserver": "", "kubectl": ""})
	return dir
}

func TestEnvironment(t *testing.T) {
	complete := controlPlane(t)
	withoutKubectl := t.TempDir()
	put(t, withoutKubectl, map[string]string{"etcd": "", "kube-apiserver": ""})
	notExecutable := controlPlane(t)
	if err := os.Chmod(filepath.Join(notExecutable, "etcd"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ set, want, complaint string }{
		"not set":             {},
		"complete":            {set: complete, want: complete},
		"without kubectl":     {set: withoutKubectl, complaint: "no executable kubectl in it"},
		"etcd not executable": {set: notExecutable, complaint: "no executable etcd in it"},
		"empty directory":     {set: t.TempDir(), complaint: "no executable etcd, no kube-apiserver, no kubectl in it"},
		"no such directory":   {set: filepath.Join(complete, "none"), complaint: "no executable etcd, no kube-apiserver, no kubectl in it"},
		"relative":            {set: "bin/k8s", complaint: "name an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBEBUILDER_ASSETS", test.set)
			got, err := fromEnvironment()
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			expectError(t, err, test.complaint)
		})
	}
}

func TestSetupEnvtest(t *testing.T) {
	complete, empty := controlPlane(t), t.TempDir()
	serveIndex(t, http.NotFound)
	for name, test := range map[string]struct{ script, want, complaint string }{
		"not installed":     {complaint: "setup-envtest can fetch nothing here (127.0.0.1:"},
		"has them":          {script: `[ "$*" = "use 1.37.x --print path" ] && echo ` + complete, want: complete},
		"has others only":   {script: "echo no such version >&2; exit 2", complaint: "setup-envtest has no Kubernetes 1.37.x (no such version)"},
		"says nothing":      {script: "exit 1", complaint: "setup-envtest has no Kubernetes 1.37.x (exit status 1)"},
		"names a wrong one": {script: "echo " + empty, complaint: "which lacks etcd, kube-apiserver, kubectl"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			if test.script != "" {
				put(t, path, map[string]string{"setup-envtest": test.script})
			}
			t.Setenv("PATH", path)
			got, err := fromSetupEnvtest(t.Context(), versions{kubernetes: "v1.37.2"})
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			expectError(t, err, test.complaint)
		})
	}
}

// serveIndex plays what setup-envtest fetches from.
func serveIndex(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(answer)
	before := index
	index = server.URL
	t.Cleanup(func() {
		server.Close()
		index = before
	})
}

func TestReachable(t *testing.T) {
	serveIndex(t, func(http.ResponseWriter, *http.Request) {})
	expectError(t, reachable(t.Context(), index), "")
	serveIndex(t, http.NotFound)
	expectError(t, reachable(t.Context(), index), "answers 404 Not Found")
	expectError(t, reachable(t.Context(), "http://127.0.0.1:1"), "connection refused")
	serveIndex(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	begin := time.Now()
	expectError(t, reachable(t.Context(), index), "did not answer within 5s")
	if took := time.Since(begin); took > 2*indexTimeout {
		t.Errorf("it took %s", took)
	}
}

func TestSetupEnvtestIsNotWaitedForWhenStopped(t *testing.T) {
	path := t.TempDir()
	put(t, path, map[string]string{"setup-envtest": "while :; do :; done"})
	t.Setenv("PATH", path)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := fromSetupEnvtest(ctx, versions{kubernetes: "v1.37.2"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want the cancellation", err)
	}
}

// expectError wants an error that contains complaint, and none for an empty one.
func expectError(t *testing.T, err error, complaint string) {
	t.Helper()
	switch {
	case complaint == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case complaint != "" && (err == nil || !strings.Contains(err.Error(), complaint)):
		t.Errorf("got error %v, want one that says %q", err, complaint)
	}
}
