package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// somebodyElses is an answer that is none of GitHub's.
func somebodyElses(status int, kind, body string) func() githubsim.Fault {
	return func() githubsim.Fault {
		return githubsim.Fault{Status: status, Body: body, Header: http.Header{"Content-Type": {kind}}}
	}
}

func toLogin() githubsim.Fault {
	return githubsim.Fault{Status: http.StatusFound, Header: http.Header{"Location": {sim.URL() + "/login"}}}
}

// eachOf makes an entry of each answer that must not pass for GitHub's.
func eachOf() []TableEntry {
	return []TableEntry{
		Entry("a login page", somebodyElses(http.StatusOK, "text/html", "<!DOCTYPE html>Sign in")),
		Entry("JSON of nobody's", somebodyElses(http.StatusOK, "application/json", `{"ok":true}`)),
		Entry("the way to a login page", toLogin),
		Entry("a default backend", somebodyElses(http.StatusNotFound, "text/plain", "default backend - 404")),
		Entry("a proxy that refuses", somebodyElses(http.StatusForbidden, "text/html", "<h1>Blocked</h1>")),
		Entry("a proxy that wants a login", somebodyElses(http.StatusProxyAuthRequired, "text/html", "<h1>Log in</h1>")),
		Entry("a proxy without a server", somebodyElses(http.StatusBadGateway, "text/html", "<h1>Bad gateway</h1>")),
	}
}

// only a part of the requests about the world's target.
func (w *world) answering(f githubsim.Fault, method, suffix string) githubsim.Fault {
	f.Method = method
	f.Match = func(r githubsim.Request) bool { return w.mine(r) && strings.HasSuffix(r.Path, suffix) }
	return f
}

// waitTroubled waits until the object says that GitHub could not be asked.
func (h *hook) waitTroubled(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func() string { return h.condition(ctx, v1alpha1.ConditionReconciling).Reason }).
		Should(Equal(v1alpha1.ReasonGitHubUnavailable), h.trouble)
}

var _ = storiesOf("An answer of somebody else's is none of GitHub's", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	DescribeTable("an object stays Ready, and is not released before GitHub deleted its hook", func(ctx SpecContext, answer func() githubsim.Fault) {
		h := w.readyHook(ctx, "ci")
		strange := sim.AddFault(w.about(answer()))
		h.ask(ctx, v1alpha1.AnnotationReconcile, "now")
		h.waitTroubled(ctx)
		ready := h.condition(ctx, v1alpha1.ConditionReady)
		Expect(string(ready.Status) + " " + ready.Reason).To(Equal("True " + v1alpha1.ReasonSynced))

		h.startDeleting(ctx)
		h.waitDeleting(ctx, v1alpha1.ReasonGitHubUnavailable)
		Expect(w.onGitHub()).To(HaveLen(1))
		strange.Remove()
		h.waitGone(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
		events := h.events(ctx)
		Expect(events).NotTo(ContainElement(ContainSubstring("gone already")))
		Expect(count(events, v1alpha1.EventHookLeftBehind)).To(BeZero())
	}, eachOf())

	DescribeTable("no second hook is made", func(ctx SpecContext, answer func() githubsim.Fault) {
		f := w.answering(answer(), http.MethodPost, "/hooks")
		f.After, f.Times = true, 1
		sim.AddFault(f)
		h := w.hook(ctx, "ci")
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(h.hookStatus(ctx).HookID).To(Equal(w.only().ID))
		Expect(w.posts("/hooks")).To(Equal(1))
	}, eachOf())

	DescribeTable("an edit is not taken for done", func(ctx SpecContext, answer func() githubsim.Fault) {
		h := w.readyHook(ctx, "ci")
		strange := sim.AddFault(w.answering(answer(), http.MethodPatch, ""))
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(w.only().Events).To(Equal([]string{"push"}))
		strange.Remove()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Events).To(Equal([]string{"fork"}))
	}, eachOf())

	DescribeTable("a request by annotation is not noted as carried out", func(ctx SpecContext, answer func() githubsim.Fault) {
		_, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		asked := map[string]string{v1alpha1.AnnotationPing: "/pings"}
		if kind.name == repositories.name {
			asked[v1alpha1.AnnotationTest] = "/tests"
		}
		for annotation, suffix := range asked {
			strange := sim.AddFault(w.answering(answer(), http.MethodPost, suffix))
			h.ask(ctx, annotation, "one")
			Eventually(ctx, strange.Hits).Should(BeNumerically(">", 1), h.trouble)
			_, name, _ := strings.Cut(annotation, "/")
			Expect(h.get(ctx).CommonStatus().HandledRequests).NotTo(HaveKey(name))
			strange.Remove()
			h.handled(ctx, annotation, "one")
		}
	}, eachOf())

	DescribeTable("a redelivery is not told as asked for", func(ctx SpecContext, answer func() githubsim.Fault) {
		_, url := w.receiving(githubsim.NewReceiver())
		h := w.readyHook(ctx, "ci", withURL(url))
		failed := sim.AddDelivery(w.target, w.only().ID, githubsim.Delivery{Status: "timed out", StatusCode: 504})
		strange := sim.AddFault(w.answering(answer(), http.MethodPost, "/attempts"))
		h.ask(ctx, v1alpha1.AnnotationRedeliver, fmt.Sprint(failed.ID))
		Eventually(ctx, strange.Hits).Should(BeNumerically(">", 0), h.trouble)
		h.look(ctx)
		Expect(count(h.events(ctx), v1alpha1.EventRedelivered)).To(BeZero())
		Expect(count(h.events(ctx), v1alpha1.EventRedeliveryGivenUp)).To(BeZero())
	}, eachOf())
})

var _ = storiesOf("A list of hooks that is not clear", func(kind hookKind) {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(ctx, kind) })

	rows := []TableEntry{
		Entry("a row without an ID", `{"name":"web","config":{"url":"https://ci.example.com/github"}}`),
		Entry("an ID in words", `{"id":"twelve","config":{}}`),
		Entry("null", `null`),
		Entry("a URL that is no text", `{"id":9,"config":{"url":["https://ci.example.com/github"]}}`),
	}

	DescribeTable("lets no hook be made", func(ctx SpecContext, row string) {
		unclear := sim.AddFault(w.answering(githubsim.Fault{Status: http.StatusOK, Body: "[" + row + "]"}, http.MethodGet, "/hooks"))
		h := w.hook(ctx, "ci")
		ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(ready.Message).To(ContainSubstring("the list"))
		Expect(w.writes()).To(BeEmpty())
		unclear.Remove()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.onGitHub()).To(HaveLen(1))
	}, rows)

	DescribeTable("lets no object go whose hook is not on it", func(ctx SpecContext, row string) {
		h := w.readyHook(ctx, "ci")
		sim.DeleteHook(w.target, w.only().ID)
		unclear := sim.AddFault(w.answering(githubsim.Fault{Status: http.StatusOK, Body: "[" + row + "]"}, http.MethodGet, "/hooks"))
		h.startDeleting(ctx)
		h.waitDeleting(ctx, v1alpha1.ReasonGitHubUnavailable)
		unclear.Remove()
		h.waitGone(ctx)
		h.told(ctx, v1alpha1.EventDeleted, "gone already")
	}, rows)

	It("leaves others' rows alone that have no URL, or an odd time", func(ctx SpecContext) {
		odd := sim.AddFault(w.answering(githubsim.Fault{
			Status: http.StatusOK, Body: `[{"id":9,"name":"railsbp","config":{}},{"id":10,"config":{"url":"https://other.example.com"},"created_at":"yesterday"}]`,
		}, http.MethodGet, "/hooks"))
		w.readyHook(ctx, "ci")
		Expect(odd.Hits()).To(BeNumerically(">", 0))
	})
})

var _ = storiesOf("A hook that GitHub shows in a form that cannot be read", func(kind hookKind) {
	It("is written once, and neither called in agreement nor written again", func(ctx SpecContext) {
		w := newWorld(ctx, kind)
		h := w.readyHook(ctx, "ci")
		made := w.only()
		body := fmt.Sprintf(`{"id":%d,"active":true,"events":{"fork":true},"config":{"url":%q,"content_type":"json","insecure_ssl":"0"},`+
			`"created_at":"2026-01-02T03:04:05Z","updated_at":"lately"}`, made.ID, made.Config.URL)
		suffix := fmt.Sprint("/hooks/", made.ID)
		read := sim.AddFault(w.answering(githubsim.Fault{Status: http.StatusOK, Body: body}, http.MethodGet, suffix))
		wrote := sim.AddFault(w.answering(githubsim.Fault{Status: http.StatusOK, Body: body, After: true}, http.MethodPatch, suffix))

		h.change(ctx, withEvents("fork"))
		ready := h.waitFor(ctx, metav1.ConditionUnknown, v1alpha1.ReasonGitHubUnavailable)
		Expect(ready.Message).To(ContainSubstring("events"))
		Eventually(ctx, read.Hits).Should(BeNumerically(">", 2), h.trouble)
		Expect(wrote.Hits()).To(Equal(1))

		read.Remove()
		wrote.Remove()
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().Events).To(Equal([]string{"fork"}))
	})
})
