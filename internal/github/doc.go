// Package github is a client for the part of GitHub's REST API that manages webhooks: those of repositories and
// organizations, that of an App, their deliveries, and the endpoints by which an App logs in. It logs in with a token, or as
// an App: then it finds the installation, and keeps a token of it that all callers share until it ends.
//
// It promises that a credential is sent to one server only, one that --github-hosts allows, and follows a redirect on
// that host alone, method and body kept; that nothing waits longer than a time-out or reads more than a bound; that a
// list is whole or an error; that every failure is one of the errors in this package; and that no error and no log line
// made of its types contains a credential, a webhook's secret or the URL that was sent, even where the server echoes them.
//
// Success is the status that GitHub documents and no other, and a refusal counts as GitHub's only in GitHub's form. A server
// that gives no answer and a login that is refused are tried by one request at a time; the others fail without being sent.
//
// It knows nothing of Kubernetes and never sleeps. It sends a request twice where it had the wrong installation token, and a
// full page of a list whose kept answer does not say whether another page follows. When to come back is the caller's
// decision, and an error says when GitHub allows it.
package github
