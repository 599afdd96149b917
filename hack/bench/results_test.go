package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// measured are results that keep every promise.
func measured() results {
	const mb = 1 << 20
	one := func(name string, requests counts) phase {
		return phase{
			Name: name, Times: 100, Seconds: 1, GitHub: requests, API: counts{"patch repositorywebhooks/status": 100, "get secrets": 1},
			CPUSeconds: 0.1, Memory: memory{Resident: 50 * mb, Anonymous: 30 * mb, Peak: 60 * mb},
		}
	}
	limits := githubsim.GitHubLimits()
	limits.TimeScale = 60
	quiet := one("quiet poll", counts{"GET /hooks/{hook_id} 304": 100, "GET /deliveries 304": 100})
	quiet.API = counts{"get secrets": 1}
	return results{
		Machine: machine{CPU: "A CPU", Cores: 2, OS: "linux/amd64", Go: "go1.26", Load: "0.10"},
		Options: description{Objects: 100, Login: loginToken},
		Idle:    &phase{Name: "idle without objects", Seconds: 10, Memory: memory{Resident: 38 * mb}},
		Quiet:   &phase{Name: "idle with objects", Seconds: 10, CPUSeconds: 0.1, Memory: memory{Resident: 45 * mb}},
		Phases: []phase{
			one("create", counts{"GET /hooks 200": 100, "POST /hooks 201": 100}),
			one("update", counts{"PATCH /hooks 200": 100}),
			one("secret rotation", counts{"PATCH /hooks 200": 100}),
			one("first poll", counts{"GET /hooks/{hook_id} 200": 100}),
			quiet,
			one("restart", counts{}),
			one("delete", counts{"DELETE /hooks/{hook_id} 204": 100, "POST /app/installations/{installation_id}/access_tokens 201": 1}),
		},
		Change:  latency{Samples: 10, P50: 0.01, P90: 0.02, P99: 0.05, Max: 0.06},
		Limited: &limited{phase: one("create under limits", counts{}), Limits: limits, Minimum: 0.96},
	}
}

func TestAims(t *testing.T) {
	t.Run("are met", func(t *testing.T) {
		for _, a := range measured().aims() {
			NewWithT(t).Expect(a.verdict()).To(Equal("met"), a.What)
		}
	})
	t.Run("are marked where they are missed", func(t *testing.T) {
		r := measured()
		r.Idle.Memory.Resident = 60 << 20
		r.Phases[4].GitHub = counts{"GET /hooks/{hook_id} 304": 100, "GET /deliveries 200": 100}
		r.Phases[5].GitHub = counts{"GET /hooks/{hook_id} 200": 3}
		missed := map[string]string{}
		for _, a := range r.aims() {
			if !a.Met {
				missed[a.What] = a.verdict()
			}
		}
		NewWithT(t).Expect(missed).To(Equal(map[string]string{
			"memory idle, VmRSS":                         "MISSED: 1.50 times the aim",
			"GitHub requests: restart":                   "MISSED",
			"GitHub requests: 304s among a quiet poll's": "MISSED",
		}))
	})
	t.Run("are those of the number of objects", func(t *testing.T) {
		r := measured()
		r.Options.Objects = 10_000
		g := NewWithT(t)
		g.Expect(r.aims()).To(ContainElement(And(HaveField("What", "memory with 10000 objects, VmRSS"), HaveField("Most", 250.0))))
		g.Expect(r.aims()).NotTo(ContainElement(HaveField("What", ContainSubstring("startup"))))
		r.Options.Objects = 20_000
		g.Expect(r.aims()).NotTo(ContainElement(HaveField("What", HavePrefix("memory with"))))
	})
}

// What goes on anyway is not the polls' doing, and is added once.
func TestCPUOfQuiet(t *testing.T) {
	g := NewWithT(t)
	r := measured()
	g.Expect(r.cpuPerPoll()).To(BeNumerically("~", 0.0009, 1e-9), "0.1 s less a second of 1 % for 100 polls")
	g.Expect(r.cpuOfQuiet(10_000, 10*time.Minute)).To(BeNumerically("~", 0.025, 1e-9), "16.7 polls a second and 1 %")
}

func TestText(t *testing.T) {
	text := measured().text()
	g := NewWithT(t)
	g.Expect(text).To(MatchRegexp(`(?m)^create +100 +1\.0 s +2 +0 % +0\.01 +1 +1 ms +50 MB +30 MB +60 MB$`))
	g.Expect(text).To(MatchRegexp(`(?m)^idle with objects +10\.0 s +1 % of a core +45 MB`))
	g.Expect(text).To(ContainSubstring("GitHub: 1 × GET /deliveries 304, 1 × GET /hooks/{hook_id} 304"))
	g.Expect(text).To(ContainSubstring("an hour lasts 60.0 s): 100 objects were Ready in 1.0 s; the least is 1.0 s, the ratio 1.04; 0 requests were refused"))
	g.Expect(text).To(MatchRegexp(`(?m)^GitHub requests: 304s among a quiet poll's +≥ 100 % +100 % +met$`))
}

func TestWrite(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "out", "bench.json")
	g.Expect(measured().write(path)).To(Succeed())

	encoded, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	var decoded struct {
		results

		Aims []aim
	}
	g.Expect(json.Unmarshal(encoded, &decoded)).To(Succeed())
	g.Expect(decoded.results).To(Equal(measured()))
	g.Expect(decoded.Aims).To(Equal(measured().aims()))

	markdown, err := os.ReadFile(filepath.Join(filepath.Dir(path), "bench.md"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(markdown)).To(ContainSubstring("| memory with hooks | 50 MB | 147 MB | 40 MB |\n"))
	g.Expect(string(markdown)).To(ContainSubstring("| memory idle, VmRSS | ≤ 40 MB | 38 MB | met |\n"))
}
