package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LocalReference names a Secret in the object's own namespace.
type LocalReference struct {
	// Name of the Secret, in the object's own namespace; at most 253 characters.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// SecretKeyReference names a key of a Secret in the object's own namespace.
type SecretKeyReference struct {
	// Name of the Secret, in the object's own namespace; at most 253 characters.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key of the Secret that holds the value; at most 253 characters.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// HMACSecretReference names the key of a Secret with which GitHub signs deliveries.
type HMACSecretReference struct {
	// Name of the Secret, in the object's own namespace; at most 253 characters.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key of the Secret that holds the signing secret; at most 253 characters. Default: secret.
	// +kubebuilder:default=secret
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
}

// URLSource says where else than in the object the URL stands.
type URLSource struct {
	// SecretKeyRef names the Secret, and the key in it, that hold the URL.
	SecretKeyRef SecretKeyReference `json:"secretKeyRef"`
}

// ContentType is how GitHub encodes the payload.
// +kubebuilder:validation:Enum=json;form
type ContentType string

// Content types, as GitHub's config.content_type.
const (
	// ContentTypeJSON sends the payload as the body.
	ContentTypeJSON ContentType = "json"
	// ContentTypeForm sends the payload as the form parameter "payload".
	ContentTypeForm ContentType = "form"
)

// ManagementPolicy says whether the operator writes to GitHub.
// +kubebuilder:validation:Enum=Manage;Observe
type ManagementPolicy string

// Management policies.
const (
	// Manage makes GitHub agree with the spec.
	Manage ManagementPolicy = "Manage"
	// Observe writes nothing to GitHub and reports in status what differs.
	Observe ManagementPolicy = "Observe"
)

// EventsPolicy says what happens to events that the hook has and the spec has not.
// +kubebuilder:validation:Enum=Exact;AtLeast
type EventsPolicy string

// Events policies.
const (
	// EventsExact removes them.
	EventsExact EventsPolicy = "Exact"
	// EventsAtLeast keeps them, even those that left the spec.
	EventsAtLeast EventsPolicy = "AtLeast"
)

// AdoptionPolicy says what happens when the target already has a hook with this URL.
// +kubebuilder:validation:Enum=Never;MatchURL
type AdoptionPolicy string

// Adoption policies.
const (
	// AdoptNever leaves it alone and reports a Conflict.
	AdoptNever AdoptionPolicy = "Never"
	// AdoptMatchURL takes it over.
	AdoptMatchURL AdoptionPolicy = "MatchURL"
)

// DeletionPolicy says what happens to the hook on GitHub when the object is deleted.
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

// Deletion policies.
const (
	// DeletionDelete deletes the hook.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionOrphan leaves the hook on GitHub.
	DeletionOrphan DeletionPolicy = "Orphan"
)

// RedeliverySpec says which failed deliveries are sent again. GitHub never does so by itself.
type RedeliverySpec struct {
	// MaxAttempts is how often one event (guid) is sent again at most: 1 to 10. Default: 3.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	// +optional
	MaxAttempts int32 `json:"maxAttempts,omitempty"`
	// Within is the age up to which a delivery is sent again: a duration such as 90m or 24h, at most 72h, since GitHub keeps
	// deliveries for 3 days. Default: 24h.
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$')",message="within must be a duration such as 30m, 24h or 1h30m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$') || duration(self) <= duration('72h')",message="within must be at most 72h: GitHub keeps deliveries for 3 days"
	// +optional
	Within *metav1.Duration `json:"within,omitempty"`
	// Backoff is waited before the first attempt, and doubled before each further one: a duration such as 30s or 5m, at least
	// 1s. Default: 1m.
	// +kubebuilder:default="1m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$')",message="backoff must be a duration such as 30s, 1m or 1h30m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$') || duration(self) >= duration('1s')",message="backoff must be at least 1s"
	// +optional
	Backoff *metav1.Duration `json:"backoff,omitempty"`
	// Events are those whose deliveries are sent again, by name, as in push: at most 100 names of 100 characters. Default: all.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=100
	// +optional
	Events []string `json:"events,omitempty"`
}

// WebhookSpec is what every kind has.
// +kubebuilder:validation:XValidation:rule="has(self.url) != has(self.urlFrom)",message="exactly one of url and urlFrom must be set"
// +kubebuilder:validation:XValidation:rule="!has(self.redelivery) || !has(self.managementPolicy) || self.managementPolicy != 'Observe'",message="redelivery cannot be combined with managementPolicy Observe, which writes nothing to GitHub"
type WebhookSpec struct {
	// CredentialsRef names the Secret that says how to reach GitHub. Its keys: token; or appID and privateKey, for a GitHub App;
	// and where they are needed installationID, githubURL (default https://github.com) and ca.crt. Secrets made for Flux, Argo
	// CD or actions-runner-controller are understood as they are.
	CredentialsRef LocalReference `json:"credentialsRef"`
	// URL that deliveries go to: it begins with https:// or http:// and has at most 2048 characters. Exactly one of url and
	// urlFrom is set.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="url must begin with https:// or http:// and name a host, as in https://ci.example.com/github"
	// +optional
	URL string `json:"url,omitempty"`
	// URLFrom takes the URL from a Secret, for receivers that put a token into it. It is then shown nowhere. Exactly one of url
	// and urlFrom is set.
	// +optional
	URLFrom *URLSource `json:"urlFrom,omitempty"`
	// ContentType is how GitHub encodes the payload. json: it is the body. form: it is the form parameter "payload".
	// Default: json.
	// +kubebuilder:default=json
	// +optional
	ContentType ContentType `json:"contentType,omitempty"`
	// InsecureSSL true makes GitHub deliver without verifying the receiver's certificate. Default: false.
	// +kubebuilder:default=false
	// +optional
	InsecureSSL bool `json:"insecureSSL,omitempty"`
	// SecretRef names the Secret, and the key in it, with which GitHub signs deliveries. Absent: the webhook has no secret.
	// +optional
	SecretRef *HMACSecretReference `json:"secretRef,omitempty"`
	// ManagementPolicy says whether the operator writes to GitHub. Manage: GitHub is made to agree with the spec. Observe: what
	// differs and how deliveries fare is reported in the status, and nothing is written. Default: Manage.
	// +kubebuilder:default=Manage
	// +optional
	ManagementPolicy ManagementPolicy `json:"managementPolicy,omitempty"`
	// Interval is how often GitHub is looked at, for drift and for deliveries: a duration such as 90s or 10m, at least 30s.
	// Default: the operator's --default-interval, which is 10m unless it was set otherwise.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$')",message="interval must be a duration such as 30s, 10m or 1h30m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(\\\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$') || duration(self) >= duration('30s')",message="interval must be at least 30s"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`
	// Suspend true leaves GitHub alone until it is false again. Deletion still works. Default: false.
	// +kubebuilder:default=false
	// +optional
	Suspend bool `json:"suspend,omitempty"`
	// Redelivery sends failed deliveries again. Absent: none. It cannot be combined with managementPolicy Observe.
	// +optional
	Redelivery *RedeliverySpec `json:"redelivery,omitempty"`
}

// HookSpec is what the hooks of repositories and organizations have besides.
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.hookID) || (has(self.hookID) && self.hookID == oldSelf.hookID)",message="hookID cannot change once set: delete the object (deletionPolicy Orphan keeps the hook) and create another"
type HookSpec struct {
	// Events that are delivered, named as in GitHub's docs ("Webhook events and payloads"), as in pull_request, or "*" alone for
	// all: 1 to 100 distinct names of at most 100 characters. Default: ["push"].
	// +kubebuilder:default={"push"}
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self.all(e, self.exists_one(o, o == e))",message="events must be distinct",messageExpression="'events must be distinct, and \"' + self.filter(e, !self.exists_one(o, o == e))[0] + '\" is there more than once'"
	// +kubebuilder:validation:XValidation:rule="!('*' in self) || size(self) == 1",message="the event \"*\" stands for all events and must be the only one"
	// +kubebuilder:validation:XValidation:rule="self.all(e, e.matches('^([*]|[a-z][a-z0-9_]*)$'))",message="events are named in lower case as in GitHub's docs, as in pull_request",messageExpression="'events are named in lower case as in GitHub\\'s docs, as in pull_request, and not \"' + self.filter(e, !e.matches('^([*]|[a-z][a-z0-9_]*)$'))[0] + '\"'"
	// +optional
	Events []string `json:"events,omitempty"`
	// EventsPolicy says what becomes of events that the webhook has and the spec has not. Exact: they are removed. AtLeast: they
	// stay, even those that left the spec. Default: Exact.
	// +kubebuilder:default=Exact
	// +optional
	EventsPolicy EventsPolicy `json:"eventsPolicy,omitempty"`
	// Active false keeps the webhook and delivers nothing. Default: true.
	// +kubebuilder:default=true
	// +optional
	Active *bool `json:"active,omitempty"`
	// AdoptionPolicy says what happens when there is a webhook with this URL already. Never: it is left alone, and Ready is
	// False with reason Conflict. MatchURL: it is taken over, if it is the only one. Default: Never.
	// +kubebuilder:default=Never
	// +optional
	AdoptionPolicy AdoptionPolicy `json:"adoptionPolicy,omitempty"`
	// HookID takes over exactly this webhook, by GitHub's ID of it: at least 1. It cannot change once set.
	// +kubebuilder:validation:Minimum=1
	// +optional
	HookID int64 `json:"hookID,omitempty"`
	// DeletionPolicy says what becomes of the webhook when the object is deleted. Delete: it is deleted, too. Orphan: it stays on
	// GitHub. Default: Delete.
	// +kubebuilder:default=Delete
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// Applied is what the last write to GitHub carried. It makes a restart free.
type Applied struct {
	// Time of the write.
	Time metav1.Time `json:"time"`
	// SecretTime is when the secret was last written; absent without a secret.
	// +optional
	SecretTime *metav1.Time `json:"secretTime,omitempty"`
	// SecretFingerprint is an HMAC of the secret under a key of the operator's own; empty without a secret.
	// +optional
	SecretFingerprint string `json:"secretFingerprint,omitempty"`
	// SecretResourceVersion of the Secret that was read last; while it stands the Secret need not be read again.
	// +optional
	SecretResourceVersion string `json:"secretResourceVersion,omitempty"`
	// URLFingerprint is an HMAC of the URL under a key of the operator's own; only of a URL that came from a Secret.
	// +optional
	URLFingerprint string `json:"urlFingerprint,omitempty"`
	// HookUpdatedAt is GitHub's updated_at after the write; a later one means that someone else wrote.
	// +optional
	HookUpdatedAt *metav1.Time `json:"hookUpdatedAt,omitempty"`
	// ReassertedTime is when the secret was last written only because someone else had written to the hook, which
	// happens at most once an hour.
	// +optional
	ReassertedTime *metav1.Time `json:"reassertedTime,omitempty"`
}

// Creating is written before a hook is created, and cleared by the write that stores its ID.
type Creating struct {
	// Time shortly before the request.
	Time metav1.Time `json:"time"`
	// URLFingerprint is an HMAC of the URL under a key of the operator's own.
	URLFingerprint string `json:"urlFingerprint"`
}

// LastDelivery is the newest delivery in GitHub's log of the hook.
type LastDelivery struct {
	// ID of the delivery; a string because GitHub's exceed 2^53.
	ID string `json:"id"`
	// GUID of the event, shared by its redeliveries; the receiver sees it as X-GitHub-Delivery.
	GUID string `json:"guid"`
	// Event that was delivered.
	Event string `json:"event"`
	// Action within the event.
	// +optional
	Action string `json:"action,omitempty"`
	// Status in GitHub's words; "OK" when it arrived.
	Status string `json:"status"`
	// StatusCode that the receiver answered with; 0 when it did not.
	StatusCode int32 `json:"statusCode"`
	// DeliveredAt is when it was sent.
	DeliveredAt metav1.Time `json:"deliveredAt"`
	// Duration until the receiver had answered, as in "30ms".
	// +optional
	Duration string `json:"duration,omitempty"`
	// Redelivery is true when it was sent again.
	// +optional
	Redelivery bool `json:"redelivery,omitempty"`
	// ThrottledAt is when GitHub held it back.
	// +optional
	ThrottledAt *metav1.Time `json:"throttledAt,omitempty"`
}

// Deliveries counts the newest 100 deliveries in GitHub's log of the hook.
type Deliveries struct {
	// Since is the oldest one's time.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
	// Total number of events.
	Total int32 `json:"total"`
	// Failed is the number of events of which no delivery arrived.
	Failed int32 `json:"failed"`
	// Redelivered is the number of deliveries that were sent again.
	Redelivered int32 `json:"redelivered"`
	// LastSuccessTime is when the newest delivery that arrived was sent.
	// +optional
	LastSuccessTime *metav1.Time `json:"lastSuccessTime,omitempty"`
	// LastFailureTime is when the newest delivery that failed was sent.
	// +optional
	LastFailureTime *metav1.Time `json:"lastFailureTime,omitempty"`
}

// Redelivering is an event that GitHub was asked to deliver again: it does not show in GitHub's log yet, or GitHub refused.
type Redelivering struct {
	// GUID of the event.
	GUID string `json:"guid"`
	// RequestedAt is when GitHub was asked.
	RequestedAt metav1.Time `json:"requestedAt"`
	// Refused is true when GitHub refused: it is not asked for this event again.
	// +optional
	Refused bool `json:"refused,omitempty"`
}

// WebhookStatus is what every kind has.
type WebhookStatus struct {
	// ObservedGeneration is the generation that the conditions speak of; -1 before the first.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Server that the hook is on, as in https://github.com. IDs are unique per server only.
	// +optional
	Server string `json:"server,omitempty"`
	// SettingsURL is the page on which a person sees the hook.
	// +optional
	SettingsURL string `json:"settingsURL,omitempty"`
	// LastSyncTime is when GitHub was last seen or made to agree. It is brought up to date by every write of the status, and
	// alone at most once an hour; the metric github_webhook_last_sync_timestamp_seconds has the exact time.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
	// Drift names the fields of the spec in which the hook differs; only with managementPolicy Observe.
	// +listType=atomic
	// +optional
	Drift []string `json:"drift,omitempty"`
	// Applied is what the last write to GitHub carried.
	// +optional
	Applied *Applied `json:"applied,omitempty"`
	// LastDelivery is the newest delivery.
	// +optional
	LastDelivery *LastDelivery `json:"lastDelivery,omitempty"`
	// Deliveries counts the newest 100.
	// +optional
	Deliveries *Deliveries `json:"deliveries,omitempty"`
	// Redelivering are the events that GitHub was asked to deliver again in the last minutes, and those for which it
	// refused, until spec.redelivery.within is over.
	// +listType=map
	// +listMapKey=guid
	// +kubebuilder:validation:MaxItems=400
	// +optional
	Redelivering []Redelivering `json:"redelivering,omitempty"`
	// HandledRequests holds, by the annotation's name without its prefix, the value that was carried out last.
	// +optional
	HandledRequests map[string]string `json:"handledRequests,omitempty"`
	// Conditions: Ready, DeliveriesHealthy, and Reconciling or Stalled while they are true.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// HookStatus is the status of a repository's or organization's hook.
type HookStatus struct {
	WebhookStatus `json:",inline"`
	// HookID of the hook on GitHub.
	// +optional
	HookID int64 `json:"hookID,omitempty"`
	// Creating is present while a hook may have been created whose ID is not stored yet.
	// +optional
	Creating *Creating `json:"creating,omitempty"`
}
