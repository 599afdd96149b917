package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// The answers to a question.
const (
	yes     = "yes"
	no      = "no"
	unknown = "could not tell"
)

// answer is what GitHub's behaviour says to a question, with the evidence, or why it says nothing.
type answer struct {
	verdict, evidence string
}

// verdict is yes or no, with the evidence.
func verdict(is bool, format string, args ...any) answer {
	v := no
	if is {
		v = yes
	}
	return answer{v, fmt.Sprintf(format, args...)}
}

func cannotTell(err error) answer { return answer{unknown, err.Error()} }

// fact is a question with its answer.
type fact struct {
	question string
	answer
}

// question is one that trying out answers.
type question struct {
	text string
	try  func(*experiment, context.Context) answer
}

// questions are asked in this order, of one webhook.
var questions = []question{
	{"Does a PATCH that changes the secret alone move updated_at?", (*experiment).secretMovesUpdatedAt},
	{"Does a byte-identical PATCH leave updated_at?", (*experiment).identicalLeavesUpdatedAt},
	{"Does a PATCH of …/config that changes the secret alone move updated_at?", (*experiment).configSecretMovesUpdatedAt},
	{"Does a PATCH of …/config without the secret keep the secret?", (*experiment).configKeepsSecret},
	{"Does a PATCH with a config without the secret remove the secret?", (*experiment).patchRemovesSecret},
	{"Is an event that does not exist refused with 422?", (*experiment).unknownEventRefused},
	{"Does a test push answer 204 where the webhook is not subscribed to push?", (*experiment).unsubscribedTest},
	{"Is a read with If-None-Match answered 304 when nothing has changed?", (*experiment).notModified},
	{"Does a 304 leave x-ratelimit-remaining?", (*experiment).notModifiedIsFree},
	{"Does the ETag survive a new installation token?", (*experiment).etagSurvives},
	{"Does delivered_at have milliseconds?", (*experiment).milliseconds},
}

// tryOut asks all questions of a webhook that is made for them on the repository.
func (r *run) tryOut(ctx context.Context) []fact {
	e, err := r.newExperiment(ctx)
	facts := make([]fact, 0, len(questions))
	for _, q := range questions {
		a := cannotTell(fmt.Errorf("the webhook to try it out on could not be made: %w", err))
		if err == nil {
			a = q.try(e, ctx)
		}
		facts = append(facts, fact{q.text, a})
	}
	return facts
}

// reportFacts prints what was found out.
func (r *run) reportFacts(facts []fact) {
	r.say("\nFacts about %s", r.Server)
	for _, f := range facts {
		r.say("  %-14s  %s\n%18s%s", f.verdict, f.question, "", f.evidence)
	}
}

// experiment is the webhook on which questions are tried out.
type experiment struct {
	*run
	hooks github.Hooks
	id    int64
	// conditional is what two equal reads saw, one after the other.
	first, second exchange
}

// newExperiment makes the webhook. It hears of nothing that happens while it is there.
func (r *run) newExperiment(ctx context.Context) (*experiment, error) {
	e := &experiment{run: r, hooks: r.repositoryPlace().hooks}
	request := e.request(random(32))
	request.Events, request.Active = []string{"milestone"}, ptr.To(true)
	// A webhook whose ID did not come back is found by its marker, unless it comes after the list.
	h, err := e.hooks.Create(context.WithoutCancel(ctx), request)
	if err != nil {
		return nil, err
	}
	e.id = h.ID
	return e, nil
}

// request is one that carries the whole config; no secret removes it, as far as is known.
func (e *experiment) request(secret string) github.HookRequest {
	return github.HookRequest{Config: &github.Config{
		URL: github.NewSecret(e.address("facts")), ContentType: "json", Secret: github.NewSecret(secret),
	}}
}

// secretMovesUpdatedAt: updated_at would show somebody else's edit of the secret.
func (e *experiment) secretMovesUpdatedAt(ctx context.Context) answer {
	return e.movesUpdatedAt(ctx, func() error {
		_, err := e.hooks.Edit(ctx, e.id, e.request(random(32)))
		return err
	})
}

func (e *experiment) configSecretMovesUpdatedAt(ctx context.Context) answer {
	return e.movesUpdatedAt(ctx, func() error {
		_, err := e.hooks.EditConfig(ctx, e.id, *e.request(random(32)).Config)
		return err
	})
}

func (e *experiment) identicalLeavesUpdatedAt(ctx context.Context) answer {
	request := e.request(random(32))
	if _, err := e.hooks.Edit(ctx, e.id, request); err != nil {
		return cannotTell(err)
	}
	a := e.movesUpdatedAt(ctx, func() error {
		_, err := e.hooks.Edit(ctx, e.id, request)
		return err
	})
	if a.verdict != unknown {
		a = verdict(a.verdict == no, "%s", a.evidence)
	}
	return a
}

// movesUpdatedAt makes an edit in a later second than the last one: updated_at has whole seconds.
func (e *experiment) movesUpdatedAt(ctx context.Context, edit func() error) answer {
	before, err := e.hooks.Get(ctx, e.id)
	if err != nil {
		return cannotTell(err)
	}
	err = await(ctx, e.patience, pollEvery, "GitHub's clock shows a later second", func(context.Context) error {
		if !e.github.ServerTime().Truncate(time.Second).After(before.UpdatedAt) {
			return errors.New("it is still the same")
		}
		return nil
	})
	if err != nil {
		return cannotTell(err)
	}
	if err := edit(); err != nil {
		return cannotTell(err)
	}
	edited := e.github.ServerTime()
	after, err := e.hooks.Get(ctx, e.id)
	if err != nil {
		return cannotTell(err)
	}
	return verdict(!after.UpdatedAt.Equal(before.UpdatedAt), "updated_at was %s before and %s after an edit that was answered at %s",
		before.UpdatedAt.Format(time.RFC3339), after.UpdatedAt.Format(time.RFC3339), edited.UTC().Format(time.RFC3339))
}

func (e *experiment) configKeepsSecret(ctx context.Context) answer {
	return e.losesSecret(ctx, yes, no, func() error {
		// Another content type, so that there is something to change.
		_, err := e.hooks.EditConfig(ctx, e.id, github.Config{ContentType: "form"})
		return err
	})
}

func (e *experiment) patchRemovesSecret(ctx context.Context) answer {
	return e.losesSecret(ctx, no, yes, func() error {
		_, err := e.hooks.Edit(ctx, e.id, e.request(""))
		return err
	})
}

// losesSecret sets a secret, makes an edit, and looks whether deliveries are signed before and after it.
func (e *experiment) losesSecret(ctx context.Context, kept, lost string, edit func() error) answer {
	if _, err := e.hooks.Edit(ctx, e.id, e.request(random(32))); err != nil {
		return cannotTell(err)
	}
	before, err := e.signed(ctx)
	if err != nil {
		return cannotTell(err)
	}
	if !before.signed {
		return answer{unknown, fmt.Sprintf("ping %d was not signed even before, with a secret that was just set", before.id)}
	}
	if err := edit(); err != nil {
		return cannotTell(err)
	}
	after, err := e.signed(ctx)
	if err != nil {
		return cannotTell(err)
	}
	if after.signed {
		return answer{kept, fmt.Sprintf("%s was sent with ping %d before and with ping %d after", signatureHeader, before.id, after.id)}
	}
	return answer{lost, fmt.Sprintf("%s was sent with ping %d before and not with ping %d after", signatureHeader, before.id, after.id)}
}

// signatureHeader is with every delivery of a webhook that has a secret.
const signatureHeader = "X-Hub-Signature-256"

// signedPing tells whether a ping was signed.
type signedPing struct {
	id     int64
	signed bool
}

// signed pings the webhook and finds in GitHub's log what was sent, whether or not it arrived.
func (e *experiment) signed(ctx context.Context) (signedPing, error) {
	known, err := e.pings(ctx)
	if err != nil {
		return signedPing{}, err
	}
	if err := e.hooks.Ping(ctx, e.id); err != nil {
		return signedPing{}, err
	}
	var sent int64
	err = e.untilOnGitHub(ctx, "the ping shows in GitHub's log", func(ctx context.Context) error {
		now, err := e.pings(ctx)
		if err != nil {
			return err
		}
		for id := range now {
			if !known[id] {
				sent = id
				return nil
			}
		}
		return fmt.Errorf("there are the %d from before", len(known))
	})
	if err != nil {
		return signedPing{}, err
	}
	headers, err := e.sentHeaders(ctx, sent)
	if err != nil {
		return signedPing{}, err
	}
	return signedPing{sent, slices.ContainsFunc(headers, func(name string) bool { return strings.EqualFold(name, signatureHeader) })}, nil
}

// pings are those that GitHub's log has. The one of the webhook's creation is waited for: else it would be taken for a
// later one.
func (e *experiment) pings(ctx context.Context) (map[int64]bool, error) {
	pings := map[int64]bool{}
	err := e.untilOnGitHub(ctx, "GitHub's log has a ping", func(ctx context.Context) error {
		page, err := e.hooks.Deliveries(ctx, e.id, github.DeliveryQuery{PerPage: 30})
		if err != nil {
			return err
		}
		for _, d := range page.Deliveries {
			if d.Event == "ping" {
				pings[d.ID] = true
			}
		}
		if len(pings) == 0 {
			return errors.New("it has none")
		}
		return nil
	})
	return pings, err
}

func (e *experiment) unknownEventRefused(ctx context.Context) answer {
	h, err := e.hooks.Edit(ctx, e.id, github.HookRequest{Events: []string{"no_such_event"}})
	if err == nil {
		return answer{no, fmt.Sprintf("it was accepted; the webhook has the events %v now", h.Events)}
	}
	refusal, ok := errors.AsType[*github.Error](err)
	if !ok || refusal.StatusCode < 400 || refusal.StatusCode >= 500 || errors.Is(err, github.ErrRateLimited) {
		return cannotTell(err)
	}
	return verdict(errors.Is(err, github.ErrValidation), "%v", err)
}

func (e *experiment) unsubscribedTest(ctx context.Context) answer {
	err := e.hooks.Test(ctx, e.id)
	code := e.seen.get().code
	if err != nil && (code < 400 || code >= 500 || errors.Is(err, github.ErrRateLimited)) {
		return cannotTell(err)
	}
	return verdict(code == 204, "it was answered %d", code)
}

// notModified reads the configuration twice: the webhook itself changes with each delivery.
func (e *experiment) notModified(ctx context.Context) answer {
	for _, seen := range []*exchange{&e.first, &e.second} {
		if _, err := e.hooks.Config(ctx, e.id); err != nil {
			return cannotTell(err)
		}
		*seen = e.seen.get()
	}
	return verdict(e.second.code == 304, "the same read was answered %d, then %d", e.first.code, e.second.code)
}

// notModifiedIsFree looks at what notModified saw.
func (e *experiment) notModifiedIsFree(context.Context) answer {
	switch {
	case e.second.code != 304:
		return answer{unknown, "there was no 304"}
	case !e.first.told || !e.second.told:
		return answer{unknown, "GitHub does not say how many requests are left"}
	}
	return verdict(e.first.remaining == e.second.remaining, "%d were left before the 304, %d with it; others with this credential count too",
		e.first.remaining, e.second.remaining)
}

func (e *experiment) milliseconds(ctx context.Context) answer {
	page, err := e.hooks.Deliveries(ctx, e.id, github.DeliveryQuery{PerPage: 30})
	if err != nil {
		return cannotTell(err)
	}
	if len(page.Deliveries) == 0 {
		return answer{unknown, "there are no deliveries"}
	}
	for _, d := range page.Deliveries {
		if d.DeliveredAt.Nanosecond() != 0 {
			return answer{yes, fmt.Sprintf("delivery %d: %s", d.ID, d.DeliveredAt.Format(time.RFC3339Nano))}
		}
	}
	return answer{no, fmt.Sprintf("none of %d deliveries; delivery %d: %s", len(page.Deliveries), page.Deliveries[0].ID,
		page.Deliveries[0].DeliveredAt.Format(time.RFC3339Nano))}
}
