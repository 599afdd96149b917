package controllers

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// SecretMetadata is how Secrets are watched: names and versions only. Their data never enters the cache.
func SecretMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return m
}

// StripSecretMetadata is the transform of that watch. The last-applied annotation holds the data itself.
func StripSecretMetadata(in any) (any, error) {
	if m, ok := in.(*metav1.PartialObjectMetadata); ok {
		m.SetAnnotations(nil)
		m.SetLabels(nil)
		m.SetManagedFields(nil)
		m.SetOwnerReferences(nil)
		m.SetFinalizers(nil)
	}
	return in, nil
}

// secretVersion is the resourceVersion of a Secret as the watch knows it; empty when it shows none.
func (p *pass) secretVersion(ctx context.Context, name string) (string, error) {
	m := SecretMetadata()
	err := p.Get(ctx, p.inNamespace(name), m)
	return m.ResourceVersion, client.IgnoreNotFound(err)
}

// readSecret reads a Secret past the cache. It returns nil when there is none.
func (p *pass) readSecret(ctx context.Context, name string) (*corev1.Secret, error) {
	var secret corev1.Secret
	err := p.apiReader.Get(ctx, p.inNamespace(name), &secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return &secret, err
}

func (p *pass) inNamespace(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: p.obj.GetNamespace(), Name: name}
}

// value takes a key's value out of a Secret that field of the spec refers to.
func (p *pass) value(ctx context.Context, name, key, field string) (value, resourceVersion string, err error) {
	secret, err := p.readSecret(ctx, name)
	switch {
	case err != nil:
		return "", "", err
	case secret == nil:
		return "", "", problem{v1alpha1.ReasonSecretNotFound,
			fmt.Sprintf("Secret %q does not exist in namespace %q: create it, or name another in spec.%s.name", name, p.obj.GetNamespace(), field)}
	}
	if err := credentials.CheckType(secret); err != nil {
		return "", "", err
	}
	data, ok := secret.Data[key]
	switch {
	case !ok:
		return "", "", problem{v1alpha1.ReasonSecretNotFound,
			fmt.Sprintf("Secret %q has no key %q: add it, or name another key in spec.%s.key", name, key, field)}
	case len(data) == 0:
		return "", "", problem{v1alpha1.ReasonSecretNotFound,
			fmt.Sprintf("Secret %q has nothing under key %q: put the value there, or name another key in spec.%s.key", name, key, field)}
	}
	return string(data), secret.ResourceVersion, nil
}

// hmacSecret is the secret with which GitHub signs deliveries, read when it is needed.
type hmacSecret struct {
	value           github.Secret
	resourceVersion string
	read            bool
}

// fingerprintSecret finds out the fingerprint of the secret in the spec. A Secret whose version was applied already is
// not read again.
func (p *pass) fingerprintSecret(ctx context.Context) error {
	ref, applied := p.spec.SecretRef, p.status.Applied
	switch {
	case ref == nil:
		p.secret = hmacSecret{read: true}
		return nil
	case p.spec.ManagementPolicy == v1alpha1.Observe:
		p.desired.SecretFingerprint = "present" // Observe compares presence only.
		return nil
	case isSynced(p.status, p.obj.GetGeneration(), p.server) && applied != nil && applied.SecretFingerprint != "":
		version, err := p.secretVersion(ctx, ref.Name)
		if err != nil {
			return err
		}
		if version == applied.SecretResourceVersion {
			p.desired.SecretFingerprint, p.secret.resourceVersion = applied.SecretFingerprint, version
			return nil
		}
	}
	return p.loadSecret(ctx)
}

// loadSecret reads the secret in the spec, unless this pass has read it.
func (p *pass) loadSecret(ctx context.Context) error {
	if p.secret.read {
		return nil
	}
	ref := p.spec.SecretRef
	value, version, err := p.value(ctx, ref.Name, ref.Key, "secretRef")
	if err != nil {
		return err
	}
	if fault := unusable(value); fault != "" {
		return problem{v1alpha1.ReasonSecretInvalid, fmt.Sprintf(
			"Secret %q has under key %q %s: put the real secret there, or make one with `openssl rand -hex 32`", ref.Name, ref.Key, fault)}
	}
	p.hide(version, value)
	p.tellUnusual(version, value)
	p.secret = hmacSecret{value: github.NewSecret(value), resourceVersion: version, read: true}
	if p.desired.SecretFingerprint, err = p.fingerprints.Of(ctx, value); err != nil {
		return err
	}
	if a := p.status.Applied; a != nil && a.SecretFingerprint == p.desired.SecretFingerprint {
		a.SecretResourceVersion = version // Only labels or other keys changed: the next pass need not read it.
	}
	return nil
}

const (
	// maxSigningSecret bounds a signing secret, in bytes.
	maxSigningSecret = 4 << 10
	// maxURL bounds a URL, in characters, as the CRD bounds spec.url.
	maxURL = 2048
)

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

// tellUnusual warns of a signing secret that ends in a line break, once for each version of it: the receiver may have it
// without.
func (p *pass) tellUnusual(version, value string) {
	applied := p.status.Applied
	if !strings.HasSuffix(value, "\n") || p.watch.unusual == version || applied != nil && applied.SecretResourceVersion == version {
		return
	}
	p.watch.unusual = version
	ref := p.spec.SecretRef
	p.events.Warning(p.obj, v1alpha1.EventSecretUnusual, ref.Name+"@"+version, fmt.Sprintf(
		"The value in Secret %q under key %q ends in a line break, and GitHub signs with it: if the receiver has the secret without, "+
			"write it again without, as `kubectl create secret --from-literal` does", ref.Name, ref.Key))
}

// url is where deliveries shall go, from the spec or from a Secret.
func (p *pass) url(ctx context.Context) (string, error) {
	if p.spec.URLFrom == nil {
		return p.spec.URL, nil
	}
	ref := p.spec.URLFrom.SecretKeyRef
	version, err := p.secretVersion(ctx, ref.Name)
	if err != nil {
		return "", err
	}
	key := secretKey{p.inNamespace(ref.Name), ref.Key, version}
	if u, ok := p.urls.Get(key); ok {
		return u, nil
	}
	value, version, err := p.value(ctx, ref.Name, ref.Key, "urlFrom.secretKeyRef")
	if err != nil {
		return "", err
	}
	value = strings.TrimSpace(value)
	if utf8.RuneCountInString(value) > maxURL || !utf8.ValidString(value) {
		return "", problem{v1alpha1.ReasonURLInvalid, fmt.Sprintf(
			"Secret %q, key %q: the value must be a URL of at most %d characters", ref.Name, ref.Key, maxURL)}
	}
	if u, err := url.Parse(value); err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", problem{v1alpha1.ReasonURLInvalid, fmt.Sprintf(
			"Secret %q, key %q: the value must be a URL that begins with https:// or http:// and names a host", ref.Name, ref.Key)}
	}
	key.resourceVersion = version
	p.urls.Add(key, value)
	return value, nil
}

// secretKey names a value in a Secret's state.
type secretKey struct {
	secret          types.NamespacedName
	key             string
	resourceVersion string
}
