package v1alpha1

// Condition types. Ready, Reconciling and Stalled follow kstatus, so that `kubectl wait`, Flux and Argo CD understand
// them.
const (
	// ConditionReady is True while the hook on GitHub agrees with the spec.
	ConditionReady = "Ready"
	// ConditionDeliveriesHealthy is True while the newest delivery arrived, and Unknown before there is one. A failing
	// receiver never makes Ready False.
	ConditionDeliveriesHealthy = "DeliveriesHealthy"
	// ConditionReconciling is present and True while the operator is still trying; its message says what at.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present and True when trying again is of no use: the object or a Secret has to change.
	ConditionStalled = "Stalled"
)

// ReasonProgressingWithRetry is the reason of Reconciling when the last attempt failed and another one follows.
const ReasonProgressingWithRetry = "ProgressingWithRetry"

// Reasons of Ready.
const (
	// ReasonSynced: GitHub agrees with the spec.
	ReasonSynced = "Synced"
	// ReasonSuspended: spec.suspend is true. Set it to false to go on.
	ReasonSuspended = "Suspended"
	// ReasonDriftDetected: managementPolicy is Observe and the hook differs from the spec; status.drift names the fields.
	ReasonDriftDetected = "DriftDetected"
	// ReasonCredentialsNotFound: the Secret of spec.credentialsRef does not exist. Create it.
	ReasonCredentialsNotFound = "CredentialsNotFound"
	// ReasonCredentialsInvalid: the Secret of spec.credentialsRef cannot be used; the message names the keys.
	ReasonCredentialsInvalid = "CredentialsInvalid"
	// ReasonHostNotAllowed: the credentials name a server that --github-hosts does not list.
	ReasonHostNotAllowed = "HostNotAllowed"
	// ReasonSecretNotFound: the Secret of spec.secretRef or spec.urlFrom, or its key, is missing or empty.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretInvalid: the value of spec.secretRef is not UTF-8, blank, of asterisks only, or over 4 KiB. Make one with
	// `openssl rand -hex 32`.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonURLInvalid: the URL in the Secret of spec.urlFrom is not an http or https URL, or over 2,048 characters.
	ReasonURLInvalid = "URLInvalid"
	// ReasonUnauthorized: GitHub answers 401: the token or key is wrong, expired or revoked. Renew it in the Secret.
	ReasonUnauthorized = "Unauthorized"
	// ReasonForbidden: GitHub answers 403: the credential lacks the permission that the message names, the App's
	// installation is suspended, or access to the repository is blocked.
	ReasonForbidden = "Forbidden"
	// ReasonNotInstalled: the GitHub App is not installed on the repository or organization.
	ReasonNotInstalled = "NotInstalled"
	// ReasonTargetNotFound: GitHub answers 404 for the repository or organization. Either it does not exist, or the
	// credential may not administer its webhooks (classic scope admin:repo_hook, admin:org_hook).
	ReasonTargetNotFound = "TargetNotFound"
	// ReasonHookNotFound: the hook of spec.hookID does not exist, or Observe found none with this URL.
	ReasonHookNotFound = "HookNotFound"
	// ReasonValidationFailed: GitHub answers 422 and refuses the hook; the message has GitHub's own words.
	ReasonValidationFailed = "ValidationFailed"
	// ReasonHookLimitReached: the target has as many hooks for one event as GitHub allows. Delete one.
	ReasonHookLimitReached = "HookLimitReached"
	// ReasonConflict: another hook, or another object's hook, has this URL. The message names it and the ways out.
	ReasonConflict = "Conflict"
	// ReasonAmbiguousMatch: several hooks have this URL. Name one in spec.hookID.
	ReasonAmbiguousMatch = "AmbiguousMatch"
	// ReasonRepositoryArchived: the repository is archived and so read-only. Unarchive it, or delete the object.
	ReasonRepositoryArchived = "RepositoryArchived"
	// ReasonFingerprintKeyMissing: the operator's own Secret, which holds the key of all fingerprints, is missing, and the
	// operator may not make it. Nothing is asked of GitHub until it is there.
	ReasonFingerprintKeyMissing = "FingerprintKeyMissing"
	// ReasonRateLimited: GitHub's rate limit is used up; the message says until when.
	ReasonRateLimited = "RateLimited"
	// ReasonGitHubUnavailable: GitHub answers 5xx or not at all. The operator keeps trying.
	ReasonGitHubUnavailable = "GitHubUnavailable"
	// ReasonDeletionBlocked: the object is being deleted and its hook cannot be; the message says why and the way out.
	ReasonDeletionBlocked = "DeletionBlocked"
)

// Reasons of DeliveriesHealthy, besides Ready's reasons for failures where the deliveries cannot be read.
const (
	// ReasonDelivered: the newest delivery arrived.
	ReasonDelivered = "Delivered"
	// ReasonDeliveryFailed: the newest delivery did not arrive; the message says why and the way out.
	ReasonDeliveryFailed = "DeliveryFailed"
	// ReasonNoDeliveries: GitHub has made no delivery yet, or none in the days for which it keeps them.
	ReasonNoDeliveries = "NoDeliveries"
)

// Reasons of Events, besides Ready's reason for failures.
const (
	// EventCreated: a hook was created on GitHub.
	EventCreated = "Created"
	// EventAdopted: an existing hook was taken over.
	EventAdopted = "Adopted"
	// EventUpdated: a change of the spec was written to GitHub.
	EventUpdated = "Updated"
	// EventDriftRepaired: somebody else had changed the hook, and it was put right.
	EventDriftRepaired = "DriftRepaired"
	// EventSecretApplied: a changed Secret was written to GitHub.
	EventSecretApplied = "SecretApplied"
	// EventDeleted: the hook was deleted on GitHub.
	EventDeleted = "Deleted"
	// EventOrphaned: the object went and its hook was left on GitHub, as the object asked.
	EventOrphaned = "Orphaned"
	// EventHookLeftBehind: the object went and its hook may remain on GitHub, because it could not be deleted.
	EventHookLeftBehind = "HookLeftBehind"
	// EventRenamed: the repository or organization has a new name on GitHub.
	EventRenamed = "Renamed"
	// EventOverlappingHooks: a repository's hook and its organization's send the same events to one URL.
	EventOverlappingHooks = "OverlappingHooks"
	// EventDeliveryFailed: the newest delivery did not arrive.
	EventDeliveryFailed = "DeliveryFailed"
	// EventDeliveryRecovered: deliveries arrive again.
	EventDeliveryRecovered = "DeliveryRecovered"
	// EventPinged: a ping that was asked for arrived.
	EventPinged = "Pinged"
	// EventPingFailed: a ping that was asked for did not arrive.
	EventPingFailed = "PingFailed"
	// EventTested: a test push that was asked for was sent.
	EventTested = "Tested"
	// EventRedelivered: GitHub was asked to send a delivery again.
	EventRedelivered = "Redelivered"
	// EventRedeliveryGivenUp: a delivery failed as often as spec.redelivery allows, or GitHub refuses to send it again.
	EventRedeliveryGivenUp = "RedeliveryGivenUp"
	// EventSecretUnusual: the secret of spec.secretRef ends in a line break, which the receiver may not have.
	EventSecretUnusual = "SecretUnusual"
	// EventReplayFinished: a request for all failed deliveries is done; the message has the outcome.
	EventReplayFinished = "ReplayFinished"
	// EventRequestRefused: a request by annotation does not fit the object, and was not carried out.
	EventRequestRefused = "RequestRefused"
)
