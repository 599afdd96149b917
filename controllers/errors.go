package controllers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// problem is an error that knows its reason: one found out here, not by GitHub.
type problem struct {
	reason  string
	message string
}

func (p problem) Error() string { return p.message }

// verdict is what an error means for the object.
type verdict struct {
	reason  string
	message string
	// stalled: nothing but a changed object or Secret helps.
	stalled bool
	// transient: GitHub could not, or must not, be asked, which says nothing against the hook.
	transient bool
	// queued: the request was not sent, because it is others' turn.
	queued bool
	// retryAfter is when to come back; zero for backoff.
	retryAfter time.Duration
	// cause is kept for errors.Is.
	cause error
}

func (v verdict) Error() string { return v.reason + ": " + v.message }
func (v verdict) Unwrap() error { return v.cause }

// judge turns an error into reason, message, stalled or not, and when to come back. Nothing else classifies errors. An
// error of the Kubernetes API has no reason.
func (p *pass) judge(err error) verdict {
	v := verdict{cause: err}
	v.reason, v.message = p.explain(err)
	switch v.reason {
	case v1alpha1.ReasonCredentialsInvalid, v1alpha1.ReasonHostNotAllowed, v1alpha1.ReasonURLInvalid,
		v1alpha1.ReasonSecretInvalid, v1alpha1.ReasonValidationFailed, v1alpha1.ReasonAmbiguousMatch:
		v.stalled = true
	case v1alpha1.ReasonRateLimited:
		v.transient, v.queued = true, errors.Is(err, github.ErrNotSent)
		v.retryAfter = max(time.Until(p.retryTime(err)), leastWait)
	case v1alpha1.ReasonFingerprintKeyMissing:
		v.transient = true
	case v1alpha1.ReasonGitHubUnavailable:
		v.transient, v.queued = true, errors.Is(err, github.ErrNotSent)
		v.retryAfter = p.untilRetry(err)
	case v1alpha1.ReasonUnauthorized:
		v.retryAfter = p.untilRetry(err)
	case v1alpha1.ReasonDriftDetected:
		v.retryAfter = p.interval() // Nothing went wrong: look again when it is time.
	}
	return v
}

// untilRetry is how long to wait for a server or login that failed, where that is known; zero for backoff. Objects that wait
// for the same come back one after another.
func (p *pass) untilRetry(err error) time.Duration {
	e, ok := errors.AsType[*github.Error](err)
	if !ok || e.RetryAt.IsZero() {
		return 0
	}
	return max(time.Until(e.RetryAt), leastWait) + time.Duration(phaseOf(p.obj.GetUID())%uint64(retrySpread))
}

// retrySpread is the time over which objects come back that wait for the same.
const retrySpread = 2 * time.Second

// leastWait before a request that had to wait is tried again.
const leastWait = 10 * time.Millisecond

// retryTime is when GitHub takes requests again.
func (p *pass) retryTime(err error) time.Time {
	if e, ok := errors.AsType[*github.Error](err); ok && !e.RetryAt.IsZero() {
		return e.RetryAt
	}
	return time.Now().Add(time.Minute) // GitHub docs, "Rate limits": at least a minute.
}

// explain names the reason and writes the sentence for the person who has to act.
func (p *pass) explain(err error) (reason, message string) {
	if found, ok := errors.AsType[problem](err); ok {
		return found.reason, found.message
	}
	secret := p.spec.CredentialsRef.Name
	switch {
	case errors.Is(err, errKeyMissing):
		return v1alpha1.ReasonFingerprintKeyMissing, "GitHub is left alone, because " + err.Error()
	case errors.Is(err, github.ErrHostNotAllowed):
		return v1alpha1.ReasonHostNotAllowed, fmt.Sprintf("Secret %q: %v", secret, err)
	case errors.Is(err, credentials.ErrInvalid), errors.Is(err, credentials.ErrRefusedType):
		return v1alpha1.ReasonCredentialsInvalid, err.Error()
	case errors.Is(err, github.ErrPrivateKey), errors.Is(err, github.ErrAppID):
		return v1alpha1.ReasonCredentialsInvalid, fmt.Sprintf("Secret %q: %v", secret, err)
	case errors.Is(err, github.ErrLockedOut):
		return v1alpha1.ReasonRateLimited, fmt.Sprintf("GitHub takes no logins after too many that failed: put a valid credential into Secret %q. "+
			"The operator tries again at %s; each try before would make it longer", secret, p.retryTime(err).UTC().Format(time.RFC3339))
	case errors.Is(err, github.ErrRateLimited):
		return v1alpha1.ReasonRateLimited, fmt.Sprintf("GitHub's rate limit is used up until %s; the operator goes on then",
			p.retryTime(err).UTC().Format(time.RFC3339))
	case errors.Is(err, github.ErrUnavailable):
		return v1alpha1.ReasonGitHubUnavailable, p.explainUnavailable(err)
	case errors.Is(err, github.ErrUnauthorized):
		return v1alpha1.ReasonUnauthorized, p.explainUnauthorized(err)
	case errors.Is(err, github.ErrArchived):
		return v1alpha1.ReasonRepositoryArchived, fmt.Sprintf("The %s is archived and so read-only: unarchive it, or delete this object", p.place)
	case errors.Is(err, github.ErrForbidden):
		return v1alpha1.ReasonForbidden, p.explainForbidden(err)
	case errors.Is(err, github.ErrNotInstalled):
		return v1alpha1.ReasonNotInstalled, p.explainNotInstalled(err)
	case errors.Is(err, github.ErrNotFound):
		return v1alpha1.ReasonTargetNotFound, fmt.Sprintf("GitHub shows no webhooks of the %s: it does not exist, "+
			"or the credential in Secret %q may not administer them (%s)", p.place, secret, p.right())
	case errors.Is(err, github.ErrHookLimit):
		return v1alpha1.ReasonHookLimitReached, fmt.Sprintf("The %s has as many webhooks as GitHub allows: delete one there%s", p.place, p.quote(err))
	case errors.Is(err, github.ErrHookExists):
		return v1alpha1.ReasonConflict, fmt.Sprintf("GitHub says that the %s has a webhook with this URL already: "+
			"set spec.adoptionPolicy to MatchURL, or spec.hookID to its ID, to take it over", p.place)
	case errors.Is(err, github.ErrValidation):
		return v1alpha1.ReasonValidationFailed, fmt.Sprintf("GitHub refuses the webhook of the %s%s", p.place, p.quote(err))
	case errors.Is(err, github.ErrRedirect):
		return v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s redirects to another host, which is never followed: %s", p.server, p.trouble(err))
	}
	if e, ok := errors.AsType[*github.Error](err); ok {
		return v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s gave an answer that the operator does not know, it keeps trying: %s", p.server, p.trouble(e))
	}
	return "", ""
}

// explainUnavailable says until when, where the server did.
func (p *pass) explainUnavailable(err error) string {
	goesOn := "the operator keeps trying"
	if e, ok := errors.AsType[*github.Error](err); ok && !e.RetryAt.IsZero() && !errors.Is(err, github.ErrWaiting) {
		goesOn = fmt.Sprintf("the operator leaves it alone until %s, as it asks", e.RetryAt.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s is not available, %s: %s", p.server, goesOn, p.trouble(err))
}

func (p *pass) explainUnauthorized(err error) string {
	secret := p.spec.CredentialsRef.Name
	e, _ := errors.AsType[*github.Error](err)
	switch {
	case e == nil || e.AppID == "":
		return fmt.Sprintf("GitHub refuses the credential in Secret %q (%s): put a valid one there", secret, p.trouble(err))
	case errors.Is(err, github.ErrUnknownApp):
		return fmt.Sprintf("%s has no GitHub App %s: put the App ID or client ID that the App's settings show into Secret %q", p.server, e.AppID, secret)
	case errors.Is(err, github.ErrKeyRefused):
		return fmt.Sprintf("GitHub does not take the private key in Secret %q for one of GitHub App %s%s: "+
			"generate one in the App's settings and put it there", secret, e.AppID, p.quoted(err, " (%s)"))
	case errors.Is(err, github.ErrClock):
		return fmt.Sprintf("GitHub refuses the login of GitHub App %s because of its times%s. Set the clock of the operator's node", e.AppID, p.quote(err))
	default:
		return fmt.Sprintf("GitHub refuses the login of GitHub App %s in Secret %q: %s", e.AppID, secret, p.trouble(err))
	}
}

// explainNotInstalled tells an installation that the Secret names, and that is gone, from none that could be found.
func (p *pass) explainNotInstalled(err error) string {
	secret, app := p.spec.CredentialsRef.Name, "the GitHub App"
	if e, ok := errors.AsType[*github.Error](err); ok && e.AppID != "" {
		app = "GitHub App " + e.AppID
	}
	if !errors.Is(err, github.ErrNotFound) {
		return fmt.Sprintf("The installation of %s that Secret %q names does not exist: correct its installationID, or remove that to have it looked up", app, secret)
	}
	return fmt.Sprintf("GitHub shows no installation of %s (Secret %q) on the %s: install the App there, from the App's settings, "+
		"or add what is missing to its installation", app, secret, p.place)
}

func (p *pass) explainForbidden(err error) string {
	secret := p.spec.CredentialsRef.Name
	e, _ := errors.AsType[*github.Error](err)
	switch {
	case errors.Is(err, github.ErrSuspended):
		return fmt.Sprintf("The installation of the GitHub App in Secret %q is suspended: its owner can unsuspend it in the installation's settings", secret)
	case errors.Is(err, github.ErrBlocked):
		return fmt.Sprintf("GitHub blocks access to the %s%s", p.place, p.quote(err))
	case errors.Is(err, github.ErrSAML):
		return fmt.Sprintf("The organization of the %s wants the token in Secret %q authorized for single sign-on: %s", p.place, secret, p.authorize(e))
	case errors.Is(err, github.ErrIPAddress):
		return p.explainIPAddress(e)
	case errors.Is(err, github.ErrPermission) && p.permissions(e) != "":
		return fmt.Sprintf("The credential in Secret %q lacks the permission %s on the %s: grant it", secret, p.needed(p.permissions(e)), p.place)
	default:
		return fmt.Sprintf("The credential in Secret %q may not administer webhooks of the %s%s", secret, p.place, p.quote(err))
	}
}

func (p *pass) authorize(e *github.Error) string {
	if e.SSOURL == "" || !p.shows(e.SSOURL) {
		return "authorize it under Configure SSO in the settings of the token's owner"
	}
	return "its owner authorizes it on " + e.SSOURL
}

func (p *pass) explainIPAddress(e *github.Error) string {
	address := "the operator's address"
	if e.IPAddress != "" && p.shows(e.IPAddress) {
		address = e.IPAddress
	}
	return fmt.Sprintf("The IP allow list of the owner of the %s does not have %s, from which GitHub sees the operator: add it there", p.place, address)
}

// right is what the credential needs to administer webhooks: a permission, or a classic token's scope.
func (p *pass) right() string {
	if p.github == nil || !p.github.UsesPermissions() {
		return "classic scope " + p.place.scope()
	}
	return "permission " + p.needed("")
}

// needed are the permissions to ask for: GitHub names those of one request, and who reads a webhook to manage it writes it
// in the end.
func (p *pass) needed(accepted string) string {
	if accepted == "" {
		accepted = p.hooks.Permission() + "=write"
		if p.spec.ManagementPolicy == v1alpha1.Observe {
			accepted = p.hooks.Permission() + "=read"
		}
	}
	if p.spec.ManagementPolicy == v1alpha1.Observe {
		return accepted
	}
	return strings.ReplaceAll(accepted, "=read", "=write")
}
