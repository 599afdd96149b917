// Package metrics holds the operator's own Prometheus series, registered once with controller-runtime's registry. When
// they move is decided by those who use them.
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

func init() {
	metrics.Registry.MustRegister(LeftBehind)
}
