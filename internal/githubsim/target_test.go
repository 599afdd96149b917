package githubsim_test

import (
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestArchivedRepositoryIsReadOnly(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	h.SetArchived(repository, true)
	h.g.Expect(h.do(http.MethodGet, path, "").status).To(Equal(http.StatusOK))
	for method, body := range map[string]string{http.MethodPatch: `{"active":false}`, http.MethodDelete: ""} {
		answer := h.do(method, path, body)
		h.g.Expect(answer.status).To(Equal(http.StatusForbidden))
		h.g.Expect(answer.message()).To(Equal("Repository was archived so is read-only."))
	}
	h.SetArchived(repository, false)
	h.g.Expect(h.do(http.MethodDelete, path, "").status).To(Equal(http.StatusNoContent))
}

func TestRenamedRepositoryRedirects(t *testing.T) {
	for name, to := range map[string]githubsim.Target{"renamed": "octo-org/hello-moon", "transferred": "other-org/hello-world"} {
		t.Run(name, func(t *testing.T) {
			h := start(t, githubsim.Options{})
			path := h.created(plainHook)
			hook := h.Hooks(repository)[0]
			id := h.AddRepository(repository)
			h.Rename(repository, to)
			byID := fmt.Sprintf("%s/api/v3/repositories/%d/hooks", h.URL(), id)

			read := h.do(http.MethodGet, repoHooks+"?per_page=5", "")
			h.g.Expect(read.status).To(Equal(http.StatusMovedPermanently))
			h.g.Expect(read.header.Get("Location")).To(Equal(byID + "?per_page=5"))
			h.g.Expect(read.body).To(HaveKeyWithValue("url", byID+"?per_page=5"))
			for _, method := range []string{http.MethodPatch, http.MethodDelete} {
				answer := h.do(method, path, `{"active":false}`)
				h.g.Expect(answer.status).To(Equal(http.StatusTemporaryRedirect))
				h.g.Expect(answer.message()).To(Equal("Moved Permanently"), "as recorded of a 307")
				h.g.Expect(answer.header.Get("Location")).To(Equal(fmt.Sprintf("%s/%d", byID, hook.ID)))
			}
			followed := h.do(http.MethodPatch, fmt.Sprintf("%s/%d", byID, hook.ID), `{"active":false}`)
			h.g.Expect(followed.status).To(Equal(http.StatusOK))
			h.g.Expect(followed.body["url"]).To(Equal(fmt.Sprintf("%s/api/v3/repos/%s/hooks/%d", h.URL(), to, hook.ID)))
			h.g.Expect(h.do(http.MethodGet, "/repos/"+string(to)+"/hooks", "").list).To(HaveLen(1))
			h.g.Expect(h.Hooks(to)).To(HaveLen(1))
		})
	}
}

func TestRedirectsOfReadsMayBe302(t *testing.T) {
	h := start(t, githubsim.Options{FoundRedirects: true})
	path := h.created(plainHook)
	h.Rename(repository, "octo-org/hello-moon")
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusFound))
	h.g.Expect(h.do(http.MethodHead, repoHooks, "").status).To(Equal(http.StatusFound))
	h.g.Expect(h.do(http.MethodDelete, path, "").status).To(Equal(http.StatusTemporaryRedirect))
}

func TestFormerNameIsNotToldToStrangers(t *testing.T) {
	h := start(t, githubsim.Options{})
	h.AddToken(githubsim.Token{Value: "ghp_stranger"})
	h.Rename(repository, "octo-org/hello-moon")
	h.g.Expect(h.as("ghp_stranger", http.MethodGet, repoHooks, "").status).To(Equal(http.StatusNotFound))
}

func TestFormerNameCanBeTakenAgain(t *testing.T) {
	h := start(t, githubsim.Options{})
	old := h.AddRepository(repository)
	h.Rename(repository, "octo-org/hello-moon")
	h.g.Expect(h.AddRepository(repository)).NotTo(Equal(old))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
	h.g.Expect(h.do(http.MethodGet, "/repos/octo-org/hello-moon/hooks", "").status).To(Equal(http.StatusOK))
}

func TestRenamedOrganizationIsFoundByIDOnly(t *testing.T) {
	h := start(t, githubsim.Options{})
	id := h.AddOrganization("octo-org")
	h.g.Expect(h.do(http.MethodPost, orgHooks, plainHook).status).To(Equal(http.StatusCreated))
	h.Rename(organization, "nona-org")
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.do(http.MethodGet, fmt.Sprintf("/organizations/%d/hooks", id), "").list).To(HaveLen(1))
	h.g.Expect(h.do(http.MethodGet, "/orgs/nona-org/hooks", "").list).To(HaveLen(1))
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusMovedPermanently))
	h.g.Expect(h.do(http.MethodGet, "/repos/nona-org/hello-world/hooks", "").status).To(Equal(http.StatusOK))
}

func TestRemovedTargetsAreGone(t *testing.T) {
	h := start(t, githubsim.Options{})
	path := h.created(plainHook)
	h.Remove(repository)
	h.g.Expect(h.do(http.MethodGet, path, "").status).To(Equal(http.StatusNotFound))
	h.AddRepository(repository)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").raw).To(Equal("[]"))
	h.Remove(organization)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusNotFound))
	h.g.Expect(h.do(http.MethodGet, orgHooks, "").status).To(Equal(http.StatusNotFound))
}

func TestBlockedRepository(t *testing.T) {
	h := start(t, githubsim.Options{})
	for _, status := range []int{http.StatusUnavailableForLegalReasons, http.StatusForbidden} {
		h.Block(repository, status)
		answer := h.do(http.MethodGet, repoHooks, "")
		h.g.Expect(answer.status).To(Equal(status))
		h.g.Expect(answer.message()).To(Equal("Repository access blocked"))
		h.g.Expect(answer.body).To(HaveKeyWithValue("block", HaveKey("reason")))
	}
	h.Block(repository, 0)
	h.g.Expect(h.do(http.MethodGet, repoHooks, "").status).To(Equal(http.StatusOK))
}
