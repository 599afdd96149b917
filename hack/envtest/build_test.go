package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakeGo stands for go: it notes what it was asked to build and writes what -o names, its last argument but one.
const fakeGo = `
case "$1" in list) exit;; esac
echo "$@" >> "$CALLS"
while test $# -gt 2; do shift; done
case "$FAIL" in *"${1##*/}"*) echo "boom in ${1##*/}" >&2; exit 1;; esac
echo "go: downloading example.com/module v1.0.0" >&2
echo "$2" >&2
: > "$1"
chmod +x "$1"
`

var pinned = versions{kubernetes: "v1.37.2", etcd: "v3.6.8"}

// buildPinned builds as main does where nothing is installed.
func buildPinned(t *testing.T) (string, error) {
	t.Helper()
	dir, err := cacheDir(pinned)
	if err != nil {
		t.Fatal(err)
	}
	return dir, buildOnce(t.Context(), dir, pinned)
}

// builds prepares an empty cache and a fake go, and returns how to read the calls of it.
func builds(t *testing.T) (calls func() []string) {
	t.Helper()
	bin, noted := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	put(t, bin, map[string]string{"go": fakeGo})
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("CALLS", noted)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return func() []string {
		raw, err := os.ReadFile(noted)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.FieldsFunc(string(raw), func(r rune) bool { return r == '\n' })
	}
}

func TestBuildsOnceAndStampsTheVersion(t *testing.T) {
	calls := builds(t)
	for range 2 {
		dir, err := buildPinned(t)
		expectError(t, err, "")
		if lacking := missing(dir); len(lacking) > 0 {
			t.Errorf("%s lacks %v", dir, lacking)
		}
	}
	got := calls()
	if len(got) != len(binaries) {
		t.Fatalf("go was called %d times, want once for each binary:\n%s", len(got), strings.Join(got, "\n"))
	}
	for _, stamp := range []string{"gitVersion=v1.37.2", "gitMajor=1", "gitMinor=37"} {
		if !strings.Contains(got[2], stamp) {
			t.Errorf("kube-apiserver is built without %s: %s", stamp, got[2])
		}
	}
}

func TestTwoAtOnceBuildOnce(t *testing.T) {
	calls := builds(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := buildPinned(t)
			expectError(t, err, "")
		})
	}
	all.Wait()
	if got := calls(); len(got) != len(binaries) {
		t.Errorf("go was called %d times, want once for each binary", len(got))
	}
}

func TestAFailedBuildSaysWhyAndLeavesNothing(t *testing.T) {
	builds(t)
	t.Setenv("FAIL", "kubectl")
	_, err := buildPinned(t)
	expectError(t, err, "kubectl could not be built (exit status 1)")
	expectError(t, err, "boom in kubectl")

	t.Setenv("FAIL", "")
	dir, err := buildPinned(t)
	expectError(t, err, "")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), unfinished+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestWhatAKilledBuildLeftIsRemoved(t *testing.T) {
	builds(t)
	dir, err := buildPinned(t)
	expectError(t, err, "")
	killed := filepath.Join(filepath.Dir(dir), unfinished+filepath.Base(dir)+"-123")
	if err := os.Mkdir(killed, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "etcd")); err != nil { // a cache that somebody cleaned in part
		t.Fatal(err)
	}
	_, err = buildPinned(t)
	expectError(t, err, "")
	if _, err := os.Stat(killed); !os.IsNotExist(err) {
		t.Errorf("%s is still there", killed)
	}
	if lacking := missing(dir); len(lacking) > 0 {
		t.Errorf("%s lacks %v", dir, lacking)
	}
}

func TestAWaitingRunCanBeStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	expectError(t, err, "")
	defer unlock()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = lock(ctx, path)
	expectError(t, err, "stopped while another run was building")
}
