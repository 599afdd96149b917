package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

const (
	// patience is how long no object may come nearer to what is waited for.
	patience = 2 * time.Minute
	// writers is how many requests the benchmark sends to the API server at once, as kubectl or a GitOps tool would.
	writers = 8
	// tokenOwners is over how many owners the repositories are spread that a token administers. An App's are one
	// owner's, so that there is one installation, and one budget.
	tokenOwners = 10
)

// Names of the two Secrets that all objects of a fleet share.
const (
	credentialsName = "github"
	hmacSecretName  = "webhook"
)

// fleet is a number of RepositoryWebhooks in a namespace, each with a repository of its own, and their GitHub.
type fleet struct {
	*stage
	namespace string
	names     []string
	targets   map[string]githubsim.Target
	github    *gitHub
	objects   *tracker
	// events and secret are what every webhook shall have now.
	events []string
	secret string
}

// newFleet makes everything but the objects.
func (s *stage) newFleet(ctx context.Context, namespace string, size int, limits *githubsim.Limits) (*fleet, error) {
	f := &fleet{stage: s, namespace: namespace, targets: map[string]githubsim.Target{}, events: []string{"push"}, secret: randomSecret()}
	var err error
	if f.github, err = newGitHub(limits); err != nil {
		return nil, err
	}
	s.onClose(func() error { f.github.Close(); return nil })
	owners := []string{"octo-org"}
	for i := 1; i < tokenOwners && s.login == loginToken; i++ {
		owners = append(owners, fmt.Sprintf("octo-org-%d", i))
	}
	for i := range size {
		name := fmt.Sprintf("webhook-%05d", i)
		f.names = append(f.names, name)
		f.targets[name] = githubsim.Target(fmt.Sprintf("%s/repository-%05d", owners[i%len(owners)], i))
		f.github.AddRepository(f.targets[name])
	}
	if err := s.k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, err
	}
	for name, data := range map[string]map[string]string{
		credentialsName: f.github.credentials(s.login, owners), hmacSecretName: {"secret": f.secret},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: data}
		if err := s.k8s.Create(ctx, secret); err != nil {
			return nil, err
		}
	}
	f.objects, err = s.track(ctx, namespace)
	return f, err
}

// randomSecret is what `openssl rand -hex 32` gives.
func randomSecret() string {
	value := make([]byte, 32)
	_, _ = rand.Read(value) // never fails: package crypto/rand
	return hex.EncodeToString(value)
}

func (f *fleet) url(name string) string { return f.receiver.URL() + "/" + name }

// object as a user writes it.
func (f *fleet) object(name string) webhook {
	target := f.targets[name]
	w := &v1alpha1.RepositoryWebhook{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name}}
	w.Spec.Owner, w.Spec.Repository = target.Owner(), target.Repository()
	w.Spec.URL, w.Spec.Events = f.url(name), f.events
	w.Spec.CredentialsRef.Name = credentialsName
	w.Spec.SecretRef = &v1alpha1.HMACSecretReference{Name: hmacSecretName}
	return w
}

// each does something with every object, some at once. The first error ends it.
func (f *fleet) each(ctx context.Context, do func(ctx context.Context, name string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	names := make(chan string)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for name := range names {
				if err := do(ctx, name); err != nil {
					cancel(fmt.Errorf("%s: %w", name, err))
				}
			}
		})
	}
	for _, name := range f.names {
		if ctx.Err() != nil {
			break
		}
		names <- name
	}
	close(names)
	all.Wait()
	return context.Cause(ctx)
}

// createAll makes the objects.
func (f *fleet) createAll(ctx context.Context) error {
	return f.each(ctx, func(ctx context.Context, name string) error { return f.k8s.Create(ctx, f.object(name)) })
}

// subscribe changes the events of one object.
func (f *fleet) subscribe(ctx context.Context, name string, events []string) error {
	w := f.object(name)
	before := w.DeepCopy()
	before.Spec.Events = nil
	w.Spec.Events = events
	return f.k8s.Patch(ctx, w, client.MergeFrom(before))
}

// subscribeAll changes the events of every object.
func (f *fleet) subscribeAll(ctx context.Context, events ...string) error {
	f.events = events
	return f.each(ctx, func(ctx context.Context, name string) error { return f.subscribe(ctx, name, events) })
}

// rotate changes the Secret that all webhooks share.
func (f *fleet) rotate(ctx context.Context) error {
	f.secret = randomSecret()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: hmacSecretName}}
	patch := fmt.Appendf(nil, `{"stringData":{"secret":%q}}`, f.secret)
	return f.k8s.Patch(ctx, secret, client.RawPatch(types.MergePatchType, patch))
}

// secretVersion is the resourceVersion of the Secret that all webhooks share.
func (f *fleet) secretVersion(ctx context.Context) (string, error) {
	var secret corev1.Secret
	err := f.k8s.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: hmacSecretName}, &secret)
	return secret.ResourceVersion, err
}

// deleteAll deletes the objects.
func (f *fleet) deleteAll(ctx context.Context) error {
	return f.each(ctx, func(ctx context.Context, name string) error { return f.k8s.Delete(ctx, f.object(name)) })
}

// ready is a condition: Ready, of the spec as it is.
func (f *fleet) ready(w webhook) string {
	if w == nil {
		return "is not there"
	}
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case !slices.Equal(w.Spec.Events, f.events):
		return "does not have the new spec"
	case c == nil:
		return "has no condition Ready"
	case c.Status != metav1.ConditionTrue || c.ObservedGeneration != w.Generation:
		return fmt.Sprintf("has Ready=%s of generation %d, reason %s: %s", c.Status, c.ObservedGeneration, c.Reason, c.Message)
	}
	return ""
}

// gone is a condition, too.
func gone(w webhook) string {
	if w != nil {
		return "is still there"
	}
	return ""
}

// until waits until a condition is true of every object. It gives up when none has come nearer for a time, or when the
// operator has ended.
func (f *fleet) until(ctx context.Context, what string, wanted condition, patience time.Duration) error {
	done := f.objects.want(f.names, wanted)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-f.operator.Exited():
			return launch.ErrEnded
		case <-ticker.C:
			if err := f.objects.stuck(patience); err != nil {
				return fmt.Errorf("waiting until %s: %w", what, err)
			}
		}
	}
}

// verify that every repository has exactly one webhook, as the spec and the Secret want it.
func (f *fleet) verify() error {
	for name, target := range f.targets {
		hooks := f.github.Hooks(target)
		if len(hooks) != 1 {
			return fmt.Errorf("%s has %d webhooks and not one", target, len(hooks))
		}
		h := hooks[0]
		slices.Sort(h.Events)
		switch {
		case h.Config.URL != f.url(name):
			return fmt.Errorf("the webhook of %s has the URL %s and not %s", target, h.Config.URL, f.url(name))
		case h.Config.Secret != f.secret:
			return fmt.Errorf("the webhook of %s does not have the secret", target)
		case !h.Active || !slices.Equal(h.Events, f.events):
			return fmt.Errorf("the webhook of %s is active: %t, with the events %q and not %q", target, h.Active, h.Events, f.events)
		}
	}
	for _, w := range f.objects.all() {
		if missing := f.ready(w); missing != "" {
			return fmt.Errorf("%s %s", w.Name, missing)
		}
	}
	return nil
}

// verifyGone: no webhook has remained.
func (f *fleet) verifyGone() error {
	for _, target := range f.targets {
		if hooks := f.github.Hooks(target); len(hooks) > 0 {
			return fmt.Errorf("%s still has %d webhooks", target, len(hooks))
		}
	}
	return nil
}
