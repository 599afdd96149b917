package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

// leaveBehind reports a hook that stays on GitHub although its object goes or turns away from it: in an Event, a log line
// and a metric.
func (op *Operator) leaveBehind(ctx context.Context, o *object, id int64, why string) {
	note := fmt.Sprintf("%s on %s may remain: %s. Delete it there if it is not wanted", remains(o, id), o.status.Server, why)
	o.logger(ctx).Info("Left hook behind", "hookID", id, "server", o.status.Server, "why", why)
	metrics.LeftBehind.WithLabelValues(o.kind.name).Inc()
	op.events.Warning(o.Webhook, v1alpha1.EventHookLeftBehind, fmt.Sprint(id), note)
	if terminating, err := op.isNamespaceTerminating(ctx, o); op.pod != nil && (terminating || err != nil) {
		// No Event can be written there any more: the operator's own Pod gets it.
		op.events.Warning(op.pod, v1alpha1.EventHookLeftBehind, fmt.Sprint(id), fmt.Sprintf("In namespace %q: %s", o.GetNamespace(), note))
	}
}

// remains names the hook that may still be on GitHub.
func remains(o *object, id int64) string {
	if id == 0 {
		return fmt.Sprintf("The webhook that may have been created for the %s", o.target)
	}
	return fmt.Sprintf("Webhook %d of the %s", id, o.target)
}

func (op *Operator) isNamespaceTerminating(ctx context.Context, o *object) (bool, error) {
	var namespace corev1.Namespace
	err := op.apiReader.Get(ctx, client.ObjectKey{Name: o.GetNamespace()}, &namespace)
	return !namespace.DeletionTimestamp.IsZero(), err
}
