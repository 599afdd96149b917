package github

import (
	"fmt"
	"io"
	"unique"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

const redacted = redact.Mark

// Secret is a value that is sent to GitHub and shown to nobody: a token, a key, a webhook's secret or its URL. It prints
// as [redacted] through fmt, slog, logr and encoders of JSON and text; only this package can look inside.
//
// The value lies behind a pointer, because fmt prints the fields of a struct that are not exported without asking their
// methods. Two Secrets of the same value are equal under ==. The zero Secret is empty.
type Secret struct {
	value unique.Handle[string]
}

// NewSecret hides a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// IsZero tells whether there is no value.
func (s Secret) IsZero() bool { return s == Secret{} }

// reveal is the value, for what goes to GitHub.
func (s Secret) reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.value.Value()
}

// String is [redacted], or nothing where there is no value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString is what %#v shows.
func (s Secret) GoString() string { return fmt.Sprintf("github.Secret(%q)", s.String()) }

// Format keeps every verb of fmt, %x and %d included, from showing the value or its address.
func (s Secret) Format(state fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && state.Flag('#') {
		text = s.GoString()
	}
	_, _ = io.WriteString(state, text) // fmt has no place for an error
}

// MarshalText is what encoders of JSON, YAML and log fields show.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
