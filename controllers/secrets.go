package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
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

// secretVersion is the resourceVersion of a Secret beside the object as the watch knows it; empty when it shows none.
func (op *Operator) secretVersion(ctx context.Context, o *object, name string) (string, error) {
	m := SecretMetadata()
	err := op.Get(ctx, o.inNamespace(name), m)
	return m.ResourceVersion, client.IgnoreNotFound(err)
}

// readSecret reads a Secret beside the object past the cache. It returns nil when there is none.
func (op *Operator) readSecret(ctx context.Context, o *object, name string) (*corev1.Secret, error) {
	var secret corev1.Secret
	err := op.apiReader.Get(ctx, o.inNamespace(name), &secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return &secret, err
}

// secretValue takes a key's value out of a Secret that field of the spec refers to.
func (op *Operator) secretValue(ctx context.Context, o *object, name, key, field string) (value, resourceVersion string, err error) {
	secret, err := op.readSecret(ctx, o, name)
	switch {
	case err != nil:
		return "", "", err
	case secret == nil:
		return "", "", verdict.Problem{Reason: v1alpha1.ReasonSecretNotFound, Message: fmt.Sprintf(
			"Secret %q does not exist in namespace %q: create it, or name another in spec.%s.name", name, o.GetNamespace(), field)}
	}
	if err := credentials.CheckType(secret); err != nil {
		return "", "", invalidCredentials(err)
	}
	data, ok := secret.Data[key]
	switch {
	case !ok:
		return "", "", verdict.Problem{Reason: v1alpha1.ReasonSecretNotFound, Message: fmt.Sprintf(
			"Secret %q has no key %q: add it, or name another key in spec.%s.key", name, key, field)}
	case len(data) == 0:
		return "", "", verdict.Problem{Reason: v1alpha1.ReasonSecretNotFound, Message: fmt.Sprintf(
			"Secret %q has nothing under key %q: put the value there, or name another key in spec.%s.key", name, key, field)}
	}
	return string(data), secret.ResourceVersion, nil
}

// invalidCredentials gives an error of package credentials, which is a sentence already, its reason.
func invalidCredentials(err error) error {
	return verdict.Problem{Reason: v1alpha1.ReasonCredentialsInvalid, Message: err.Error()}
}
