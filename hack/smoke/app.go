package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// observeApp has an object observe the App's webhook as it is. The URL comes from a Secret, because it can hold a token.
func (l *life) observeApp(ctx context.Context) error {
	before, err := l.place.hooks.Config(ctx, 0)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return fmt.Errorf("%w (the App's webhook is switched off)", errLeftOut)
	case err != nil:
		return err
	case before.URL == "":
		return fmt.Errorf("%w (the App's webhook has no URL)", errLeftOut)
	}
	const name, key = "app", "url"
	url := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: l.marker, Name: name}, StringData: map[string]string{key: before.URL}}
	object := &v1alpha1.AppWebhookConfig{
		ObjectMeta: metav1.ObjectMeta{Namespace: l.marker, Name: name},
		Spec: v1alpha1.AppWebhookConfigSpec{WebhookSpec: v1alpha1.WebhookSpec{
			CredentialsRef:   v1alpha1.LocalReference{Name: credentialsName},
			URLFrom:          &v1alpha1.URLSource{SecretKeyRef: v1alpha1.SecretKeyReference{Name: name, Key: key}},
			ContentType:      v1alpha1.ContentType(cmp.Or(before.ContentType, "form")),
			InsecureSSL:      before.InsecureSSL,
			ManagementPolicy: v1alpha1.Observe,
		}},
	}
	if err := errors.Join(l.k8s.Create(ctx, url), l.k8s.Create(ctx, object)); err != nil {
		return err
	}
	err = l.until(ctx, "the object says that GitHub agrees with it", func(ctx context.Context) error {
		if err := l.k8s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		return readyIs(object, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
	if err != nil {
		return err
	}
	l.said = fmt.Sprintf("App %d", object.Status.AppID)
	if err := l.k8s.Delete(ctx, object); err != nil {
		return err
	}
	after, err := l.place.hooks.Config(ctx, 0)
	if err == nil && *after != *before {
		err = errors.New("the App's webhook is not configured as before")
	}
	return err
}
