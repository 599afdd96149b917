package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// lifeOfAFleet is the first part: without limits.
func (s *stage) lifeOfAFleet(ctx context.Context, r *results) error {
	f, err := s.newFleet(ctx, "bench", s.objects, nil)
	if err != nil {
		return err
	}
	for _, measure := range []func(context.Context, *results) error{
		f.beginIdle, f.create, f.beIdle, f.changeOne, f.changeAll, f.rotateAll, f.poll, f.restart, f.remove,
	} {
		if err := measure(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// beginIdle starts the operator with nothing to do.
func (f *fleet) beginIdle(ctx context.Context, r *results) error {
	if err := f.startOperator(ctx, f.github.URL(), noPolls); err != nil {
		return err
	}
	if err := f.settle(ctx, f.github); err != nil {
		return err
	}
	p, err := f.watch(ctx, "idle without objects", fmt.Sprintf("watched for %s", f.idle), f.idle)
	r.Idle = &p
	return err
}

// create makes all objects at once.
func (f *fleet) create(ctx context.Context, r *results) error {
	what := fmt.Sprintf("%d objects, from the first request that makes one to the last one's Ready=True", len(f.names))
	p, err := f.step(ctx, "create", what, func(ctx context.Context) error {
		if err := f.createAll(ctx); err != nil {
			return err
		}
		return f.until(ctx, "all are Ready", f.ready, patience)
	})
	r.add(p)
	if err != nil {
		return err
	}
	return f.verify()
}

// beIdle watches the operator while nothing is due.
func (f *fleet) beIdle(ctx context.Context, r *results) error {
	p, err := f.watch(ctx, "idle with objects", fmt.Sprintf("watched for %s, in which no poll was due", f.idle), f.idle)
	r.Quiet = &p
	return err
}

// changeOne times single changes of an idle operator's objects, one after another.
func (f *fleet) changeOne(ctx context.Context, r *results) error {
	n := min(f.samples, len(f.names))
	f.say("spec change: %d changes one after another, from the request that makes one to the webhook's change on GitHub", n)
	var took []time.Duration
	for _, name := range f.names[:n] {
		d, err := f.timeChange(ctx, name)
		if err != nil {
			return fmt.Errorf("spec change of %s: %w", name, err)
		}
		took = append(took, d)
	}
	r.Change = latency{
		Samples: n, P50: percentile(took, 50).Seconds(), P90: percentile(took, 90).Seconds(), P99: percentile(took, 99).Seconds(),
		Max: percentile(took, 100).Seconds(),
	}
	return nil
}

// timeChange waits for the object's status, too, so that the next change meets an idle operator.
func (f *fleet) timeChange(ctx context.Context, name string) (time.Duration, error) {
	events := []string{"push", "release"}
	arrived := f.github.await(f.targets[name])
	start := time.Now()
	if err := f.subscribe(ctx, name, events); err != nil {
		return 0, err
	}
	one := *f
	one.names, one.events = []string{name}, events
	if err := one.until(ctx, "it is Ready", one.ready, patience); err != nil {
		return 0, err
	}
	select {
	case at := <-arrived:
		return at.Sub(start), nil
	default:
		return 0, fmt.Errorf("Ready=True, but the webhook was not changed")
	}
}

// changeAll changes the spec of all objects at once.
func (f *fleet) changeAll(ctx context.Context, r *results) error {
	p, err := f.step(ctx, "update", "another list of events for all objects, until all are Ready again", func(ctx context.Context) error {
		if err := f.subscribeAll(ctx, "issues", "push"); err != nil {
			return err
		}
		return f.until(ctx, "all are Ready", f.ready, patience)
	})
	r.add(p)
	if err != nil {
		return err
	}
	return f.verify()
}

// rotateAll changes the one Secret that all objects share.
func (f *fleet) rotateAll(ctx context.Context, r *results) error {
	p, err := f.step(ctx, "secret rotation", "one Secret that all objects share, until the last status says that it was applied", func(ctx context.Context) error {
		if err := f.rotate(ctx); err != nil {
			return err
		}
		version, err := f.secretVersion(ctx)
		if err != nil {
			return err
		}
		return f.until(ctx, "the new secret is applied", func(w webhook) string {
			if w.Status.Applied == nil || w.Status.Applied.SecretResourceVersion != version {
				return "does not have the new secret"
			}
			return f.ready(w)
		}, patience)
	})
	r.add(p)
	if err != nil {
		return err
	}
	return f.verify()
}

// interval of the polls that are measured: short, so that nobody waits long, and at most 50 polls a second, so that the
// machine has time left.
func (f *fleet) interval() time.Duration {
	if f.pollInterval > 0 {
		return f.pollInterval
	}
	const pollsPerSecond = 50
	return max(30*time.Second, time.Duration(len(f.names))*time.Second/pollsPerSecond)
}

// poll restarts the operator with a short interval. First every object is polled by a process that has seen none of them
// yet, then once more within one interval.
func (f *fleet) poll(ctx context.Context, r *results) error {
	interval := f.interval()
	if err := f.stopOperator(); err != nil {
		return err
	}
	before, m := f.github.polled(), f.meterNext()
	if err := f.startOperator(ctx, f.github.URL(), interval); err != nil {
		return err
	}
	what := fmt.Sprintf("from a start with --default-interval=%s until the last object was polled", interval)
	err := m.polls(ctx, r, "first poll", what, func() error {
		return f.untilPolled(ctx, before, patience+2*interval)
	})
	if err != nil {
		return err
	}
	if m, err = f.meter(); err != nil {
		return err
	}
	what = fmt.Sprintf("the next %s, in which each object's poll is due once", interval)
	if err := m.polls(ctx, r, "quiet poll", what, func() error { return f.pause(ctx, interval) }); err != nil {
		return err
	}
	return f.verify()
}

// untilPolled waits until every webhook was read more often than before.
func (f *fleet) untilPolled(ctx context.Context, before counts, patience time.Duration) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for polled, progress := 0, time.Now(); polled < len(f.names); {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		if n := len(f.github.polled().since(before)); n > polled {
			polled, progress = n, time.Now()
		}
		if time.Since(progress) > patience {
			return fmt.Errorf("for %s no webhook was polled but %d of %d", patience, polled, len(f.names))
		}
	}
	return nil
}

// polls measures a time in which objects are polled, until a lull. Its times are the polls.
func (m meter) polls(ctx context.Context, r *results, name, what string, pass func() error) error {
	f := m.fleet
	f.say("%s: %s", name, what)
	if err := errors.Join(pass(), f.lull(ctx)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := phase{Name: name, What: what, Times: f.github.polled().since(m.polled).total(anything), Seconds: time.Since(m.start).Seconds()}
	if p.Times == 0 {
		return fmt.Errorf("%s: no object was polled within %s", name, seconds(p.Seconds))
	}
	p, err := m.read(p)
	r.add(p)
	return err
}

// restart starts a process anew that finds all objects in sync, and none due.
func (f *fleet) restart(ctx context.Context, r *results) error {
	if err := f.stopOperator(); err != nil {
		return err
	}
	p := phase{Name: "restart", What: "from the start of the process to its readiness; no poll is due", Times: len(f.names)}
	f.say("%s: %s", p.Name, p.What)
	m := f.meterNext()
	if err := f.startOperator(ctx, f.github.URL(), noPolls); err != nil {
		return err
	}
	if err := f.settle(ctx, f.github); err != nil {
		return err
	}
	p.Seconds = f.operator.startup.Seconds()
	p, err := m.read(p)
	r.add(p)
	return err
}

// remove deletes all objects at once.
func (f *fleet) remove(ctx context.Context, r *results) error {
	p, err := f.step(ctx, "delete", "all objects, until the last one is gone", func(ctx context.Context) error {
		if err := f.deleteAll(ctx); err != nil {
			return err
		}
		return f.until(ctx, "all are gone", gone, patience)
	})
	r.add(p)
	if err != nil {
		return err
	}
	return f.verifyGone()
}

// underLimits is the second part: a fleet is created under GitHub's limits.
func (s *stage) underLimits(ctx context.Context, r *results) error {
	if err := s.stopOperator(); err != nil {
		return err
	}
	f, err := s.newFleet(ctx, "limits", s.limited, &s.limits)
	if err != nil {
		return err
	}
	s.operatorBinary = s.limitedBinary
	if err := s.startOperator(ctx, f.github.URL(), noPolls); err != nil {
		return err
	}
	if err := s.settle(ctx, f.github); err != nil {
		return err
	}
	least := minimum(s.limited, s.limits)
	what := fmt.Sprintf("%d objects, whose limits take %s at least", s.limited, seconds(least.Seconds()))
	hour := time.Duration(float64(time.Hour) / s.limits.TimeScale)
	p, err := f.step(ctx, "create under limits", what, func(ctx context.Context) error {
		if err := f.createAll(ctx); err != nil {
			return err
		}
		return f.until(ctx, "all are Ready", f.ready, patience+2*hour)
	})
	if err != nil {
		return err
	}
	r.Limited = &limited{phase: p, Limits: s.limits, Minimum: least.Seconds(), Refused: p.GitHub.total(refused)}
	return f.verify()
}

// limited is what it took to create objects under limits.
type limited struct {
	phase

	Limits githubsim.Limits `json:"limits"`
	// Minimum is the least time in seconds; see minimum.
	Minimum float64 `json:"minimum"`
	// Refused is how many requests were sent although there was no room.
	Refused int `json:"refused"`
}

// ratio of the time that it took to the least; ok is false where the limits let all through at once.
func (l limited) ratio() (ratio float64, ok bool) {
	if l.Minimum == 0 {
		return 0, false
	}
	return l.Seconds / l.Minimum, true
}
