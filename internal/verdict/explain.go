package verdict

import (
	"errors"
	"fmt"
	"time"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// explain names the reason and writes the sentence for the person who has to act.
func (f Facts) explain(err error) (reason, message string) {
	if found, ok := errors.AsType[Problem](err); ok {
		return found.Reason, found.Message
	}
	switch {
	case errors.Is(err, github.ErrHostNotAllowed):
		return v1alpha1.ReasonHostNotAllowed, fmt.Sprintf("Secret %q: %v", f.Secret, err)
	case errors.Is(err, github.ErrPrivateKey), errors.Is(err, github.ErrAppID):
		return v1alpha1.ReasonCredentialsInvalid, fmt.Sprintf("Secret %q: %v", f.Secret, err)
	case errors.Is(err, github.ErrLockedOut):
		return v1alpha1.ReasonRateLimited, fmt.Sprintf("GitHub takes no logins after too many that failed: put a valid credential into Secret %q. "+
			"The operator tries again at %s; each try before would make it longer", f.Secret, rfc3339(f.limitEnds(err)))
	case errors.Is(err, github.ErrRateLimited):
		return v1alpha1.ReasonRateLimited, fmt.Sprintf("GitHub's rate limit is used up until %s; the operator goes on then", rfc3339(f.limitEnds(err)))
	case errors.Is(err, github.ErrUnavailable):
		return v1alpha1.ReasonGitHubUnavailable, f.unavailable(err)
	case errors.Is(err, github.ErrUnauthorized):
		return v1alpha1.ReasonUnauthorized, f.unauthorized(err)
	case errors.Is(err, github.ErrArchived):
		return v1alpha1.ReasonRepositoryArchived, fmt.Sprintf("The %s is archived and so read-only: unarchive it, or delete this object", f.Target)
	case errors.Is(err, github.ErrForbidden):
		return v1alpha1.ReasonForbidden, f.forbidden(err)
	case errors.Is(err, github.ErrNotInstalled):
		return v1alpha1.ReasonNotInstalled, f.notInstalled(err)
	case errors.Is(err, github.ErrNotFound):
		return v1alpha1.ReasonTargetNotFound, fmt.Sprintf("GitHub shows no webhooks of the %s: it does not exist, "+
			"or the credential in Secret %q may not administer them (%s)", f.Target, f.Secret, f.right())
	}
	return f.explainAnswer(err)
}

// explainAnswer explains what GitHub says about the webhook itself, and answers that nobody expects.
func (f Facts) explainAnswer(err error) (reason, message string) {
	switch {
	case errors.Is(err, github.ErrHookLimit):
		return v1alpha1.ReasonHookLimitReached, fmt.Sprintf("The %s has as many webhooks as GitHub allows: delete one there%s", f.Target, f.Quote(err))
	case errors.Is(err, github.ErrHookExists):
		return v1alpha1.ReasonConflict, fmt.Sprintf("GitHub says that the %s has a webhook with this URL already: "+
			"set spec.adoptionPolicy to MatchURL, or spec.hookID to its ID, to take it over", f.Target)
	case errors.Is(err, github.ErrValidation):
		return v1alpha1.ReasonValidationFailed, fmt.Sprintf("GitHub refuses the webhook of the %s%s", f.Target, f.Quote(err))
	case errors.Is(err, github.ErrRedirect):
		return v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s redirects to another host, which is never followed: %s", f.Server, f.trouble(err))
	}
	if e := answer(err); e != nil {
		return v1alpha1.ReasonGitHubUnavailable, fmt.Sprintf("%s gave an answer that the operator does not know, it keeps trying: %s", f.Server, f.trouble(e))
	}
	return "", ""
}

// unavailable says until when, where the server did.
func (f Facts) unavailable(err error) string {
	goesOn := "the operator keeps trying"
	if at := RetryAt(err); !at.IsZero() && !errors.Is(err, github.ErrWaiting) {
		goesOn = fmt.Sprintf("the operator leaves it alone until %s, as it asks", rfc3339(at))
	}
	return fmt.Sprintf("%s is not available, %s: %s", f.Server, goesOn, f.trouble(err))
}

func (f Facts) unauthorized(err error) string {
	e := answer(err)
	switch {
	case e == nil || e.AppID == "":
		return fmt.Sprintf("GitHub refuses the credential in Secret %q (%s): put a valid one there", f.Secret, f.trouble(err))
	case errors.Is(err, github.ErrUnknownApp):
		return fmt.Sprintf("%s has no GitHub App %s: put the App ID or client ID that the App's settings show into Secret %q", f.Server, e.AppID, f.Secret)
	case errors.Is(err, github.ErrKeyRefused):
		return fmt.Sprintf("GitHub does not take the private key in Secret %q for one of GitHub App %s%s: "+
			"generate one in the App's settings and put it there", f.Secret, e.AppID, f.quoted(err, " (%s)"))
	case errors.Is(err, github.ErrClock):
		return fmt.Sprintf("GitHub refuses the login of GitHub App %s because of its times%s. Set the clock of the operator's node", e.AppID, f.Quote(err))
	default:
		return fmt.Sprintf("GitHub refuses the login of GitHub App %s in Secret %q: %s", e.AppID, f.Secret, f.trouble(err))
	}
}

// notInstalled distinguishes an installation that the Secret names, and that is gone, from none that could be found.
func (f Facts) notInstalled(err error) string {
	app := "the GitHub App"
	if e := answer(err); e != nil && e.AppID != "" {
		app = "GitHub App " + e.AppID
	}
	if !errors.Is(err, github.ErrNotFound) {
		return fmt.Sprintf("The installation of %s that Secret %q names does not exist: correct its installationID, or remove that to have it looked up",
			app, f.Secret)
	}
	return fmt.Sprintf("GitHub shows no installation of %s (Secret %q) on the %s: install the App there, from the App's settings, "+
		"or add what is missing to its installation", app, f.Secret, f.Target)
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
