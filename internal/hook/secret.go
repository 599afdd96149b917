package hook

import (
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// ReassertInterval is the least time between two writes made only because somebody else had written to the hook.
const ReassertInterval = time.Hour

// Applied is what the last write to GitHub carried.
type Applied struct {
	// SecretFingerprint of the secret that was written; empty for none.
	SecretFingerprint string
	// URLFingerprint of the URL from a Secret that was written; empty for one in the spec.
	URLFingerprint string
	// UpdatedAt is GitHub's updated_at after the write; zero when unknown.
	UpdatedAt time.Time
	// ReassertedAt is when the secret was last written only because of Foreign; zero for never.
	ReassertedAt time.Time
}

// SecretChanged tells whether the secret is another one than was last written.
func SecretChanged(desired Desired, applied Applied) bool {
	if desired.SecretFingerprint == "" && desired.KeepUnwantedSecret {
		return false
	}
	return desired.SecretFingerprint != applied.SecretFingerprint
}

// Rotated names the fields whose value in a Secret is another one than was last written.
func Rotated(desired Desired, applied Applied) []Field {
	var fields []Field
	if SecretChanged(desired, applied) {
		fields = append(fields, SecretRef)
	}
	if desired.URLFingerprint != applied.URLFingerprint {
		fields = append(fields, URL)
	}
	return fields
}

// Foreign tells whether somebody else wrote to the hook after us.
func Foreign(observed github.Hook, applied Applied) bool {
	return !applied.UpdatedAt.IsZero() && observed.UpdatedAt.After(applied.UpdatedAt)
}

// SecretSuspect tells whether the secret has to be written again because somebody else wrote to the hook: a replaced
// secret shows in nothing but updated_at. It is asked for at most once per ReassertInterval.
func SecretSuspect(desired Desired, observed github.Hook, applied Applied, now time.Time) bool {
	return desired.SecretFingerprint != "" && Foreign(observed, applied) && now.Sub(applied.ReassertedAt) >= ReassertInterval
}
