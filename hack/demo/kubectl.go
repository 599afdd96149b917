package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// show prints a kubectl command and what it says, and runs it in the directory of the samples.
func (s *stage) show(ctx context.Context, args ...string) error {
	said, err := s.kubectlIn(ctx, s.samples, args...)
	s.say("$ %s\n%s", commandLine(args), said)
	return err
}

// kubectl runs a command that the reader need not see.
func (s *stage) kubectl(ctx context.Context, args ...string) (string, error) {
	return s.kubectlIn(ctx, "", args...)
}

func (s *stage) kubectlIn(ctx context.Context, dir string, args ...string) (string, error) {
	c := command(ctx, filepath.Join(s.assets, "kubectl"), args...)
	c.Dir = dir
	// The caches and preferences in the home of whoever runs the demo are left alone.
	c.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig(), "KUBECACHEDIR="+filepath.Join(s.dir, "cache"), "KUBERC=off")
	said, err := c.CombinedOutput()
	text := strings.TrimSpace(string(said))
	switch {
	case err == nil:
		return text, nil
	case ctx.Err() != nil:
		return text, ctx.Err()
	default:
		return text, fmt.Errorf("`%s` failed (%w): %s", commandLine(args), err, text)
	}
}

// commandLine is what a person would type into a shell.
func commandLine(args []string) string {
	words := []string{"kubectl"}
	for _, arg := range args {
		if strings.ContainsAny(arg, " '\"$\\{}()[]*?;&|<>") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
