package hook_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// situation is a row of the tables: what is known, and the step that follows.
type situation struct {
	name     string
	want     func(*hook.Desired)
	policy   hook.Policy
	recorded hook.Recorded
	evidence hook.Evidence
	others   map[int64]hook.Claim
	step     hook.Step
}

func (s situation) claim(id int64) hook.Claim { return s.others[id] }

// with returns the observed webhook after changes.
func with(changes ...func(*github.Hook)) github.Hook {
	h := observed()
	for _, change := range changes {
		change(&h)
	}
	return h
}

func id(id int64) func(*github.Hook)           { return func(h *github.Hook) { h.ID = id } }
func url(u string) func(*github.Hook)          { return func(h *github.Hook) { h.Config.URL = u } }
func inactive(h *github.Hook)                  { h.Active = false }
func createdAt(t time.Time) func(*github.Hook) { return func(h *github.Hook) { h.CreatedAt = t } }
func unknown(p github.Property) func(*github.Hook) {
	return func(h *github.Hook) { h.Unknown |= p }
}

// read is the evidence of a webhook that was read, missed that of a 404.
func read(h github.Hook) hook.Evidence { return hook.Evidence{Asked: h.ID, Read: &h} }
func missed(id int64) hook.Evidence    { return hook.Evidence{Asked: id} }

func listed(e hook.Evidence, hooks ...github.Hook) hook.Evidence {
	e.Listed, e.Hooks = true, hooks
	return e
}

func unclear(e hook.Evidence) hook.Evidence {
	e.Unclear = true
	return e
}

// own is what is recorded of the webhook with ID 1 that agreed.
func own(changes ...func(*hook.Recorded)) hook.Recorded {
	r := hook.Recorded{ID: 1, Own: true, Synced: true, Applied: hook.Applied{SecretFingerprint: "hmac-sha256:1", UpdatedAt: noon}}
	for _, change := range changes {
		change(&r)
	}
	return r
}

// noted is an intent to create a webhook with the URL.
func noted(u string) *hook.Intent {
	return &hook.Intent{Time: noon, MatchesURL: func(other string) bool { return other == u }}
}

func trusted(r *hook.Recorded)                    { r.Trusted = true }
func changed(r *hook.Recorded)                    { r.Synced = false }
func intends(i *hook.Intent) func(*hook.Recorded) { return func(r *hook.Recorded) { r.Intent = i } }
func remembers(h github.Hook) func(*hook.Recorded) {
	return func(r *hook.Recorded) { r.Remembered = &h }
}

const ours = "https://ci.example.com"

// decides runs the rows of a table.
func decides(t *testing.T, rows []situation) {
	t.Helper()
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			d := desired()
			if c.want != nil {
				c.want(&d)
			}
			NewWithT(t).Expect(hook.Decide(d, c.policy, c.recorded, c.evidence, c.claim, noon)).To(Equal(c.step))
		})
	}
}

// What the rows have in common.
var (
	none      = hook.Evidence{}
	elsewhere = with(id(2), url("https://old.example.com"))
	twin      = with(id(3))
	recent    = with(createdAt(noon))
	newURL    = func(d *hook.Desired) { d.URL = "https://new.example.com" }
	matchURL  = hook.Policy{Adopt: true}
	observe   = hook.Policy{Observe: true}
	app       = hook.Policy{ID: 1, Single: true}
	secret    = []hook.Field{hook.SecretRef}
)

// A new object.
func TestDecideNew(t *testing.T) {
	decides(t, []situation{
		{name: "all webhooks are listed first", step: hook.Step{Do: hook.List}},
		{name: "none has the URL", evidence: listed(none, elsewhere), step: hook.Step{Do: hook.Create}},
		{name: "none has the URL, but the list is unclear", evidence: unclear(listed(none)), step: hook.Step{Do: hook.Unclear}},
		{name: "somebody else's has the URL", evidence: listed(none, observed()), step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "it may be adopted", policy: matchURL, evidence: listed(none, observed()),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: secret, Adopt: true, Rotated: true}},
		{name: "it may be adopted, but the list is unclear", policy: matchURL, evidence: unclear(listed(none, observed())), step: hook.Step{Do: hook.Unclear}},
		{name: "two have the URL", policy: matchURL, evidence: listed(none, observed(), twin),
			step: hook.Step{Do: hook.Ambiguous, Hooks: []github.Hook{observed(), twin}}},
		{name: "it is another object's", policy: matchURL, evidence: listed(none, observed()),
			others: map[int64]hook.Claim{1: hook.Claimed}, step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "another object is about to adopt it", policy: matchURL, evidence: listed(none, observed()),
			others: map[int64]hook.Claim{1: hook.Reserved}, step: hook.Step{Do: hook.Conflict, ID: 1}},
	})
}

// An adoption whose answer was lost.
func TestDecideNotedAdoption(t *testing.T) {
	decides(t, []situation{
		{name: "the webhook that was to be adopted is read", policy: matchURL, recorded: hook.Recorded{ID: 2, Noted: true}, step: hook.Step{Do: hook.Get, ID: 2}},
		{name: "and adopted, whatever the URL is by now", policy: matchURL, recorded: hook.Recorded{ID: 2, Noted: true}, evidence: read(elsewhere),
			step: hook.Step{Do: hook.Edit, ID: 2, Hook: elsewhere, Fields: []hook.Field{hook.URL, hook.SecretRef}, Adopt: true, Rotated: true}},
		{name: "it is gone", policy: matchURL, recorded: hook.Recorded{ID: 2, Noted: true}, evidence: listed(missed(2)), step: hook.Step{Do: hook.Create}},
		{name: "it is another object's by now", policy: matchURL, recorded: hook.Recorded{ID: 2, Noted: true},
			others: map[int64]hook.Claim{2: hook.Claimed}, step: hook.Step{Do: hook.List}},
	})
}

// A creation whose answer was lost.
func TestDecideLostCreation(t *testing.T) {
	decides(t, []situation{
		{name: "all webhooks are listed for it", recorded: hook.Recorded{Intent: noted(ours)}, step: hook.Step{Do: hook.List}},
		{name: "it was made", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: recent, Fields: secret, Recovered: true, Rotated: true}},
		{name: "it was made before the URL was changed", want: newURL, recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: recent, Fields: []hook.Field{hook.URL, hook.SecretRef}, Recovered: true, Rotated: true}},
		{name: "it was made in the place of one that is gone", recorded: own(intends(noted(ours)), func(r *hook.Recorded) { r.ID = 2 }),
			evidence: listed(missed(2), recent),
			step:     hook.Step{Do: hook.Edit, ID: 1, Hook: recent, Fields: secret, Recovered: true, Rotated: true}},
		{name: "it was not made", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, elsewhere), step: hook.Step{Do: hook.Create}},
		{name: "what has the URL is older", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, with(createdAt(noon.Add(-time.Hour)))),
			step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "what was made is another object's", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent),
			others: map[int64]hook.Claim{1: hook.Claimed}, step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "when it was created cannot be read", recorded: hook.Recorded{Intent: noted(ours)},
			evidence: listed(none, with(unknown(github.PropertyCreatedAt))), step: hook.Step{Do: hook.Undated}},
		{name: "it may still be made with the URL of before", want: newURL, evidence: listed(none),
			recorded: hook.Recorded{Intent: &hook.Intent{Time: noon, Open: true, MatchesURL: noted(ours).MatchesURL}}, step: hook.Step{Do: hook.Wait}},
		{name: "it may still be made with the same URL", evidence: listed(none),
			recorded: hook.Recorded{Intent: &hook.Intent{Time: noon, Open: true, MatchesURL: noted(ours).MatchesURL}}, step: hook.Step{Do: hook.Create}},
		{name: "spec.hookID names it", policy: hook.Policy{ID: 1}, recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: recent, Fields: secret, Recovered: true, Rotated: true}},
		{name: "spec.hookID names another one", policy: hook.Policy{ID: 2}, recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent, elsewhere),
			step: hook.Step{Do: hook.LetGo, ID: 1}},
		{name: "spec.hookID names another one, and this one was let go", policy: hook.Policy{ID: 2}, recorded: hook.Recorded{Intent: noted(ours)},
			evidence: hook.Evidence{Listed: true, Hooks: []github.Hook{recent, elsewhere}, LetGo: 1}, step: hook.Step{Do: hook.Get, ID: 2}},
		{name: "spec.hookID names another one, and the list is unclear", policy: hook.Policy{ID: 2}, recorded: hook.Recorded{Intent: noted(ours)},
			evidence: unclear(listed(none)), step: hook.Step{Do: hook.Unclear}},
	})
}

// The object's own webhook.
func TestDecideOwn(t *testing.T) {
	decides(t, []situation{
		{name: "it is read by its ID", recorded: own(), step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "it agrees", recorded: own(), evidence: read(observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "it was switched off", recorded: own(), evidence: read(with(inactive)),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: with(inactive), Fields: []hook.Field{hook.Active}}},
		{name: "a 404 is not yet absence", recorded: own(), evidence: missed(1), step: hook.Step{Do: hook.List, ID: 1}},
		{name: "it is listed all the same", recorded: own(), evidence: listed(missed(1), observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "it is gone", recorded: own(), evidence: listed(missed(1), elsewhere), step: hook.Step{Do: hook.Create}},
		{name: "it is gone, and another one has the URL", policy: matchURL, recorded: own(), evidence: listed(missed(1), twin),
			step: hook.Step{Do: hook.Edit, ID: 3, Hook: twin, Fields: secret, Adopt: true, Rotated: true}},
		{name: "whether it is gone is unclear", recorded: own(), evidence: unclear(listed(missed(1))), step: hook.Step{Do: hook.Unclear, ID: 1}},
		{name: "it belongs to another object", recorded: own(), others: map[int64]hook.Claim{1: hook.Claimed}, step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "another object is about to take what is ours", recorded: own(), others: map[int64]hook.Claim{1: hook.Reserved}, step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "the Secret changed", recorded: own(func(r *hook.Recorded) { r.Applied.SecretFingerprint = "hmac-sha256:0" }), evidence: read(observed()),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: secret, Rotated: true}},
		{name: "the URL in a Secret changed", recorded: own(func(r *hook.Recorded) { r.Applied.URLFingerprint = "hmac-sha256:0" }), evidence: read(observed()),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: []hook.Field{hook.URL}, Rotated: true}},
		{name: "somebody else wrote, perhaps the secret", recorded: own(func(r *hook.Recorded) { r.Applied.UpdatedAt = noon.Add(-time.Hour) }),
			evidence: read(with(func(h *github.Hook) { h.UpdatedAt = noon })),
			step:     hook.Step{Do: hook.Edit, ID: 1, Hook: with(func(h *github.Hook) { h.UpdatedAt = noon }), Fields: secret, Reassert: true}},
		{name: "somebody else wrote what shows: the secret goes along", recorded: own(func(r *hook.Recorded) { r.Applied.UpdatedAt = noon.Add(-time.Hour) }),
			evidence: read(with(inactive, func(h *github.Hook) { h.UpdatedAt = noon })),
			step:     hook.Step{Do: hook.Edit, ID: 1, Hook: with(inactive, func(h *github.Hook) { h.UpdatedAt = noon }), Fields: []hook.Field{hook.Active}, Reassert: true}},
	})
}

// Fields that cannot be read.
func TestDecideUnreadable(t *testing.T) {
	decides(t, []situation{
		{name: "an unreadable field is written once", recorded: own(changed), evidence: read(with(unknown(github.PropertyActive))),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: with(unknown(github.PropertyActive)), Fields: []hook.Field{hook.Active}, Unknown: []hook.Field{hook.Active}}},
		{name: "and not again", recorded: own(changed, func(r *hook.Recorded) { r.WroteUnknown = true }), evidence: read(with(unknown(github.PropertyActive))),
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: with(unknown(github.PropertyActive)), Unknown: []hook.Field{hook.Active}}},
		{name: "nor where it was seen to agree", recorded: own(), evidence: read(with(unknown(github.PropertyActive))),
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: with(unknown(github.PropertyActive)), Unknown: []hook.Field{hook.Active}}},
		{name: "unreadable events are not overwritten where others add some", want: func(d *hook.Desired) { d.KeepOtherEvents = true }, recorded: own(changed),
			evidence: read(with(unknown(github.PropertyEvents))),
			step:     hook.Step{Do: hook.Keep, ID: 1, Hook: with(unknown(github.PropertyEvents)), Unknown: []hook.Field{hook.Events}}},
	})
}

// spec.hookID.
func TestDecideNamed(t *testing.T) {
	decides(t, []situation{
		{name: "the named one is read", policy: hook.Policy{ID: 2}, step: hook.Step{Do: hook.Get, ID: 2}},
		{name: "and adopted", policy: hook.Policy{ID: 2}, evidence: read(elsewhere),
			step: hook.Step{Do: hook.Edit, ID: 2, Hook: elsewhere, Fields: []hook.Field{hook.URL, hook.SecretRef}, Adopt: true, Rotated: true}},
		{name: "there is none", policy: hook.Policy{ID: 9}, evidence: listed(missed(9), observed()), step: hook.Step{Do: hook.NotFound, ID: 9}},
		{name: "it is another object's", policy: hook.Policy{ID: 2}, evidence: read(elsewhere), others: map[int64]hook.Claim{2: hook.Claimed},
			step: hook.Step{Do: hook.Conflict, ID: 2}},
		{name: "ours is let go for it", policy: hook.Policy{ID: 2}, recorded: own(), step: hook.Step{Do: hook.LetGo, ID: 1}},
		{name: "it is ours", policy: hook.Policy{ID: 1}, recorded: own(), evidence: read(observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
	})
}

// Known state plus a changed spec or Secret.
func TestDecideBlind(t *testing.T) {
	decides(t, []situation{
		{name: "a changed spec needs no read", want: newURL, recorded: own(trusted, changed, remembers(observed())),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: []hook.Field{hook.URL}, Blind: true}},
		{name: "nor does a changed Secret", recorded: own(trusted, func(r *hook.Recorded) { r.Applied.SecretFingerprint = "hmac-sha256:0" }),
			step: hook.Step{Do: hook.Edit, ID: 1, Fields: secret, Blind: true, Rotated: true}},
		{name: "a change of nothing that GitHub has", recorded: own(trusted, changed, remembers(observed())),
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed(), Blind: true}},
		{name: "what the process does not remember is read", recorded: own(trusted, changed), step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "what could not be read is read", recorded: own(trusted, changed, remembers(with(unknown(github.PropertyActive)))), step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "a union of events has to be read", want: func(d *hook.Desired) { d.KeepOtherEvents, d.Events = true, []string{"fork"} },
			recorded: own(trusted, changed, remembers(observed())), step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "but where the target adds events", want: func(d *hook.Desired) { d.KeepOtherEvents, d.Events = true, []string{"fork"} },
			policy: hook.Policy{AddEvents: true}, recorded: own(trusted, changed, remembers(observed())),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: []hook.Field{hook.Events}, Blind: true}},
		{name: "spec.hookID names another one", policy: hook.Policy{ID: 2}, recorded: own(trusted, changed, remembers(observed())), step: hook.Step{Do: hook.LetGo, ID: 1}},
		{name: "it was not there when it was written", recorded: own(trusted), evidence: missed(1), step: hook.Step{Do: hook.List, ID: 1}},
	})
}

// An App's.
func TestDecideApp(t *testing.T) {
	decides(t, []situation{
		{name: "which App it is, GitHub knows", policy: hook.Policy{Single: true}, step: hook.Step{Do: hook.Identify}},
		{name: "an App's is read", policy: app, step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "an App's is configured", policy: app, evidence: read(observed()),
			step: hook.Step{Do: hook.Edit, ID: 1, Hook: observed(), Fields: secret, Adopt: true, Rotated: true}},
		{name: "an App's agrees", policy: app, recorded: own(), evidence: read(observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "an App's is switched off", policy: app, evidence: missed(1), step: hook.Step{Do: hook.NotFound, ID: 1}},
		{name: "an App's is another object's", policy: app, others: map[int64]hook.Claim{1: hook.Reserved}, step: hook.Step{Do: hook.Conflict, ID: 1}},
		{name: "an App's is only observed", policy: hook.Policy{ID: 1, Single: true, Observe: true}, step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "an App's is observed, whoever's it is", policy: hook.Policy{ID: 1, Single: true, Observe: true}, evidence: read(observed()),
			others: map[int64]hook.Claim{1: hook.Claimed}, step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "an App's to observe is switched off", policy: hook.Policy{ID: 1, Single: true, Observe: true}, evidence: missed(1), step: hook.Step{Do: hook.NotFound, ID: 1}},
	})
}

// Observe.
func TestDecideObserved(t *testing.T) {
	decides(t, []situation{
		{name: "what is to be observed is looked for", policy: observe, step: hook.Step{Do: hook.List}},
		{name: "by its URL", policy: observe, evidence: listed(none, observed(), elsewhere), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "whoever's it is", policy: observe, evidence: listed(none, observed()), others: map[int64]hook.Claim{1: hook.Claimed},
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "it differs", policy: observe, evidence: listed(none, with(inactive)),
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: with(inactive), Fields: []hook.Field{hook.Active}}},
		{name: "two have the URL", policy: observe, evidence: listed(none, observed(), twin), step: hook.Step{Do: hook.Ambiguous, Hooks: []github.Hook{observed(), twin}}},
		{name: "none has the URL", policy: observe, evidence: listed(none, elsewhere), step: hook.Step{Do: hook.NotFound}},
		{name: "whether one has the URL is unclear", policy: observe, evidence: unclear(listed(none)), step: hook.Step{Do: hook.Unclear}},
		{name: "by the ID of the last time", policy: observe, recorded: hook.Recorded{ID: 1}, step: hook.Step{Do: hook.Get, ID: 1}},
		{name: "which has the URL", policy: observe, recorded: hook.Recorded{ID: 1}, evidence: read(observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "which has another URL", policy: observe, recorded: hook.Recorded{ID: 2}, evidence: read(elsewhere), step: hook.Step{Do: hook.List}},
		{name: "whose URL cannot be read", policy: observe, recorded: hook.Recorded{ID: 2}, evidence: read(with(id(2), unknown(github.PropertyURL))),
			step: hook.Step{Do: hook.Keep, ID: 2, Hook: with(id(2), unknown(github.PropertyURL)), Unknown: []hook.Field{hook.URL}}},
		{name: "which is gone", policy: observe, recorded: hook.Recorded{ID: 2}, evidence: listed(missed(2), observed()), step: hook.Step{Do: hook.Keep, ID: 1, Hook: observed()}},
		{name: "ours is observed, whatever its URL", policy: observe, recorded: own(), evidence: read(with(url("https://old.example.com"))),
			step: hook.Step{Do: hook.Keep, ID: 1, Hook: with(url("https://old.example.com")), Fields: []hook.Field{hook.URL}}},
		{name: "the named one", policy: hook.Policy{Observe: true, ID: 2}, step: hook.Step{Do: hook.Get, ID: 2}},
		{name: "the named one is gone", policy: hook.Policy{Observe: true, ID: 2}, evidence: listed(missed(2), observed()), step: hook.Step{Do: hook.NotFound, ID: 2}},
	})
}

// Whatever is known, Decide comes to an end: evidence that was asked for is not asked for again.
func TestDecideEnds(t *testing.T) {
	worlds := [][]github.Hook{nil, {observed()}, {with(id(2))}, {observed(), with(id(3))}, {with(createdAt(noon))}, {with(url("https://old.example.com"))}}
	for _, world := range worlds {
		for _, policy := range []hook.Policy{{}, {ID: 1}, {ID: 2}, {Adopt: true}, {Observe: true}, {Observe: true, ID: 2}} {
			for _, recorded := range []hook.Recorded{{}, own(), own(trusted), own(intends(noted(ours))), {ID: 2, Noted: true}, {Intent: noted(ours)}} {
				e, asked := hook.Evidence{}, []hook.Verb{}
				for {
					step := hook.Decide(desired(), policy, recorded, e, func(int64) hook.Claim { return hook.Unclaimed }, noon)
					if step.Do != hook.Get && step.Do != hook.List && step.Do != hook.LetGo {
						break
					}
					asked = append(asked, step.Do)
					NewWithT(t).Expect(len(asked)).To(BeNumerically("<", 5), "%v with %+v and %+v", asked, policy, recorded)
					e, recorded = learn(world, step, e, recorded)
				}
			}
		}
	}
}

// learn is what a step brings in a world of webhooks.
func learn(world []github.Hook, step hook.Step, e hook.Evidence, r hook.Recorded) (hook.Evidence, hook.Recorded) {
	if step.Do == hook.Get {
		e.Asked, e.Read = step.ID, hook.ByID(world, step.ID)
		return e, r
	}
	if step.Do == hook.List {
		e.Listed, e.Hooks = true, world
		return e, r
	}
	e.LetGo = step.ID
	if r.Own && r.ID == step.ID {
		r.ID, r.Own, r.Applied = 0, false, hook.Applied{}
	}
	return e, r
}

func TestDecideDeletion(t *testing.T) {
	open := noted(ours)
	open.Open = true
	for _, c := range []situation{
		{name: "nothing is its own", recorded: hook.Recorded{ID: 1}, step: hook.Step{Do: hook.Release}},
		{name: "its webhook goes", recorded: own(), step: hook.Step{Do: hook.Delete, ID: 1}},
		{name: "its webhook stays, as the spec asks", policy: hook.Policy{Orphan: true}, recorded: own(), step: hook.Step{Do: hook.LeaveOrphan, ID: 1}},
		{name: "what is only observed stays", policy: hook.Policy{Observe: true}, recorded: own(), step: hook.Step{Do: hook.LeaveOrphan, ID: 1}},
		{name: "nothing is left to orphan", policy: hook.Policy{Orphan: true}, recorded: hook.Recorded{Intent: noted(ours)}, step: hook.Step{Do: hook.Release}},
		{name: "its webhook is another object's", recorded: own(), others: map[int64]hook.Claim{1: hook.Claimed}, step: hook.Step{Do: hook.Release}},
		{name: "a lost answer is looked for", recorded: hook.Recorded{Intent: noted(ours)}, step: hook.Step{Do: hook.List}},
		{name: "what it made goes", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent), step: hook.Step{Do: hook.Delete, ID: 1}},
		{name: "it made nothing", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none), step: hook.Step{Do: hook.Release}},
		{name: "it made nothing in the place of the one before", recorded: own(intends(noted(ours))), evidence: listed(none), step: hook.Step{Do: hook.Delete, ID: 1}},
		{name: "it may still make something", recorded: hook.Recorded{Intent: open}, evidence: listed(none), step: hook.Step{Do: hook.Wait}},
		{name: "what it made is another object's", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, recent),
			others: map[int64]hook.Claim{1: hook.Reserved}, step: hook.Step{Do: hook.Release}},
		{name: "what it made cannot be told", recorded: hook.Recorded{Intent: noted(ours)}, evidence: listed(none, with(unknown(github.PropertyCreatedAt))),
			step: hook.Step{Do: hook.Undated}},
		{name: "the list is unclear", recorded: hook.Recorded{Intent: noted(ours)}, evidence: unclear(listed(none)), step: hook.Step{Do: hook.Unclear}},
		{name: "the repository is archived", recorded: own(), evidence: hook.Evidence{NotDeleted: 1, Archived: true}, step: hook.Step{Do: hook.LeaveArchived, ID: 1}},
		{name: "a 404 is not yet absence", recorded: own(), evidence: hook.Evidence{NotDeleted: 1}, step: hook.Step{Do: hook.List, ID: 1}},
		{name: "it was gone", recorded: own(), evidence: listed(hook.Evidence{NotDeleted: 1}, with(id(2))), step: hook.Step{Do: hook.Gone, ID: 1}},
		{name: "whether it is gone is unclear", recorded: own(), evidence: unclear(listed(hook.Evidence{NotDeleted: 1})), step: hook.Step{Do: hook.Unclear, ID: 1}},
		{name: "GitHub contradicts itself", recorded: own(), evidence: listed(hook.Evidence{NotDeleted: 1}, observed()), step: hook.Step{Do: hook.Disputed, ID: 1}},
		{name: "nothing is to be seen there", recorded: own(), evidence: hook.Evidence{NotDeleted: 1, Hidden: true}, step: hook.Step{Do: hook.LeaveHidden, ID: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(hook.DecideDeletion(c.policy, c.recorded, c.evidence, c.claim)).To(Equal(c.step))
		})
	}
}

func TestRequestOfStep(t *testing.T) {
	g := NewWithT(t)
	secret := github.NewSecret("s")
	whole := &github.Config{URL: github.NewSecret(ours), ContentType: "json", Secret: secret}
	events := hook.Step{Hook: observed(), Fields: []hook.Field{hook.Events}}
	g.Expect(events.Request(desired(), secret, false)).To(Equal(github.HookRequest{Events: []string{"pull_request", "push"}}))
	events.Blind = true
	g.Expect(events.Request(desired(), secret, false)).To(Equal(github.HookRequest{Config: whole, Events: []string{"pull_request", "push"}}))
	events.Blind, events.Reassert = false, true
	g.Expect(events.SendsConfig()).To(BeTrue())
	for _, f := range []hook.Field{hook.URL, hook.ContentType, hook.InsecureSSL, hook.SecretRef} {
		g.Expect(hook.Step{Fields: []hook.Field{f}}.SendsConfig()).To(BeTrue(), string(f))
	}
	g.Expect(hook.Step{Fields: []hook.Field{hook.Active}}.SendsConfig()).To(BeFalse())
	g.Expect(slices.Contains(events.Fields, hook.URL)).To(BeFalse())
}
