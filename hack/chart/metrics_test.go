package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// documentedMetrics are the operator's own, with their labels. Users' dashboards and alerts depend on them.
var documentedMetrics = map[string][]string{
	"github_webhook_ready":                            {"kind", "namespace", "name", "reason"},
	"github_webhook_deliveries_total":                 {"kind", "namespace", "name", "outcome"},
	"github_webhook_last_delivery_timestamp_seconds":  {"kind", "namespace", "name"},
	"github_webhook_last_delivery_status_code":        {"kind", "namespace", "name"},
	"github_webhook_redeliveries_total":               {"kind", "namespace", "name", "outcome"},
	"github_webhook_drift_repaired_total":             {"kind", "namespace", "name", "field"},
	"github_webhook_secret_applied_timestamp_seconds": {"kind", "namespace", "name"},
	"github_webhook_left_behind_total":                {"kind"},
	"github_webhook_poll_interval_seconds":            {"kind", "namespace", "name"},
	"github_webhook_last_sync_timestamp_seconds":      {"kind", "namespace", "name"},
	"github_api_requests_total":                       {"host", "route", "method", "code"},
	"github_api_request_duration_seconds":             {"host", "route", "method"},
	"github_api_rate_limit_remaining":                 {"host", "budget"},
	"github_api_rate_limit_reset_timestamp_seconds":   {"host", "budget"},
}

// series is a metric with its labels, in an expression or as the operator shows it.
var (
	series = regexp.MustCompile(`\b(github_[a-z_]+)(?:\{([^}]*)\})?`)
	label  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
)

// scraped are labels that Prometheus adds, or a histogram.
var scraped = []string{"job", "namespace", "pod", "le"}

// expectDocumented holds every series of the operator's in a text against the list.
func expectDocumented(t *testing.T, text string) (metrics []string) {
	t.Helper()
	g := NewWithT(t)
	for _, match := range series.FindAllStringSubmatch(text, -1) {
		metric := match[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			metric = strings.TrimSuffix(metric, suffix)
		}
		g.Expect(documentedMetrics).To(HaveKey(metric), text)
		metrics = append(metrics, metric)
		for _, l := range label.FindAllStringSubmatch(match[2], -1) {
			g.Expect(slices.Concat(documentedMetrics[metric], scraped)).To(ContainElement(l[1]), "label of %s in %s", metric, text)
		}
	}
	return metrics
}

// expectDocumentedMetrics holds what the operator shows against the list.
func expectDocumentedMetrics(t *testing.T, shown string) {
	t.Helper()
	for line := range strings.Lines(shown) {
		if strings.HasPrefix(line, "github_") {
			expectDocumented(t, line)
		}
	}
}

// The alerts ask for series that the operator has.
func TestAlertsUseDocumentedMetrics(t *testing.T) {
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, alertFile))
	g.Expect(err).NotTo(HaveOccurred())
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	g.Expect(yaml.Unmarshal(content, &file)).To(Succeed())
	var alerts []string
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			alerts = append(alerts, rule.Alert)
			if rule.Alert != "GitHubWebhookOperatorDown" {
				g.Expect(expectDocumented(t, rule.Expr)).NotTo(BeEmpty(), rule.Alert)
			}
		}
	}
	g.Expect(alerts).To(ConsistOf("GitHubWebhookOperatorDown", "GitHubWebhookNotReady", "GitHubWebhookDeliveriesFailing",
		"GitHubWebhookRedeliveryGivenUp", "GitHubAPIBudgetLow"))
}

// The dashboard asks for series that the operator has, and shows every one of them.
func TestDashboardShowsEveryDocumentedMetric(t *testing.T) {
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(root, chartDir, "files", "dashboard.json"))
	g.Expect(err).NotTo(HaveOccurred())
	var dashboard any
	g.Expect(json.Unmarshal(content, &dashboard)).To(Succeed())
	shown := map[string]bool{}
	for _, expression := range expressions(dashboard) {
		for _, metric := range expectDocumented(t, expression) {
			shown[metric] = true
		}
	}
	for metric := range documentedMetrics {
		g.Expect(shown).To(HaveKey(metric))
	}
}

// expressions are all that panels and variables ask Prometheus for.
func expressions(node any) []string {
	var found []string
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if text, ok := value.(string); ok && (key == "expr" || key == "query") {
				found = append(found, text)
			}
			found = append(found, expressions(value)...)
		}
	case []any:
		for _, value := range n {
			found = append(found, expressions(value)...)
		}
	}
	return found
}
