package main

import (
	"strings"
	"testing"
)

func TestVersionsComeFromGoMod(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=vendor -tags=nonsense") // somebody's flags for a project of his own
	got, err := readVersions(t.Context())
	expectError(t, err, "")
	if !strings.HasPrefix(got.kubernetes, "v1.") || !strings.HasPrefix(got.etcd, "v3.") {
		t.Errorf("got %+v", got)
	}
}

func TestVersionsAreMissingElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := readVersions(t.Context())
	expectError(t, err, "go -C hack/envtest run .")
}

func TestMinor(t *testing.T) {
	for version, want := range map[string]string{"v1.37.2": "1.37", "v1.40.0-rc.1": "1.40"} {
		if got := (versions{kubernetes: version}).minor(); got != want {
			t.Errorf("minor of %s is %s, want %s", version, got, want)
		}
	}
}
