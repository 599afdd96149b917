package main

import (
	"os"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
)

func TestCPUModel(t *testing.T) {
	g := NewWithT(t)
	g.Expect(cpuModel("processor\t: 0\nmodel\t\t: 85\nmodel name\t: A CPU @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Another\n", "?")).To(Equal("A CPU @ 2 GHz"))
	g.Expect(cpuModel("processor\t: 0\nBogoMIPS\t: 50\n", "?")).To(Equal("?"))
}

func TestThisMachine(t *testing.T) {
	g := NewWithT(t)
	self, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	m := thisMachine(self)
	g.Expect(m.Go).To(Equal(runtime.Version()))
	g.Expect(m.Load).To(MatchRegexp(`^[0-9.]+$`))
	g.Expect(m.String()).To(ContainSubstring(" cores, linux/"))
}
