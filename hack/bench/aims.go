package main

import (
	"cmp"
	"fmt"
	"time"
)

// aim is a promise and what was measured.
type aim struct {
	What string `json:"what"`
	// Most is the most that keeps the promise; with AtLeast it is the least.
	Most     float64 `json:"aim"`
	AtLeast  bool    `json:"atLeast,omitempty"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit,omitempty"`
	Met      bool    `json:"met"`
}

// tolerance is what rounding may add: a request of the operator's own among those of many objects.
const tolerance = 0.005

func atMost(what string, most, measured float64, unit string) aim {
	return aim{What: what, Most: most, Measured: measured, Unit: unit, Met: measured <= most+tolerance}
}

func atLeast(what string, least, measured float64, unit string) aim {
	return aim{What: what, Most: least, AtLeast: true, Measured: measured, Unit: unit, Met: measured >= least-tolerance}
}

// verdict says by how much an aim was missed.
func (a aim) verdict() string {
	switch {
	case a.Met:
		return "met"
	case a.Most == 0 || a.AtLeast:
		return "MISSED"
	default:
		return fmt.Sprintf("MISSED: %.2f times the aim", a.Measured/a.Most)
	}
}

func (a aim) text() (most, measured string) {
	unit := ""
	if a.Unit != "" {
		unit = " " + a.Unit
	}
	sign := "≤ "
	if a.AtLeast {
		sign = "≥ "
	}
	return sign + number(a.Most) + unit, number(a.Measured) + unit
}

// readyPerSecond is the aim of 500 objects in 10 s.
const readyPerSecond = 50

// memoryAims are the megabytes for up to so many objects.
var memoryAims = []struct {
	objects   int
	megabytes float64
}{{1_000, 80}, {10_000, 250}}

// aims of the project beside what was measured. Those that do not speak of so many objects are left out.
func (r results) aims() []aim {
	create, poll := r.phase("create"), r.phase("quiet poll")
	n := r.Options.Objects
	all := []aim{
		atMost(fmt.Sprintf("%d objects Ready, without limits", n), float64(n)/readyPerSecond, create.Seconds, "s"),
		atMost("GitHub requests: create", 2, create.per(create.requests()), ""),
		atMost("GitHub requests: quiet poll", 2, poll.per(poll.requests()), ""),
		atLeast("GitHub requests: 304s among a quiet poll's", 100, poll.notModified(), "%"),
	}
	for _, request := range []struct {
		phase string
		most  float64
	}{{"update", 1}, {"secret rotation", 1}, {"restart", 0}, {"delete", 1}} {
		p := r.phase(request.phase)
		all = append(all, atMost("GitHub requests: "+request.phase, request.most, p.per(p.requests()), ""))
	}
	all = append(all, atMost("API server writes: quiet poll", 0, poll.per(poll.writes()), ""))
	if n <= 1000 {
		all = append(all, atMost(fmt.Sprintf("startup to readiness with %d objects", n), 3, r.phase("restart").Seconds, "s"))
	}
	all = append(all, atMost("memory idle, VmRSS", 40, megabytes(r.Idle.Memory.Resident), "MB"))
	for _, m := range memoryAims {
		if n <= m.objects {
			all = append(all, atMost(fmt.Sprintf("memory with %d objects, VmRSS", n), m.megabytes, megabytes(r.mostMemory()), "MB"))
			break
		}
	}
	all = append(all,
		atMost("CPU of 10,000 quiet objects, interval 10 min, computed", 10, 100*r.cpuOfQuiet(10_000, 10*time.Minute), "% of a core"),
		atMost("spec change on GitHub, p99", 100, 1000*r.Change.P99, "ms"))
	if r.Limited != nil {
		if ratio, ok := r.Limited.ratio(); ok {
			all = append(all, atMost(fmt.Sprintf("time to create %d objects under limits, in minima", r.Limited.Times), 1.05, ratio, ""))
		}
		all = append(all, atMost("requests sent while limited", 0, float64(r.Limited.Refused), ""))
	}
	return all
}

// mostMemory is the most that was resident with all objects at the end of any phase.
func (r results) mostMemory() int64 {
	most := r.Quiet.Memory.Resident
	for _, p := range r.Phases {
		if p.Name != "delete" {
			most = max(most, p.Memory.Resident)
		}
	}
	return most
}

// idleShare is the share of a core that the operator takes when nothing is due.
func (r results) idleShare() float64 { return r.Quiet.CPUSeconds / cmp.Or(r.Quiet.Seconds, 1) }

// cpuPerPoll is in seconds, without what goes on anyway.
func (r results) cpuPerPoll() float64 {
	p := r.phase("quiet poll")
	return max(0, p.CPUSeconds-r.idleShare()*p.Seconds) / float64(p.Times)
}

// cpuOfQuiet is the share of a core that n quiet objects take: polls a second times the CPU time of one, and what goes on
// anyway.
func (r results) cpuOfQuiet(n int, interval time.Duration) float64 {
	return float64(n)/interval.Seconds()*r.cpuPerPoll() + r.idleShare()
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
