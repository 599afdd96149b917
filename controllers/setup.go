package controllers

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
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
)

// SetUp adds the loops of all kinds to the manager, each with so many workers.
func SetUp(ctx context.Context, mgr ctrl.Manager, op *Operator, concurrency int) error {
	return errors.Join(
		setUp(ctx, mgr, op, repositoryWebhooks, &v1alpha1.RepositoryWebhook{}, concurrency),
		setUp(ctx, mgr, op, organizationWebhooks, &v1alpha1.OrganizationWebhook{}, concurrency),
		setUp(ctx, mgr, op, appWebhookConfigs, &v1alpha1.AppWebhookConfig{}, concurrency),
	)
}

// setUp adds the loop for one kind to the manager.
func setUp[T Webhook](ctx context.Context, mgr ctrl.Manager, op *Operator, k kind, empty T, concurrency int) error {
	if err := index(ctx, mgr.GetFieldIndexer(), k, empty); err != nil {
		return err
	}
	var queue workqueue.TypedRateLimitingInterface[reconcile.Request]
	r := &Reconciler[T]{
		Operator: op, kind: k, workers: newWorkers(concurrency, func(object reconcile.Request) { queue.Add(object) }),
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(empty, builder.WithPredicates(changes())).
		Watches(empty, handler.EnqueueRequestsFromMapFunc(op.gone(k)), builder.WithPredicates(deletions())).
		WatchesMetadata(SecretMetadata(), handler.EnqueueRequestsFromMapFunc(op.users(k)), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
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

// index the objects of a kind by what they are looked for.
func index(ctx context.Context, indexer client.FieldIndexer, k kind, empty Webhook) error {
	indexes := map[string]func(Webhook) []string{
		secretIndex: func(obj Webhook) []string { return secretNames(obj.CommonSpec()) },
		targetIndex: func(obj Webhook) []string { return []string{k.target(obj).key()} },
		claimIndex: func(obj Webhook) []string {
			if c, ok := claimOf(k, obj); ok {
				return []string{c.String()}
			}
			return nil
		},
	}
	for field, values := range indexes {
		extract := func(obj client.Object) []string { return values(obj.(Webhook)) }
		if err := indexer.IndexField(ctx, empty, field, extract); err != nil {
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

// users are the objects of a kind that refer to a Secret.
func (op *Operator) users(k kind) handler.MapFunc {
	return func(ctx context.Context, secret client.Object) []reconcile.Request {
		return requestsFor(op.listed(ctx, k, referring(client.ObjectKeyFromObject(secret))...))
	}
}

// gone forgets an object that went, and finds those about the same target that may now have what they want.
func (op *Operator) gone(k kind) handler.MapFunc {
	return func(ctx context.Context, gone client.Object) []reconcile.Request {
		countersOf(k, gone).Forget()
		op.claims.release(gone.GetUID())
		op.memories.forget(gone.GetUID())
		var waiting []Webhook
		for _, obj := range op.listed(ctx, k, client.MatchingFields{targetIndex: k.target(gone.(Webhook)).key()}) {
			if ready := meta.FindStatusCondition(obj.CommonStatus().Conditions, v1alpha1.ConditionReady); ready != nil && ready.Reason == v1alpha1.ReasonConflict {
				waiting = append(waiting, obj)
			}
		}
		return requestsFor(waiting)
	}
}

func requestsFor(objects []Webhook) []reconcile.Request {
	requests := make([]reconcile.Request, len(objects))
	for i, obj := range objects {
		requests[i].NamespacedName = client.ObjectKeyFromObject(obj)
	}
	return requests
}
