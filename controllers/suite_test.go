package controllers_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim/openapicheck"
)

// The stories run the operator's real binary against a real API server and the GitHub simulator. Each has a namespace, a
// repository and a token of its own; most share one operator.

func TestStories(t *testing.T) {
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(15 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(500 * time.Millisecond)
	SetDefaultConsistentlyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Stories")
}

// operatorNamespace is where the operator's own Secret lives.
const operatorNamespace = "github-webhook-operator-system"

// What all stories share.
var (
	cluster    *envtest.Environment
	config     *rest.Config
	k8s        client.Client
	binary     string // with the race detector, when the stories have it
	plain      string // what users have: for stories about memory, and about so many objects that they take their time
	sim        *githubsim.Server
	openapi    *openapicheck.Checker
	shared     *operator
	assets     = os.Getenv("KUBEBUILDER_ASSETS")
	openapiDir = os.Getenv("GITHUB_OPENAPI_DIR")
)

// The binaries are built once, for all processes that run stories, and before any of them: no timeout counts it.
var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	own, err := tested.Built(ctx)
	Expect(err).NotTo(HaveOccurred())
	users, err := launch.Plain.Built(ctx)
	Expect(err).NotTo(HaveOccurred())
	return []byte(own + "\n" + users)
}, func(ctx SpecContext, built []byte) {
	binary, plain, _ = strings.Cut(string(built), "\n")
	startCluster(ctx)
	startGitHub()
	shared = startOperator(ctx, sharedOperator())
}, NodeTimeout(30*time.Minute))

var _ = AfterSuite(func(ctx SpecContext) {
	if shared != nil {
		expectNoLeak(ctx)
		expectNoPanic()
		shared.stop()
	}
	if openapi != nil {
		Expect(openapi.Exchanges()).To(BeNumerically(">=", min(1, len(sim.Requests()))))
		Expect(openapi.Violations()).To(BeEmpty(), "exchanges that GitHub's own description does not allow")
	}
	if sim != nil {
		sim.Close()
	}
	if cluster != nil {
		Expect(cluster.Stop()).To(Succeed())
	}
})

func startCluster(ctx context.Context) {
	Expect(assets).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run the tests with `make test`")
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())

	cluster = &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join("..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	var err error
	config, err = cluster.Start()
	Expect(err).NotTo(HaveOccurred())
	config.QPS, config.Burst = -1, -1
	k8s, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}})).To(Succeed())
}

// startGitHub holds every exchange against GitHub's own description, where it is at hand.
func startGitHub() {
	options := githubsim.Options{
		UnstableEvents: true, DeliveryTimeout: 2 * time.Second, DeliveriesKept: 3000, RequestsKept: 100_000,
	}
	if openapiDir != "" {
		description, err := openapicheck.Load(openapiDir, openapicheck.GitHub)
		Expect(err).NotTo(HaveOccurred())
		openapi = description.NewChecker()
		options.OnExchange = openapi.Check
	}
	sim = githubsim.New(options)
	Expect(sim.Start()).To(Succeed())
}
