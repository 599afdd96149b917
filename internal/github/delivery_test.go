package github

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
)

func TestDeliveriesOfOtherShapes(t *testing.T) {
	g := NewWithT(t)
	server := serve(t, answers(http.StatusOK, `{"id":9007199254753339,"request":{"headers":{"X-GitHub-Event":"push","Content-Length":42},"payload":null},`+
		`"response":{"headers":{},"payload":{"ok":true}}}`))
	delivery, err := repositoryOn(t, server).Delivery(t.Context(), 1, 9007199254753339)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(delivery.ID).To(Equal(int64(9007199254753339)))
	g.Expect(delivery.Response.Payload).To(BeNil(), "it is no text")
}

func TestAnswersWithoutWhatMakesThem(t *testing.T) {
	g := NewWithT(t)
	client := clientOf(t, serve(t, answers(http.StatusOK, `{"name":"web"}`)).URL, octoToken)
	hooks := client.RepositoryHooks("octo-org", "hello-world")
	_, delivery := hooks.Delivery(t.Context(), 1, 1)
	_, deliveries := hooks.Deliveries(t.Context(), 1, DeliveryQuery{})
	_, app := client.App(t.Context())
	_, installation := client.OrganizationInstallation(t.Context(), "octo-org")
	_, installations := client.Installations(t.Context())
	for _, err := range []error{delivery, deliveries, app, installation, installations} {
		g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring(malformed))))
	}

	lists := clientOf(t, serve(t, answers(http.StatusOK, `[{"id":1},{"guid":"x"}]`)).URL, octoToken)
	_, err := lists.Installations(t.Context())
	g.Expect(err).To(MatchError(ContainSubstring("entry 2: id is missing")))
	for _, body := range []string{``, `[]`, `{"id":1,"response":"planted"}`, `{"id":1`, `{"id":1,"response":{"payload":"planted`, `{"id":1 "guid":""}`, `<html>`} {
		_, err = repositoryOn(t, serve(t, answers(http.StatusOK, body))).Delivery(t.Context(), 1, 1)
		g.Expect(err).To(And(MatchError(ErrUnavailable), MatchError(ContainSubstring(malformed))), body)
		g.Expect(err).NotTo(MatchError(ContainSubstring("planted")))
	}
}
