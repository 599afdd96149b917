package hook

// Verbs of DecideDeletion. Get and Create are none of them; List and Delete ask for another decision.
const (
	// Delete the webhook Step.ID.
	Delete Verb = "Delete"
	// Release the object: nothing on GitHub is its own.
	Release Verb = "Release"
	// LeaveOrphan releases the object and leaves its webhook Step.ID, as the spec asks.
	LeaveOrphan Verb = "LeaveOrphan"
	// Gone: the webhook Step.ID was deleted by somebody else.
	Gone Verb = "Gone"
	// LeaveArchived and LeaveHidden release the object although its webhook Step.ID may remain: the repository is read-only,
	// or GitHub shows no webhooks there at all.
	LeaveArchived Verb = "LeaveArchived"
	LeaveHidden   Verb = "LeaveHidden"
	// Disputed: GitHub lists the webhook Step.ID and does not find it.
	Disputed Verb = "Disputed"
)

// DecideDeletion says what to do next with the webhook of an object that is being deleted: the one that a lost answer made,
// or the one in the status, which was gone before another one was made.
func DecideDeletion(p Policy, r Recorded, e Evidence, others func(id int64) Claim) Step {
	switch {
	case !r.Own && r.Intent == nil:
		return Step{Do: Release}
	case p.Orphan || p.Observe:
		if r.Own {
			return Step{Do: LeaveOrphan, ID: r.ID}
		}
		return Step{Do: Release}
	case e.Archived:
		return Step{Do: LeaveArchived, ID: e.NotDeleted}
	case e.NotDeleted != 0:
		return e.missed(e.NotDeleted)
	case r.Intent != nil:
		if step := e.unanswered(*r.Intent, others); step.Do != "" {
			return step
		}
	}
	if !r.Own || others(r.ID) == Claimed {
		return Step{Do: Release}
	}
	return Step{Do: Delete, ID: r.ID}
}

// unanswered finds the webhook that a lost answer made. A Step without a verb says that there is none.
func (e Evidence) unanswered(intent Intent, others func(id int64) Claim) Step {
	if !e.Listed {
		return Step{Do: List}
	}
	taken := func(id int64) bool { return others(id) != Unclaimed }
	made := Created(intent, e.Hooks, taken)
	switch {
	case made != nil:
		return Step{Do: Delete, ID: made.ID}
	case MayBeCreated(intent, e.Hooks, taken):
		return Step{Do: Undated}
	case e.Unclear:
		return Step{Do: Unclear}
	case intent.Open:
		return Step{Do: Wait}
	}
	return Step{}
}

// missed finds out what a 404 on the webhook means. The list can be read without the right to read the repository.
func (e Evidence) missed(id int64) Step {
	switch {
	case e.Hidden:
		return Step{Do: LeaveHidden, ID: id}
	case !e.Listed:
		return Step{Do: List, ID: id}
	case e.Unclear:
		return Step{Do: Unclear, ID: id}
	case ByID(e.Hooks, id) != nil:
		return Step{Do: Disputed, ID: id}
	}
	return Step{Do: Gone, ID: id}
}
