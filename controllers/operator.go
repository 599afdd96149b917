package controllers

import (
	"context"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

// Options of NewOperator.
type Options struct {
	// Manager that runs the loops.
	Manager manager.Manager
	// Credentials are the clients by Secret.
	Credentials *credentials.Store
	// Namespace of the operator's own Secret.
	Namespace string
	// Pod that the operator runs in; nil outside a cluster.
	Pod *corev1.Pod
	// QuoteReceivers repeats in Events what receivers answer to failed deliveries.
	QuoteReceivers bool
	// DefaultInterval between polls of objects that set none.
	DefaultInterval time.Duration
	// Registerer of the objects' gauges; nil shows none.
	Registerer prometheus.Registerer
}

// Operator is what the loops of all kinds share.
type Operator struct {
	client.Client
	apiReader       client.Reader // reads past the cache
	credentials     *credentials.Store
	fingerprints    *Fingerprints
	events          *Events
	claims          *claims
	memories        *memories
	urls            *lru.Cache[secretKey, string]         // from Secrets, so that a quiet poll reads none
	signing         *lru.Cache[secretKey, *redact.Secret] // signing secrets by what no text may show of them
	overlaps        *lru.Cache[overlap, struct{}]         // warned of
	pod             *corev1.Pod
	defaultInterval time.Duration
	started         time.Time
	quoteReceivers  bool
}

// secretKey names a value in a Secret's state.
type secretKey struct {
	secret          types.NamespacedName
	key             string
	resourceVersion string
}

// overlap is what was warned of already.
type overlap struct{ repository, organization, events string }

// Bounds of what is remembered by more than one object. Losing a value from a Secret costs one read of it, and losing an
// overlap an Event more.
const (
	urlsKept      = 10_000
	secretsHidden = 10_000
	overlapsKept  = 10_000
)

// NewOperator makes what the loops of all kinds share.
func NewOperator(o Options) (*Operator, error) {
	urls, err := lru.New[secretKey, string](urlsKept)
	if err != nil {
		return nil, err
	}
	signing, err := lru.New[secretKey, *redact.Secret](secretsHidden)
	if err != nil {
		return nil, err
	}
	overlaps, err := lru.New[overlap, struct{}](overlapsKept)
	if err != nil {
		return nil, err
	}
	memories, err := newMemories()
	if err != nil {
		return nil, err
	}
	mgr := o.Manager
	operator := &Operator{
		Client: mgr.GetClient(), apiReader: mgr.GetAPIReader(), credentials: o.Credentials,
		fingerprints: &Fingerprints{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: o.Namespace},
		events:       NewEvents(mgr.GetEventRecorder("github-webhook-operator"), mgr.GetScheme()),
		claims:       newClaims(mgr.GetClient()), memories: memories, urls: urls, signing: signing, overlaps: overlaps,
		pod: o.Pod, defaultInterval: o.DefaultInterval, started: time.Now(), quoteReceivers: o.QuoteReceivers,
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(metrics.NewCollector(operator.states(mgr.Elected()))); err != nil {
			return nil, err
		}
	}
	return operator, mgr.Add(manager.RunnableFunc(operator.sweep))
}

// TokenMAC is a MAC of a token's digest, by which metrics name the token. It is empty while the operator's key is not known.
func (op *Operator) TokenMAC(digest string) string {
	mac, err := op.fingerprints.MAC("budget", digest)
	if err != nil {
		return ""
	}
	return mac
}

// interval between polls that a spec asks for.
func (op *Operator) interval(spec *v1alpha1.WebhookSpec) time.Duration {
	if i := spec.Interval; i != nil {
		return i.Duration
	}
	return op.defaultInterval
}

// sweepInterval is how often clients that nobody uses are dropped.
const sweepInterval = 10 * time.Minute

// sweep drops, now and then, the clients of credentials that no object refers to any more.
func (op *Operator) sweep(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		op.credentials.Prune(func(secret types.NamespacedName) bool {
			return slices.ContainsFunc(kinds, func(k kind) bool { return op.isReferredTo(ctx, k, secret) })
		})
	}, sweepInterval)
	return nil
}

// Indexes of objects in the cache, besides claimIndex.
const (
	// secretIndex finds objects by the Secrets they refer to.
	secretIndex = "spec.secrets"
	// targetIndex finds objects by the key of their target.
	targetIndex = "spec.target"
)

// referring are the options of a list of the objects that refer to a Secret.
func referring(secret types.NamespacedName, more ...client.ListOption) []client.ListOption {
	return append(more, client.InNamespace(secret.Namespace), client.MatchingFields{secretIndex: secret.Name})
}

// isReferredTo reports whether an object of a kind refers to a Secret; one that cannot be looked for may.
func (op *Operator) isReferredTo(ctx context.Context, k kind, secret types.NamespacedName) bool {
	users, err := k.list(ctx, op, referring(secret, client.Limit(1))...)
	return err != nil || len(users) > 0
}

// listed are a kind's objects in the cache. Where they cannot be listed, which is logged, there are none.
func (op *Operator) listed(ctx context.Context, k kind, opts ...client.ListOption) []Webhook {
	objects, err := k.list(ctx, op, opts...)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing objects in the cache failed", "kind", k.name)
	}
	return objects
}
