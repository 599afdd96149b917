package hook

import (
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Policy is what the spec says about finding the webhook, and what its target can do.
type Policy struct {
	// ID is spec.hookID; 0 is none. Where the target has a single webhook, it is that one's, and 0 before it is identified.
	ID int64
	// Observe writes nothing (managementPolicy Observe).
	Observe bool
	// Adopt takes over the target's one webhook that has the URL (adoptionPolicy MatchURL).
	Adopt bool
	// Orphan leaves the webhook when the object goes (deletionPolicy Orphan).
	Orphan bool
	// Single: the target always has one webhook, which nobody can create, list or delete: an App's.
	Single bool
	// AddEvents: the target understands add_events, which adds to the events that are there.
	AddEvents bool
}

// Recorded is what the object's status, and the memory of the process, say from the last reconcile.
type Recorded struct {
	// ID of the webhook in the status; 0 is none.
	ID int64
	// Own: the object made or adopted that webhook. One that is not its own was only observed or is Noted.
	Own bool
	// Noted: the webhook was about to be adopted when the answer to the write was lost.
	Noted bool
	// Applied is what the last write carried.
	Applied Applied
	// Intent of a creation whose answer is not known; nil is none.
	Intent *Intent
	// Synced: GitHub was last seen to agree with this generation of the spec.
	Synced bool
	// WroteUnknown: the fields that GitHub shows in a form that cannot be read were written for this generation already.
	WroteUnknown bool
	// Trusted: the webhook agreed, and since then only the spec or a Secret changed, so that it needs no read before its
	// PATCH.
	Trusted bool
	// Remembered is the webhook as GitHub showed it last; nil when the process does not remember it.
	Remembered *github.Hook
}

// Evidence is what was asked of GitHub so far in this reconcile.
type Evidence struct {
	// Asked is the ID of the webhook that was read, and Read that webhook: nil after a 404.
	Asked int64
	Read  *github.Hook
	// Listed: all webhooks of the target were asked for, and Hooks are those that the list shows. It may be Unclear: then
	// a webhook that it does not show may be there all the same. Hidden: it was answered with 404.
	Listed, Unclear, Hidden bool
	Hooks                   []github.Hook
	// LetGo is the webhook that was let go in this reconcile.
	LetGo int64
	// NotDeleted is the webhook whose DELETE was answered with 404, or refused because the repository is Archived.
	NotDeleted int64
	Archived   bool
}

// Claim is what another object has to do with a webhook.
type Claim int

// Claims.
const (
	// Unclaimed: the webhook is this object's or nobody's.
	Unclaimed Claim = iota
	// Reserved: another object is about to adopt or store it.
	Reserved
	// Claimed: it belongs to another object that comes first.
	Claimed
)

// Verb is the next step.
type Verb string

// Verbs. Identify, Get, List and LetGo ask for another decision; all others are final.
const (
	// Identify the target's single webhook.
	Identify Verb = "Identify"
	// Get the webhook Step.ID.
	Get Verb = "Get"
	// List all webhooks of the target. Before a creation no kept answer will do.
	List Verb = "List"
	// LetGo of the webhook Step.ID, which stays on GitHub: spec.hookID names another one.
	LetGo Verb = "LetGo"
	// Create a webhook.
	Create Verb = "Create"
	// Edit Step.Fields of Step.Hook.
	Edit Verb = "Edit"
	// Keep Step.Hook as it is. Where Observed, Step.Fields are those that differ.
	Keep Verb = "Keep"
	// Wait: a creation whose answer was lost may still take effect.
	Wait Verb = "Wait"
	// Conflict: the webhook Step.ID is another object's, or somebody else's.
	Conflict Verb = "Conflict"
	// Ambiguous: several webhooks have the URL, Step.Hooks.
	Ambiguous Verb = "Ambiguous"
	// NotFound: there is no webhook Step.ID; or, where that is 0, none with the URL.
	NotFound Verb = "NotFound"
	// Unclear: the list of webhooks cannot be relied on, and nothing is created or given up on its word.
	Unclear Verb = "Unclear"
	// Undated: a webhook may be the one that a lost answer made, but when it was created cannot be read.
	Undated Verb = "Undated"
)

// Step is one thing to do, and what has to be known for it.
type Step struct {
	Do Verb
	// ID of the webhook that the step is about; 0 is none.
	ID int64
	// Hook as GitHub shows it; zero when it was not seen.
	Hook github.Hook
	// Hooks are those among which the spec does not choose.
	Hooks []github.Hook
	// Fields to write, or that differ from a webhook that is only observed.
	Fields []Field
	// Unknown are the fields that GitHub shows in a form that cannot be read.
	Unknown []Field
	// Blind: the webhook is written without having been read in this reconcile.
	Blind bool
	// Adopt: the webhook becomes the object's own with the write. Recovered: it is the object's own, made by a lost answer.
	Adopt, Recovered bool
	// Rotated: the value of a Secret is another one than was last written. Reassert: the secret is written again because
	// somebody else wrote to the webhook.
	Rotated, Reassert bool
}

// Decide says what to do next to make the webhook agree with the spec, from what is known. It asks for one more piece of
// evidence at a time and writes at most once.
func Decide(d Desired, p Policy, r Recorded, e Evidence, others func(id int64) Claim, now time.Time) Step {
	f := finder{desired: d, policy: p, recorded: r, evidence: e, others: others, now: now}
	if r.Trusted && !p.Observe && e.isEmpty() {
		if step, ok := f.blind(); ok {
			return step
		}
	}
	switch {
	case p.Single:
		return f.single()
	case p.Observe:
		return f.observe()
	}
	if step, found := f.held(); found {
		return step
	}
	if p.ID != 0 && r.Intent == nil {
		return f.named()
	}
	if !e.Listed {
		return Step{Do: List}
	}
	if step, found := f.created(); found {
		return step
	}
	if p.ID != 0 {
		return f.named()
	}
	return f.byURL()
}

func (e Evidence) isEmpty() bool { return e.Asked == 0 && !e.Listed && !e.Hidden }

// look for a webhook by its ID: what to ask next for it, and with nothing to ask the webhook, or nil when it is gone. A 404
// is no access or absence: only the list of all webhooks tells.
func (e Evidence) look(id int64) (*github.Hook, Verb) {
	switch {
	case e.Asked != id:
		return nil, Get
	case e.Read != nil:
		return e.Read, ""
	case !e.Listed:
		return nil, List
	}
	if found := ByID(e.Hooks, id); found != nil {
		return found, ""
	}
	if e.Unclear {
		return nil, Unclear
	}
	return nil, ""
}
