package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// What config/default calls the operator, its namespace and its ServiceAccount.
const operatorName = "github-webhook-operator"

// startLimit bounds the start of each part of the control plane, on a machine that is busy with other things.
const startLimit = 2 * time.Minute

// stage is all that the benchmark starts, and the way back.
type stage struct {
	options
	operatorBinary, limitedBinary string

	out io.Writer
	// dir holds what the benchmark writes besides its results; it goes at the end.
	dir      string
	config   *rest.Config
	k8s      client.Client
	scheme   *runtime.Scheme
	api      *apiProxy
	receiver *githubsim.Receiver
	operator *operator
	cleanups []func() error
}

func newStage(out io.Writer, o options) (*stage, error) {
	binary, err := findBinary(o.operator)
	if err != nil {
		return nil, err
	}
	limitedBinary := ""
	if o.limited > 0 {
		if limitedBinary, err = findBinary(o.limitedOperator); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "github-webhook-operator-bench-")
	if err != nil {
		return nil, err
	}
	s := &stage{options: o, operatorBinary: binary, limitedBinary: limitedBinary, out: out, dir: dir, scheme: runtime.NewScheme()}
	s.onClose(func() error { return os.RemoveAll(dir) })
	return s, errors.Join(clientgoscheme.AddToScheme(s.scheme), v1alpha1.AddToScheme(s.scheme))
}

// findBinary is where the operator's binary is, from wherever it is started.
func findBinary(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", fmt.Errorf("the operator's binary: %w", err)
	}
	return path, nil
}

func (s *stage) onClose(do func() error) { s.cleanups = append(s.cleanups, do) }

// close stops everything, the last first.
func (s *stage) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		if err := s.cleanups[i](); err != nil {
			s.say("Cleaning up: %v", err)
		}
	}
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// startCluster starts a control plane of the benchmark's own, whatever the environment says about other clusters, and
// installs what `make deploy` does. There is no node, so that the Deployment runs nothing.
func (s *stage) startCluster(ctx context.Context) error {
	s.say("Starting etcd and kube-apiserver, and installing config/default")
	cluster := &envtest.Environment{
		BinaryAssetsDirectory:    s.assets,
		UseExistingCluster:       ptr.To(false),
		ControlPlaneStartTimeout: startLimit,
	}
	s.onClose(cluster.Stop)
	config, err := cluster.Start()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1
	s.config = config
	if s.k8s, err = client.New(config, client.Options{Scheme: s.scheme}); err != nil {
		return err
	}
	if err := s.install(ctx, cluster.KubeConfig); err != nil {
		return err
	}
	account, err := cluster.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + operatorName + ":" + operatorName,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorName},
	}, nil)
	if err != nil {
		return err
	}
	if s.api, err = newAPIProxy(account.Config()); err != nil {
		return err
	}
	s.onClose(s.api.close)
	s.receiver = githubsim.NewReceiver()
	s.onClose(func() error { s.receiver.Close(); return nil })
	return nil
}

func (s *stage) install(ctx context.Context, kubeconfig []byte) error {
	path := filepath.Join(s.dir, "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"apply", "--server-side", "-k", filepath.Join(s.root, "config", "default")},
		{"wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"},
	} {
		c := exec.CommandContext(ctx, filepath.Join(s.assets, "kubectl"), args...)
		c.Env = append(os.Environ(), "KUBECONFIG="+path, "KUBECACHEDIR="+filepath.Join(s.dir, "cache"), "KUBERC=off")
		if said, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl %s: %w: %s", args[0], err, said)
		}
	}
	return nil
}
