// Package v1alpha1 holds the three kinds that make GitHub webhooks Kubernetes objects: RepositoryWebhook,
// OrganizationWebhook and AppWebhookConfig.
//
// It promises that what the API server accepts can be decoded and carried out: bounds, defaults and rules stand in the
// markers beside each field and so in the CRDs. What GitHub makes of it is decided elsewhere; this package imports
// nothing but apimachinery, so that other programs can use the types cheaply.
//
// +kubebuilder:object:generate=true
// +groupName=github-webhooks.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: "github-webhooks.dev", Version: "v1alpha1"}

// AddToScheme registers the kinds of this package with a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&RepositoryWebhook{}, &RepositoryWebhookList{},
		&OrganizationWebhook{}, &OrganizationWebhookList{},
		&AppWebhookConfig{}, &AppWebhookConfigList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// Finalizer keeps a RepositoryWebhook or OrganizationWebhook until its hook on GitHub is deleted or let go.
const Finalizer = "github-webhooks.dev/finalizer"

// Annotations that ask for something to be done once. Each distinct value is carried out once and noted in
// status.handledRequests.
const (
	// AnnotationReconcile asks the operator to look at GitHub now, not at the next interval.
	AnnotationReconcile = "github-webhooks.dev/reconcile"
	// AnnotationPing asks GitHub to send a ping event to the hook.
	AnnotationPing = "github-webhooks.dev/ping"
	// AnnotationTest asks GitHub to send the repository's latest push to the hook.
	AnnotationTest = "github-webhooks.dev/test"
	// AnnotationRedeliver asks GitHub to send deliveries again: "failed", a guid or a delivery id, each with an optional
	// "@nonce" that makes the same request distinct.
	AnnotationRedeliver = "github-webhooks.dev/redeliver"
)
