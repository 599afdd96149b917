// Command manager is the operator: flags, manager, wiring; nothing else.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // Logins that kubeconfigs use.
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// version is stamped by the linker.
var version = "devel"

// limitsTimeScale makes the hours of GitHub's limits shorter, and lets every server have the limits of github.com. The
// linker stamps one for benchmarks against a simulator of github.com; users cannot.
var limitsTimeScale string

// gracePeriod for passes in hand after SIGTERM; less than the Deployment's terminationGracePeriodSeconds.
const gracePeriod = 30 * time.Second

// A leader renews its lease every 2 s, gives up when it could not for renewDeadline, and is succeeded after leaseDuration.
const (
	renewDeadline = 10 * time.Second
	leaseDuration = 15 * time.Second
)

func main() {
	o := parseFlags()
	if o.version {
		fmt.Println(version)
		return
	}
	capVerbosity(&o.zap)
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.zap)))
	log.SetOutput(unquoted{})
	limitMemory()
	ctx := ctrl.SetupSignalHandler()
	context.AfterFunc(ctx, exitInTime)
	if err := run(ctx, o); err != nil {
		ctrl.Log.Error(err, "The operator stopped")
		os.Exit(1)
	}
}

// limitMemory makes the garbage collector work harder before the container's limit is reached, of which the Deployment tells
// in MEMORY_LIMIT, in bytes. A tenth is left for what the Go runtime does not count.
func limitMemory() {
	debug.SetGCPercent(50) // Memory is dearer than the little garbage of a quiet operator.
	limit, err := strconv.ParseInt(os.Getenv("MEMORY_LIMIT"), 10, 64)
	if err == nil && limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// exitInTime ends the process where the manager does not: it waits for its caches, which never come without the rights to
// read, whatever signal arrives.
func exitInTime() {
	time.AfterFunc(gracePeriod+5*time.Second, func() {
		ctrl.Log.Info("The manager did not stop in time")
		os.Exit(1)
	})
}

type options struct {
	githubHosts             string
	receiverBodyInEvents    bool
	defaultInterval         time.Duration
	watchNamespaces         string
	watchLabelSelector      string
	maxConcurrentReconciles int
	metricsBindAddress      string
	metricsSecure           bool
	metricsCertPath         string
	healthProbeBindAddress  string
	leaderElect             bool
	leaderElectionNamespace string
	namespace               string
	version                 bool
	zap                     zap.Options
}

func parseFlags() *options {
	o := &options{}
	flag.StringVar(&o.githubHosts, "github-hosts", "github.com",
		"GitHub servers that the operator may talk to, comma-separated: github.com, ghe.example.com, *.ghe.com, http://127.0.0.1:8080")
	flag.BoolVar(&o.receiverBodyInEvents, "receiver-body-in-events", false,
		"Quote the first 200 printable characters of a failed receiver's answer in Events, unless its URL comes from a Secret")
	flag.DurationVar(&o.defaultInterval, "default-interval", 10*time.Minute, "How often drift is looked for on objects that set no interval")
	flag.StringVar(&o.watchNamespaces, "watch-namespaces", "", "Namespaces to watch, comma-separated (default all)")
	flag.StringVar(&o.watchLabelSelector, "watch-label-selector", "", "Only objects with these labels, to shard them over several operators (default all)")
	flag.IntVar(&o.maxConcurrentReconciles, "max-concurrent-reconciles", 10, "Passes at the same time, per kind")
	flag.StringVar(&o.metricsBindAddress, "metrics-bind-address", ":8443", "Where metrics are served; 0 turns them off")
	flag.BoolVar(&o.metricsSecure, "metrics-secure", true, "Serve metrics over HTTPS to those whom the cluster authorizes")
	flag.StringVar(&o.metricsCertPath, "metrics-cert-path", "",
		"Folder with tls.crt and tls.key for metrics, read again when they change (default one that the operator signs itself)")
	flag.StringVar(&o.healthProbeBindAddress, "health-probe-bind-address", ":8081", "Where /healthz and /readyz are served")
	flag.BoolVar(&o.leaderElect, "leader-elect", true, "Let one of several replicas work at a time")
	flag.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "Namespace of the leader's Lease (default the operator's own)")
	flag.StringVar(&o.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "Namespace of the operator's own Secret (default from POD_NAMESPACE)")
	flag.BoolVar(&o.version, "version", false, "Print the version and exit")
	o.zap.BindFlags(flag.CommandLine)
	flag.Parse()
	return o
}

// maxVerbosity is the most that is logged: from 6 on client-go writes out requests, from 8 on the Secrets in them.
const maxVerbosity = 5

// capVerbosity keeps secrets out of the log, whatever --zap-log-level says.
func capVerbosity(o *zap.Options) {
	if o.Level != nil && o.Level.Enabled(zapcore.Level(-maxVerbosity-1)) {
		o.Level = zapcore.Level(-maxVerbosity)
	}
}

// unquoted takes what net/http logs by itself. It quotes what a server sent unasked, in which a token can be.
type unquoted struct{}

// Write says that there was something.
func (unquoted) Write(text []byte) (int, error) {
	ctrl.Log.V(1).Info("A connection brought something that net/http complains of; its words may hold a server's and are left out")
	return len(text), nil
}

func run(ctx context.Context, o *options) error {
	if o.namespace == "" {
		return fmt.Errorf("--namespace is needed outside a Pod: name the namespace for the operator's own Secret")
	}
	if o.defaultInterval < time.Second {
		return fmt.Errorf("--default-interval is %s: it must be at least 1s", o.defaultInterval)
	}
	hosts, err := github.ParseHosts(o.githubHosts)
	if err != nil {
		return fmt.Errorf("--github-hosts: %w", err)
	}
	if err := o.checkMetricsCertificate(); err != nil {
		return err
	}
	leadership := &controllers.Leadership{For: renewDeadline}
	mgr, err := newManager(o, leadership)
	if err != nil {
		return err
	}
	permit := leadership.Check
	if !o.leaderElect {
		permit = nil
	}
	operator, err := newOperator(mgr, o, hosts, permit)
	if err != nil {
		return err
	}
	if err := controllers.SetUp(ctx, mgr, operator, o.maxConcurrentReconciles); err != nil {
		return err
	}
	if o.healthProbeBindAddress != "0" {
		if err := mgr.Add(controllers.Probes(o.healthProbeBindAddress, mgr.GetCache(), operator)); err != nil {
			return err
		}
	}
	ctrl.Log.Info("Starting", "version", version, "githubHosts", o.githubHosts)
	return mgr.Start(ctx)
}

func newManager(o *options, leadership *controllers.Leadership) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))

	cacheOptions, err := o.cache()
	if err != nil {
		return nil, err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	// The API server's own fairness limits the operator; the client's default of 20 a second would slow a fleet down.
	config.QPS, config.Burst = -1, -1
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions,
		Metrics:                       o.metrics(),
		HealthProbeBindAddress:        "0", // Probes answers instead: the manager's own keeps the reason to itself.
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "github-webhook-operator" + o.shard(),
		LeaderElectionNamespace:       cmp.Or(o.leaderElectionNamespace, o.namespace),
		LeaderElectionReleaseOnCancel: true,
		LeaderElectionConfig:          leadership.Watch(config),
		LeaseDuration:                 ptr.To(leaseDuration),
		RenewDeadline:                 ptr.To(renewDeadline),
		GracefulShutdownTimeout:       ptr.To(gracePeriod),
	})
}

// cache keeps the objects, without managedFields, and of Secrets the names and versions only.
func (o *options) cache() (cache.Options, error) {
	selector, err := labels.Parse(o.watchLabelSelector)
	if err != nil {
		return cache.Options{}, fmt.Errorf("--watch-label-selector: %w", err)
	}
	ours := cache.ByObject{Label: selector}
	options := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.RepositoryWebhook{}:   ours,
			&v1alpha1.OrganizationWebhook{}: ours,
			&v1alpha1.AppWebhookConfig{}:    ours,
			controllers.SecretMetadata():    {Transform: controllers.StripSecretMetadata},
		},
	}
	for _, namespace := range o.namespaces() {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options, nil
}

// metrics are authenticated and authorized by the cluster, as kubebuilder has it.
func (o *options) metrics() metricsserver.Options {
	m := metricsserver.Options{BindAddress: o.metricsBindAddress, SecureServing: o.metricsSecure, CertDir: o.metricsCertPath}
	if o.metricsSecure {
		m.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return m
}

// checkMetricsCertificate refuses what would pass in silence: where a file is missing, the metrics server signs a certificate
// of its own, and Prometheus would find out.
func (o *options) checkMetricsCertificate() error {
	switch {
	case o.metricsCertPath == "" || o.metricsBindAddress == "0":
		return nil
	case !o.metricsSecure:
		return errors.New("--metrics-cert-path has no use with --metrics-secure=false: leave one of them out")
	}
	dir := o.metricsCertPath
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")); err != nil {
		return fmt.Errorf("--metrics-cert-path: %w: put a certificate and its key there as tls.crt and tls.key, "+
			"or leave the flag out", err)
	}
	return nil
}

// namespaces to watch, sorted; none is all.
func (o *options) namespaces() []string {
	names := strings.FieldsFunc(o.watchNamespaces, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(names)
	return slices.Compact(names)
}

// shard tells the Leases of operators apart that share a namespace and not their objects. The rights name the Lease: the
// chart computes the same (github-webhook-operator.lease), and docs/security.md says how.
func (o *options) shard() string {
	objects := o.watchLabelSelector
	if namespaces := o.namespaces(); len(namespaces) > 0 {
		objects += "\n" + strings.Join(namespaces, ",")
	}
	if objects == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(objects))
	return fmt.Sprintf("-%x", sum[:4])
}

func newOperator(mgr ctrl.Manager, o *options, hosts github.Hosts, permit func() error) (*controllers.Operator, error) {
	scale, err := strconv.ParseFloat(cmp.Or(limitsTimeScale, "1"), 64)
	if err != nil {
		return nil, fmt.Errorf("limitsTimeScale, stamped by the linker: %w", err)
	}
	var operator *controllers.Operator
	budgets := github.NewBudgets(github.BudgetOptions{
		Observer:            metrics.GitHub{},
		MAC:                 func(digest string) string { return operator.TokenMAC(digest) },
		TimeScale:           scale,
		PublishedEverywhere: limitsTimeScale != "",
	})
	breakers := github.NewBreakers(nil)
	kept, bodies := github.NewKeptAnswers(), github.NewBodies()
	store := credentials.NewStore(func(c credentials.Credentials) (*github.Client, error) {
		return github.NewClient(github.Options{
			Budgets:   budgets,
			Breakers:  breakers,
			Kept:      kept,
			Bodies:    bodies,
			Observer:  metrics.GitHub{},
			Server:    c.Server,
			Hosts:     hosts,
			Token:     c.Token,
			App:       c.App,
			RootCAs:   c.RootCAs,
			UserAgent: "github-webhook-operator/" + version,
			Permit:    permit,
		})
	})
	operator, err = controllers.NewOperator(controllers.Options{
		Manager:         mgr,
		Credentials:     store,
		Namespace:       o.namespace,
		Pod:             ownPod(o.namespace),
		QuoteReceivers:  o.receiverBodyInEvents,
		DefaultInterval: o.defaultInterval,
		Registerer:      ctrlmetrics.Registry,
	})
	return operator, err
}

// ownPod is the Pod that the operator runs in, as the downward API names it; nil outside a cluster.
func ownPod(namespace string) *corev1.Pod {
	name, uid := os.Getenv("POD_NAME"), os.Getenv("POD_UID")
	if name == "" {
		return nil
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(uid)}}
}
