package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// step is one thing that the demo shows. Its error says what did not come.
type step struct {
	title string
	show  func(*stage, context.Context) error
}

// steps are the life of the samples' webhooks, in order.
var steps = []step{
	{"kubectl apply makes the webhooks on GitHub", (*stage).create},
	{"A push is delivered, signed with the Secret", (*stage).push},
	{"Somebody edits the webhook on GitHub: it is repaired", (*stage).repair},
	{"The Secret is rotated: GitHub signs with the new one", (*stage).rotate},
	{"The receiver goes down: the object says so", (*stage).outage},
	{"It comes back: GitHub delivers again what failed", (*stage).comeback},
	{"The Secret goes missing: the objects say so, and heal", (*stage).loseSecret},
	{"kubectl delete takes the webhooks off GitHub", (*stage).remove},
}

// walk shows every step until one fails.
func (s *stage) walk(ctx context.Context) ([]result, error) {
	var results []result
	for i, step := range steps {
		s.print(fmt.Sprintf("%d. %s\n\n", i+1, step.title))
		start, mark := time.Now(), len(s.github.Requests())
		err := step.show(s, ctx)
		results = append(results, result{step.title, time.Since(start), fromOperator(s.github.Requests()[mark:]), err})
		if err != nil {
			return results, fmt.Errorf("step %d, %q: %w", i+1, step.title, err)
		}
	}
	return results, nil
}

func (s *stage) create(ctx context.Context) error {
	mark := len(s.receiver.Received())
	if err := s.show(ctx, "apply", "-k", "."); err != nil {
		return err
	}
	if err := s.untilReady(ctx); err != nil {
		return err
	}
	if err := s.showObjects(ctx); err != nil {
		return err
	}
	if err := s.showGitHub(ctx); err != nil {
		return err
	}
	s.say("GitHub never shows a secret again, only asterisks. It pings every new webhook:")
	return s.deliveries(ctx, mark, 2)
}

func (s *stage) push(ctx context.Context) error {
	s.say("Somebody pushes to %s.", repository)
	return s.pushed(ctx)
}

// pushed lets a push happen, of which only the repository's webhook hears.
func (s *stage) pushed(ctx context.Context) error {
	mark := len(s.receiver.Received())
	s.github.Emit(repository, "push", "", map[string]any{"ref": "refs/heads/main"})
	return s.deliveries(ctx, mark, 1)
}

func (s *stage) repair(ctx context.Context) error {
	if err := s.edit(ctx); err != nil {
		return err
	}
	s.say("On GitHub's web page somebody unsubscribes the repository's webhook from pull_request and types another secret:")
	if err := s.showGitHub(ctx); err != nil {
		return err
	}
	s.say("The operator reconciles every 10 minutes (spec.interval). Nobody wants to wait for that now:")
	if err := s.reconcile(ctx); err != nil {
		return err
	}
	if err := s.untilEvent(ctx, v1alpha1.EventDriftRepaired, "events", "secret written again"); err != nil {
		return err
	}
	if err := s.showEvents(ctx); err != nil {
		return err
	}
	if err := s.showGitHub(ctx); err != nil {
		return err
	}
	s.say("GitHub shows no secret, so that nobody can compare it. But the operator saw that somebody else had written, and " +
		"wrote the right one again. The next push proves it:")
	return s.pushed(ctx)
}

// edit changes the repository's webhook as a person on GitHub's web page does.
func (s *stage) edit(ctx context.Context) error {
	hook := s.github.Hooks(repository)[0]
	err := s.until(ctx, "GitHub's clock shows another second than at the last write", func(context.Context) error {
		if !time.Now().Truncate(time.Second).After(hook.UpdatedAt) {
			return fmt.Errorf("it is still %s", hook.UpdatedAt)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.github.EditHook(repository, hook.ID, func(h *githubsim.Hook) {
		h.Events, h.Config.Secret = []string{"push"}, randomSecret()
	})
	return nil
}

func (s *stage) rotate(ctx context.Context) error {
	before, err := s.fingerprints(ctx)
	if err != nil {
		return err
	}
	if err := s.newHMACSecret(); err != nil {
		return err
	}
	s.say("All three objects name the Secret %q. It gets a new value, and the receiver accepts nothing else from now on.", hmacSecretName)
	if err := s.show(ctx, "apply", "-f", hmacSecretFile); err != nil {
		return err
	}
	if err := s.untilOtherFingerprints(ctx, before); err != nil {
		return err
	}
	if err := s.untilEvent(ctx, v1alpha1.EventSecretApplied, "secretRef"); err != nil {
		return err
	}
	if err := s.showEvents(ctx); err != nil {
		return err
	}
	mark := len(s.receiver.Received())
	s.say("A push, and a new repository in the organization:")
	s.github.Emit(repository, "push", "", map[string]any{"ref": "refs/heads/main"})
	s.github.Emit(organization, "repository", "created", nil)
	return s.deliveries(ctx, mark, 2)
}

// pushes that fail while the receiver is down.
const pushes = 3

func (s *stage) outage(ctx context.Context) error {
	s.receiver.Fail(http.StatusServiceUnavailable)
	s.say("The receiver answers 503 from now on, and somebody pushes %d times.", pushes)
	for range pushes {
		s.github.Emit(repository, "push", "", map[string]any{"ref": "refs/heads/main"})
	}
	if err := s.github.WaitDeliveries(ctx); err != nil {
		return err
	}
	s.say("GitHub does not try again by itself. The operator sees it when it reconciles, which is asked for here:")
	if err := s.reconcile(ctx); err != nil {
		return err
	}
	if err := s.untilDeliveries(ctx, metav1.ConditionFalse); err != nil {
		return err
	}
	if err := s.show(ctx, "get", "repohook"); err != nil {
		return err
	}
	return s.show(ctx, "get", "repohook/ci", "-o", `jsonpath={.status.conditions[?(@.type=="DeliveriesHealthy")].message}`)
}

// reconcile asks the operator to do so now.
func (s *stage) reconcile(ctx context.Context) error {
	s.asked++
	return s.show(ctx, "annotate", "--overwrite", "repohook/ci", fmt.Sprintf("%s=%d", v1alpha1.AnnotationReconcile, s.asked))
}

// showObjects shows the objects of each kind, within 80 columns.
func (s *stage) showObjects(ctx context.Context) error {
	for _, kind := range []string{"repohook", "orghook", "apphook"} {
		if err := s.show(ctx, "get", kind); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) comeback(ctx context.Context) error {
	mark := len(s.receiver.Received())
	if err := s.receiver.Recover(); err != nil {
		return err
	}
	s.say("The receiver is back. With spec.redelivery the operator has GitHub deliver again what failed:")
	if err := s.show(ctx, "patch", "repohook/ci", "--type=merge", "--patch", `{"spec":{"redelivery":{"backoff":"1s"}}}`); err != nil {
		return err
	}
	if err := s.deliveries(ctx, mark, pushes); err != nil {
		return err
	}
	if err := s.untilDeliveries(ctx, metav1.ConditionTrue); err != nil {
		return err
	}
	if err := s.show(ctx, "get", "repohook"); err != nil {
		return err
	}
	s.say("A ping by annotation tells in an Event whether it arrived:")
	if err := s.show(ctx, "annotate", "--overwrite", "repohook/ci", v1alpha1.AnnotationPing+"=1"); err != nil {
		return err
	}
	if err := s.untilEvent(ctx, v1alpha1.EventPinged, "code 200"); err != nil {
		return err
	}
	return s.showEvents(ctx)
}

func (s *stage) loseSecret(ctx context.Context) error {
	if err := s.show(ctx, "delete", "secret", hmacSecretName); err != nil {
		return err
	}
	if err := s.untilReason(ctx, "False", v1alpha1.ReasonSecretNotFound); err != nil {
		return err
	}
	if err := s.showObjects(ctx); err != nil {
		return err
	}
	sentence := `jsonpath={.status.conditions[?(@.type=="Ready")].message}`
	if err := s.show(ctx, "get", "repohook/ci", "-o", sentence); err != nil {
		return err
	}
	s.say("Meanwhile the webhooks on GitHub keep their secret: nothing is written there by halves. The Secret comes back:")
	if err := s.show(ctx, "apply", "-f", hmacSecretFile); err != nil {
		return err
	}
	if err := s.untilReady(ctx); err != nil {
		return err
	}
	return s.showObjects(ctx)
}

func (s *stage) remove(ctx context.Context) error {
	s.say("Objects and Secrets go together, as when a GitOps tool prunes them. The operator remembers the token long enough:")
	if err := s.show(ctx, "delete", "-k", "."); err != nil {
		return err
	}
	for _, target := range []githubsim.Target{repository, organization} {
		if hooks := s.github.Hooks(target); len(hooks) > 0 {
			return fmt.Errorf("the objects are gone and %s still has %d webhooks", target, len(hooks))
		}
	}
	s.say("An App's webhook cannot be deleted over GitHub's API: it stays as it was configured.")
	return s.showGitHub(ctx)
}
