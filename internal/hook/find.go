package hook

import (
	"slices"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// finder has the arguments of Decide. Each of its rules leads to the next step, or says that it does not apply.
type finder struct {
	desired  Desired
	policy   Policy
	recorded Recorded
	evidence Evidence
	others   func(id int64) Claim
	now      time.Time
}

// held finds the webhook in the status: the object's own, or the one that was about to be adopted. One that is gone is kept
// in the status until there is another one.
func (f finder) held() (Step, bool) {
	r := f.recorded
	switch {
	case r.Own && f.others(r.ID) == Claimed:
		return Step{Do: Conflict, ID: r.ID}, true
	case r.Own && f.policy.ID != 0 && f.policy.ID != r.ID:
		return Step{Do: LetGo, ID: r.ID}, true
	case !r.Own && (!r.Noted || f.policy.ID != 0 || f.taken(r.ID)):
		return Step{}, false
	}
	found, ask := f.evidence.look(r.ID)
	switch {
	case ask != "":
		return Step{Do: ask, ID: r.ID}, true
	case found == nil:
		return Step{}, false
	}
	return f.settle(*found, !r.Own), true
}

// named finds the webhook that spec.hookID names.
func (f finder) named() Step {
	id := f.policy.ID
	found, ask := f.evidence.look(id)
	switch {
	case ask != "":
		return Step{Do: ask, ID: id}
	case found == nil:
		return Step{Do: NotFound, ID: id}
	}
	return f.adopt(*found)
}

// created finds the webhook that a lost answer made, whatever the spec's URL is by now. Where the spec names another one,
// it is let go.
func (f finder) created() (Step, bool) {
	intent, e := f.recorded.Intent, f.evidence
	if intent == nil {
		return Step{}, false
	}
	made := Created(*intent, e.Hooks, f.taken)
	switch {
	case made == nil && MayBeCreated(*intent, e.Hooks, f.taken):
		return Step{Do: Undated}, true
	case made == nil && e.Unclear && f.policy.ID != 0:
		return Step{Do: Unclear}, true
	case made == nil || made.ID == e.LetGo:
		return Step{}, false
	case f.policy.ID != 0 && f.policy.ID != made.ID:
		return Step{Do: LetGo, ID: made.ID}, true
	}
	// What was applied to a webhook that is gone says nothing of this one.
	f.recorded.Applied = Applied{UpdatedAt: made.UpdatedAt}
	step := f.settle(*made, false)
	step.Recovered = true
	return step, true
}

// byURL finds the webhook to adopt among all of the target. Where their list is not clear, none is adopted and none is
// created: another one may have this URL.
func (f finder) byURL() Step {
	same := WithURL(f.evidence.Hooks, f.desired.URL)
	switch {
	case len(same) == 0 && f.evidence.Unclear:
		return Step{Do: Unclear}
	case len(same) == 0 && f.recorded.Intent.isOpen(f.desired.URL):
		return Step{Do: Wait}
	case len(same) == 0:
		return Step{Do: Create}
	case !f.policy.Adopt:
		return Step{Do: Conflict, ID: same[0].ID}
	case len(same) > 1:
		return Step{Do: Ambiguous, Hooks: same}
	case f.evidence.Unclear:
		return Step{Do: Unclear}
	}
	return f.adopt(same[0])
}

// single finds the only webhook that there is: it cannot be absent, but it can be switched off.
func (f finder) single() Step {
	id, e := f.policy.ID, f.evidence
	switch {
	case id == 0:
		return Step{Do: Identify}
	case !f.policy.Observe && f.taken(id):
		return Step{Do: Conflict, ID: id}
	case e.Asked != id:
		return Step{Do: Get, ID: id}
	case e.Read == nil:
		return Step{Do: NotFound, ID: id}
	case f.policy.Observe:
		return f.compare(*e.Read)
	}
	return f.settle(*e.Read, !f.recorded.Own || f.recorded.ID != id)
}

// observe finds the webhook by the ID that is named or known, else by URL, whatever the adoption policy and whoever's it is.
func (f finder) observe() Step {
	e, r := f.evidence, f.recorded
	id, byURL := f.policy.ID, f.policy.ID == 0 && !r.Own
	if id == 0 {
		id = r.ID
	}
	if id != 0 {
		found, ask := e.look(id)
		switch {
		case ask != "":
			return Step{Do: ask, ID: id}
		case found != nil && (!byURL || found.Config.URL == f.desired.URL || found.Unknown.Has(github.PropertyURL)):
			return f.compare(*found)
		case f.policy.ID != 0:
			return Step{Do: NotFound, ID: id}
		}
	}
	if !e.Listed {
		return Step{Do: List}
	}
	switch same := WithURL(e.Hooks, f.desired.URL); {
	case len(same) == 1:
		return f.compare(same[0])
	case len(same) > 1:
		return Step{Do: Ambiguous, Hooks: same}
	case e.Unclear:
		return Step{Do: Unclear}
	}
	return Step{Do: NotFound}
}

// blind decides without a read. It does not apply where only a read can tell what to write.
func (f finder) blind() (Step, bool) {
	r := f.recorded
	if !r.Own || f.policy.ID != 0 && f.policy.ID != r.ID {
		return Step{}, false
	}
	step := Step{Do: Keep, ID: r.ID, Blind: true}
	if !r.Synced {
		if r.Remembered == nil || len(Unknown(f.desired, *r.Remembered)) > 0 {
			return Step{}, false
		}
		step.Hook, step.Fields = *r.Remembered, Drift(f.desired, *r.Remembered)
	}
	f.addSecrets(&step, r.Applied)
	// A target without add_events is sent the union of all events, for which they have to be read.
	if f.desired.KeepOtherEvents && !f.policy.AddEvents && slices.Contains(step.Fields, Events) {
		return Step{}, false
	}
	return step.decided(), true
}

func (f finder) taken(id int64) bool { return f.others(id) != Unclaimed }

// adopt a webhook, unless it is another object's.
func (f finder) adopt(found github.Hook) Step {
	if f.taken(found.ID) {
		return Step{Do: Conflict, ID: found.ID}
	}
	return f.settle(found, !f.recorded.Own || f.recorded.ID != found.ID)
}

// compare says how a webhook differs that is only observed.
func (f finder) compare(found github.Hook) Step {
	return Step{Do: Keep, ID: found.ID, Hook: found, Fields: Drift(f.desired, found), Unknown: Unknown(f.desired, found)}
}

// settle says what to write to the webhook that was found.
func (f finder) settle(found github.Hook, adopt bool) Step {
	step := f.compare(found)
	step.Adopt = adopt
	applied := f.recorded.Applied
	if adopt {
		applied = Applied{} // What was applied to another webhook says nothing of this one.
	}
	f.addSecrets(&step, applied)
	f.addUnknown(&step)
	if !step.Rotated && SecretSuspect(f.desired, found, applied, f.now) {
		step.Reassert = true
		if len(step.Fields) == 0 { // Else somebody else's write is accounted for, and the secret just goes along.
			step.add(SecretRef)
		}
	}
	return step.decided()
}

// addSecrets adds the fields whose value in a Secret is another one than was last written.
func (f finder) addSecrets(step *Step, applied Applied) {
	for _, field := range Rotated(f.desired, applied) {
		step.Rotated = true
		step.add(field)
	}
}

// addUnknown adds the fields that cannot be read, where they were not seen to agree before and not written yet: each
// generation writes them once.
func (f finder) addUnknown(step *Step) {
	if f.recorded.WroteUnknown || f.recorded.Synced && !step.Adopt {
		return
	}
	for _, field := range step.Unknown {
		if field == Events && f.desired.KeepOtherEvents && !f.policy.AddEvents {
			continue // It would remove the events that others added.
		}
		step.add(field)
	}
}

func (s *Step) add(f Field) {
	if !slices.Contains(s.Fields, f) {
		s.Fields = append(s.Fields, f)
	}
}

func (s Step) decided() Step {
	if len(s.Fields) > 0 {
		s.Do = Edit
	}
	return s
}
