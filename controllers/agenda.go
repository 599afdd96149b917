package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// situation is what the agenda follows from.
type situation struct {
	uid        types.UID
	generation int64
	status     *v1alpha1.WebhookStatus
	// creating: the status has an intent to create.
	creating bool
	// server is the one that the credentials name.
	server string
	// interval between polls, as it is stretched where the credential's budget is too small for all.
	interval time.Duration
	// started is when the process was.
	started time.Time
	// requests is how many annotations wait to be carried out.
	requests int
	// rotated: a Secret has another value than was written last.
	rotated bool
	// identified: which webhook the credentials lead to is known without asking: always but for an App's.
	identified bool
	// farther: a changed policy wants the log of deliveries read farther back.
	farther bool

	// synced, judged, next and stale are remembered: when GitHub was last seen to agree, the generation that there was last
	// a verdict on, when to look at the deliveries before the next poll, and that the webhook has to be read again.
	synced time.Time
	judged int64
	next   time.Time
	stale  bool
}

// agenda is what is due for an object, and when it is due again.
type agenda struct {
	// synced: the last verdict on this generation was that GitHub agrees.
	synced bool
	// look at GitHub's log of deliveries, and at the webhook where it is not settled.
	look bool
	// settled: there is nothing to ask about the webhook.
	settled bool
	// poll: nobody changed anything since the last verdict.
	poll bool
	// trusted: the webhook need not be read before it is written; only the spec or a Secret changed.
	trusted bool
	// nextPoll is when the webhook is due; zero for at once.
	nextPoll time.Time
	// agreedUntil is until when GitHub's last agreement counts.
	agreedUntil time.Time
}

// clockStep is how far ahead a time in the status may be: another replica's clock wrote it.
const clockStep = time.Minute

// agreementLasts is for how many intervals GitHub's last agreement counts while GitHub cannot be asked.
const agreementLasts = 3

// plan says what is due now.
func plan(s situation, now time.Time) agenda {
	ready := meta.FindStatusCondition(s.status.Conditions, v1alpha1.ConditionReady)
	agreed := ready != nil && ready.Status == metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonSynced
	quiet := !s.creating && s.requests == 0 && meta.FindStatusCondition(s.status.Conditions, v1alpha1.ConditionReconciling) == nil

	a := agenda{synced: isSynced(s.status, s.generation, s.server)}
	if synced := lastSync(s.synced, s.status.LastSyncTime, now); !synced.IsZero() {
		// A restart makes nothing overdue: the time in the status may be an hour old.
		counted := latest(synced, s.started)
		a.nextPoll, a.agreedUntil = nextPoll(s.uid, counted, s.interval), counted.Add(agreementLasts*s.interval)
	}
	due := s.stale || !now.Before(a.nextPoll)
	a.look = s.requests > 0 || due || s.farther || !s.next.IsZero() && !now.Before(s.next)
	a.settled = a.synced && quiet && !s.rotated && !due
	a.poll = (a.synced || s.judged == s.generation) && !s.rotated && s.requests == 0
	a.trusted = agreed && quiet && s.identified && !due
	return a
}

// lastSync is when GitHub was last seen to agree, by memory and status; zero for never, or by a clock that was set back since.
func lastSync(remembered time.Time, noted *metav1.Time, now time.Time) time.Time {
	synced := remembered
	if noted != nil {
		synced = latest(synced, noted.Time)
	}
	if synced.After(now.Add(clockStep)) {
		return time.Time{}
	}
	return synced
}

// isSynced reports whether the last verdict on this generation, with this server, was that GitHub agrees.
func isSynced(status *v1alpha1.WebhookStatus, generation int64, server string) bool {
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonSynced &&
		ready.ObservedGeneration == generation && status.Server == server
}

// asksGitHub reports whether anything is to be asked of GitHub.
func (a agenda) asksGitHub() bool { return a.look || !a.settled }

// untilPoll is how long until the webhook is due.
func (a agenda) untilPoll(now time.Time) time.Duration { return max(a.nextPoll.Sub(now), time.Second) }

// untilPoll is how long until the webhook is due, after GitHub was just seen to agree.
func (s situation) untilPoll(synced, now time.Time) time.Duration {
	return max(nextPoll(s.uid, synced, s.interval).Sub(now), time.Second)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
