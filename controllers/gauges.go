package controllers

import (
	"context"
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// states are those of all objects, as the cache shows them and this process remembers them. A replica that does not lead
// shows none: it would contradict the one that does.
func (op *Operator) states(elected <-chan struct{}) iter.Seq[metrics.State] {
	return func(yield func(metrics.State) bool) {
		select {
		case <-elected:
		default:
			return
		}
		for _, k := range kinds {
			for _, obj := range op.listed(context.Background(), k, client.UnsafeDisableDeepCopy) {
				if !yield(op.state(k, obj)) {
					return
				}
			}
		}
	}
}

// state is where an object stands.
func (op *Operator) state(k kind, obj Webhook) metrics.State {
	status, remembered := obj.CommonStatus(), op.memories.peek(obj.GetUID())
	s := metrics.State{
		Object: countersOf(k, obj), Interval: remembered.interval,
		Synced: lastSync(remembered.synced, status.LastSyncTime, time.Now()),
	}
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		s.Reason, s.Ready = ready.Reason, ready.Status == metav1.ConditionTrue
	}
	if a := status.Applied; a != nil && a.SecretTime != nil {
		s.SecretApplied = a.SecretTime.Time
	}
	if last := status.LastDelivery; last != nil {
		s.Delivered, s.Code = last.DeliveredAt.Time, int(last.StatusCode)
	}
	return s
}
