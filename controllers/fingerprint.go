package controllers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The Secret that holds the key of all fingerprints.
const (
	FingerprintSecretName = "github-webhook-operator-fingerprint"
	fingerprintSecretKey  = "key"
)

// Fingerprints are HMACs under a random key of the operator's own: equal values have equal fingerprints, and nobody who
// reads one can try values against it.
type Fingerprints struct {
	// Reader reads past the cache: Secrets are never cached.
	Reader client.Reader
	// Writer fills the Secret once.
	Writer client.Writer
	// Namespace of the Secret.
	Namespace string

	mu  sync.Mutex // held while the key is read or made
	key atomic.Pointer[[]byte]
	// failure is why the key could not be had at failedAt.
	failure  error
	failedAt time.Time
}

// Of returns the fingerprint of a value, and nothing for nothing. The first call reads the key, and makes it where there
// is none.
func (f *Fingerprints) Of(ctx context.Context, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	key, err := f.loadKey(ctx)
	if err != nil {
		return "", err
	}
	return fingerprint(key, value), nil
}

// of is Of once the key is known, as Ready tells.
func (f *Fingerprints) of(value string) string {
	key := f.key.Load()
	if value == "" || key == nil {
		return ""
	}
	return fingerprint(*key, value)
}

func fingerprint(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value))
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil))
}

// errKeyMissing: the operator's own Secret holds no key, and the operator may not make one.
var errKeyMissing = errors.New("the key of all fingerprints is missing")

// keyPause is how long a key that could not be had is not asked for again.
const keyPause = time.Second

func (f *Fingerprints) loadKey(ctx context.Context) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := f.key.Load(); key != nil {
		return *key, nil
	}
	if f.failure != nil && time.Since(f.failedAt) < keyPause {
		return nil, f.failure
	}
	key, err := f.readKey(ctx)
	f.failure, f.failedAt = err, time.Now()
	return key, err
}

// readKey reads the key, and makes it where there is none.
func (f *Fingerprints) readKey(ctx context.Context) ([]byte, error) {
	var secret corev1.Secret
	err := f.Reader.Get(ctx, client.ObjectKey{Namespace: f.Namespace, Name: FingerprintSecretName}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		secret, err = f.makeKey(ctx)
	case err == nil && len(secret.Data[fingerprintSecretKey]) == 0:
		err = f.fillKey(ctx, &secret)
	}
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: the operator needs the Secret %q in the namespace %q, which the chart and the manifests bring: "+
			"apply them again, or let the operator make it: %w", errKeyMissing, FingerprintSecretName, f.Namespace, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the operator's own Secret %q in the namespace %q cannot be read: %w", FingerprintSecretName, f.Namespace, err)
	}
	key := secret.Data[fingerprintSecretKey]
	f.key.Store(&key)
	return key, nil
}

// Ready is nil once the key is known, and else says what is missing.
func (f *Fingerprints) Ready(ctx context.Context) error {
	if f.key.Load() != nil {
		return nil
	}
	_, err := f.loadKey(ctx)
	return err
}

// MAC returns the MAC of a value for one purpose, in hexadecimal digits. It waits for nothing: before the key was read it is
// an error.
func (f *Fingerprints) MAC(purpose, value string) (string, error) {
	key := f.key.Load()
	if key == nil {
		return "", errNoKey
	}
	mac := hmac.New(sha256.New, *key)
	mac.Write([]byte(purpose + "\x00" + value))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// errNoKey: the key was not read yet.
var errNoKey = errors.New("the fingerprint key is not known yet")

func (f *Fingerprints) makeKey(ctx context.Context) (corev1.Secret, error) {
	secret := corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: FingerprintSecretName},
		Data:       map[string][]byte{fingerprintSecretKey: newKey()},
	}
	err := f.Writer.Create(ctx, &secret, fieldOwner)
	return secret, err
}

// fillKey updates, so that of two operators that start together only one succeeds; the other tries again and reads.
func (f *Fingerprints) fillKey(ctx context.Context, secret *corev1.Secret) error {
	secret.Data = map[string][]byte{fingerprintSecretKey: newKey()}
	return f.Writer.Update(ctx, secret, fieldOwner)
}

func newKey() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: package crypto/rand
	return key
}
