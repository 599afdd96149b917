package controllers

import (
	"context"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
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
}

// Operator is what the loops of all kinds share.
type Operator struct {
	client.Client
	apiReader       client.Reader // reads past the cache
	credentials     *credentials.Store
	fingerprints    *Fingerprints
	events          *Events
	urls            *lru.Cache[secretKey, string] // from Secrets, so that a quiet poll reads none
	signing         *hiddenSecrets
	overlaps        *lru.Cache[overlap, struct{}] // warned of
	pod             *corev1.Pod
	defaultInterval time.Duration
	started         time.Time
	quoteReceivers  bool
	uses            []secretUse // one for each kind
	rows, seenRoom  *room       // for what is remembered of objects: see memory.go
}

// secretUse is what the objects of one kind have to do with a Secret.
type secretUse struct {
	// any tells whether one refers to it; one that cannot be looked for may.
	any func(ctx context.Context, secret types.NamespacedName) bool
	// pollers are those that look at GitHub with the client made from it.
	pollers func(ctx context.Context, secret types.NamespacedName, c *github.Client) []github.Poller
}

// sweepInterval is how often clients that nobody uses are dropped.
const sweepInterval = 10 * time.Minute

// urlsKept bounds the memory of URLs from Secrets. Losing one costs one read of its Secret.
const urlsKept = 10_000

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
	mgr := o.Manager
	operator := &Operator{
		Client: mgr.GetClient(), apiReader: mgr.GetAPIReader(),
		credentials:  o.Credentials,
		fingerprints: &Fingerprints{Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: o.Namespace},
		events:       NewEvents(mgr.GetEventRecorder("github-webhook-operator"), mgr.GetScheme()),
		rows:         newRoom(maxRows, maxRowsOfOne), seenRoom: newRoom(maxSeen, maxSeenHook),
		urls: urls, signing: signing, overlaps: overlaps, pod: o.Pod, defaultInterval: o.DefaultInterval, started: time.Now(), quoteReceivers: o.QuoteReceivers,
	}
	return operator, mgr.Add(manager.RunnableFunc(operator.sweep))
}

// TokenMAC is a MAC of a token's digest, by which metrics name the token. It is empty while the operator's key is not known.
func (o *Operator) TokenMAC(digest string) string {
	mac, err := o.fingerprints.MAC("budget", digest)
	if err != nil {
		return ""
	}
	return mac
}

// sweep drops, now and then, the clients of credentials that no object refers to any more.
func (o *Operator) sweep(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		o.credentials.Prune(func(secret types.NamespacedName) bool {
			return slices.ContainsFunc(o.uses, func(use secretUse) bool { return use.any(ctx, secret) })
		})
	}, sweepInterval)
	return nil
}
