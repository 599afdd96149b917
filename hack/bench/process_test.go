package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestParseMemory(t *testing.T) {
	g := NewWithT(t)
	m, err := parseMemory("Name:\tmanager\nVmHWM:\t   61440 kB\nVmRSS:\t   40960 kB\nRssAnon:\t   20480 kB\nRssFile:\t   20480 kB\nThreads:\t9\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(m).To(Equal(memory{Resident: 40 << 20, Anonymous: 20 << 20, Peak: 60 << 20}))

	_, err = parseMemory("Name:\tmanager\nState:\tZ (zombie)\n")
	g.Expect(err).To(MatchError(ContainSubstring("lacks VmRSS")))
	_, err = parseMemory("VmHWM:\t1 kB\nVmRSS:\tmany kB\nRssAnon:\t1 kB\n")
	g.Expect(err).To(MatchError(ContainSubstring("many kB")))
}

func TestParseCPU(t *testing.T) {
	g := NewWithT(t)
	cpu, err := parseCPU("42 (a (strange) name) S 1 42 42 0 -1 4194560 5000 0 10 0 250 50 7 8 20 0 9 0 100 1000 200\n")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(cpu).To(Equal(3 * time.Second))

	_, err = parseCPU("42 (short) S 1 2\n")
	g.Expect(err).To(HaveOccurred())
	_, err = parseCPU("")
	g.Expect(err).To(HaveOccurred())
}

// What is read of this process is what it does.
func TestOwnProcess(t *testing.T) {
	g := NewWithT(t)
	before, err := memoryOf(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	ballast := make([]byte, 64<<20)
	for i := 0; i < len(ballast); i += os.Getpagesize() {
		ballast[i] = 1
	}
	after, err := memoryOf(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(after.Anonymous-before.Anonymous).To(BeNumerically(">", 32<<20), "64 MB are in use")
	g.Expect(after.Peak).To(BeNumerically(">=", after.Resident))
	runtime.KeepAlive(ballast)

	start, err := cpuOf(os.Getpid())
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() (time.Duration, error) {
		for range 10_000_000 { // Time is used up.
			ballast[0]++
		}
		return cpuOf(os.Getpid())
	}).WithTimeout(10 * time.Second).Should(BeNumerically(">", start))
}
