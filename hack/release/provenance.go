package main

import (
	"path/filepath"
	"runtime"
)

// statement is in-toto's: it says something, the predicate, about files.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// predicate is SLSA's provenance, version 1: how the files came to be.
type predicate struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]string `json:"externalParameters"`
	InternalParameters   map[string]string `json:"internalParameters"`
	ResolvedDependencies []resource        `json:"resolvedDependencies"`
}

type resource struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

type runDetails struct {
	Builder map[string]string `json:"builder"`
}

// writeProvenance says that the files were made by `make release` from one commit, with one version of Go.
func (r release) writeProvenance() error {
	files, err := r.files()
	if err != nil {
		return err
	}
	var subjects []subject
	for _, f := range files {
		subjects = append(subjects, subject{f.name, map[string]string{"sha256": f.sum}})
	}
	return writeJSON(filepath.Join(r.dir, provenanceFile), statement{
		Type:          "https://in-toto.io/Statement/v1",
		Subject:       subjects,
		PredicateType: "https://slsa.dev/provenance/v1",
		Predicate: predicate{
			BuildDefinition: buildDefinition{
				BuildType:          source + "/blob/" + r.revision + "/Makefile",
				ExternalParameters: map[string]string{"target": "release", "version": r.version},
				InternalParameters: map[string]string{"go": runtime.Version()},
				ResolvedDependencies: []resource{
					{"git+" + source + "@" + r.revision, map[string]string{"gitCommit": r.revision}},
				},
			},
			RunDetails: runDetails{Builder: map[string]string{"id": r.builder}},
		},
	})
}
