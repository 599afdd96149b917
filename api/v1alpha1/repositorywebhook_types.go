package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RepositoryWebhookSpec is the desired webhook of one repository.
type RepositoryWebhookSpec struct {
	// Owner of the repository: the name of a user or an organization, as in octo-org; at most 100 characters. Immutable.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="owner is immutable: delete the object and create another"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]+$')",message="owner must be the name of a user or an organization, as in octo-org"
	Owner string `json:"owner"`
	// Repository is its name without the owner, as in hello-world; at most 100 characters. Immutable.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="repository is immutable: delete the object and create another"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._-]+$') && self != '.' && self != '..'",message="repository must be the repository's name without its owner, as in hello-world"
	Repository string `json:"repository"`

	WebhookSpec `json:",inline"`
	HookSpec    `json:",inline"`
}

// RepositoryWebhook is a webhook of a GitHub repository.
//
// GitHub docs: https://docs.github.com/rest/repos/webhooks
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=githubwebhooks,shortName=repohook
// +kubebuilder:printcolumn:name="Owner",type=string,JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Repository",type=string,JSONPath=`.spec.repository`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Deliveries",type=string,JSONPath=`.status.conditions[?(@.type=="DeliveriesHealthy")].status`
// +kubebuilder:printcolumn:name="Code",type=integer,JSONPath=`.status.lastDelivery.statusCode`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Hook",type=integer,priority=1,JSONPath=`.status.hookID`
// +kubebuilder:printcolumn:name="URL",type=string,priority=1,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Last Delivery",type=date,priority=1,JSONPath=`.status.lastDelivery.deliveredAt`
type RepositoryWebhook struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec RepositoryWebhookSpec `json:"spec"`
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status HookStatus `json:"status,omitempty"`
}

// RepositoryWebhookList is a list of RepositoryWebhooks.
// +kubebuilder:object:root=true
type RepositoryWebhookList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []RepositoryWebhook `json:"items"`
}

// CommonSpec is the part of the spec that every kind has.
func (w *RepositoryWebhook) CommonSpec() *WebhookSpec { return &w.Spec.WebhookSpec }

// CommonStatus is the part of the status that every kind has.
func (w *RepositoryWebhook) CommonStatus() *WebhookStatus { return &w.Status.WebhookStatus }

// HookSpec is the part of the spec that hooks with an ID have.
func (w *RepositoryWebhook) HookSpec() *HookSpec { return &w.Spec.HookSpec }

// HookStatus is the status of a hook with an ID.
func (w *RepositoryWebhook) HookStatus() *HookStatus { return &w.Status }

// StatusID is where the status keeps GitHub's ID of the hook.
func (w *RepositoryWebhook) StatusID() *int64 { return &w.Status.HookID }
