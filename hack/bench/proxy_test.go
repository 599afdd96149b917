package main

import (
	"net/url"
	"testing"

	. "github.com/onsi/gomega"
)

func TestAPIRequestName(t *testing.T) {
	const webhooks = "/apis/github-webhooks.dev/v1alpha1"
	for _, c := range []struct{ method, address, want string }{
		{"GET", webhooks + "/repositorywebhooks?limit=500", "list repositorywebhooks"},
		{"GET", webhooks + "/repositorywebhooks?watch=true", "watch repositorywebhooks"},
		{"GET", webhooks + "/namespaces/team-a/repositorywebhooks?watch=true", "watch repositorywebhooks"},
		{"GET", webhooks + "/namespaces/team-a/repositorywebhooks/ci", "get repositorywebhooks"},
		{"PATCH", webhooks + "/namespaces/team-a/repositorywebhooks/ci", "patch repositorywebhooks"},
		{"PATCH", webhooks + "/namespaces/team-a/repositorywebhooks/ci/status", "patch repositorywebhooks/status"},
		{"GET", "/api/v1/namespaces/team-a", "get namespaces"},
		{"GET", "/api/v1/namespaces/team-a/secrets/github", "get secrets"},
		{"PUT", "/api/v1/namespaces/system/secrets/key", "update secrets"},
		{"POST", "/apis/events.k8s.io/v1/namespaces/team-a/events", "create events"},
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/system/leases/leader", ""},
		{"GET", webhooks, ""},
		{"GET", "/api/v1", ""},
		{"GET", "/version", ""},
	} {
		address, err := url.Parse(c.address)
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(apiRequestName(c.method, address)).To(Equal(c.want), "%s %s", c.method, c.address)
	}
}

func TestAPIRead(t *testing.T) {
	g := NewWithT(t)
	all := counts{"get secrets": 2, "list secrets": 3, "watch secrets": 4, "patch repositorywebhooks/status": 5, "create events": 6, "delete events": 7}
	g.Expect(all.total(apiRead)).To(Equal(9))
	g.Expect(all.total(apiWrite)).To(Equal(18))
}
