package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// What is on the simulated GitHub, as config/samples has it.
const (
	organization = githubsim.Target("octo-org")
	appSlug      = "hello-app"
	repository   = githubsim.Target("octo-org/hello-world")
)

// namespace is where the samples go.
const namespace = "demo"

// startLimit bounds the start of each part of the control plane, on a machine that is busy with other things.
const startLimit = 2 * time.Minute

// buildOperator builds what users have, once.
func (s *stage) buildOperator(ctx context.Context) (err error) {
	s.binary, err = launch.Plain.Built(ctx)
	return err
}

// findAssets takes KUBEBUILDER_ASSETS, else what hack/envtest finds or builds; that tells on stderr what it is doing.
func (s *stage) findAssets(ctx context.Context) error {
	if s.assets = os.Getenv("KUBEBUILDER_ASSETS"); s.assets != "" {
		return nil // As `make demo` has it.
	}
	var found bytes.Buffer
	find := command(ctx, "go", "-C", filepath.Join("hack", "envtest"), "run", ".")
	find.Stdout, find.Stderr = &found, s.out
	if err := finish(ctx, find); err != nil {
		return err
	}
	s.assets = strings.TrimSpace(found.String())
	return nil
}

// startCluster starts a control plane of the demo's own, whatever the environment says about other clusters.
func (s *stage) startCluster(ctx context.Context) error {
	s.cluster = &envtest.Environment{
		BinaryAssetsDirectory:    s.assets,
		UseExistingCluster:       ptr.To(false),
		ControlPlaneStartTimeout: startLimit,
	}
	s.onClose("control plane", s.cluster.Stop)
	config, err := s.cluster.Start()
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	if err := s.writeKubeconfig(); err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "create", "namespace", namespace)
	if err != nil {
		return err
	}
	s.k8s, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

func (s *stage) kubeconfig() string { return filepath.Join(s.dir, "kubeconfig") }

// writeKubeconfig is the administrator's, in the demo's namespace, so that commands need not name it.
func (s *stage) writeKubeconfig() error {
	config, err := clientcmd.Load(s.cluster.KubeConfig)
	if err != nil {
		return err
	}
	for _, c := range config.Contexts {
		c.Namespace = namespace
	}
	return clientcmd.WriteToFile(*config, s.kubeconfig())
}

// install applies what `make deploy` applies. The cluster has no node, so that the Deployment runs nothing.
func (s *stage) install(ctx context.Context) error {
	if _, err := s.kubectl(ctx, "apply", "--server-side", "-k", filepath.Join("config", "default")); err != nil {
		return err
	}
	_, err := s.kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	return err
}

// startGitHub makes GitHub, a token, and one receiver that plays every host of the samples.
func (s *stage) startGitHub(context.Context) error {
	s.receiver = githubsim.NewTLSReceiver()
	s.onClose("receiver", func() error { s.receiver.Close(); return nil })
	s.github = githubsim.New(githubsim.Options{ReceiverCAs: s.receiver.CertPool()})
	if err := s.github.Start(); err != nil {
		return err
	}
	s.onClose("GitHub", func() error { s.github.Close(); return nil })
	for _, host := range []string{"ci.example.com", "audit.example.com", "app.example.com"} {
		s.github.ResolveHost(host, s.receiver.Address())
	}
	s.github.AddRepository(repository)
	s.token = randomSecret()
	s.app = s.github.AddApp(githubsim.App{
		Slug: appSlug, Owner: string(organization), Webhook: githubsim.Config{URL: "https://old.example.com/hook"},
	})
	s.github.AddToken(githubsim.Token{Value: s.token, Admin: []githubsim.Target{organization}})
	return nil
}

// copySamples copies config/samples with values in the place of those that a user has to fill in.
func (s *stage) copySamples(context.Context) error {
	if err := os.CopyFS(s.samples, os.DirFS(samplesDir)); err != nil {
		return err
	}
	credentials := map[string]string{"token": s.token, "githubURL": s.github.URL()}
	if err := fillInFile(filepath.Join(s.samples, "github_credentials.yaml"), "github", credentials); err != nil {
		return err
	}
	app := map[string]string{"appID": fmt.Sprint(s.app.ID), "privateKey": s.app.PrivateKey, "githubURL": s.github.URL()}
	if err := fillInFile(filepath.Join(s.samples, "app_credentials.yaml"), "github-app", app); err != nil {
		return err
	}
	return s.newHMACSecret()
}

// newHMACSecret puts a new secret into the manifest of the Secret, and makes it the only one that the receiver accepts.
func (s *stage) newHMACSecret() error {
	secret := randomSecret()
	s.receiver.SetSecrets(secret)
	return fillInFile(filepath.Join(s.samples, hmacSecretFile), hmacSecretName, map[string]string{"secret": secret})
}

// randomSecret is what `openssl rand -hex 32` gives.
func randomSecret() string {
	value := make([]byte, 32)
	_, _ = rand.Read(value) // never fails: package crypto/rand
	return hex.EncodeToString(value)
}

// command is one that is told to end when the context does, with all that it started. It is out of the reach of the
// terminal's Ctrl-C, so that the demo decides in which order things end.
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
