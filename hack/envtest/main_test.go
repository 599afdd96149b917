package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWhatComesFirst takes one source away after the other.
func TestWhatComesFirst(t *testing.T) {
	named, installed, bin := controlPlane(t), controlPlane(t), t.TempDir()
	put(t, bin, map[string]string{"setup-envtest": "echo " + installed})
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	want, err := readVersions(t.Context())
	expectError(t, err, "")
	built, err := cacheDir(want)
	expectError(t, err, "")
	if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(controlPlane(t), built); err != nil {
		t.Fatal(err)
	}

	t.Setenv("KUBEBUILDER_ASSETS", named)
	for _, step := range []struct {
		want string
		gone func() error
	}{
		{named, func() error { return os.Unsetenv("KUBEBUILDER_ASSETS") }},
		{built, func() error { return os.RemoveAll(built) }},
		{installed, func() error { return nil }},
	} {
		got, err := assets(t.Context())
		expectError(t, err, "")
		if got != step.want {
			t.Errorf("got %s, want %s", got, step.want)
		}
		if err := step.gone(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnIncompleteEnvironmentIsAnError(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", t.TempDir())
	_, err := assets(t.Context())
	expectError(t, err, "unset it to have them found or built")
}
