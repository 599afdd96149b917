package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/utils/ptr"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
	"github.com/github-webhooks/github-webhook-operator/internal/redact"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

// inputs are what an object's reconcile works with, gathered once: the client that its credentials open, and what the
// webhook should look like. Those of an object whose Secrets are missing are known in part.
type inputs struct {
	client *github.Client
	hooks  github.Hooks
	// server is the address of the client's.
	server  string
	desired hook.Desired
	secret  signingSecret
}

// signingSecret is the one with which GitHub signs deliveries. It is read only where it is new, or to be written.
type signingSecret struct {
	value           github.Secret
	resourceVersion string
	read            bool
}

// gather finds the client for the object's credentials and what the hook should look like. It sends nothing to GitHub, but
// for the question which App a key belongs to.
func (op *Operator) gather(ctx context.Context, o *object) (*inputs, error) {
	in := &inputs{}
	if err := op.fingerprintsReady(ctx); err != nil {
		return in, err
	}
	c, err := op.clientFor(ctx, o)
	if err != nil {
		return in, err
	}
	if err := op.use(ctx, o, in, c); err != nil {
		return in, err
	}
	if len(o.requests()) > 0 {
		c.TryAgain()
	}
	o.memory.interval = op.poller(o.Webhook, in.hooks).PollInterval(func() []github.Poller { return op.pollers(ctx, o, c) })
	in.desired, err = op.desired(ctx, o)
	if err != nil {
		return in, err
	}
	return in, op.fingerprintSecret(ctx, o, in)
}

// gatherToDelete finds the client for the object's credentials, and when their Secret went before the object, the one that
// was made from it last.
func (op *Operator) gatherToDelete(ctx context.Context, o *object) (*inputs, error) {
	in := &inputs{}
	c, err := op.clientFor(ctx, o)
	if failure, ok := errors.AsType[verdict.Problem](err); ok && failure.Reason == v1alpha1.ReasonCredentialsNotFound {
		if last, ok := op.credentials.Last(o.inNamespace(o.spec.CredentialsRef.Name)); ok {
			c, err = last, nil
		}
	}
	if err == nil && *o.creating != nil {
		err = op.fingerprintsReady(ctx)
	}
	if err != nil {
		return in, err
	}
	return in, op.use(ctx, o, in, c)
}

// fingerprintsReady is nil once the operator's own key is known.
func (op *Operator) fingerprintsReady(ctx context.Context) error {
	err := op.fingerprints.Ready(ctx)
	if errors.Is(err, errKeyMissing) {
		return verdict.Problem{Reason: v1alpha1.ReasonFingerprintKeyMissing, Message: "GitHub is left alone, because " + err.Error()}
	}
	return err
}

// clientFor returns the client for spec.credentialsRef, reading the Secret only when its version is new.
func (op *Operator) clientFor(ctx context.Context, o *object) (*github.Client, error) {
	name := o.spec.CredentialsRef.Name
	version, err := op.secretVersion(ctx, o, name)
	if err != nil {
		return nil, err
	}
	if c, ok := op.credentials.Lookup(o.inNamespace(name), version); ok {
		return c, nil
	}
	secret, err := op.readSecret(ctx, o, name)
	switch {
	case err != nil:
		return nil, err
	case secret == nil:
		return nil, verdict.Problem{Reason: v1alpha1.ReasonCredentialsNotFound, Message: fmt.Sprintf(
			"Secret %q does not exist in namespace %q: create it, or name another in spec.credentialsRef.name", name, o.GetNamespace())}
	}
	c, err := op.credentials.Client(secret)
	if invalid := errors.Is(err, credentials.ErrInvalid) || errors.Is(err, credentials.ErrRefusedType); invalid && !errors.Is(err, github.ErrHostNotAllowed) {
		return nil, invalidCredentials(err)
	}
	return c, err
}

// use takes up a client. IDs are unique per server only: with credentials for another server, or of another App, the
// webhook that the status speaks of is not this one.
func (op *Operator) use(ctx context.Context, o *object, in *inputs, c *github.Client) error {
	in.client, in.hooks, in.server = c, o.target.hooks(c), c.Server().String()
	if o.status.Server != "" && o.status.Server != in.server {
		if o.target.owns() && o.isOwner() || *o.creating != nil {
			op.leaveBehind(ctx, o, *o.id, fmt.Sprintf("the credentials name %s now", in.server))
		}
		o.forget()
		o.status.Server, *o.creating = "", nil
	}
	if err := o.target.accepts(c); err != nil {
		return err
	}
	id, err := o.target.knownID(ctx, c, o.memory.hook != nil)
	if err != nil {
		return err
	}
	if id != 0 && *o.id != 0 && id != *o.id {
		o.forget()
		o.status.Server = ""
	}
	return nil
}

// desired works out the hook that the spec wants, without its secret.
func (op *Operator) desired(ctx context.Context, o *object) (hook.Desired, error) {
	address, err := op.url(ctx, o)
	if err != nil {
		return hook.Desired{}, err
	}
	d := hook.Desired{
		URL:                address,
		ContentType:        string(o.spec.ContentType),
		InsecureSSL:        o.spec.InsecureSSL,
		KeepUnwantedSecret: !o.target.owns(),
		Events:             slices.Sorted(slices.Values(o.hookSpec.Events)),
		KeepOtherEvents:    o.hookSpec.EventsPolicy == v1alpha1.EventsAtLeast,
	}
	if o.target.owns() {
		d.Active = ptr.To(ptr.Deref(o.hookSpec.Active, true))
	}
	if o.spec.URLFrom != nil {
		d.URLFingerprint = op.fingerprints.of(address)
	}
	return d, nil
}

const (
	// maxSigningSecret bounds a signing secret, in bytes.
	maxSigningSecret = 4 << 10
	// maxURL bounds a URL, in characters, as the CRD bounds spec.url.
	maxURL = 2048
)

// url is where deliveries go, from the spec or from a Secret.
func (op *Operator) url(ctx context.Context, o *object) (string, error) {
	if o.spec.URLFrom == nil {
		return o.spec.URL, nil
	}
	ref := o.spec.URLFrom.SecretKeyRef
	version, err := op.secretVersion(ctx, o, ref.Name)
	if err != nil {
		return "", err
	}
	key := secretKey{o.inNamespace(ref.Name), ref.Key, version}
	if u, ok := op.urls.Get(key); ok {
		return u, nil
	}
	value, version, err := op.secretValue(ctx, o, ref.Name, ref.Key, "urlFrom.secretKeyRef")
	if err != nil {
		return "", err
	}
	value = strings.TrimSpace(value)
	if utf8.RuneCountInString(value) > maxURL || !utf8.ValidString(value) {
		return "", verdict.Problem{Reason: v1alpha1.ReasonURLInvalid, Message: fmt.Sprintf(
			"Secret %q, key %q: the value must be a URL of at most %d characters", ref.Name, ref.Key, maxURL)}
	}
	if u, err := url.Parse(value); err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", verdict.Problem{Reason: v1alpha1.ReasonURLInvalid, Message: fmt.Sprintf(
			"Secret %q, key %q: the value must be a URL that begins with https:// or http:// and names a host", ref.Name, ref.Key)}
	}
	key.resourceVersion = version
	op.urls.Add(key, value)
	return value, nil
}

// fingerprintSecret finds out the fingerprint of the secret in the spec. A Secret whose version was applied already is not
// read again.
func (op *Operator) fingerprintSecret(ctx context.Context, o *object, in *inputs) error {
	ref, applied := o.spec.SecretRef, o.status.Applied
	switch {
	case ref == nil:
		in.secret = signingSecret{read: true}
		return nil
	case o.isObserved():
		in.desired.SecretFingerprint = "present" // Observe compares presence only.
		return nil
	case isSynced(o.status, o.GetGeneration(), in.server) && applied != nil && applied.SecretFingerprint != "":
		version, err := op.secretVersion(ctx, o, ref.Name)
		if err != nil {
			return err
		}
		if version == applied.SecretResourceVersion {
			in.desired.SecretFingerprint, in.secret.resourceVersion = applied.SecretFingerprint, version
			return nil
		}
	}
	return op.loadSecret(ctx, o, in)
}

// loadSecret reads the secret in the spec, unless this reconcile has read it.
func (op *Operator) loadSecret(ctx context.Context, o *object, in *inputs) error {
	if in.secret.read {
		return nil
	}
	ref := o.spec.SecretRef
	value, version, err := op.secretValue(ctx, o, ref.Name, ref.Key, "secretRef")
	if err != nil {
		return err
	}
	if fault := unusable(value); fault != "" {
		return verdict.Problem{Reason: v1alpha1.ReasonSecretInvalid, Message: fmt.Sprintf(
			"Secret %q has under key %q %s: put the real secret there, or make one with `openssl rand -hex 32`", ref.Name, ref.Key, fault)}
	}
	op.hide(o, version, value)
	op.warnUnusual(o, version, value)
	in.secret = signingSecret{value: github.NewSecret(value), resourceVersion: version, read: true}
	if in.desired.SecretFingerprint, err = op.fingerprints.Of(ctx, value); err != nil {
		return err
	}
	if a := o.status.Applied; a != nil && a.SecretFingerprint == in.desired.SecretFingerprint {
		a.SecretResourceVersion = version // Only labels or other keys changed: the next reconcile need not read it.
	}
	return nil
}

// hide remembers a signing secret by what no text may show of it.
func (op *Operator) hide(o *object, version, value string) *redact.Secret {
	ref, prepared := o.spec.SecretRef, redact.Value(value)
	op.signing.Add(secretKey{o.inNamespace(ref.Name), ref.Key, version}, prepared)
	return prepared
}

// unusable says what is wrong with a signing secret; empty where nothing is. GitHub would sign with something else than
// bytes that are no text, and take asterisks for its own mask.
func unusable(value string) string {
	switch trimmed := strings.TrimSpace(value); {
	case len(value) > maxSigningSecret:
		return fmt.Sprintf("more than %d bytes", maxSigningSecret)
	case !utf8.ValidString(value):
		return "bytes that are not text (UTF-8), with which GitHub cannot sign"
	case trimmed == "":
		return "only white space"
	case strings.Trim(trimmed, "*") == "":
		return "only asterisks, which is how GitHub masks a secret"
	}
	return ""
}

// warnUnusual warns of a signing secret that ends in a line break, once for each version of it: the receiver may have it
// without.
func (op *Operator) warnUnusual(o *object, version, value string) {
	applied := o.status.Applied
	if !strings.HasSuffix(value, "\n") || o.memory.unusual == version || applied != nil && applied.SecretResourceVersion == version {
		return
	}
	o.memory.unusual = version
	ref := o.spec.SecretRef
	op.events.Warning(o.Webhook, v1alpha1.EventSecretUnusual, ref.Name+"@"+version, fmt.Sprintf(
		"The value in Secret %q under key %q ends in a line break, and GitHub signs with it: if the receiver has the secret without, "+
			"write it again without, as `kubectl create secret --from-literal` does", ref.Name, ref.Key))
}
