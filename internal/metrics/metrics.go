// Package metrics holds the operator's own Prometheus series, registered once with controller-runtime's registry. When
// counters move is decided by those who use them, and an object's go with it (Object.Forget); its gauges are collected from
// the objects themselves at each scrape.
//
// Labels come from closed or small sets: hosts, patterns of routes, reasons, names of fields. No path, URL or other value
// of a user's is ever one. Histograms are by route and not by object, of which there may be ten thousand.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// LeftBehind counts hooks that may remain on GitHub after their object went, by kind.
var LeftBehind = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "github_webhook_left_behind_total",
	Help: "Hooks that may remain on GitHub after their object went.",
}, []string{"kind"})

func init() { metrics.Registry.MustRegister(LeftBehind) }

// counter and gauge make a series; help is a sentence with the unit.
func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}
