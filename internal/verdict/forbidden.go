package verdict

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// forbidden says who has to allow what.
func (f Facts) forbidden(err error) string {
	e := answer(err)
	switch {
	case errors.Is(err, github.ErrSuspended):
		return fmt.Sprintf("The installation of the GitHub App in Secret %q is suspended: its owner can unsuspend it in the installation's settings", f.Secret)
	case errors.Is(err, github.ErrBlocked):
		return fmt.Sprintf("GitHub blocks access to the %s%s", f.Target, f.Quote(err))
	case errors.Is(err, github.ErrSAML):
		return fmt.Sprintf("The organization of the %s wants the token in Secret %q authorized for single sign-on: %s", f.Target, f.Secret, f.authorize(e))
	case errors.Is(err, github.ErrIPAddress):
		return fmt.Sprintf("The IP allow list of the owner of the %s does not have %s, from which GitHub sees the operator: add it there",
			f.Target, f.address(e))
	case errors.Is(err, github.ErrPermission) && f.permissions(e) != "":
		return fmt.Sprintf("The credential in Secret %q lacks the permission %s on the %s: grant it", f.Secret, f.needed(f.permissions(e)), f.Target)
	default:
		return fmt.Sprintf("The credential in Secret %q may not administer webhooks of the %s%s", f.Secret, f.Target, f.Quote(err))
	}
}

func (f Facts) authorize(e *github.Error) string {
	if e == nil || e.SSOURL == "" || !f.Shows(e.SSOURL) {
		return "authorize it under Configure SSO in the settings of the token's owner"
	}
	return "its owner authorizes it on " + e.SSOURL
}

func (f Facts) address(e *github.Error) string {
	if e == nil || e.IPAddress == "" || !f.Shows(e.IPAddress) {
		return "the operator's address"
	}
	return e.IPAddress
}

// right is what the credential needs to administer webhooks: a permission, or a classic token's scope.
func (f Facts) right() string {
	if !f.UsesPermissions {
		return "classic scope " + f.Scope
	}
	return "permission " + f.needed("")
}

// needed are the permissions to ask for: GitHub names those of one request, and who reads a webhook to manage it writes it
// in the end.
func (f Facts) needed(accepted string) string {
	switch {
	case accepted == "" && f.Observed:
		return f.Permission + "=read"
	case accepted == "":
		return f.Permission + "=write"
	case f.Observed:
		return accepted
	}
	return strings.ReplaceAll(accepted, "=read", "=write")
}

// permissionList is what GitHub's header looks like: administration=read; repository_hooks=write,metadata=read.
var permissionList = regexp.MustCompile(`^[a-z_]{1,50}=(read|write|admin)([,;] ?[a-z_]{1,50}=(read|write|admin)){0,9}$`)

// permissions are those that GitHub names; empty where it names none, or where that cannot be repeated.
func (f Facts) permissions(e *github.Error) string {
	if e == nil || !permissionList.MatchString(e.AcceptedPermissions) || !f.Shows(e.AcceptedPermissions) {
		return ""
	}
	return e.AcceptedPermissions
}
