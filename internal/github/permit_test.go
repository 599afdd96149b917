package github

import (
	"context"
	"errors"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
)

func TestRequestsThatAreNotPermittedAreNotSent(t *testing.T) {
	g := NewWithT(t)
	var got seen
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.note(r) })
	client := clientOf(t, server.URL, octoToken, func(o *Options) {
		o.Permit = func() error { return errors.New("not now") }
	})
	_, err := client.OrganizationHooks("octo-org").Create(t.Context(), HookRequest{})
	g.Expect(err).To(MatchError(ContainSubstring("the request was not sent: not now")))
	g.Expect(err).To(MatchError(context.Canceled), "no verdict on the hook")
	g.Expect(got.requests).To(BeEmpty())
}
