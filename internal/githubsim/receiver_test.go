package githubsim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

func TestReceiverTakesSeveralSecretsWhileOneIsReplaced(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t, "old")
	hook := h.subscribed(r.URL(), func(hook *githubsim.Hook) { hook.Config.Secret = "new" })
	h.g.Expect(r.Received()[0].Verified).To(BeFalse())
	h.g.Expect(h.Deliveries(repository, hook.ID)[0].Status).To(Equal("Invalid HTTP Response: 401"))
	for _, secrets := range [][]string{{"old", "new"}, {"new"}} {
		r.SetSecrets(secrets...)
		r.Reset()
		h.Emit(repository, "push", "", nil)
		h.settle()
		h.g.Expect(r.Received()).To(ConsistOf(And(HaveField("Verified", true), HaveField("Status", http.StatusOK))))
	}
}

func TestReceiverComesBackWhereItWas(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	address := r.Address()
	hook := h.subscribed(r.URL())
	for range 3 {
		r.Refuse()
		h.Emit(repository, "push", "", nil)
		h.settle()
		h.g.Expect(h.Deliveries(repository, hook.ID)[0].Status).To(Equal("failed to connect to host"))
		h.g.Expect(r.Recover()).To(Succeed())
		h.g.Expect(r.Address()).To(Equal(address))
		h.Emit(repository, "push", "", nil)
		h.settle()
		h.g.Expect(h.Deliveries(repository, hook.ID)[0].Status).To(Equal("OK"))
	}
}

func TestDeliveriesAreBounded(t *testing.T) {
	h, r := start(t, githubsim.Options{DeliveryWorkers: 2}), receiver(t)
	h.subscribed(r.URL())
	r.Reset()
	r.Hang()
	for range 6 {
		h.Emit(repository, "push", "", nil)
	}
	h.g.Eventually(r.Received).Should(HaveLen(2))
	h.g.Consistently(r.Received, 50*time.Millisecond).Should(HaveLen(2))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h.g.Expect(h.WaitDeliveries(ended)).To(MatchError(context.Canceled))
	h.g.Expect(r.Recover()).To(Succeed())
	h.settle()
	h.g.Expect(r.Received()).To(HaveLen(6))
}

func TestCloseEndsDeliveriesUnderWay(t *testing.T) {
	h, r := start(t, githubsim.Options{}), receiver(t)
	h.subscribed(r.URL())
	r.Hang()
	h.Emit(repository, "push", "", nil)
	h.g.Eventually(r.Received).Should(HaveLen(2))
	h.Close()
	h.settle()
	h.Close()
}
