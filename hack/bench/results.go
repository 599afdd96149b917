package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// description is what was measured, as the JSON has it.
type description struct {
	Objects int    `json:"objects"`
	Login   string `json:"login"`
	// PollInterval in seconds; 0 is what the number of objects decides.
	PollInterval float64  `json:"pollInterval,omitempty"`
	OperatorArgs []string `json:"operatorArgs,omitempty"`
}

func (s *stage) describe() description {
	return description{s.objects, s.login, s.pollInterval.Seconds(), s.operatorArgs}
}

// latency is in seconds.
type latency struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

// results are all that was measured.
type results struct {
	Machine machine     `json:"machine"`
	Options description `json:"options"`
	// Idle is the operator without objects, Quiet with all of them and none due.
	Idle    *phase   `json:"idle"`
	Quiet   *phase   `json:"quiet"`
	Phases  []phase  `json:"phases"`
	Change  latency  `json:"specChange"`
	Limited *limited `json:"limited,omitempty"`
}

func (r *results) add(p phase) { r.Phases = append(r.Phases, p) }

// phase by name; every one is there when all was measured.
func (r results) phase(name string) phase {
	for _, p := range r.Phases {
		if p.Name == name {
			return p
		}
	}
	panic("bench: there is no phase " + name)
}

// write the JSON, and the Markdown beside it.
func (r results) write(path string) error {
	encoded, err := json.MarshalIndent(struct {
		results

		CPUSecondsPerPoll float64 `json:"cpuSecondsPerPoll"`
		Aims              []aim   `json:"aims"`
	}{r, r.cpuPerPoll(), r.aims()}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(encoded, '\n'), 0o600); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(path, filepath.Ext(path))+".md", []byte(r.markdown()), 0o600)
}

// phases are the rows of the table of phases, its heading first.
func (r results) phases() [][]string {
	rows := [][]string{{
		"PHASE", "TIMES", "TIME", "GITHUB/OBJECT", "OF WHICH 304", "API READS/OBJECT", "API WRITES/OBJECT", "CPU/OBJECT", "RSS", "ANON", "PEAK",
	}}
	all := append([]phase{*r.Idle, *r.Quiet}, r.Phases...)
	if r.Limited != nil {
		all = append(all, r.Limited.phase)
	}
	for _, p := range all {
		row := []string{p.Name, "", seconds(p.Seconds), "", "", "", "", fmt.Sprintf("%s %% of a core", number(100*p.CPUSeconds/p.Seconds))}
		if p.Times > 0 {
			row = []string{
				p.Name, strconv.Itoa(p.Times), seconds(p.Seconds), number(p.per(p.requests())), number(p.notModified()) + " %",
				number(p.per(p.reads())), number(p.per(p.writes())), number(1000*p.CPUSeconds/float64(p.Times)) + " ms",
			}
		}
		rows = append(rows, append(row, mb(p.Memory.Resident), mb(p.Memory.Anonymous), mb(p.Memory.Peak)))
	}
	return rows
}

// aimRows are the rows of the table of aims, its heading first.
func (r results) aimRows() [][]string {
	rows := [][]string{{"WHAT", "AIM", "MEASURED", ""}}
	for _, a := range r.aims() {
		most, measured := a.text()
		rows = append(rows, []string{a.What, most, measured, a.verdict()})
	}
	return rows
}

// notes are what the tables have no room for.
func (r results) notes() []string {
	notes := []string{
		fmt.Sprintf("Spec change to GitHub, %d single changes on an idle operator, from the request that makes one: p50 %s, p90 %s, p99 %s, most %s.",
			r.Change.Samples, milliseconds(r.Change.P50), milliseconds(r.Change.P90), milliseconds(r.Change.P99), milliseconds(r.Change.Max)),
		fmt.Sprintf("CPU: %s a poll, measured at --default-interval=%s; 10,000 quiet objects at 10 min take %s %% of a core: 16.7 polls a second times that, and what the idle operator takes.",
			milliseconds(r.cpuPerPoll()), time.Duration(r.phase("quiet poll").Seconds*float64(time.Second)).Round(time.Second), number(100*r.cpuOfQuiet(10_000, 10*time.Minute))),
		"Requests to the API server are counted without the leader's Lease and discovery, those to GitHub without an App's login. RSS is VmRSS, ANON RssAnon, PEAK VmHWM, when the operator had come to rest.",
	}
	if r.Limited != nil {
		notes = append(notes, r.Limited.note())
	}
	return notes
}

func (l limited) note() string {
	text := fmt.Sprintf("Under limits (%d creates a minute and %d an hour, %d points a minute, %d requests an hour; an hour lasts %s): %d objects were Ready in %s; the least is %s",
		l.Limits.CreatesPerMinute, l.Limits.CreatesPerHour, l.Limits.PointsPerMinute, l.Limits.Hourly,
		seconds(time.Hour.Seconds()/l.Limits.TimeScale), l.Times, seconds(l.Seconds), seconds(l.Minimum))
	if ratio, ok := l.ratio(); ok {
		text += fmt.Sprintf(", the ratio %s", number(ratio))
	}
	return text + fmt.Sprintf("; %d requests were refused by a limit.", l.Refused)
}

// text is for the terminal.
func (r results) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%d objects, login by %s, on %s\n\n", r.Options.Objects, r.Options.Login, r.Machine)
	text.WriteString(table(r.phases()) + "\n")
	for _, p := range r.Phases {
		fmt.Fprintf(&text, "%s, per object\n  GitHub: %s\n  API server: %s\n", p.Name, p.details(p.GitHub), p.details(p.API))
	}
	text.WriteString("\n")
	for _, note := range r.notes() {
		text.WriteString(note + "\n")
	}
	text.WriteString("\n" + table(r.aimRows()))
	return text.String()
}

// table aligns columns as kubectl does.
func table(rows [][]string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // A strings.Builder takes everything.
	return text.String()
}

// number has at most two digits after the point.
func number(n float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(n, 'f', 2, 64), "0"), ".")
}

func seconds(s float64) string      { return strconv.FormatFloat(s, 'f', 1, 64) + " s" }
func milliseconds(s float64) string { return number(1000*s) + " ms" }
func mb(bytes int64) string         { return strconv.FormatFloat(megabytes(bytes), 'f', 0, 64) + " MB" }
