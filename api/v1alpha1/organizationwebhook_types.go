package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OrganizationWebhookSpec is the desired webhook of one organization.
type OrganizationWebhookSpec struct {
	// Organization is its login, as in octo-org; at most 100 characters. Immutable.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="organization is immutable: delete the object and create another"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]+$')",message="organization must be the organization's login, as in octo-org"
	Organization string `json:"organization"`

	WebhookSpec `json:",inline"`
	HookSpec    `json:",inline"`
}

// OrganizationWebhook is a webhook of a GitHub organization.
//
// GitHub docs: https://docs.github.com/rest/orgs/webhooks
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=githubwebhooks,shortName=orghook
// +kubebuilder:printcolumn:name="Organization",type=string,JSONPath=`.spec.organization`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Deliveries",type=string,JSONPath=`.status.conditions[?(@.type=="DeliveriesHealthy")].status`
// +kubebuilder:printcolumn:name="Code",type=integer,JSONPath=`.status.lastDelivery.statusCode`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Hook",type=integer,priority=1,JSONPath=`.status.hookID`
// +kubebuilder:printcolumn:name="URL",type=string,priority=1,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Last Delivery",type=date,priority=1,JSONPath=`.status.lastDelivery.deliveredAt`
type OrganizationWebhook struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec OrganizationWebhookSpec `json:"spec"`
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status HookStatus `json:"status,omitempty"`
}

// OrganizationWebhookList is a list of OrganizationWebhooks.
// +kubebuilder:object:root=true
type OrganizationWebhookList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []OrganizationWebhook `json:"items"`
}

// CommonSpec is the part of the spec that every kind has.
func (w *OrganizationWebhook) CommonSpec() *WebhookSpec { return &w.Spec.WebhookSpec }

// CommonStatus is the part of the status that every kind has.
func (w *OrganizationWebhook) CommonStatus() *WebhookStatus { return &w.Status.WebhookStatus }

// HookSpec is the part of the spec that hooks with an ID have.
func (w *OrganizationWebhook) HookSpec() *HookSpec { return &w.Spec.HookSpec }

// HookStatus is the status of a hook with an ID.
func (w *OrganizationWebhook) HookStatus() *HookStatus { return &w.Status }

// StatusID is where the status keeps GitHub's ID of the hook.
func (w *OrganizationWebhook) StatusID() *int64 { return &w.Status.HookID }
