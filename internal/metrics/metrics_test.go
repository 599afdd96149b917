package metrics_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	webhook "github.com/github-webhooks/github-webhook-operator/internal/metrics"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 500_000_000, time.UTC)

// names are all series of ours with their labels, in the order of their names.
var names = map[string]string{
	"github_webhook_ready":                            "kind,name,namespace,reason",
	"github_webhook_deliveries_total":                 "kind,name,namespace,outcome",
	"github_webhook_last_delivery_timestamp_seconds":  "kind,name,namespace",
	"github_webhook_last_delivery_status_code":        "kind,name,namespace",
	"github_webhook_redeliveries_total":               "kind,name,namespace,outcome",
	"github_webhook_drift_repaired_total":             "field,kind,name,namespace",
	"github_webhook_secret_applied_timestamp_seconds": "kind,name,namespace",
	"github_webhook_left_behind_total":                "kind",
	"github_webhook_poll_interval_seconds":            "kind,name,namespace",
	"github_webhook_last_sync_timestamp_seconds":      "kind,name,namespace",
	"github_api_requests_total":                       "code,host,method,route",
	"github_api_request_duration_seconds":             "host,method,route",
	"github_api_rate_limit_remaining":                 "budget,host",
	"github_api_rate_limit_reset_timestamp_seconds":   "budget,host",
}

// series are the registry's series that are about a label's value, as text, by name and labels.
func series(g Gomega, about string) map[string]float64 {
	families, err := metrics.Registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			found := false
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
				found = found || l.GetValue() == about
			}
			if found {
				key := strings.TrimPrefix(family.GetName(), "github_") + "{" + strings.Join(labels, ",") + "}"
				all[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return all
}

// use moves every counter of an object.
func use(o webhook.Object) {
	o.Delivered(webhook.Delivered, 3)
	o.Delivered(webhook.Failed, 2)
	o.Redelivery(webhook.Requested, 2)
	o.Redelivery(webhook.Delivered, 1)
	o.Redelivery(webhook.GivenUp, 1)
	o.DriftRepaired("events")
	o.DriftRepaired("url")
	o.DriftRepaired("url")
}

func TestEverySeriesIsThereAndWellNamed(t *testing.T) {
	g := NewWithT(t)
	o := webhook.Object{Kind: "RepositoryWebhook", Namespace: "lint", Name: "ci"}
	use(o)
	defer o.Forget()
	show(t, webhook.State{Object: o, Reason: "Synced", Ready: true, Interval: time.Minute, SecretApplied: noon, Synced: noon, Delivered: noon, Code: 500})
	webhook.LeftBehind.WithLabelValues("RepositoryWebhook").Add(0)
	var github webhook.GitHub
	github.Request("lint.example.com", "/orgs/{org}/hooks", "GET", 200, time.Second)
	github.RateLimit("lint.example.com", "b", 1, noon)
	defer github.ForgetBudget("lint.example.com", "b")

	families, err := metrics.Registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "github_") {
			continue
		}
		g.Expect(family.GetHelp()).To(HaveSuffix("."))
		if strings.Contains(family.GetName(), "_seconds") {
			g.Expect(family.GetHelp()).To(ContainSubstring("in seconds"), "the unit")
		}
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		found[family.GetName()] = strings.Join(labels, ",")
	}
	g.Expect(found).To(Equal(names))
	var all []string
	for name := range names {
		all = append(all, name)
	}
	problems, err := testutil.GatherAndLint(metrics.Registry, all...)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(problems).To(BeEmpty())
}

func TestCounters(t *testing.T) {
	o := webhook.Object{Kind: "OrganizationWebhook", Namespace: "team-a", Name: "table"}
	const is = "kind=OrganizationWebhook,name=table,namespace=team-a"
	for _, c := range []struct {
		name string
		do   func()
		want map[string]float64
	}{
		{"deliveries", func() {
			o.Delivered(webhook.Delivered, 2)
			o.Delivered(webhook.Failed, 0)
			o.Delivered(webhook.Delivered, 3)
		},
			map[string]float64{"webhook_deliveries_total{" + is + ",outcome=delivered}": 5, "webhook_deliveries_total{" + is + ",outcome=failed}": 0}},
		{"fewer than none", func() { o.Delivered(webhook.Failed, -1); o.Redelivery(webhook.GivenUp, -1) },
			map[string]float64{"webhook_deliveries_total{" + is + ",outcome=failed}": 0, "webhook_redeliveries_total{" + is + ",outcome=given_up}": 0}},
		{"redeliveries", func() {
			o.Redelivery(webhook.Requested, 2)
			o.Redelivery(webhook.Delivered, 1)
			o.Redelivery(webhook.GivenUp, 1)
		}, map[string]float64{
			"webhook_redeliveries_total{" + is + ",outcome=requested}": 2, "webhook_redeliveries_total{" + is + ",outcome=delivered}": 1,
			"webhook_redeliveries_total{" + is + ",outcome=given_up}": 1}},
		{"drift", func() { o.DriftRepaired("url"); o.DriftRepaired("events"); o.DriftRepaired("url") }, map[string]float64{
			"webhook_drift_repaired_total{field=url," + is + "}": 2, "webhook_drift_repaired_total{field=events," + is + "}": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			c.do()
			g.Expect(series(g, "table")).To(Equal(c.want))
			o.Forget()
			g.Expect(series(g, "table")).To(BeEmpty())
		})
	}
}

// show states until the test ends.
func show(t *testing.T, states ...webhook.State) {
	t.Helper()
	collector := webhook.NewCollector(slices.Values(states))
	NewWithT(t).Expect(metrics.Registry.Register(collector)).To(Succeed())
	t.Cleanup(func() { metrics.Registry.Unregister(collector) })
}

func TestGauges(t *testing.T) {
	o := webhook.Object{Kind: "OrganizationWebhook", Namespace: "team-a", Name: "gauges"}
	const is = "kind=OrganizationWebhook,name=gauges,namespace=team-a"
	const interval = "webhook_poll_interval_seconds{" + is + "}"
	for _, c := range []struct {
		name  string
		state webhook.State
		want  map[string]float64
	}{
		{"no condition yet", webhook.State{}, map[string]float64{}},
		{"ready", webhook.State{Reason: "Synced", Ready: true}, map[string]float64{"webhook_ready{" + is + ",reason=Synced}": 1}},
		{"not ready", webhook.State{Reason: "Conflict"}, map[string]float64{"webhook_ready{" + is + ",reason=Conflict}": 0}},
		{"the last delivery", webhook.State{Delivered: noon, Code: 502}, map[string]float64{
			"webhook_last_delivery_timestamp_seconds{" + is + "}": 1780315200.5, "webhook_last_delivery_status_code{" + is + "}": 502}},
		{"a secret", webhook.State{SecretApplied: noon}, map[string]float64{"webhook_secret_applied_timestamp_seconds{" + is + "}": 1780315200.5}},
		{"the last sync", webhook.State{Synced: noon}, map[string]float64{"webhook_last_sync_timestamp_seconds{" + is + "}": 1780315200.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			c.state.Object, c.state.Interval, c.want[interval] = o, 90*time.Second, 90
			show(t, c.state)
			g.Expect(series(g, "gauges")).To(Equal(c.want))
		})
	}
	NewWithT(t).Expect(series(NewWithT(t), "gauges")).To(BeEmpty(), "an object that went")
}

func TestForgetLeavesOthersAlone(t *testing.T) {
	g := NewWithT(t)
	mine := webhook.Object{Kind: "RepositoryWebhook", Namespace: "forget", Name: "mine"}
	others := []webhook.Object{
		{Kind: "OrganizationWebhook", Namespace: "forget", Name: "mine"}, {Kind: "RepositoryWebhook", Namespace: "forget", Name: "other"},
		{Kind: "RepositoryWebhook", Namespace: "forget-not", Name: "mine"},
	}
	use(mine)
	before := len(series(g, "mine"))
	g.Expect(before).To(Equal(7))
	for _, o := range others {
		use(o)
		t.Cleanup(o.Forget)
	}
	mine.Forget()
	g.Expect(series(g, "mine")).To(HaveLen(2 * before))
	g.Expect(series(g, "other")).To(HaveLen(before))
	mine.Forget()
	mine.DriftRepaired("url")
	g.Expect(series(g, "mine")).To(HaveLen(2*before+1), "an object of the same name begins anew")
	mine.Forget()
}

func TestObjectsAtTheSameTime(t *testing.T) {
	g := NewWithT(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			o := webhook.Object{Kind: "RepositoryWebhook", Namespace: "together", Name: fmt.Sprint(i % 4)}
			for n := range 100 {
				o.DriftRepaired([]string{"url", "events"}[n%2])
			}
		})
	}
	group.Wait()
	g.Expect(series(g, "together")).To(HaveLen(8), "two fields for each of 4")
	for i := range 4 {
		webhook.Object{Kind: "RepositoryWebhook", Namespace: "together", Name: fmt.Sprint(i)}.Forget()
	}
	g.Expect(series(g, "together")).To(BeEmpty())
}

func TestGitHub(t *testing.T) {
	g := NewWithT(t)
	var github webhook.GitHub
	const host, route = "ghe.example.com", "/repos/{owner}/{repo}/hooks"
	github.Request(host, route, "GET", 200, 30*time.Millisecond)
	github.Request(host, route, "GET", 304, 80*time.Millisecond)
	github.Request(host, route, "GET", 200, 9*time.Second)
	github.Request(host, route, "POST", 0, 10*time.Second)
	github.RateLimit(host, "a", 4999, noon)
	github.RateLimit(host, "b", 0, noon)
	github.RateLimit(host, "b", 7, time.Time{})
	const is = "host=ghe.example.com,method="
	requests := map[string]float64{
		"api_requests_total{code=200," + is + "GET,route=" + route + "}":        2,
		"api_requests_total{code=304," + is + "GET,route=" + route + "}":        1,
		"api_requests_total{code=error," + is + "POST,route=" + route + "}":     1,
		"api_request_duration_seconds{" + is + "GET,route=" + route + "}":       3,
		"api_request_duration_seconds{" + is + "POST,route=" + route + "}":      1,
		"api_rate_limit_remaining{budget=a,host=ghe.example.com}":               4999,
		"api_rate_limit_reset_timestamp_seconds{budget=a,host=ghe.example.com}": 1780315200.5,
		"api_rate_limit_remaining{budget=b,host=ghe.example.com}":               7,
	}
	g.Expect(series(g, host)).To(Equal(requests))

	github.ForgetBudget(host, "a")
	g.Expect(series(g, "a")).To(BeEmpty())
	g.Expect(series(g, "b")).To(HaveLen(1))
	github.ForgetBudget(host, "b")
	g.Expect(series(g, "b")).To(BeEmpty())
}
