package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// webhook is an object of the samples.
type webhook interface {
	client.Object
	CommonStatus() *v1alpha1.WebhookStatus
}

// objects reads the webhooks of the samples.
func (s *stage) objects(ctx context.Context) ([]webhook, error) {
	objects := []webhook{&v1alpha1.RepositoryWebhook{}, &v1alpha1.OrganizationWebhook{}, &v1alpha1.AppWebhookConfig{}}
	for i, name := range []string{"ci", "audit", "app"} {
		if err := s.k8s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, objects[i]); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// untilReady waits for all objects to be synced.
func (s *stage) untilReady(ctx context.Context) error {
	return s.untilReason(ctx, "True", v1alpha1.ReasonSynced)
}

// untilReason waits for Ready of all objects to have this status and reason.
func (s *stage) untilReason(ctx context.Context, status, reason string) error {
	what := fmt.Sprintf("Ready of all objects is %s, %s", status, reason)
	return s.untilAll(ctx, what, func(o webhook) error { return readyIs(o, status, reason) })
}

// readyIs is nil when Ready speaks of the object's generation with this status and reason.
func readyIs(o webhook, status, reason string) error {
	ready := meta.FindStatusCondition(o.CommonStatus().Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return fmt.Errorf("%s has no condition Ready", o.GetName())
	case ready.ObservedGeneration != o.GetGeneration():
		return fmt.Errorf("Ready of %s speaks of generation %d and not yet of %d", o.GetName(), ready.ObservedGeneration, o.GetGeneration())
	case string(ready.Status) != status || ready.Reason != reason:
		return fmt.Errorf("Ready of %s is %s, %s: %s", o.GetName(), ready.Status, ready.Reason, ready.Message)
	}
	return nil
}

// untilDeliveries waits for the deliveries of the repository's webhook to be healthy or not.
func (s *stage) untilDeliveries(ctx context.Context, want metav1.ConditionStatus) error {
	return s.until(ctx, fmt.Sprintf("DeliveriesHealthy of ci is %s", want), func(ctx context.Context) error {
		objects, err := s.objects(ctx)
		if err != nil {
			return err
		}
		healthy := meta.FindStatusCondition(objects[0].CommonStatus().Conditions, v1alpha1.ConditionDeliveriesHealthy)
		if healthy == nil || healthy.Status != want || len(objects[0].CommonStatus().Redelivering) > 0 {
			return fmt.Errorf("it is %+v", healthy)
		}
		return nil
	})
}

// untilAll waits for something to be true of all objects.
func (s *stage) untilAll(ctx context.Context, what string, met func(webhook) error) error {
	return s.until(ctx, what, func(ctx context.Context) error {
		objects, err := s.objects(ctx)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := met(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// fingerprints of the secrets that GitHub was given last, by object.
func (s *stage) fingerprints(ctx context.Context) (map[string]string, error) {
	objects, err := s.objects(ctx)
	if err != nil {
		return nil, err
	}
	fingerprints := map[string]string{}
	for _, o := range objects {
		fingerprints[o.GetName()] = fingerprint(o)
	}
	return fingerprints, nil
}

func fingerprint(o webhook) string {
	if applied := o.CommonStatus().Applied; applied != nil {
		return applied.SecretFingerprint
	}
	return ""
}

// untilOtherFingerprints waits until GitHub was given another secret for all objects.
func (s *stage) untilOtherFingerprints(ctx context.Context, before map[string]string) error {
	return s.untilAll(ctx, "the new secret is on GitHub", func(o webhook) error {
		if fingerprint(o) == before[o.GetName()] {
			return fmt.Errorf("the webhook of %s has the old one", o.GetName())
		}
		return nil
	})
}

// untilEvent waits for an Event about the repository's webhook; Events are written after the status.
func (s *stage) untilEvent(ctx context.Context, reason string, words ...string) error {
	what := fmt.Sprintf("there is an Event %s about %s", reason, strings.Join(words, " and "))
	return s.until(ctx, what, func(ctx context.Context) error {
		var events corev1.EventList
		if err := s.k8s.List(ctx, &events, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Name == "ci" && e.Reason == reason && containsAll(e.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("none of %d Events is", len(events.Items))
	})
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// showEvents prints what the operator told about the repository's webhook.
func (s *stage) showEvents(ctx context.Context) error {
	return s.show(ctx, "events", "--for=repositorywebhook/ci")
}
