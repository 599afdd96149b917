package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AppWebhookConfigSpec is the desired webhook configuration of the GitHub App whose key the credentials hold.
type AppWebhookConfigSpec struct {
	WebhookSpec `json:",inline"`
}

// AppWebhookConfigStatus is the status of a GitHub App's webhook configuration.
type AppWebhookConfigStatus struct {
	WebhookStatus `json:",inline"`
	// AppID of the App whose configuration this is.
	// +optional
	AppID int64 `json:"appID,omitempty"`
}

// AppWebhookConfig is the webhook configuration of a GitHub App. GitHub cannot delete it, so deleting the object leaves
// the configuration as it is.
//
// GitHub docs: https://docs.github.com/rest/apps/webhooks
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=githubwebhooks,shortName=apphook
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Deliveries",type=string,JSONPath=`.status.conditions[?(@.type=="DeliveriesHealthy")].status`
// +kubebuilder:printcolumn:name="Code",type=integer,JSONPath=`.status.lastDelivery.statusCode`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="App ID",type=integer,priority=1,JSONPath=`.status.appID`
// +kubebuilder:printcolumn:name="URL",type=string,priority=1,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Last Delivery",type=date,priority=1,JSONPath=`.status.lastDelivery.deliveredAt`
type AppWebhookConfig struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec AppWebhookConfigSpec `json:"spec"`
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status AppWebhookConfigStatus `json:"status,omitempty"`
}

// AppWebhookConfigList is a list of AppWebhookConfigs.
// +kubebuilder:object:root=true
type AppWebhookConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AppWebhookConfig `json:"items"`
}

// CommonSpec is the part of the spec that every kind has.
func (w *AppWebhookConfig) CommonSpec() *WebhookSpec { return &w.Spec.WebhookSpec }

// CommonStatus is the part of the status that every kind has.
func (w *AppWebhookConfig) CommonStatus() *WebhookStatus { return &w.Status.WebhookStatus }

// StatusID is where the status keeps GitHub's ID of the App.
func (w *AppWebhookConfig) StatusID() *int64 { return &w.Status.AppID }
