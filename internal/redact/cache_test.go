package redact

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestASecretIsPreparedOnce(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Value("0123456789")).To(BeIdenticalTo(Value("0123456789")))
	g.Expect(Value("ghp_0123456789")).NotTo(BeIdenticalTo(Token("ghp_0123456789")), "of a token less is secret")
}

func TestSecretsInUseAreBounded(t *testing.T) {
	g := NewWithT(t)
	for i := range 500 {
		var b strings.Builder
		for n := 0; b.Len() < 4000; n++ {
			fmt.Fprintf(&b, "%x.%x", i, n*n)
		}
		Value(b.String())
		g.Expect(cache.size).To(BeNumerically("<=", maxCached))
	}
	g.Expect(cache.entries.Len()).To(BeNumerically(">", 50))
}

func TestNothingOfASecretIsKept(t *testing.T) {
	g := NewWithT(t)
	g.Expect(fmt.Sprintf("%#v", Value("0123456789abcdef"))).NotTo(ContainSubstring("01234567"))
}
