package verdict_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/verdict"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// facts are those of an object that manages webhooks of a repository with a classic token, and repeats what servers say.
func facts(changes ...func(*verdict.Facts)) verdict.Facts {
	f := verdict.Facts{
		Now: noon, Interval: time.Hour, Spread: time.Second, Secret: "github", Target: "repository o/r", Server: "https://github.com",
		Scope: "admin:repo_hook", Permission: "repository_hooks",
		Words: func(said string) string { return said }, Shows: func(string) bool { return true },
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func mute(f *verdict.Facts) {
	f.Words, f.Shows = func(string) string { return "" }, func(string) bool { return false }
}
func observed(f *verdict.Facts) { f.Observed = true }
func app(f *verdict.Facts)      { f.UsesPermissions = true }

// answered is an answer of GitHub's that means something.
func answered(class error, changes ...func(*github.Error)) error {
	e := &github.Error{Method: "GET", Route: "/hooks", StatusCode: 403, Message: "No. "}
	for _, change := range changes {
		change(e)
	}
	return errors.Join(e, class)
}

func unanswered(e *github.Error)            { e.StatusCode, e.Message = 0, "the connection was refused" }
func ofApp(e *github.Error)                 { e.AppID = "7" }
func until(t time.Time) func(*github.Error) { return func(e *github.Error) { e.RetryAt = t } }
func accepts(what string) func(*github.Error) {
	return func(e *github.Error) { e.AcceptedPermissions = what }
}

var later = noon.Add(time.Minute)

// judged are errors with what they mean: want is how the message reads, and retry when to come back. What else a verdict
// says follows from the reason.
var judged = []struct {
	name         string
	err          error
	facts        verdict.Facts
	reason, want string
	retry        time.Duration
}{
	{"the Kubernetes API's trouble", errors.New("conflict"), facts(), "", "", 0},
	{"what the operator found out", fmt.Errorf("wrapped: %w", verdict.Problem{Reason: "Conflict", Message: "m"}), facts(), "Conflict", "m", 0},
	{"a webhook that differs and is only observed", verdict.Problem{Reason: "DriftDetected", Message: "m"}, facts(), "DriftDetected", "m", time.Hour},
	{"a host that is not allowed", fmt.Errorf("h: %w", github.ErrHostNotAllowed), facts(), "HostNotAllowed", `Secret "github": h: host is not allowed`, 0},
	{"a key that is none", github.ErrPrivateKey, facts(), "CredentialsInvalid", `Secret "github": not the private key of a GitHub App`, 0},
	{"an App ID that is none", github.ErrAppID, facts(), "CredentialsInvalid", `Secret "github": not the ID of a GitHub App`, 0},
	{"logins locked out", answered(github.ErrLockedOut, until(later)), facts(), "RateLimited",
		`GitHub takes no logins after too many that failed: put a valid credential into Secret "github". The operator tries again at 2026-06-01T12:01:00Z; each try before would make it longer`, time.Minute},
	{"a limit with a time", answered(github.ErrRateLimited, until(later)), facts(), "RateLimited",
		"GitHub's rate limit is used up until 2026-06-01T12:01:00Z; the operator goes on then", time.Minute},
	{"a limit without one", answered(github.ErrRateLimited), facts(), "RateLimited",
		"GitHub's rate limit is used up until 2026-06-01T12:01:00Z; the operator goes on then", time.Minute},
	{"a limit that ended", answered(github.ErrRateLimited, until(noon)), facts(), "RateLimited",
		"GitHub's rate limit is used up until 2026-06-01T12:00:00Z; the operator goes on then", 10 * time.Millisecond},
	{"no answer", answered(github.ErrUnavailable, unanswered), facts(), "GitHubUnavailable",
		"https://github.com is not available, the operator keeps trying: GET /hooks: the connection was refused\nGitHub is not available", 0},
	{"a server that says when", answered(github.ErrUnavailable, until(later)), facts(), "GitHubUnavailable",
		"https://github.com is not available, the operator leaves it alone until 2026-06-01T12:01:00Z, as it asks: GitHub answered 403 to GET /hooks: No", time.Minute + time.Second},
	{"a server that another object tries", answered(errors.Join(github.ErrUnavailable, github.ErrWaiting), until(later)), facts(mute), "GitHubUnavailable",
		"https://github.com is not available, the operator keeps trying: GitHub answered 403 to GET /hooks: Forbidden", time.Minute + time.Second},
	{"a token refused", answered(github.ErrUnauthorized), facts(), "Unauthorized",
		`GitHub refuses the credential in Secret "github" (GitHub answered 403 to GET /hooks: No): put a valid one there`, 0},
	{"a token refused, with a time", answered(github.ErrUnauthorized, until(later)), facts(mute), "Unauthorized",
		`GitHub refuses the credential in Secret "github" (GitHub answered 403 to GET /hooks: Forbidden): put a valid one there`, time.Minute + time.Second},
	{"an App that is not known", answered(github.ErrUnknownApp, ofApp), facts(), "Unauthorized",
		`https://github.com has no GitHub App 7: put the App ID or client ID that the App's settings show into Secret "github"`, 0},
	{"a key of another App", answered(github.ErrKeyRefused, ofApp), facts(), "Unauthorized",
		`GitHub does not take the private key in Secret "github" for one of GitHub App 7 (No): generate one in the App's settings and put it there`, 0},
	{"a clock that is off", answered(github.ErrClock, ofApp), facts(mute), "Unauthorized",
		"GitHub refuses the login of GitHub App 7 because of its times. Set the clock of the operator's node", 0},
	{"another login of an App", answered(github.ErrUnauthorized, ofApp), facts(), "Unauthorized",
		`GitHub refuses the login of GitHub App 7 in Secret "github": GitHub answered 403 to GET /hooks: No`, 0},
	{"an archived repository", answered(github.ErrArchived), facts(), "RepositoryArchived", "The repository o/r is archived and so read-only: unarchive it, or delete this object", 0},
	{"no installation", answered(errors.Join(github.ErrNotInstalled, github.ErrNotFound), ofApp), facts(), "NotInstalled",
		`GitHub shows no installation of GitHub App 7 (Secret "github") on the repository o/r: install the App there, from the App's settings, or add what is missing to its installation`, 0},
	{"an installation that went", answered(github.ErrNotInstalled), facts(), "NotInstalled",
		`The installation of the GitHub App that Secret "github" names does not exist: correct its installationID, or remove that to have it looked up`, 0},
	{"404 with a classic token", answered(github.ErrNotFound), facts(), "TargetNotFound",
		`GitHub shows no webhooks of the repository o/r: it does not exist, or the credential in Secret "github" may not administer them (classic scope admin:repo_hook)`, 0},
	{"404 with permissions", answered(github.ErrNotFound), facts(app), "TargetNotFound",
		`GitHub shows no webhooks of the repository o/r: it does not exist, or the credential in Secret "github" may not administer them (permission repository_hooks=write)`, 0},
	{"404 with permissions, observed", answered(github.ErrNotFound), facts(app, observed), "TargetNotFound",
		`GitHub shows no webhooks of the repository o/r: it does not exist, or the credential in Secret "github" may not administer them (permission repository_hooks=read)`, 0},
	{"as many webhooks as may be", answered(github.ErrHookLimit), facts(), "HookLimitReached", "The repository o/r has as many webhooks as GitHub allows: delete one there: No", 0},
	{"a webhook that exists", answered(github.ErrHookExists), facts(), "Conflict",
		"GitHub says that the repository o/r has a webhook with this URL already: set spec.adoptionPolicy to MatchURL, or spec.hookID to its ID, to take it over", 0},
	{"values that are refused", answered(github.ErrValidation), facts(), "ValidationFailed", "GitHub refuses the webhook of the repository o/r: No", 0},
	{"values that are refused, in words that may not be repeated", answered(github.ErrValidation), facts(mute), "ValidationFailed", "GitHub refuses the webhook of the repository o/r", 0},
	{"a redirect", github.ErrRedirect, facts(), "GitHubUnavailable", "https://github.com redirects to another host, which is never followed: refused to follow a redirect", 0},
	{"an answer that nobody expects", answered(nil), facts(), "GitHubUnavailable",
		"https://github.com gave an answer that the operator does not know, it keeps trying: GitHub answered 403 to GET /hooks: No", 0},

	{"a suspended installation", answered(github.ErrSuspended), facts(), "Forbidden",
		`The installation of the GitHub App in Secret "github" is suspended: its owner can unsuspend it in the installation's settings`, 0},
	{"a blocked repository", answered(github.ErrBlocked), facts(), "Forbidden", "GitHub blocks access to the repository o/r: No", 0},
	{"single sign-on, with a page", answered(github.ErrSAML, func(e *github.Error) { e.SSOURL = "https://sso" }), facts(), "Forbidden",
		`The organization of the repository o/r wants the token in Secret "github" authorized for single sign-on: its owner authorizes it on https://sso`, 0},
	{"single sign-on, with a page that cannot be shown", answered(github.ErrSAML, func(e *github.Error) { e.SSOURL = "https://sso" }), facts(mute), "Forbidden",
		`The organization of the repository o/r wants the token in Secret "github" authorized for single sign-on: authorize it under Configure SSO in the settings of the token's owner`, 0},
	{"an IP allow list", answered(github.ErrIPAddress, func(e *github.Error) { e.IPAddress = "192.0.2.1" }), facts(), "Forbidden",
		"The IP allow list of the owner of the repository o/r does not have 192.0.2.1, from which GitHub sees the operator: add it there", 0},
	{"an IP allow list, and no address", answered(github.ErrIPAddress), facts(), "Forbidden",
		"The IP allow list of the owner of the repository o/r does not have the operator's address, from which GitHub sees the operator: add it there", 0},
	{"a permission that reads, to manage", answered(github.ErrPermission, accepts("repository_hooks=read,metadata=read")), facts(), "Forbidden",
		`The credential in Secret "github" lacks the permission repository_hooks=write,metadata=write on the repository o/r: grant it`, 0},
	{"a permission that reads, to observe", answered(github.ErrPermission, accepts("repository_hooks=read")), facts(observed), "Forbidden",
		`The credential in Secret "github" lacks the permission repository_hooks=read on the repository o/r: grant it`, 0},
	{"permissions in a form that nobody knows", answered(github.ErrPermission, accepts("everything!")), facts(), "Forbidden",
		`The credential in Secret "github" may not administer webhooks of the repository o/r: No`, 0},
	{"another 403", answered(github.ErrForbidden), facts(), "Forbidden", `The credential in Secret "github" may not administer webhooks of the repository o/r: No`, 0},
}

func TestOf(t *testing.T) {
	for _, c := range judged {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			v := verdict.Of(c.err, c.facts)
			g.Expect(v.Reason).To(Equal(c.reason))
			g.Expect(v.Message).To(Equal(c.want))
			g.Expect(v.RetryAfter).To(Equal(c.retry))
			g.Expect(errors.Is(v, c.err)).To(BeTrue())
			g.Expect(v.Error()).To(Equal(c.reason + ": " + c.want))
			g.Expect(v.Queued).To(Equal(v.Transient && errors.Is(c.err, github.ErrNotSent)))
		})
	}
}

// What a reason means for an object follows from the reason alone.
func TestReasons(t *testing.T) {
	g := NewWithT(t)
	stalled := []string{
		v1alpha1.ReasonCredentialsInvalid, v1alpha1.ReasonHostNotAllowed, v1alpha1.ReasonURLInvalid, v1alpha1.ReasonSecretInvalid,
		v1alpha1.ReasonValidationFailed, v1alpha1.ReasonAmbiguousMatch,
	}
	transient := []string{v1alpha1.ReasonRateLimited, v1alpha1.ReasonFingerprintKeyMissing, v1alpha1.ReasonGitHubUnavailable}
	neither := []string{
		v1alpha1.ReasonConflict, v1alpha1.ReasonTargetNotFound, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonCredentialsNotFound,
		v1alpha1.ReasonUnauthorized, v1alpha1.ReasonForbidden, v1alpha1.ReasonDriftDetected, v1alpha1.ReasonDeletionBlocked,
	}
	for _, reason := range slices.Concat(stalled, transient, neither) {
		v := verdict.Of(verdict.Problem{Reason: reason, Message: "m"}, facts())
		g.Expect(v.Stalled).To(Equal(slices.Contains(stalled, reason)), reason)
		g.Expect(v.Transient).To(Equal(slices.Contains(transient, reason)), reason)
	}
}

func TestRetryAt(t *testing.T) {
	g := NewWithT(t)
	g.Expect(verdict.RetryAt(answered(nil, until(noon)))).To(Equal(noon))
	g.Expect(verdict.RetryAt(errors.New("other"))).To(BeZero())
}

func TestQuote(t *testing.T) {
	g := NewWithT(t)
	g.Expect(facts().Quote(answered(nil))).To(Equal(": No"))
	g.Expect(facts(mute).Quote(answered(nil))).To(BeEmpty())
	g.Expect(facts().Quote(errors.New("nobody's answer"))).To(BeEmpty())
}
