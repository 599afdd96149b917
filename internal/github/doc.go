// Package github is a client for the part of GitHub's REST API that manages webhooks: those of repositories and
// organizations, that of an App, their deliveries, and the endpoints by which an App logs in. It logs in with a token, or as
// an App: then it finds the installation, and keeps a token of it that all callers share until it ends.
//
// It promises that a credential is sent to one server only, one that --github-hosts allows, and follows a redirect on
// that host alone, method and body kept; that nothing waits longer than a time-out or reads more than a bound; that a
// list is whole or an error; that every failure is one of the errors in this package; and that no error and no log line
// made of its types contains a credential, a webhook's secret or the URL that was sent, even where the server echoes them.
//
// It knows nothing of Kubernetes and never sleeps, and what it sends twice is a request that had the wrong installation
// token: when to come back is the caller's decision, and an error says when GitHub allows it.
package github
