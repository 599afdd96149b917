// Package hook decides what a webhook on GitHub should look like and how it differs from what is there.
//
// Everything here is a pure function of its arguments: no clock, no network, no Kubernetes. Secrets are compared by
// fingerprint, because GitHub never gives one back. Fields are named, values never returned: a URL can carry a token.
// Reading and writing GitHub is left to package github, when to do it to package controllers.
package hook

import (
	"slices"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Field is a field of the spec, by the name that users write.
type Field string

// Fields that can drift, in the order of the API.
const (
	URL         Field = "url"
	ContentType Field = "contentType"
	InsecureSSL Field = "insecureSSL"
	SecretRef   Field = "secretRef"
	Events      Field = "events"
	Active      Field = "active"
)

// AllEvents is the event that stands for all events, alone in a list.
const AllEvents = "*"

// Desired is a hook as the spec wants it.
type Desired struct {
	// URL that deliveries go to.
	URL string
	// URLFingerprint of a URL that came from a Secret; empty for one in the spec.
	URLFingerprint string
	// ContentType is json or form.
	ContentType string
	// InsecureSSL true: GitHub doesn't verify the receiver's certificate.
	InsecureSSL bool
	// SecretFingerprint is the HMAC secret's fingerprint; empty when the hook shall have no secret.
	SecretFingerprint string
	// KeepUnwantedSecret leaves a secret alone that the hook has and the spec has not. GitHub documents no way to remove
	// an App's.
	KeepUnwantedSecret bool
	// Events that the hook is subscribed to; nil where the place has none to configure (an App's configuration).
	Events []string
	// KeepOtherEvents adds events that are missing and removes none (eventsPolicy AtLeast).
	KeepOtherEvents bool
	// Active nil: the place cannot be switched on and off over the API.
	Active *bool
}

// Drift names the fields in which observed visibly differs from desired, in the order of the API. Of the secret only its
// presence is visible; SecretChanged and Foreign tell the rest.
func Drift(desired Desired, observed github.Hook) []Field {
	differs := map[Field]bool{
		URL:         observed.Config.URL != desired.URL,
		ContentType: contentType(observed) != desired.ContentType,
		InsecureSSL: observed.Config.InsecureSSL != desired.InsecureSSL,
		SecretRef:   secretDiffers(desired, observed),
		Events:      eventsDiffer(desired, observed.Events),
		Active:      desired.Active != nil && observed.Active != *desired.Active,
	}
	return choose(func(f Field) bool { return differs[f] && !observed.Unknown.Has(properties[f]) })
}

// Unknown names the fields that observed shows in a form that cannot be read, in the order of the API: they are neither
// drift nor agreement.
func Unknown(desired Desired, observed github.Hook) []Field {
	return choose(func(f Field) bool {
		wanted := f != Events && f != Active || f == Events && desired.Events != nil || f == Active && desired.Active != nil
		return wanted && observed.Unknown.Has(properties[f])
	})
}

// properties are where GitHub shows the fields.
var properties = map[Field]github.Property{
	URL: github.PropertyURL, ContentType: github.PropertyContentType, InsecureSSL: github.PropertyInsecureSSL,
	SecretRef: github.PropertySecret, Events: github.PropertyEvents, Active: github.PropertyActive,
}

// choose among the fields, in the order of the API.
func choose(chosen func(Field) bool) []Field {
	var fields []Field
	for _, f := range []Field{URL, ContentType, InsecureSSL, SecretRef, Events, Active} {
		if chosen(f) {
			fields = append(fields, f)
		}
	}
	return fields
}

// contentType is form where GitHub shows none: GitHub docs, "Create a repository webhook", content_type.
func contentType(h github.Hook) string {
	if h.Config.ContentType == "" {
		return "form"
	}
	return h.Config.ContentType
}

func secretDiffers(desired Desired, observed github.Hook) bool {
	wanted, has := desired.SecretFingerprint != "", observed.Config.Secret != ""
	return wanted && !has || has && !wanted && !desired.KeepUnwantedSecret
}

// eventsDiffer compares sets: GitHub answers in the order sent or sorted.
func eventsDiffer(desired Desired, observed []string) bool {
	if desired.Events == nil {
		return false
	}
	if len(missing(desired.Events, observed)) > 0 {
		return true
	}
	return !desired.KeepOtherEvents && len(missing(observed, desired.Events)) > 0
}

// missing lists the events of want that have does not contain. A hook with all events misses none.
func missing(want, have []string) []string {
	if slices.Contains(have, AllEvents) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(want), func(e string) bool { return slices.Contains(have, e) })
}
