package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
)

// shardLabel says which operator looks after an object.
const shardLabel = "shard"

func inShard(name string) change {
	return func(o controllers.Webhook) { o.SetLabels(map[string]string{ownLabel: "own", shardLabel: name}) }
}

// shards starts an operator for each shard of the world's objects. Each leads, with a Lease in the world's namespace.
func (w *world) shards(ctx context.Context, names ...string) map[string]*operator {
	GinkgoHelper()
	w.labels = map[string]string{ownLabel: "own"}
	operators := map[string]*operator{}
	for _, name := range names {
		operators[name] = startOperator(ctx, operatorOptions{args: []string{
			"--watch-label-selector=" + ownLabel + "=own," + shardLabel + "=" + name,
			"--watch-namespaces=" + w.namespace,
			"--leader-elect=true", "--leader-election-namespace=" + w.namespace,
		}})
		DeferCleanup(operators[name].stop)
	}
	return operators
}

// touched are the objects that an operator wrote to, by kind and name, each once.
func (o *operator) touched(w *world) []string {
	var names []string
	prefix := fmt.Sprintf("/apis/github-webhooks.dev/v1alpha1/namespaces/%s/%s/", w.namespace, w.kind.resource)
	for _, r := range o.api.about(w.namespace) {
		if name, ours := strings.CutPrefix(r.path, prefix); ours && r.write() {
			names = append(names, strings.TrimSuffix(name, "/status"))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// by makes the hook's story tell what this operator said.
func (h *hook) by(o *operator) *hook {
	w := *h.world
	w.operator = o
	return &hook{&w, h.name}
}

var _ = storiesOf("Two operators with a label selector each", func(kind hookKind) {
	var w *world
	var operators map[string]*operator
	BeforeEach(func(ctx SpecContext) {
		w = newWorld(ctx, kind)
		operators = w.shards(ctx, "a", "b")
	})

	It("share a fleet: neither writes to the other's objects, and a shared Secret reaches both", func(ctx SpecContext) {
		w.hmac(ctx, "shared")
		const each = 3
		var hooks []*hook
		for i := range each {
			for _, shard := range []string{"a", "b"} {
				name := fmt.Sprintf("%s-%d", shard, i)
				hooks = append(hooks, w.hook(ctx, name, inShard(shard), withSecret("shared")).by(operators[shard]))
			}
		}
		for _, h := range hooks {
			h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		}
		Expect(w.onGitHub()).To(HaveLen(2 * each))

		rotated := w.hmac(ctx, "shared")
		Eventually(ctx, w.onGitHub).Should(HaveEach(HaveField("Config.Secret", rotated)))
		for _, h := range hooks {
			h.delete(ctx)
		}
		Expect(w.onGitHub()).To(BeEmpty())
		Expect(operators["a"].touched(w)).To(Equal([]string{"a-0", "a-1", "a-2"}))
		Expect(operators["b"].touched(w)).To(Equal([]string{"b-0", "b-1", "b-2"}))
		Expect(w.writes()).To(HaveLen(3*2*each), "a POST, a PATCH and a DELETE for each")
	})

	It("hand an object over when its label changes, and its hook stays as it is", func(ctx SpecContext) {
		secret := w.hmac(ctx, "ci")
		h := w.hook(ctx, "ci", inShard("a"), withSecret("ci")).by(operators["a"])
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		made, calls := w.only(), w.calls()
		aboutIt := func(r apiRequest) bool { return strings.HasPrefix(r.path, h.path()) }
		before := operators["a"].api.counting(aboutIt)

		h.change(ctx, inShard("b"))
		Consistently(w.calls).Should(Equal(calls), "it is in sync, whoever looks after it")

		h = h.by(operators["b"])
		h.change(ctx, withEvents("fork"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
		Expect(w.only().ID).To(Equal(made.ID))
		Expect(w.only().Events).To(ConsistOf("fork"))
		Expect(w.only().Config.Secret).To(Equal(secret))
		h.delete(ctx)
		Expect(w.onGitHub()).To(BeEmpty())
		Expect(operators["a"].api.counting(aboutIt)).To(Equal(before), "the former operator has nothing to do with it any more")
	})

	It("leave an object without any of their labels alone, until it has one", func(ctx SpecContext) {
		h := w.hook(ctx, "ci", inShard("c")).by(operators["a"])
		Consistently(w.calls).Should(BeEmpty())
		Expect(h.get(ctx).GetFinalizers()).To(BeEmpty())

		h.change(ctx, inShard("a"))
		h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	})
})

var _ = storiesOf("Two operators with namespaces each", func(kind hookKind) {
	It("work at the same time from one namespace of their own, and touch their own objects only", func(ctx SpecContext) {
		leases := newWorld(ctx, kind)
		worlds := []*world{newWorld(ctx, kind), newWorld(ctx, kind)}
		for _, w := range worlds {
			w.withOwnOperator(ctx, "--leader-elect=true", "--leader-election-namespace="+leases.namespace)
		}
		for _, w := range worlds {
			w.readyHook(ctx, "ci")
		}
		for i, w := range worlds {
			other := worlds[1-i]
			Expect(w.onGitHub()).To(HaveLen(1))
			Expect(other.operator.api.about(w.namespace)).To(BeEmpty())
		}
	})

	It("may watch several namespaces, and no others", func(ctx SpecContext) {
		one, two, outside := newWorld(ctx, kind), newWorld(ctx, kind), newWorld(ctx, kind)
		one.withOwnOperator(ctx, "--watch-namespaces="+one.namespace+", "+two.namespace)
		two.labels, two.operator = one.labels, one.operator
		outside.labels, outside.operator = one.labels, one.operator
		one.readyHook(ctx, "ci")
		two.readyHook(ctx, "ci")
		outside.hook(ctx, "ci")
		Consistently(outside.calls).Should(BeEmpty())
		Expect(one.operator.api.about(outside.namespace)).To(BeEmpty())
		Expect(one.operator.api.count("GET", "/api/v1/secrets")).To(BeZero(), "Roles in the namespaces suffice")
	})
})
