package github

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// What went wrong, for errors.Is. GitHub docs: "Troubleshooting the REST API".
var (
	// ErrUnauthorized: GitHub answered 401, or would: the credential is wrong, expired or revoked.
	ErrUnauthorized = errors.New("the credential is not valid")
	// ErrUnknownApp: the server has no App of this ID. It is an ErrUnauthorized.
	ErrUnknownApp = fmt.Errorf("there is no such GitHub App: %w", ErrUnauthorized)
	// ErrKeyRefused: the private key is none of the App's, or no longer. It is an ErrUnauthorized.
	ErrKeyRefused = fmt.Errorf("the private key is not one of the GitHub App's: %w", ErrUnauthorized)
	// ErrClock: this machine's clock and the server's differ too much for an App to log in. It is an ErrUnauthorized.
	ErrClock = fmt.Errorf("the clock is off: %w", ErrUnauthorized)
	// ErrForbidden: GitHub answered 403 for another reason than a limit.
	ErrForbidden = errors.New("forbidden by GitHub")
	// ErrBlocked: GitHub took the repository down (451, or 403). It is an ErrForbidden.
	ErrBlocked = fmt.Errorf("access is blocked: %w", ErrForbidden)
	// ErrPermission: GitHub says that the token lacks a permission; Error.AcceptedPermissions may name it. It is an
	// ErrForbidden.
	ErrPermission = fmt.Errorf("a permission is missing: %w", ErrForbidden)
	// ErrSAML: the organization wants the token authorized for single sign-on; Error.SSOURL may be where. It is an
	// ErrForbidden.
	ErrSAML = fmt.Errorf("single sign-on is required: %w", ErrForbidden)
	// ErrIPAddress: the organization or enterprise has an IP allow list that this address is not on; Error.IPAddress may be
	// the one that GitHub saw. It is an ErrForbidden.
	ErrIPAddress = fmt.Errorf("the IP address is not allowed: %w", ErrForbidden)
	// ErrSuspended: the App's installation is suspended. It is an ErrForbidden.
	ErrSuspended = fmt.Errorf("installation is suspended: %w", ErrForbidden)
	// ErrArchived: the repository is archived: what would change something is refused with 403.
	ErrArchived = errors.New("the repository is archived")
	// ErrNotFound: GitHub answered 404. It does so both for what is not there and for what the credential may not see.
	ErrNotFound = errors.New("not found on GitHub")
	// ErrValidation: GitHub answered 422: it refuses the values of the request.
	ErrValidation = errors.New("refused by GitHub as invalid")
	// ErrHookExists: the place has a webhook of the same config and event already. It is an ErrValidation.
	ErrHookExists = fmt.Errorf("the webhook exists already: %w", ErrValidation)
	// ErrHookLimit: the place has as many webhooks for an event as GitHub allows. It is an ErrValidation.
	ErrHookLimit = fmt.Errorf("there are too many webhooks: %w", ErrValidation)
	// ErrRateLimited: a primary or secondary limit is exceeded, or would be, and then nothing was sent. Error.RetryAt says
	// when the request has its turn, for which room is kept.
	ErrRateLimited = errors.New("rate limit exceeded")
	// ErrLockedOut: too many logins failed, so that GitHub takes none for some minutes, and longer with each further try. It
	// is an ErrRateLimited.
	ErrLockedOut = fmt.Errorf("logins are locked out: %w", ErrRateLimited)
	// ErrUnavailable: there was no answer, none of GitHub's, or a 5xx. Whether a write took effect is not known.
	ErrUnavailable = errors.New("GitHub is not available")
	// ErrNotGitHub: there was an answer that is none of GitHub's, such as a proxy's or a login page. It is an ErrUnavailable.
	ErrNotGitHub = fmt.Errorf("the answer is not GitHub's: %w", ErrUnavailable)
	// ErrUnclear: a list has entries that cannot be told from what is looked for, so that what it does not show may be there.
	// It is an ErrUnavailable.
	ErrUnclear = fmt.Errorf("the list is not clear: %w", ErrUnavailable)
)

// Error is a request that failed. errors.Is tells which of this package's errors it is; an answer that fits none of them is
// an Error alone. Nothing in it, and no way of printing it, shows a credential, a webhook's secret or the URL that was sent.
type Error struct {
	Method string
	// Route is the endpoint's pattern, such as /repos/{owner}/{repo}/hooks.
	Route string
	// StatusCode is 0 where there was no answer.
	StatusCode int
	// Message is GitHub's own words in one line, or what happened to the request. It does not change between two attempts
	// that fail in the same way.
	Message string
	// AcceptedPermissions are those that suffice, as GitHub names them: repository_hooks=write. It names them in ordinary
	// answers, too: that one is missing, only ErrPermission says.
	AcceptedPermissions string
	// SSOURL is the page on the server's own host that authorizes the token for single sign-on; empty where there is none.
	SSOURL string
	// IPAddress is the one that GitHub saw and does not allow; empty where it does not say.
	IPAddress string
	// AppID is the App ID or client ID of the App that was logged in as; empty with a token.
	AppID string
	// RetryAt is when GitHub takes requests again, by this machine's clock; zero where it does not say.
	RetryAt time.Time
	// RequestID is what GitHub's support asks for. It is not part of the error's text.
	RequestID string

	class, cause error
}

// Error is a line without values that change from one attempt to the next.
func (e *Error) Error() string {
	if e.StatusCode == 0 {
		return fmt.Sprintf("%s %s: %s", e.Method, e.Route, e.Message)
	}
	if errors.Is(e.class, ErrNotGitHub) {
		return fmt.Sprintf("%s %s was answered with %d %s", e.Method, e.Route, e.StatusCode, e.Message)
	}
	return fmt.Sprintf("GitHub answered %d to %s %s: %s", e.StatusCode, e.Method, e.Route, e.Message)
}

// StatusText is what HTTP calls the answer's status code, such as Forbidden; empty where there was no answer.
func (e *Error) StatusText() string { return http.StatusText(e.StatusCode) }

// Unwrap is what kind of error it is, the caller's own context where that ended the request, and ErrNotSent.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.class, e.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// fail is an error that the server is not quoted in.
func (k call) fail(class error, message string) *Error {
	return &Error{Method: k.method, Route: k.route, Message: message, class: class}
}

// errTimeout is the cause of a context that this package ended.
var errTimeout = errors.New("time-out")

// lost is the error for a request without a usable answer. The texts of net and net/http are not taken over: they name
// local ports, which change, and could quote what was sent.
func (k call) lost(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e // The login's own request failed.
	}
	var (
		own     tooLarge
		refused notSent
	)
	switch cause := context.Cause(ctx); {
	case errors.As(err, &refused):
		e := k.fail(refused.class(), refused.Error())
		e.RetryAt, e.cause = refused.retryAt, ErrNotSent
		return e
	case errors.Is(err, ErrRedirect):
		return k.fail(ErrRedirect, err.Error())
	case errors.Is(err, ErrPrivateKey):
		return k.fail(ErrPrivateKey, err.Error())
	case errors.Is(err, errNotPublic):
		return k.fail(ErrHostNotAllowed, "the host is allowed by a wildcard of --github-hosts only and has an address that is not public: "+
			"name it there itself if it may be talked to")
	case errors.Is(err, errNotPermitted):
		e := k.fail(ErrUnavailable, err.Error())
		e.cause = errors.Join(context.Canceled, ErrNotSent)
		return e
	case errors.As(err, &own):
		return k.fail(ErrUnavailable, own.Error())
	case errors.Is(err, errCrowded):
		return k.fail(ErrUnavailable, errCrowded.Error())
	case errors.Is(cause, errTimeout):
		return k.fail(ErrUnavailable, "there was no answer in time")
	case ctx.Err() != nil:
		e := k.fail(ErrUnavailable, "the request was broken off")
		e.cause = ctx.Err()
		return e
	}
	return k.fail(ErrUnavailable, connectionTrouble(err))
}

// connectionTrouble says in stable words why there was no answer.
func connectionTrouble(err error) string {
	operation, isOperation := errors.AsType[*net.OpError](err)
	if isOperation && operation.Op == "proxyconnect" {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return "the certificate of the proxy in the operator's environment is not valid, or of an authority that the operator's system does not know"
		}
		return "no connection to the proxy in the operator's environment could be made"
	}
	if proxy, ok := errors.AsType[proxyRefusal](err); ok {
		return proxy.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("the name %s cannot be resolved", redact.Clean(dns.Name, maxWord))
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateTrouble(certificate.Err)
	}
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return "the server does not speak HTTPS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the server cannot be reached"
	case isTimeout(err):
		return "there was no answer in time"
	case isOperation && operation.Op == "dial":
		return "no connection could be made"
	}
	return "the connection broke before the answer was complete"
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func certificateTrouble(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		validity x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an unknown authority: put the authority's certificate under ca.crt, beside the credential"
	case errors.As(err, &name):
		return "the server's certificate is for another host"
	case errors.As(err, &validity) && validity.Reason == x509.Expired:
		return "the server's certificate has expired or is not yet valid"
	}
	return "the server's certificate is not valid"
}

// notGitHubs is what a person looks for then.
const notGitHubs = "that is not what GitHub's API answers here: a proxy, a firewall or a login page may have answered in its place"

// refused is the error for an answer that is not the documented success.
func (k call) refused(response *http.Response, by Server, now time.Time) *Error {
	said := readRefusal(response)
	words := said.sentence()
	hidden := k.hides(response)
	header := response.Header
	e := k.fail(classify(response.StatusCode, header, said), redact.Line(words, maxMessage, hidden...))
	e.StatusCode = response.StatusCode
	e.AcceptedPermissions = redact.Line(header.Get("X-Accepted-GitHub-Permissions"), maxWord, hidden...)
	e.RequestID = redact.Line(header.Get("X-GitHub-Request-Id"), maxWord, hidden...)
	e.RetryAt = retryAt(header, errors.Is(e, ErrRateLimited), now)
	if turn := exchangeOf(response.Request).retryAt; !turn.IsZero() {
		e.RetryAt = turn
	}
	switch {
	case errors.Is(e, ErrSAML):
		if page := ssoURL(header, by); redact.Line(page, maxPage, hidden...) == page {
			e.SSOURL = page
		}
	case errors.Is(e, ErrIPAddress):
		e.IPAddress = addressIn(words)
	case e.Message == "":
		e.Message = http.StatusText(e.StatusCode)
	}
	if errors.Is(e, ErrNotGitHub) && e.StatusCode < http.StatusInternalServerError {
		e.Message = strings.TrimSpace(http.StatusText(e.StatusCode) + ": " + notGitHubs)
	}
	return e
}
