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
	g.Expect(delivery.Request.Headers).To(Equal(DeliveryHeaders{"X-GitHub-Event": "push", "Content-Length": "42"}))
	g.Expect(string(*delivery.Response.Payload)).To(Equal(`{"ok":true}`))
	g.Expect(delivery.Response.Headers).To(BeNil())
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
	headers := repositoryOn(t, serve(t, answers(http.StatusOK, `{"id":1,"response":{"headers":"planted"}}`)))
	_, err = headers.Delivery(t.Context(), 1, 1)
	g.Expect(err).To(MatchError(ErrUnavailable))
}
