// Command chart writes what the Helm chart and config/prometheus take from other files of this repository, so that each is
// written by hand in one place only: the CRDs, the operator's rules, and the alerts. `make chart` runs it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Paths from the root of the repository.
const (
	chartDir  = "charts/github-webhook-operator"
	crdBases  = "config/crd/bases"
	roleFile  = "config/rbac/role.yaml"
	alertFile = chartDir + "/files/alerts.yaml"

	crdTemplates  = chartDir + "/templates/crds"
	rulesTemplate = chartDir + "/templates/_rules.tpl"
	ruleManifest  = "config/prometheus/rule.yaml"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := generate(root); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// generate writes all generated files below root.
func generate(root string) error {
	for _, write := range []func(root string) error{writeCRDs, writeRules, writePrometheusRule} {
		if err := write(root); err != nil {
			return err
		}
	}
	return nil
}

// crdHead is where every CRD that controller-gen writes has its annotations.
const crdHead = "metadata:\n  annotations:\n"

// templatedHead has what the chart's values add.
const templatedHead = `metadata:
  labels: {{- include "github-webhook-operator.labels" . | nindent 4 }}
  annotations:
    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
    {{- with .Values.crds.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
`

// writeCRDs makes a template of every CRD: those in a chart's directory crds are never upgraded.
func writeCRDs(root string) error {
	files, err := filepath.Glob(filepath.Join(root, crdBases, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no CRD", crdBases)
	}
	if err := os.RemoveAll(filepath.Join(root, crdTemplates)); err != nil {
		return err
	}
	for _, file := range files {
		crd, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		template, err := crdTemplate(string(crd))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := writeFile(filepath.Join(root, crdTemplates, filepath.Base(file)), template); err != nil {
			return err
		}
	}
	return nil
}

func crdTemplate(crd string) (string, error) {
	crd = strings.TrimPrefix(crd, "---\n")
	if strings.Count(crd, crdHead) != 1 {
		return "", fmt.Errorf("there is not one place that reads %q", crdHead)
	}
	head, rest, _ := strings.Cut(escape(crd), crdHead)
	return "{{- /* Written by `make chart` from " + crdBases + ". */}}\n{{- if .Values.crds.install }}\n" +
		head + templatedHead + rest + "{{- end }}\n", nil
}

// escape keeps Helm from taking braces in a description for its own.
func escape(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }

// writeRules makes a named template of the rules that the RBAC markers ask for, for a ClusterRole or for Roles.
func writeRules(root string) error {
	content, err := os.ReadFile(filepath.Join(root, roleFile))
	if err != nil {
		return err
	}
	var role struct {
		Rules []any `json:"rules"`
	}
	if err := yaml.Unmarshal(content, &role); err != nil {
		return fmt.Errorf("%s: %w", roleFile, err)
	}
	if len(role.Rules) == 0 {
		return fmt.Errorf("%s has no rules", roleFile)
	}
	rules, err := yaml.Marshal(role.Rules)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(root, rulesTemplate), "{{/* Written by `make chart` from "+roleFile+". */}}\n"+
		`{{- define "github-webhook-operator.rules" -}}`+"\n"+string(rules)+"{{- end }}\n")
}

// writePrometheusRule wraps the alerts for those who install with kustomize, whose files may not reach into the chart.
func writePrometheusRule(root string) error {
	alerts, err := os.ReadFile(filepath.Join(root, alertFile))
	if err != nil {
		return err
	}
	var manifest bytes.Buffer
	manifest.WriteString("# Written by `make chart` from " + alertFile + ".\n" + ruleHead)
	for line := range strings.Lines(string(alerts)) {
		if strings.TrimSpace(line) != "" {
			manifest.WriteString("  ")
		}
		manifest.WriteString(line)
	}
	return writeFile(filepath.Join(root, ruleManifest), manifest.String())
}

const ruleHead = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: github-webhook-operator
  namespace: github-webhook-operator
spec:
`

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
