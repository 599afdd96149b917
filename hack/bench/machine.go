package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine is what was measured, and on what.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	// Go is the version that built the operator, and Revision what it was built of.
	Go       string `json:"go"`
	Revision string `json:"revision,omitempty"`
	// Load is the load average of the minute before: what others did on the machine.
	Load string `json:"load"`
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, load average %s before the start", m.CPU, m.Cores, m.OS, m.Go, m.Load)
}

func thisMachine(binary string) machine {
	m := machine{CPU: "unknown CPU", Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(string(info), m.CPU)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	if built, err := buildinfo.ReadFile(binary); err == nil {
		m.Go = built.GoVersion
		for _, s := range built.Settings {
			if s.Key == "vcs.revision" {
				m.Revision = s.Value
			}
		}
	}
	return m
}

// cpuModel finds the name in /proc/cpuinfo, which not every architecture has there.
func cpuModel(cpuinfo, otherwise string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}
