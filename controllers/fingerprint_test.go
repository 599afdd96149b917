package controllers_test

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
)

var _ = Describe("The key of all fingerprints", func() {
	It("that is missing and may not be made is said by the readiness probe and by every object, and GitHub is left alone", func(ctx SpecContext) {
		w := newWorld(ctx, repositories)
		w.withOwnOperator(ctx, "--namespace="+w.namespace)
		synced := w.readyHook(ctx, "synced", withSecret("ci"), func(controllers.Webhook) { w.hmac(ctx, "ci") })
		w.operator.kill()
		w.removeSecret(ctx, controllers.FingerprintSecretName)
		w.operator.api.failing(func(r apiRequest) apiFailure {
			if r.method == http.MethodPost && strings.HasSuffix(r.path, "/namespaces/"+w.namespace+"/secrets") {
				return failWith403
			}
			return pass
		})
		asked := len(w.requests())

		w.operator.launch()

		fresh := w.hook(ctx, "fresh", withEvents("fork"))
		Eventually(ctx, func() string { _, text := w.operator.readiness(); return text }).Should(
			SatisfyAll(ContainSubstring(controllers.FingerprintSecretName), ContainSubstring(w.namespace), ContainSubstring("chart")))
		ready := fresh.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonFingerprintKeyMissing)
		Expect(ready.Message).To(ContainSubstring(controllers.FingerprintSecretName))
		fresh.told(ctx, v1alpha1.ReasonFingerprintKeyMissing, controllers.FingerprintSecretName)
		Eventually(ctx, func() string { return synced.condition(ctx, v1alpha1.ConditionReconciling).Reason }).
			Should(Equal(v1alpha1.ReasonFingerprintKeyMissing))
		Expect(synced.condition(ctx, v1alpha1.ConditionReady).Status).To(Equal(metav1.ConditionTrue), "GitHub agreed not long ago")
		Expect(w.requests()).To(HaveLen(asked))

		w.operator.api.failing(nil)
		Eventually(ctx, w.operator.ready).Should(BeTrue())
		fresh.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Eventually(ctx, func() metav1.Condition { return synced.condition(ctx, v1alpha1.ConditionReconciling) }).WithTimeout(patience).
			Should(BeZero())
	})
})
