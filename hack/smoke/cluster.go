package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// operatorName is what config/default calls the operator, its namespace and its ServiceAccount.
const operatorName = "github-webhook-operator"

// startLimit bounds the start of each part of the control plane, on a machine that is busy with other things.
const startLimit = 2 * time.Minute

// cluster is a control plane on this machine with the operator's manifests in it, and the operator's binary beside it.
type cluster struct {
	// root is the top directory of the repository.
	root string
	// dir holds what is written, readable for its owner alone; it goes at the end.
	dir     string
	binary  string
	assets  string
	control *envtest.Environment
	k8s     client.Client
}

// startCluster builds and starts everything that stays on this machine. The function it returns stops it.
func startCluster(ctx context.Context, out io.Writer, root string) (*cluster, func(), error) {
	if _, err := os.Stat(filepath.Join(root, "config", "default")); err != nil {
		return nil, nil, fmt.Errorf("%w: start the smoke test with `make smoke` in the top directory of the repository", err)
	}
	dir, err := os.MkdirTemp("", "github-webhook-operator-smoke-")
	if err != nil {
		return nil, nil, err
	}
	c := &cluster{root: root, dir: dir}
	stop := func() {
		if err := c.close(); err != nil {
			fmt.Fprintf(out, "Stopping the control plane: %v\n", err)
		}
	}
	fmt.Fprintln(out, "Building the operator and starting a control plane for it (some minutes the first time)")
	built := make(chan error, 1)
	go func() { built <- c.build(ctx, out) }() // It takes as long as all the rest.
	for _, part := range []func(context.Context, io.Writer) error{c.findAssets, c.start, c.install} {
		if err = cmp.Or(err, ctx.Err()); err == nil {
			err = part(ctx, out)
		}
	}
	err = cmp.Or(err, <-built, ctx.Err())
	if err != nil {
		stop()
		return nil, nil, err
	}
	return c, stop, nil
}

// close stops everything and removes the files, the store with the credential among them.
func (c *cluster) close() error {
	var err error
	if c.control != nil {
		err = c.control.Stop()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

func (c *cluster) kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

func (c *cluster) operatorKubeconfig() string { return filepath.Join(c.dir, "operator.kubeconfig") }

// build builds what users have.
func (c *cluster) build(ctx context.Context, _ io.Writer) (err error) {
	c.binary, err = launch.Plain.Built(ctx)
	return err
}

// findAssets takes KUBEBUILDER_ASSETS, else what hack/envtest finds or builds; that tells on stderr what it is doing.
func (c *cluster) findAssets(ctx context.Context, out io.Writer) error {
	if c.assets = os.Getenv("KUBEBUILDER_ASSETS"); c.assets != "" {
		return nil // As `make smoke` has it.
	}
	var found bytes.Buffer
	find := command(ctx, "go", "-C", filepath.Join(c.root, "hack", "envtest"), "run", ".")
	find.Stdout, find.Stderr = &found, out
	err := finish(ctx, find)
	c.assets = strings.TrimSpace(found.String())
	return err
}

// start starts a control plane of the run's own, whatever the environment says about other clusters.
func (c *cluster) start(context.Context, io.Writer) error {
	c.control = &envtest.Environment{
		BinaryAssetsDirectory:    c.assets,
		UseExistingCluster:       ptr.To(false),
		ControlPlaneStartTimeout: startLimit,
	}
	config, err := c.control.Start()
	if err != nil {
		return err
	}
	user, err := c.control.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + operatorName + ":" + operatorName,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorName},
	}, nil)
	if err != nil {
		return err
	}
	theOperators, err := user.KubeConfig()
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(
		os.WriteFile(c.kubeconfig(), c.control.KubeConfig, 0o600),
		os.WriteFile(c.operatorKubeconfig(), theOperators, 0o600),
		clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme),
	); err != nil {
		return err
	}
	c.k8s, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

// install applies what `make deploy` applies. The cluster has no node, so that the Deployment runs nothing.
func (c *cluster) install(ctx context.Context, _ io.Writer) error {
	for _, args := range [][]string{
		{"apply", "--server-side", "-k", filepath.Join(c.root, "config", "default")},
		{"wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"},
	} {
		kubectl := command(ctx, filepath.Join(c.assets, "kubectl"), args...)
		// The caches and preferences in the home of whoever runs this are left alone.
		kubectl.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig(), "KUBECACHEDIR="+filepath.Join(c.dir, "cache"), "KUBERC=off")
		var said bytes.Buffer
		kubectl.Stdout, kubectl.Stderr = &said, &said
		if err := finish(ctx, kubectl); err != nil {
			return fmt.Errorf("%w: %s", err, said.String())
		}
	}
	return nil
}

// command is one that is told to end when the context does, with all that it started. It is out of the reach of the
// terminal's Ctrl-C, so that the run decides in which order things end.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.SysProcAttr = ownGroup()
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	c.WaitDelay = 15 * time.Second // hack/envtest gives go 10 s to end a build.
	return c
}

// finish runs a command. The context's end is the better error than what the command says about it.
func finish(ctx context.Context, c *exec.Cmd) error {
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w", filepath.Base(c.Path), err)
	}
	return nil
}
