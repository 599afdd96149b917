package main

import (
	"debug/buildinfo"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// bom is a software bill of materials: CycloneDX 1.6, as far as Go's own record of a binary goes.
type bom struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// sbom lists what the linker put into a binary: Go's standard library, and each module in the version that was used.
func (r release) sbom(binary string) (*bom, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	sum, err := sumOf(binary)
	if err != nil {
		return nil, err
	}
	operator := module("application", info.Main.Path, r.version)
	operator.Name = filepath.Base(binary)
	operator.Hashes = []hash{{"SHA-256", sum}}
	list := &bom{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:   metadata{r.time.Format(time.RFC3339), operator},
		Components: []component{module("library", "std", strings.TrimPrefix(info.GoVersion, "go"))},
	}
	for _, used := range info.Deps {
		used = replaced(used)
		list.Components = append(list.Components, module("library", used.Path, used.Version))
	}
	var all []string
	for _, c := range list.Components {
		all = append(all, c.Ref)
	}
	list.Dependencies = []dependency{{operator.Ref, all}}
	return list, nil
}

// replaced is the module that was compiled, where go.mod replaces one by another.
func replaced(m *debug.Module) *debug.Module {
	if m.Replace != nil {
		return m.Replace
	}
	return m
}

// module is named by its package URL, which tells it from all others.
func module(kind, path, version string) component {
	url := "pkg:golang/" + path + "@" + version
	return component{Type: kind, Ref: url, Name: path, Version: version, PURL: url}
}
