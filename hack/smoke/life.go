package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// webhook is an object of any kind.
type webhook interface {
	client.Object
	CommonSpec() *v1alpha1.WebhookSpec
	CommonStatus() *v1alpha1.WebhookStatus
}

// hookObject is an object whose webhook has an ID.
type hookObject interface {
	webhook
	HookSpec() *v1alpha1.HookSpec
	HookStatus() *v1alpha1.HookStatus
}

// life is a webhook's, from its object to GitHub and back.
type life struct {
	*run
	place  place
	object hookObject
	// id on GitHub.
	id int64
	// said is what a story has to tell besides that it passed.
	said string
}

// remark is what the last story had to tell, once.
func (l *life) remark() string {
	said := l.said
	l.said = ""
	if said == "" {
		return ""
	}
	return "\n              " + said
}

func (l *life) create(ctx context.Context) error {
	if err := l.k8s.Create(ctx, l.object); err != nil {
		return err
	}
	if err := l.untilSynced(ctx); err != nil {
		return err
	}
	l.id = l.object.HookStatus().HookID
	l.said = fmt.Sprintf("webhook %d", l.id)
	return l.matches(ctx)
}

// matches compares GitHub's API with the object, past the operator.
func (l *life) matches(ctx context.Context) error {
	h, err := l.place.hooks.Get(ctx, l.id)
	if err != nil {
		return err
	}
	spec := l.object.HookSpec()
	switch {
	case h.Config.URL != l.object.CommonSpec().URL:
		return errors.New("the webhook on GitHub has another URL than the object")
	case h.Config.Secret == "":
		return errors.New("the webhook on GitHub has no secret")
	case h.Config.ContentType != "json":
		return fmt.Errorf("the webhook on GitHub has the content type %q", h.Config.ContentType)
	case !slices.Equal(slices.Sorted(slices.Values(h.Events)), slices.Sorted(slices.Values(spec.Events))):
		return fmt.Errorf("the webhook on GitHub has the events %v and not %v", h.Events, spec.Events)
	case !h.Active:
		return errors.New("the webhook on GitHub is not active")
	}
	return nil
}

// observe waits for GitHub's ping of the new webhook. Whether it arrives is up to the receiver, if there is one.
func (l *life) observe(ctx context.Context) error {
	err := l.untilLooking(ctx, "DeliveriesHealthy says how the first delivery went", func() error {
		healthy := meta.FindStatusCondition(l.object.CommonStatus().Conditions, v1alpha1.ConditionDeliveriesHealthy)
		if healthy == nil || healthy.Status == metav1.ConditionUnknown || l.object.CommonStatus().LastDelivery == nil {
			return errors.New("it does not yet")
		}
		if l.receiver != nil && healthy.Status != metav1.ConditionTrue {
			return fmt.Errorf("it is %s, and %s shall name a receiver that answers: %s", healthy.Status, urlVariable, healthy.Message)
		}
		return nil
	})
	if last := l.object.CommonStatus().LastDelivery; err == nil {
		l.said = fmt.Sprintf("%s: %s, code %d", last.Event, last.Status, last.StatusCode)
	}
	return err
}

func (l *life) edit(ctx context.Context) error {
	if err := l.patch(ctx, func() { l.object.HookSpec().Events = []string{"milestone", "label"} }); err != nil {
		return err
	}
	if err := l.untilSynced(ctx); err != nil {
		return err
	}
	return l.matches(ctx)
}

// repair edits the webhook as a person on GitHub's web page does.
func (l *life) repair(ctx context.Context) error {
	edited, err := l.place.hooks.Edit(ctx, l.id, github.HookRequest{Events: []string{"release"}, Active: ptr.To(false)})
	if err != nil {
		return err
	}
	if edited.Active || !slices.Equal(edited.Events, []string{"release"}) {
		return errors.New("GitHub did not take the edit that shall be repaired")
	}
	if err := l.annotate(ctx, v1alpha1.AnnotationReconcile, random(4)); err != nil {
		return err
	}
	if err := l.untilOnGitHub(ctx, "the edit is repaired", l.matches); err != nil {
		return err
	}
	_, err = l.untilEvent(ctx, v1alpha1.EventDriftRepaired)
	return err
}

func (l *life) rotate(ctx context.Context) error {
	before := l.fingerprint()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: l.marker, Name: hmacName}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"stringData":{"secret":%q}}`, random(32)))
	if err := l.k8s.Patch(ctx, secret, patch); err != nil {
		return err
	}
	err := l.untilObject(ctx, "the new secret was applied", func() error {
		if l.fingerprint() == before {
			return errors.New("status.applied is about the old one")
		}
		return readyIs(l.object, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
	if err != nil {
		return err
	}
	if _, err := l.untilEvent(ctx, v1alpha1.EventSecretApplied); err != nil {
		return err
	}
	return l.matches(ctx)
}

func (l *life) fingerprint() string {
	if applied := l.object.CommonStatus().Applied; applied != nil {
		return applied.SecretFingerprint
	}
	return ""
}

func (l *life) ping(ctx context.Context) error {
	value := random(4)
	if err := l.annotate(ctx, v1alpha1.AnnotationPing, value); err != nil {
		return err
	}
	outcomes := []string{v1alpha1.EventPinged}
	if l.receiver == nil {
		outcomes = append(outcomes, v1alpha1.EventPingFailed)
	}
	message, err := l.untilEvent(ctx, outcomes...)
	if err != nil {
		return err
	}
	l.said = message
	return l.untilObject(ctx, "the request is noted as handled", func() error {
		if handled := l.object.CommonStatus().HandledRequests["ping"]; handled != value {
			return fmt.Errorf("status.handledRequests has %q", handled)
		}
		return nil
	})
}

// createFailing leaves the story out where GitHub does not take the URL: nobody has said that it does.
func (l *life) createFailing(ctx context.Context) error {
	if err := l.k8s.Create(ctx, l.object); err != nil {
		return err
	}
	err := l.untilObject(ctx, "the webhook is made", func() error {
		if stalled := readyIs(l.object, metav1.ConditionFalse, v1alpha1.ReasonValidationFailed); stalled == nil {
			return final{fmt.Errorf("%w (GitHub does not take a URL that nothing reaches)", errLeftOut)}
		}
		return readyIs(l.object, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
	l.id = l.object.HookStatus().HookID
	return err
}

func (l *life) redeliver(ctx context.Context) error {
	err := l.untilLooking(ctx, "DeliveriesHealthy is False", func() error {
		healthy := meta.FindStatusCondition(l.object.CommonStatus().Conditions, v1alpha1.ConditionDeliveriesHealthy)
		if healthy == nil || healthy.Status != metav1.ConditionFalse {
			return errors.New("it is not")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.annotate(ctx, v1alpha1.AnnotationRedeliver, "failed@"+random(4)); err != nil {
		return err
	}
	if _, err := l.untilEvent(ctx, v1alpha1.EventRedelivered); err != nil {
		return err
	}
	return l.untilOnGitHub(ctx, "GitHub's log has the redelivery", func(ctx context.Context) error {
		page, err := l.place.hooks.Deliveries(ctx, l.id, github.DeliveryQuery{PerPage: 30})
		if err != nil {
			return err
		}
		for _, d := range page.Deliveries {
			if d.Redelivery {
				l.said = fmt.Sprintf("%s again: %s, code %d", d.Event, d.Status, d.StatusCode)
				return nil
			}
		}
		return fmt.Errorf("none of %d deliveries is one", len(page.Deliveries))
	})
}

func (l *life) remove(ctx context.Context) error {
	if err := l.k8s.Delete(ctx, l.object); err != nil {
		return err
	}
	err := l.until(ctx, "the object is gone", func(ctx context.Context) error {
		err := l.read(ctx)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil {
			err = readyIs(l.object, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		return fmt.Errorf("it is there: %w", err)
	})
	if err != nil {
		return err
	}
	if _, err := l.place.hooks.Get(ctx, l.id); !errors.Is(err, github.ErrNotFound) {
		return fmt.Errorf("the object is gone and webhook %d is not: %w", l.id, err)
	}
	return nil
}

func (l *life) read(ctx context.Context) error {
	return l.k8s.Get(ctx, client.ObjectKeyFromObject(l.object), l.object)
}

// untilObject waits for something to be true of the object as it is now.
func (l *life) untilObject(ctx context.Context, what string, met func() error) error {
	return l.until(ctx, what, func(ctx context.Context) error {
		if err := l.read(ctx); err != nil {
			return err
		}
		return met()
	})
}

// lookEvery is how often the operator is asked to look at GitHub while something is waited for there.
const lookEvery = 3 * time.Second

// untilLooking waits for something to be true of the object, and has the operator look at GitHub meanwhile.
func (l *life) untilLooking(ctx context.Context, what string, met func() error) error {
	var looked time.Time
	return l.until(ctx, what, func(ctx context.Context) error {
		if time.Since(looked) >= lookEvery {
			if err := l.annotate(ctx, v1alpha1.AnnotationReconcile, random(4)); err != nil {
				return err
			}
			looked = time.Now()
		}
		if err := l.read(ctx); err != nil {
			return err
		}
		return met()
	})
}

func (l *life) untilSynced(ctx context.Context) error {
	return l.untilObject(ctx, "the object is synced", func() error {
		return readyIs(l.object, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
}

// readyIs is nil when Ready speaks of the object's generation with this status and reason.
func readyIs(o webhook, status metav1.ConditionStatus, reason string) error {
	ready := meta.FindStatusCondition(o.CommonStatus().Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return errors.New("it has no condition Ready")
	case ready.ObservedGeneration != o.GetGeneration():
		return fmt.Errorf("Ready speaks of generation %d and not yet of %d", ready.ObservedGeneration, o.GetGeneration())
	case ready.Status != status || ready.Reason != reason:
		return fmt.Errorf("Ready is %s, %s: %s", ready.Status, ready.Reason, ready.Message)
	}
	return nil
}

// untilEvent waits for an Event about the object with one of these reasons; its message is returned.
func (l *life) untilEvent(ctx context.Context, reasons ...string) (string, error) {
	var message string
	err := l.until(ctx, "there is an Event "+strings.Join(reasons, " or "), func(ctx context.Context) error {
		var events corev1.EventList
		if err := l.k8s.List(ctx, &events, client.InNamespace(l.marker)); err != nil {
			return err
		}
		var others []string
		for _, e := range events.Items {
			if e.InvolvedObject.UID != l.object.GetUID() {
				continue
			}
			if slices.Contains(reasons, e.Reason) {
				message = e.Message
				return nil
			}
			others = append(others, e.Reason)
		}
		return fmt.Errorf("there are %v", others)
	})
	return message, err
}

// annotate sets an annotation, and nothing else.
func (l *life) annotate(ctx context.Context, name, value string) error {
	return l.patch(ctx, func() {
		annotations := map[string]string{}
		maps.Copy(annotations, l.object.GetAnnotations())
		annotations[name] = value
		l.object.SetAnnotations(annotations)
	})
}

// patch changes the object as it is now.
func (l *life) patch(ctx context.Context, change func()) error {
	if err := l.read(ctx); err != nil {
		return err
	}
	before, ok := l.object.DeepCopyObject().(client.Object)
	if !ok {
		return errors.New("the copy of an object is no object")
	}
	change()
	return l.k8s.Patch(ctx, l.object, client.MergeFrom(before))
}
