package controllers

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// All that a server said passes through here before it stands in a status, an Event or a log line.

const (
	// maxWords and maxName bound what is repeated, in characters.
	maxWords = 500
	maxName  = 200
)

// secretsHidden bounds the memory of signing secrets that no text may show. Losing one costs one read of its Secret, when a
// server's words are to be repeated.
const secretsHidden = 10_000

type hiddenSecrets = lru.Cache[secretKey, *redact.Secret]

// words are a server's, without secrets. Of a URL that came from a Secret nothing is repeated: they can hold any part of it,
// its host included. Nothing is repeated either while the signing secret is not known.
func (p *pass) words(said string) string {
	hidden, known := p.hidden(true)
	if p.spec.URLFrom != nil || !known {
		return ""
	}
	return redact.Line(said, maxWords, hidden...)
}

// name is a name that a server sent, such as that of an event.
func (p *pass) name(said string) string {
	hidden, _ := p.hidden(false)
	return redact.Line(said, maxName, hidden...)
}

// shows tells whether a name that a server sent can be shown as it is.
func (p *pass) shows(said string) bool { return said == p.name(said) }

// named are deliveries with those names only that can be shown.
func (p *pass) named(rows ...github.Delivery) []github.Delivery {
	hidden, _ := p.hidden(false)
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
func (p *pass) hidden(read bool) (secrets []*redact.Secret, all bool) {
	if p.github != nil {
		secrets = p.github.Hides()
	}
	switch {
	case p.spec.URLFrom == nil && read: // A name may have in common with it what every reader of the spec sees.
		secrets = append(secrets, redact.URL(p.spec.URL))
	case p.spec.URLFrom != nil && p.desired.URL != "":
		secrets = append(secrets, redact.Address(p.desired.URL))
	}
	if p.spec.SecretRef == nil {
		return secrets, true
	}
	if !p.secret.value.IsZero() {
		return append(secrets, p.secret.value.Hidden()), true
	}
	signing, all := p.signingSecret(read)
	if signing != nil {
		secrets = append(secrets, signing)
	}
	return secrets, all
}

// signingSecret is the one of spec.secretRef, read where it was not read in this version. One that is only observed may
// not exist.
func (p *pass) signingSecret(read bool) (*redact.Secret, bool) {
	ref := p.spec.SecretRef
	version, err := p.secretVersion(p.ctx, ref.Name)
	if err != nil {
		return nil, false
	}
	if known, ok := p.signing.Get(secretKey{p.inNamespace(ref.Name), ref.Key, version}); ok {
		return known, true
	}
	if !read {
		return nil, false
	}
	value, version, err := p.value(p.ctx, ref.Name, ref.Key, "secretRef")
	if err != nil {
		_, missing := errors.AsType[problem](err)
		return nil, p.spec.ManagementPolicy == v1alpha1.Observe && missing
	}
	return p.hide(version, value), true
}

// hide remembers a signing secret by what no text may show of it.
func (p *pass) hide(version, value string) *redact.Secret {
	ref, prepared := p.spec.SecretRef, redact.Value(value)
	p.signing.Add(secretKey{p.inNamespace(ref.Name), ref.Key, version}, prepared)
	return prepared
}

// quote has GitHub's own words after a colon, where they may be repeated.
func (p *pass) quote(err error) string { return p.quoted(err, ": %s") }

// quoted puts GitHub's own words into a format, where they may be repeated.
func (p *pass) quoted(err error, format string) string {
	e := answerOf(err)
	if e == nil {
		return ""
	}
	if words := strings.TrimRight(p.words(e.Message), ". "); words != "" { // Ours go on after them.
		return fmt.Sprintf(format, words)
	}
	return ""
}

// trouble is an error in our own words, with GitHub's where they may be repeated.
func (p *pass) trouble(err error) string {
	e := answerOf(err)
	if e == nil || e.StatusCode == 0 {
		return err.Error() // Nothing in it is a server's.
	}
	words := strings.TrimRight(p.words(e.Message), ". ")
	if words == "" {
		words = http.StatusText(e.StatusCode)
	}
	return fmt.Sprintf("GitHub answered %d to %s %s: %s", e.StatusCode, e.Method, e.Route, words)
}

// answerOf is GitHub's answer that an error is about; nil for none.
func answerOf(err error) *github.Error {
	e, _ := errors.AsType[*github.Error](err)
	return e
}

// permissionList is what GitHub's header looks like: administration=read; repository_hooks=write,metadata=read.
var permissionList = regexp.MustCompile(`^[a-z_]{1,50}=(read|write|admin)([,;] ?[a-z_]{1,50}=(read|write|admin)){0,9}$`)

// permissions are those that GitHub names; empty where it names none, or where that cannot be repeated.
func (p *pass) permissions(e *github.Error) string {
	if e == nil || !permissionList.MatchString(e.AcceptedPermissions) || !p.shows(e.AcceptedPermissions) {
		return ""
	}
	return e.AcceptedPermissions
}
