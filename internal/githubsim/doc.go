// Package githubsim is GitHub's webhook API without GitHub: a server that behaves as api.github.com and GitHub
// Enterprise Server do towards those who manage webhooks of repositories, organizations and Apps, and that really
// delivers to the webhooks it holds.
//
// It promises what GitHub's documentation and public recordings of its answers show: masked secrets, the secret that a
// config without one removes, GitHub's own words in every error, pages and cursors, redirects of renamed repositories,
// signed deliveries with a log, rights of tokens and Apps. Where nobody knows what GitHub does, an option lets a test
// see both ways. What GitHub never does, faults do: lose an answer, close a connection, send half a body.
//
// It never leaves the machine: a delivery to a host that is not loopback fails like one to an unreachable host, unless
// [Server.ResolveHost] says where that host is played.
//
// It knows nothing of the code that it is used to test, and leaves judging its own faithfulness to the package
// openapicheck, which holds every exchange against GitHub's OpenAPI description.
package githubsim
