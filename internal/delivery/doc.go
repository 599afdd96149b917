// Package delivery decides what a webhook's deliveries mean: whether events arrive, why the newest one did not, and which
// failed ones to ask GitHub for again, and when.
//
// Everything here is a pure function of its arguments: no clock but the one passed in, no network, no Kubernetes. The only
// memory is GitHub's own log of deliveries (rows) and the requests that are noted in status.redelivering, so that a
// restart forgets nothing. Rows may come in any order and more than once. Reading the log, asking GitHub and telling
// people is left to package controllers.
package delivery
