package githubsim_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestETags(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	h.g.Expect(h.WaitDeliveries(t.Context())).To(Succeed())
	first := h.do(http.MethodGet, path, "")
	tag := first.header.Get("ETag")
	h.g.Expect(tag).To(HavePrefix(`W/"`))
	h.g.Expect(first.header.Get("Cache-Control")).To(HavePrefix("private, max-age=60"))

	again := h.do(http.MethodGet, path, "", "If-None-Match", tag)
	h.g.Expect(again.status).To(Equal(http.StatusNotModified))
	h.g.Expect(again.raw).To(BeEmpty())
	h.g.Expect(again.header.Get("ETag")).To(Equal(tag))

	h.AddToken(githubsim.Token{Value: "ghp_second", Admin: []githubsim.Target{repository}})
	h.g.Expect(h.as("ghp_second", http.MethodGet, path, "", "If-None-Match", tag).status).To(Equal(http.StatusOK), "another token, another tag")
	h.g.Expect(h.do(http.MethodPatch, path, `{"active":false}`, "If-None-Match", tag).status).To(Equal(http.StatusOK))
	h.g.Expect(h.do(http.MethodGet, path, "", "If-None-Match", tag).status).To(Equal(http.StatusOK), "it changed")
	h.g.Expect(h.do(http.MethodGet, repoHooks+"/1", "").header).NotTo(HaveKey("Etag"))
	h.g.Expect(h.do(http.MethodDelete, path, "").header).NotTo(HaveKey("Etag"))
}
