package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// The tests run Helm, kustomize and the operator's real binary against a real API server, which writes down who asked it
// for what.

// root of the repository.
const root = "../.."

// What all tests share.
var (
	config *rest.Config
	k8s    client.Client
	binary string
	// kubeconfig is the administrator's.
	kubeconfig string
	// auditLog is where the API server writes what ServiceAccounts ask for.
	auditLog string
	// home is where Helm keeps its own files.
	home string
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	if home, err = os.MkdirTemp("", "chart-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(home)
	if binary, err = launch.Plain.Built(context.Background()); err != nil {
		return 1, err
	}
	cluster, err := startCluster()
	if cluster != nil {
		defer func() { _ = cluster.Stop() }()
	}
	if err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// auditPolicy is about ServiceAccounts alone: the operator is one.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
  - level: None
`

func startCluster() (*envtest.Environment, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return nil, fmt.Errorf("KUBEBUILDER_ASSETS is not set: run the tests with `make chart-test`")
	}
	policy := filepath.Join(home, "audit.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	auditLog = filepath.Join(home, "audit.log")
	cluster := &envtest.Environment{BinaryAssetsDirectory: assets}
	cluster.ControlPlane.GetAPIServer().Configure().
		Set("audit-policy-file", policy).Set("audit-log-path", auditLog).Set("audit-log-mode", "blocking")
	var err error
	if config, err = cluster.Start(); err != nil {
		return cluster, err
	}
	config.QPS, config.Burst = -1, -1
	kubeconfig = filepath.Join(home, "kubeconfig")
	if err := os.WriteFile(kubeconfig, cluster.KubeConfig, 0o600); err != nil {
		return cluster, err
	}
	k8s, err = client.New(config, client.Options{Scheme: clientgoscheme.Scheme})
	return cluster, err
}

// toolPaths are the programs of hack/tools that were looked up.
var toolPaths = map[string]string{}

// toolPath has go build one of hack/tools, unless it has, and tells where it is.
func toolPath(ctx context.Context, name string) (string, error) {
	if path, ok := toolPaths[name]; ok {
		return path, nil
	}
	modules, err := filepath.Abs(filepath.Join(root, "hack", "tools", "go.mod"))
	if err != nil {
		return "", err
	}
	path, err := exec.CommandContext(ctx, "go", "tool", "-modfile="+modules, "-n", name).Output()
	if err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	toolPaths[name] = strings.TrimSpace(string(path))
	return toolPaths[name], nil
}

// tool runs one of hack/tools and returns what it prints.
func tool(ctx context.Context, name string, args ...string) (string, error) {
	if name == "helm" && slices.ContainsFunc(args, func(arg string) bool { return arg == "install" || arg == "upgrade" || arg == "template" }) {
		// The chart of the development tree wants an image; what comes after, such as a test's own values, wins.
		i := slices.IndexFunc(args, func(arg string) bool { return strings.HasSuffix(arg, filepath.Base(chartDir)) }) + 1
		args = slices.Insert(slices.Clone(args), max(i, 0), "--values="+filepath.Join(chartDir, "ci", "default-values.yaml"))
	}
	return rawTool(ctx, name, args...)
}

// rawTool runs a tool with these arguments and no others.
func rawTool(ctx context.Context, name string, args ...string) (string, error) {
	path, err := toolPath(ctx, name)
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Dir = root
	c.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig,
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}
