package main

import (
	"bytes"
	"log"
	"testing"

	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// TestWhatAServerSendsUnaskedIsNotLogged: net/http quotes it in the standard log.
func TestWhatAServerSendsUnaskedIsNotLogged(t *testing.T) {
	g := NewWithT(t)
	var logged bytes.Buffer
	ctrl.SetLogger(zap.New(zap.WriteTo(&logged), zap.Level(zapcore.Level(-maxVerbosity))))
	log.SetOutput(unquoted{})
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q", "ghp_planted0123456789")
	g.Expect(logged.String()).To(And(ContainSubstring("net/http complains"), Not(ContainSubstring("planted"))))
}
