package githubsim_test

import (
	"os"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim/openapicheck"
)

// validate holds all traffic of a test's server against GitHub's OpenAPI description, unless the test watches it itself.
func validate(t *testing.T, options *githubsim.Options) {
	t.Helper()
	dir := os.Getenv("GITHUB_OPENAPI_DIR")
	if dir == "" {
		t.Log("GITHUB_OPENAPI_DIR is not set: the traffic of this test is not checked against GitHub's OpenAPI description.")
		return
	}
	if options.OnExchange != nil {
		return
	}
	g := NewWithT(t)
	description, err := openapicheck.Load(dir, openapicheck.GitHub)
	g.Expect(err).NotTo(HaveOccurred())
	checker := description.NewChecker()
	options.OnExchange = checker.Check
	t.Cleanup(func() { g.Expect(checker.Violations()).To(BeEmpty()) })
}

// unvalidated is for tests that ask what no client should.
func unvalidated(githubsim.Exchange) {}
