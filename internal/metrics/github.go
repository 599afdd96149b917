package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	requests = counter("github_api_requests_total",
		"Requests to GitHub by the answer's HTTP status code; code is error where no answer came.", "host", "route", "method", "code")
	requestDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "github_api_request_duration_seconds",
		Help: "How long GitHub took to answer, or until it was given up, in seconds.",
		// A request is given up after 10 s.
		Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
	}, []string{"host", "route", "method"})
	rateLimitRemaining = gauge("github_api_rate_limit_remaining",
		"Requests that are left of the budget until it is reset.", "host", "budget")
	rateLimitReset = gauge("github_api_rate_limit_reset_timestamp_seconds",
		"When the budget is reset, in seconds since 1970.", "host", "budget")
)

func init() {
	metrics.Registry.MustRegister(requests, requestDuration, rateLimitRemaining, rateLimitReset)
}

// noAnswer is the code of a request that was not answered.
const noAnswer = "error"

// GitHub shows what the operator asks of GitHub. It is safe for concurrent use.
type GitHub struct{}

// Request counts a request and how long it took. route is the pattern of the path, as in /orgs/{org}/hooks: a path would
// make a series for every hook. code 0: no answer came.
func (GitHub) Request(host, route, method string, code int, duration time.Duration) {
	label := noAnswer
	if code != 0 {
		label = strconv.Itoa(code)
	}
	requests.WithLabelValues(host, route, method, label).Inc()
	requestDuration.WithLabelValues(host, route, method).Observe(duration.Seconds())
}

// RateLimit shows what is left of a budget and when it is reset; with the zero time that is not known. budget names the
// credential and must not be one: it is shown as it is.
func (GitHub) RateLimit(host, budget string, remaining int, reset time.Time) {
	rateLimitRemaining.WithLabelValues(host, budget).Set(float64(remaining))
	if reset.IsZero() {
		rateLimitReset.DeleteLabelValues(host, budget)
		return
	}
	rateLimitReset.WithLabelValues(host, budget).Set(timestamp(reset))
}

// ForgetBudget deletes the series of a budget that nobody uses any more.
func (GitHub) ForgetBudget(host, budget string) {
	rateLimitRemaining.DeleteLabelValues(host, budget)
	rateLimitReset.DeleteLabelValues(host, budget)
}
