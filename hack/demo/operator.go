package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// What config/default calls the operator.
const operatorName = "github-webhook-operator"

// operator is the operator's real binary.
type operator struct {
	*launch.Process
	// log is the file that it writes to.
	log string
}

// startOperator runs the binary as the ServiceAccount of its manifests, and waits until it is ready.
func (s *stage) startOperator(ctx context.Context) error {
	config, err := s.operatorKubeconfig()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "operator.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	process, err := launch.Start(launch.Options{Path: s.binary, Log: log, Args: []string{
		"--kubeconfig=" + config,
		"--namespace=" + operatorName,
		"--github-hosts=" + s.github.URL(),
		"--metrics-bind-address=0",
		"--leader-elect=false",
		"--zap-encoder=console",
		"--zap-stacktrace-level=panic", // The end of the log explains a failure, and stacks would fill it.
	}})
	if err != nil {
		return err
	}
	s.operator = &operator{process, log.Name()}
	s.onClose("operator", process.Stop)
	return s.until(ctx, "the operator is ready", process.Ready)
}

// operatorKubeconfig leads to the API server with the rights of the operator's ServiceAccount and no others.
func (s *stage) operatorKubeconfig() (string, error) {
	user, err := s.cluster.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + operatorName + ":" + operatorName,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorName},
	}, nil)
	if err != nil {
		return "", err
	}
	config, err := user.KubeConfig()
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, "operator.kubeconfig")
	return path, os.WriteFile(path, config, 0o600)
}

// operatorSaid is the end of the operator's log, as the end of an error.
func (s *stage) operatorSaid() string {
	if s.operator == nil {
		return ""
	}
	log, err := os.ReadFile(s.operator.log)
	if err != nil {
		return ""
	}
	return "\nThe operator said last:\n" + indent(launch.Tail(string(log)))
}

// ownGroup keeps the terminal's Ctrl-C from a process.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
