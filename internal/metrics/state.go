package metrics

import (
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is where an object stands, as its gauges show it. A zero time is one that there is not.
type State struct {
	Object
	// Reason of the object's Ready condition; empty where it has none. Ready: the condition is True.
	Reason string
	Ready  bool
	// Interval between polls; zero where it is not known yet.
	Interval time.Duration
	// SecretApplied is when the secret was last written to the hook, and Synced when GitHub was last seen to agree.
	SecretApplied, Synced time.Time
	// Delivered is when the newest delivery was sent, and Code its HTTP status code.
	Delivered time.Time
	Code      int
}

// The gauges of an object.
var (
	ready = description("github_webhook_ready",
		"1 when the object's Ready condition is True, else 0; reason is the condition's.", "reason")
	lastDelivery = description("github_webhook_last_delivery_timestamp_seconds",
		"When the newest delivery was sent, in seconds since 1970.")
	lastDeliveryCode = description("github_webhook_last_delivery_status_code",
		"HTTP status code of the newest delivery; 0 where GitHub has none.")
	secretApplied = description("github_webhook_secret_applied_timestamp_seconds",
		"When the secret was last written to the hook, in seconds since 1970.")
	pollInterval = description("github_webhook_poll_interval_seconds",
		"How often the hook is looked at, in seconds: the object's interval, or more where the credential's budget is too small.")
	lastSync = description("github_webhook_last_sync_timestamp_seconds",
		"When GitHub was last seen or made to agree, in seconds since 1970: the exact time of status.lastSyncTime.")
)

func description(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"kind", "namespace", "name"}, more...), nil)
}

// NewCollector collects the gauges of these objects, as they stand at each scrape.
func NewCollector(objects iter.Seq[State]) prometheus.Collector { return collector{objects} }

type collector struct{ objects iter.Seq[State] }

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ready, lastDelivery, lastDeliveryCode, secretApplied, pollInterval, lastSync} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for s := range c.objects {
		s.collect(to)
	}
}

func (s State) collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64, more ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.labels(more...)...)
	}
	sendTime := func(d *prometheus.Desc, at time.Time) {
		if !at.IsZero() {
			send(d, timestamp(at))
		}
	}
	if s.Reason != "" {
		value := 0.0
		if s.Ready {
			value = 1
		}
		send(ready, value, s.Reason)
	}
	if s.Interval > 0 {
		send(pollInterval, s.Interval.Seconds())
	}
	sendTime(secretApplied, s.SecretApplied)
	sendTime(lastSync, s.Synced)
	sendTime(lastDelivery, s.Delivered)
	if !s.Delivered.IsZero() {
		send(lastDeliveryCode, float64(s.Code))
	}
}

func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
