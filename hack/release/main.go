// Command release adds to a directory of built files what a release tells about them: it packs the chart again so that
// building twice gives the same bytes, lists the modules in each binary (CycloneDX), and says what was built from what
// (an in-toto statement with SLSA provenance) and with which SHA-256 sums. `make release` runs it.
//
// It signs nothing: the release workflow signs SHA256SUMS, and what else it publishes, with its own identity.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// release is what all files have in common.
type release struct {
	// dir has the files.
	dir string
	// version is that of the operator, as v1.2.3.
	version string
	// revision is the Git commit.
	revision string
	// time of that commit: nothing may depend on when the release is built.
	time time.Time
	// builder is a URI that names who built it.
	builder string
}

// Files that this command writes.
const (
	sumsFile       = "SHA256SUMS"
	provenanceFile = "provenance.json"
	sbomSuffix     = ".cdx.json"
)

// source is where the project lives.
const source = "https://github.com/github-webhooks/github-webhook-operator"

func main() {
	var r release
	var seconds int64
	flag.StringVar(&r.dir, "dir", "dist", "Directory of the files")
	flag.StringVar(&r.version, "version", "", "Version of the operator")
	flag.StringVar(&r.revision, "revision", "", "Git commit that it is built from")
	flag.Int64Var(&seconds, "time", 0, "Time of that commit, in seconds since 1970")
	flag.StringVar(&r.builder, "builder", source+"/blob/main/Makefile", "URI of who builds it")
	flag.Parse()
	r.time = time.Unix(seconds, 0).UTC()
	if err := r.complete(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// complete writes everything. The sums come last, and cover the rest.
func (r release) complete() error {
	for _, write := range []func() error{r.repackCharts, r.writeSBOMs, r.writeProvenance, r.writeSums} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// repackCharts gives all files in a chart's archive the commit's time, where Helm puts the clock's.
func (r release) repackCharts() error {
	charts, err := filepath.Glob(filepath.Join(r.dir, "*.tgz"))
	if err != nil {
		return err
	}
	for _, chart := range charts {
		if err := repack(chart, r.time); err != nil {
			return fmt.Errorf("%s: %w", chart, err)
		}
	}
	return nil
}

// writeSBOMs lists the modules of each binary beside it.
func (r release) writeSBOMs() error {
	binaries, err := filepath.Glob(filepath.Join(r.dir, "github-webhook-operator_*_*"))
	if err != nil {
		return err
	}
	if len(binaries) == 0 {
		return fmt.Errorf("%s has no binary", r.dir)
	}
	for _, binary := range binaries {
		bom, err := r.sbom(binary)
		if err != nil {
			return fmt.Errorf("%s: %w", binary, err)
		}
		if err := writeJSON(binary+sbomSuffix, bom); err != nil {
			return err
		}
	}
	return nil
}

// writeSums is what `sha256sum --check` reads.
func (r release) writeSums() error {
	files, err := r.files()
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, file := range files {
		fmt.Fprintf(&sums, "%s  %s\n", file.sum, file.name)
	}
	return writeFile(filepath.Join(r.dir, sumsFile), []byte(sums.String()))
}

// file of a release, with its SHA-256 sum in hexadecimal.
type file struct{ name, sum string }

// files are those that are there, in the order of their names.
func (r release) files() ([]file, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, entry := range entries {
		sum, err := sumOf(filepath.Join(r.dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, file{entry.Name(), sum})
	}
	return files, nil
}

func sumOf(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

func writeJSON(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(content, '\n'))
}

func writeFile(path string, content []byte) error {
	return os.WriteFile(path, content, 0o644)
}
