package metrics

import (
	"slices"
	"sync"
	"time"
)

var (
	ready = gauge("github_webhook_ready",
		"1 when the object's Ready condition is True, else 0; reason is the condition's.", "kind", "namespace", "name", "reason")
	deliveries = counter("github_webhook_deliveries_total",
		"Deliveries that showed up in GitHub's log of the hook, by outcome: delivered or failed.", "kind", "namespace", "name", "outcome")
	lastDelivery = gauge("github_webhook_last_delivery_timestamp_seconds",
		"When the newest delivery was sent, in seconds since 1970.", "kind", "namespace", "name")
	lastDeliveryCode = gauge("github_webhook_last_delivery_status_code",
		"HTTP status code of the newest delivery; 0 where GitHub has none.", "kind", "namespace", "name")
	redeliveries = counter("github_webhook_redeliveries_total",
		"Redeliveries by outcome: requested of GitHub, delivered by it, or events given_up.", "kind", "namespace", "name", "outcome")
	driftRepaired = counter("github_webhook_drift_repaired_total",
		"Fields of the hook that someone else changed and that were set right.", "kind", "namespace", "name", "field")
	secretApplied = gauge("github_webhook_secret_applied_timestamp_seconds",
		"When the secret was last written to the hook, in seconds since 1970.", "kind", "namespace", "name")
	pollInterval = gauge("github_webhook_poll_interval_seconds",
		"How often the hook is looked at, in seconds: the object's interval, or more where the credential's budget is too small.",
		"kind", "namespace", "name")
	lastSync = gauge("github_webhook_last_sync_timestamp_seconds",
		"When GitHub was last seen or made to agree, in seconds since 1970: the exact time of status.lastSyncTime.", "kind", "namespace", "name")
)

// Outcome of deliveries and redeliveries.
type Outcome string

// Outcomes.
const (
	// Delivered: the receiver took it.
	Delivered Outcome = "delivered"
	// Failed: the receiver did not.
	Failed Outcome = "failed"
	// Requested: GitHub was asked to deliver again.
	Requested Outcome = "requested"
	// GivenUp: the event is not asked for again.
	GivenUp Outcome = "given_up"
)

var outcomes = []Outcome{Delivered, Failed, Requested, GivenUp}

// Object names the series of one object. It is safe for concurrent use.
type Object struct{ Kind, Namespace, Name string }

// shown is what Forget and the next Ready must know of an object.
type shown struct {
	reason string
	ready  bool
	// fields that were repaired.
	fields []string
}

var (
	mu      sync.Mutex
	objects = map[Object]shown{}
)

// Ready shows the Ready condition: its reason, and whether it is True. The series of the reason before goes.
func (o Object) Ready(reason string, isTrue bool) {
	mu.Lock()
	defer mu.Unlock()
	now := objects[o]
	if now.reason == reason && now.ready == isTrue && reason != "" {
		return
	}
	if now.reason != "" && now.reason != reason {
		ready.DeleteLabelValues(o.labels(now.reason)...)
	}
	now.reason, now.ready = reason, isTrue
	objects[o] = now
	if reason == "" {
		return
	}
	value := 0.0
	if isTrue {
		value = 1
	}
	ready.WithLabelValues(o.labels(reason)...).Set(value)
}

// Delivered counts n deliveries that showed up, Delivered or Failed. With 0 the series begins, so that the first failure
// is an increase.
func (o Object) Delivered(outcome Outcome, n int) {
	deliveries.WithLabelValues(o.labels(string(outcome))...).Add(float64(max(0, n)))
}

// LastDelivery shows when the newest delivery was sent and its status code. With the zero time there is none.
func (o Object) LastDelivery(at time.Time, code int) {
	if at.IsZero() {
		lastDelivery.DeleteLabelValues(o.labels()...)
		lastDeliveryCode.DeleteLabelValues(o.labels()...)
		return
	}
	lastDelivery.WithLabelValues(o.labels()...).Set(timestamp(at))
	lastDeliveryCode.WithLabelValues(o.labels()...).Set(float64(code))
}

// Redelivery counts n redeliveries that were Requested or Delivered, or events that were GivenUp.
func (o Object) Redelivery(outcome Outcome, n int) {
	redeliveries.WithLabelValues(o.labels(string(outcome))...).Add(float64(max(0, n)))
}

// DriftRepaired counts a field of the spec, by its name there, that was set right on GitHub.
func (o Object) DriftRepaired(field string) {
	mu.Lock()
	defer mu.Unlock()
	if now := objects[o]; !slices.Contains(now.fields, field) {
		now.fields = append(now.fields, field)
		objects[o] = now
	}
	driftRepaired.WithLabelValues(o.labels(field)...).Inc()
}

// SecretApplied shows when the secret was last written. With the zero time the hook has none.
func (o Object) SecretApplied(at time.Time) {
	if at.IsZero() {
		secretApplied.DeleteLabelValues(o.labels()...)
		return
	}
	secretApplied.WithLabelValues(o.labels()...).Set(timestamp(at))
}

// PollInterval shows the effective interval.
func (o Object) PollInterval(d time.Duration) {
	pollInterval.WithLabelValues(o.labels()...).Set(d.Seconds())
}

// LastSync shows when GitHub was last seen to agree. With the zero time it never was.
func (o Object) LastSync(at time.Time) {
	if at.IsZero() {
		lastSync.DeleteLabelValues(o.labels()...)
		return
	}
	lastSync.WithLabelValues(o.labels()...).Set(timestamp(at))
}

// Forget deletes all series of the object. Each is deleted by all its labels: to look for them would cost a walk over
// everybody's.
func (o Object) Forget() {
	mu.Lock()
	defer mu.Unlock()
	now := objects[o]
	delete(objects, o)
	ready.DeleteLabelValues(o.labels(now.reason)...)
	for _, outcome := range outcomes {
		deliveries.DeleteLabelValues(o.labels(string(outcome))...)
		redeliveries.DeleteLabelValues(o.labels(string(outcome))...)
	}
	for _, field := range now.fields {
		driftRepaired.DeleteLabelValues(o.labels(field)...)
	}
	lastDelivery.DeleteLabelValues(o.labels()...)
	lastDeliveryCode.DeleteLabelValues(o.labels()...)
	secretApplied.DeleteLabelValues(o.labels()...)
	pollInterval.DeleteLabelValues(o.labels()...)
	lastSync.DeleteLabelValues(o.labels()...)
}

// labels are the object's, and what the series has besides.
func (o Object) labels(more ...string) []string {
	return append([]string{o.Kind, o.Namespace, o.Name}, more...)
}

func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
