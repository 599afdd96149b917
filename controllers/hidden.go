package controllers

import (
	"context"
	"errors"
	"slices"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/redact"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// All that a server said passes through here before it stands in a status, an Event or a log line.

const (
	// maxWords and maxName bound what is repeated, in characters.
	maxWords = 500
	maxName  = 200
)

// words are a server's, without secrets. Of a URL that came from a Secret nothing is repeated: they can hold any part of it,
// its host included. Nothing is repeated either while the signing secret is not known.
func (op *Operator) words(ctx context.Context, o *object, in *inputs, said string) string {
	hidden, known := op.hidden(ctx, o, in, true)
	if o.spec.URLFrom != nil || !known {
		return ""
	}
	return redact.Line(said, maxWords, hidden...)
}

// shows reports whether a name that a server sent can be shown as it is.
func (op *Operator) shows(ctx context.Context, o *object, in *inputs, said string) bool {
	hidden, _ := op.hidden(ctx, o, in, false)
	return said == redact.Line(said, maxName, hidden...)
}

// named are deliveries with those names only that can be shown.
func (op *Operator) named(ctx context.Context, o *object, in *inputs, rows ...github.Delivery) []github.Delivery {
	hidden, _ := op.hidden(ctx, o, in, false)
	shown := map[string]string{}
	name := func(said string) string {
		if _, known := shown[said]; !known {
			shown[said] = redact.Line(said, maxName, hidden...)
		}
		return shown[said]
	}
	named := slices.Clone(rows)
	for i := range named {
		d := &named[i]
		d.GUID, d.Event, d.Action = name(d.GUID), name(d.Event), name(d.Action)
	}
	return named
}

// hidden are the secrets that no text of a server may show, and whether these are all of them. To know them all the Secret
// may have to be read.
func (op *Operator) hidden(ctx context.Context, o *object, in *inputs, read bool) (secrets []*redact.Secret, all bool) {
	if in.client != nil {
		secrets = in.client.Hides()
	}
	switch {
	case o.spec.URLFrom == nil && read: // A name may have in common with it what every reader of the spec sees.
		secrets = append(secrets, redact.URL(o.spec.URL))
	case o.spec.URLFrom != nil && in.desired.URL != "":
		secrets = append(secrets, redact.Address(in.desired.URL))
	}
	if o.spec.SecretRef == nil {
		return secrets, true
	}
	if !in.secret.value.IsZero() {
		return append(secrets, in.secret.value.Hidden()), true
	}
	signing, all := op.hiddenSigning(ctx, o, read)
	if signing != nil {
		secrets = append(secrets, signing)
	}
	return secrets, all
}

// hiddenSigning is the secret of spec.secretRef, read where it was not read in this version. One that is only observed may
// not exist.
func (op *Operator) hiddenSigning(ctx context.Context, o *object, read bool) (*redact.Secret, bool) {
	ref := o.spec.SecretRef
	version, err := op.secretVersion(ctx, o, ref.Name)
	if err != nil {
		return nil, false
	}
	if known, ok := op.signing.Get(secretKey{o.inNamespace(ref.Name), ref.Key, version}); ok {
		return known, true
	}
	if !read {
		return nil, false
	}
	value, version, err := op.secretValue(ctx, o, ref.Name, ref.Key, "secretRef")
	if err != nil {
		_, missing := errors.AsType[verdict.Problem](err)
		return nil, o.isObserved() && missing
	}
	return op.hide(o, version, value), true
}
