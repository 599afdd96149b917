package metrics

import (
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	deliveries = counter("github_webhook_deliveries_total",
		"Deliveries that showed up in GitHub's log of the hook, by outcome: delivered or failed.", "kind", "namespace", "name", "outcome")
	redeliveries = counter("github_webhook_redeliveries_total",
		"Redeliveries by outcome: requested of GitHub, delivered by it, or events given_up.", "kind", "namespace", "name", "outcome")
	driftRepaired = counter("github_webhook_drift_repaired_total",
		"Fields of the hook that someone else changed and that were set right.", "kind", "namespace", "name", "field")
)

func init() { metrics.Registry.MustRegister(deliveries, redeliveries, driftRepaired) }

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

// Object names the series of one object, and counts what happened to it. It is safe for concurrent use.
type Object struct{ Kind, Namespace, Name string }

// repaired are the fields by object for which there is a series: Forget deletes these.
var (
	mu       sync.Mutex
	repaired = map[Object][]string{}
)

// Delivered counts n deliveries that showed up, Delivered or Failed. With 0 the series begins, so that the first failure
// is an increase.
func (o Object) Delivered(outcome Outcome, n int) {
	deliveries.WithLabelValues(o.labels(string(outcome))...).Add(float64(max(0, n)))
}

// Redelivery counts n redeliveries that were Requested or Delivered, or events that were GivenUp.
func (o Object) Redelivery(outcome Outcome, n int) {
	redeliveries.WithLabelValues(o.labels(string(outcome))...).Add(float64(max(0, n)))
}

// DriftRepaired counts a field of the spec, by its name there, that was set right on GitHub.
func (o Object) DriftRepaired(field string) {
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(repaired[o], field) {
		repaired[o] = append(repaired[o], field)
	}
	driftRepaired.WithLabelValues(o.labels(field)...).Inc()
}

// Forget deletes all counters of the object. Each is deleted by all its labels: to look for them would cost a walk over
// everybody's.
func (o Object) Forget() {
	mu.Lock()
	defer mu.Unlock()
	for _, outcome := range outcomes {
		deliveries.DeleteLabelValues(o.labels(string(outcome))...)
		redeliveries.DeleteLabelValues(o.labels(string(outcome))...)
	}
	for _, field := range repaired[o] {
		driftRepaired.DeleteLabelValues(o.labels(field)...)
	}
	delete(repaired, o)
}

// labels are the object's, and what the series has besides.
func (o Object) labels(more ...string) []string {
	return append([]string{o.Kind, o.Namespace, o.Name}, more...)
}
