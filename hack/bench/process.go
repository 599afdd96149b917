package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memory of a process in bytes.
type memory struct {
	// Resident is VmRSS, of which Anonymous, RssAnon, is what the process made itself; the rest are pages of its binary.
	Resident  int64 `json:"resident"`
	Anonymous int64 `json:"anonymous"`
	// Peak is the most that was resident since the process started: VmHWM.
	Peak int64 `json:"peak"`
}

// memoryOf a process.
func memoryOf(pid int) (memory, error) {
	status, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return memory{}, err
	}
	return parseMemory(string(status))
}

// parseMemory reads /proc/PID/status. See proc_pid_status(5).
func parseMemory(status string) (memory, error) {
	var m memory
	fields := map[string]*int64{"VmRSS": &m.Resident, "RssAnon": &m.Anonymous, "VmHWM": &m.Peak}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		field := fields[name]
		if field == nil {
			continue
		}
		number, isKB := strings.CutSuffix(strings.TrimSpace(value), " kB")
		kilobytes, err := strconv.ParseInt(number, 10, 64)
		if err != nil || !isKB {
			return memory{}, fmt.Errorf("/proc/PID/status has %q", strings.TrimSpace(line))
		}
		*field = kilobytes << 10
		delete(fields, name)
	}
	if len(fields) > 0 {
		return memory{}, errors.New("/proc/PID/status lacks VmRSS, RssAnon or VmHWM: the process has ended, or this is not Linux")
	}
	return m, nil
}

// ticksPerSecond is USER_HZ, in which Linux tells times to every program on every architecture that Go runs on.
const ticksPerSecond = 100

// cpuOf is the time that a process has run on any core, in steps of 10 ms.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0, err
	}
	return parseCPU(string(stat))
}

// parseCPU adds utime and stime of /proc/PID/stat, its fields 14 and 15. See proc_pid_stat(5).
func parseCPU(stat string) (time.Duration, error) {
	// The second field is the name in parentheses and may hold anything, so that fields are counted after it.
	end := strings.LastIndex(stat, ")")
	fields := strings.Fields(stat[end+1:])
	const utime, stime = 14 - 3, 15 - 3
	if end < 0 || len(fields) <= stime {
		return 0, fmt.Errorf("/proc/PID/stat has %q", stat)
	}
	var ticks int64
	for _, field := range []string{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

func procFile(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }
