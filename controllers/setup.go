package controllers

import (
	"context"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// Backoff after a failure: controller-runtime's default begins at 5 ms and storms.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Minute
)

// Indexes of objects in the cache, besides claimIndex.
const (
	// secretIndex finds objects by the Secrets they refer to.
	secretIndex = "spec.secrets"
	// targetIndex finds objects by the place on GitHub that they are about, in lower case.
	targetIndex = "spec.target"
)

// kind is what the loop has to know of one kind of object.
type kind[T Webhook] struct {
	name  string
	empty T
	list  func() client.ObjectList
	items func(client.ObjectList) []Webhook
	// target is the same for objects about the same place on GitHub.
	target func(T) string
	place  func(T) place
}

// setUp adds the loop for one kind to the manager.
func setUp[T Webhook](ctx context.Context, mgr ctrl.Manager, o *Operator, k kind[T], concurrency int) error {
	if err := k.index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	seen, err := lru.NewWithEvict(seenHooks, func(uid types.UID, _ github.Hook) { o.seenRoom.release(uid) })
	if err != nil {
		return err
	}
	watches, err := lru.NewWithEvict(seenHooks, func(uid types.UID, _ watch) { o.rows.release(uid) })
	if err != nil {
		return err
	}
	var queue workqueue.TypedRateLimitingInterface[reconcile.Request]
	r := &Reconciler[T]{
		Operator: o, kind: k.name, place: k.place, seen: seen, watches: watches,
		workers: newWorkers(concurrency, func(object reconcile.Request) { queue.Add(object) }),
		claims:  newClaims(mgr.GetClient(), k.list, k.items),
	}
	o.uses = append(o.uses, secretUse{
		any: func(ctx context.Context, secret types.NamespacedName) bool { return r.refersTo(ctx, k, secret) },
		pollers: func(ctx context.Context, secret types.NamespacedName, c *github.Client) []github.Poller {
			return r.pollers(ctx, k, secret, c)
		},
	})
	return ctrl.NewControllerManagedBy(mgr).
		For(k.empty, builder.WithPredicates(changes())).
		Watches(k.empty, handler.EnqueueRequestsFromMapFunc(r.rivals(k)), builder.WithPredicates(deletions())).
		WatchesMetadata(SecretMetadata(), handler.EnqueueRequestsFromMapFunc(r.users(k)), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
			NewQueue: func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
				queue = priorityqueue.New(name, func(o *priorityqueue.Opts[reconcile.Request]) { o.RateLimiter = limiter })
				return queue
			},
		}).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

// changes are those of generation, annotations and deletion; a status written by the loop itself is none.
func changes() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
}

// deletions are objects that went.
func deletions() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

func (k kind[T]) index(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := map[string]func(T) []string{
		secretIndex: func(obj T) []string { return secretNames(obj.CommonSpec()) },
		targetIndex: func(obj T) []string { return []string{strings.ToLower(k.target(obj))} },
		claimIndex: func(obj T) []string {
			if c, ok := claimOf(obj); ok {
				return []string{c.String()}
			}
			return nil
		},
	}
	for field, values := range indexes {
		extract := func(obj client.Object) []string { return values(obj.(T)) }
		if err := indexer.IndexField(ctx, k.empty, field, extract); err != nil {
			return err
		}
	}
	return nil
}

// secretNames lists the Secrets that a spec refers to.
func secretNames(spec *v1alpha1.WebhookSpec) []string {
	names := []string{spec.CredentialsRef.Name}
	if spec.SecretRef != nil {
		names = append(names, spec.SecretRef.Name)
	}
	if spec.URLFrom != nil {
		names = append(names, spec.URLFrom.SecretKeyRef.Name)
	}
	return names
}

// users are the objects that refer to a Secret.
func (r *Reconciler[T]) users(k kind[T]) handler.MapFunc {
	return func(ctx context.Context, secret client.Object) []reconcile.Request {
		return requestsFor(r.referring(ctx, k, client.ObjectKeyFromObject(secret)))
	}
}

// referring lists the objects that refer to a Secret.
func (r *Reconciler[T]) referring(ctx context.Context, k kind[T], secret types.NamespacedName) []Webhook {
	return r.matching(ctx, k, client.InNamespace(secret.Namespace), client.MatchingFields{secretIndex: secret.Name})
}

// pollers are the objects that poll with a Secret's client. There may be thousands, of which nothing is kept or changed.
func (r *Reconciler[T]) pollers(ctx context.Context, k kind[T], secret types.NamespacedName, c *github.Client) []github.Poller {
	var polling []github.Poller
	for _, obj := range r.matching(ctx, k, client.InNamespace(secret.Namespace), client.MatchingFields{secretIndex: secret.Name}, client.UnsafeDisableDeepCopy) {
		spec := obj.CommonSpec()
		if spec.CredentialsRef.Name == secret.Name && !spec.Suspend && obj.GetDeletionTimestamp().IsZero() {
			polling = append(polling, r.poller(obj, r.place(obj.(T)).hooks(c)))
		}
	}
	return polling
}

// refersTo tells whether an object refers to a Secret.
func (r *Reconciler[T]) refersTo(ctx context.Context, k kind[T], secret types.NamespacedName) bool {
	list := k.list()
	err := r.List(ctx, list, client.InNamespace(secret.Namespace), client.MatchingFields{secretIndex: secret.Name}, client.Limit(1))
	return err != nil || len(k.items(list)) > 0
}

// rivals are the objects about the same target as one that went, which may have had what they want. Its metrics and
// reservations go.
func (r *Reconciler[T]) rivals(k kind[T]) handler.MapFunc {
	return func(ctx context.Context, gone client.Object) []reconcile.Request {
		metrics.Object{Kind: k.name, Namespace: gone.GetNamespace(), Name: gone.GetName()}.Forget()
		r.claims.release(gone.GetUID())
		var waiting []Webhook
		for _, obj := range r.matching(ctx, k, client.MatchingFields{targetIndex: strings.ToLower(k.target(gone.(T)))}) {
			if reasonOf(obj) == v1alpha1.ReasonConflict {
				waiting = append(waiting, obj)
			}
		}
		return requestsFor(waiting)
	}
}

func (r *Reconciler[T]) matching(ctx context.Context, k kind[T], opts ...client.ListOption) []Webhook {
	list := k.list()
	if err := r.List(ctx, list, opts...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing objects in the cache failed", "kind", k.name)
		return nil
	}
	return k.items(list)
}

func requestsFor(objects []Webhook) []reconcile.Request {
	requests := make([]reconcile.Request, len(objects))
	for i, obj := range objects {
		requests[i].NamespacedName = client.ObjectKeyFromObject(obj)
	}
	return requests
}

// pointers turns a list's items into objects.
func pointers[E any, P interface {
	*E
	Webhook
}](items []E) []Webhook {
	objects := make([]Webhook, len(items))
	for i := range items {
		objects[i] = P(&items[i])
	}
	return objects
}
