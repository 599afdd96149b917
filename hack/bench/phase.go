package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
)

// phase is what a step in a fleet's life took.
type phase struct {
	Name string `json:"name"`
	// What tells how it was measured.
	What string `json:"what"`
	// Times is how often it was done: the number of objects or, where these are counted, of polls.
	Times int `json:"times"`
	// Seconds until the last object was there.
	Seconds float64 `json:"seconds"`
	// GitHub has the requests by method, endpoint and status, API those by verb and resource.
	GitHub counts `json:"github"`
	API    counts `json:"api"`
	// CPUSeconds until the operator had come to rest.
	CPUSeconds float64 `json:"cpuSeconds"`
	Memory     memory  `json:"memory"`
}

// per divides by how often it was done.
func (p phase) per(n int) float64 { return float64(n) / float64(p.Times) }

// requests to GitHub, without those by which an App logs in: their number does not depend on that of objects.
func (p phase) requests() int {
	return p.GitHub.total(func(name string) bool { return !strings.Contains(name, "installation") })
}

// reads and writes of the API server.
func (p phase) reads() int  { return p.API.total(apiRead) }
func (p phase) writes() int { return p.API.total(apiWrite) }

// notModified is the share of 304s in percent; 0 where nothing was asked.
func (p phase) notModified() float64 {
	if p.requests() == 0 {
		return 0
	}
	return 100 * float64(p.GitHub.total(notModified)) / float64(p.requests())
}

// details lists the requests per object, the most frequent first.
func (p phase) details(all counts) string {
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if all[a] != all[b] {
			return all[b] - all[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s × %s", number(p.per(all[name])), name))
	}
	return strings.Join(parts, ", ")
}

// meter reads all that a phase is measured by.
type meter struct {
	fleet  *fleet
	start  time.Time
	cpu    time.Duration
	github counts
	api    counts
	polled counts
}

// meter begins to measure the operator that runs.
func (f *fleet) meter() (meter, error) {
	m := f.meterNext()
	var err error
	m.cpu, err = cpuOf(f.operator.PID())
	return m, err
}

// meterNext begins to measure the operator that is started next.
func (f *fleet) meterNext() meter {
	return meter{fleet: f, start: time.Now(), github: f.github.snapshot(), api: f.api.snapshot(), polled: f.github.polled()}
}

// read what happened since.
func (m meter) read(p phase) (phase, error) {
	pid := m.fleet.operator.PID()
	cpu, err := cpuOf(pid)
	if err != nil {
		return p, err
	}
	p.CPUSeconds = (cpu - m.cpu).Seconds()
	p.GitHub, p.API = m.fleet.github.snapshot().since(m.github), m.fleet.api.snapshot().since(m.api)
	p.Memory, err = memoryOf(pid)
	return p, err
}

// step measures what is done to every object until it is true of the last one, and what the operator does afterwards
// until it has come to rest.
func (f *fleet) step(ctx context.Context, name, what string, do func(context.Context) error) (phase, error) {
	p := phase{Name: name, What: what, Times: len(f.names)}
	f.say("%s: %s", name, what)
	m, err := f.meter()
	if err != nil {
		return p, err
	}
	if err := do(ctx); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	p.Seconds = time.Since(m.start).Seconds()
	if err := f.settle(ctx, f.github); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	return m.read(p)
}

// watch measures what the operator does in a time without being asked for anything.
func (f *fleet) watch(ctx context.Context, name, what string, lasts time.Duration) (phase, error) {
	p := phase{Name: name, What: what, Seconds: lasts.Seconds()}
	f.say("%s: %s", name, what)
	m, err := f.meter()
	if err != nil {
		return p, err
	}
	if err := f.pause(ctx, lasts); err != nil {
		return p, err
	}
	p.Seconds = time.Since(m.start).Seconds()
	return m.read(p)
}

// pause lets time pass for the operator.
func (f *fleet) pause(ctx context.Context, lasts time.Duration) error {
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-f.operator.Exited():
		return launch.ErrEnded
	}
}

// lull waits for a moment without requests, so that no poll is counted by halves; not for long, because there may be
// none.
func (f *fleet) lull(ctx context.Context) error {
	const quiet, every, longest = 200 * time.Millisecond, 20 * time.Millisecond, 3 * time.Second
	for start := time.Now(); time.Since(start) < longest; {
		if time.Since(f.api.quietSince()) > quiet && time.Since(f.github.quietSince()) > quiet {
			return nil
		}
		if err := f.pause(ctx, every); err != nil {
			return err
		}
	}
	return nil
}
