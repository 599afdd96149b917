package controllers_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/credentials"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// The sweep comes every ten minutes, so this story runs the operator's parts in the test's own process: the first sweep is
// at its start, on the real caches and their index.
var _ = Describe("Clients of credentials", func() {
	It("are kept while an object of any kind refers to their Secret in its own namespace, and dropped when none does", func(ctx SpecContext) {
		of := map[*world]string{newWorld(ctx, repositories): "one", newWorld(ctx, organizations): "two", newWorld(ctx, apps): "three"}
		store := newStore()
		var used, unused []types.NamespacedName
		for w, name := range of {
			w.labels = map[string]string{ownLabel: "own"}
			w.hook(ctx, "ci", withCredentials(name), withSecret("hmac"), withSuspend(true))
			used = append(used, keep(store, w.namespace, name), keep(store, w.namespace, "hmac"))
			unused = append(unused, keep(store, w.namespace, "github"))
		}
		for w, name := range of { // What one namespace uses does not keep another one's Secret of that name.
			for other := range of {
				if other != w {
					unused = append(unused, keep(store, other.namespace, name))
				}
			}
		}

		runOperator(ctx, store, of)

		for _, name := range unused {
			Eventually(ctx, func() bool { _, known := store.Last(name); return known }).Should(BeFalse(), name.String())
		}
		for _, name := range used {
			_, known := store.Last(name)
			Expect(known).To(BeTrue(), name.String())
		}
	})
})

func newStore() *credentials.Store {
	return credentials.NewStore(func(c credentials.Credentials) (*github.Client, error) {
		hosts, err := github.ParseHosts("github.com")
		Expect(err).NotTo(HaveOccurred())
		return github.NewClient(github.Options{Server: c.Server, Hosts: hosts, Token: c.Token})
	})
}

// keep makes a client for a Secret.
func keep(store *credentials.Store, namespace, name string) types.NamespacedName {
	GinkgoHelper()
	_, err := store.Client(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ResourceVersion: "1"},
		Data:       map[string][]byte{"token": []byte(secretMark + "swept")},
	})
	Expect(err).NotTo(HaveOccurred())
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// runOperator runs the loops for some worlds' namespaces until the story ends.
func runOperator(ctx context.Context, store *credentials.Store, of map[*world]string) {
	GinkgoHelper()
	namespaces := map[string]cache.Config{}
	for w := range of {
		namespaces[w.namespace] = cache.Config{}
	}
	ctrl.SetLogger(GinkgoLogr)
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: k8s.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: namespaces},
		Controller: ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
	})
	Expect(err).NotTo(HaveOccurred())
	operator, err := controllers.NewOperator(controllers.Options{
		Manager: mgr, Credentials: store, Namespace: operatorNamespace, DefaultInterval: time.Hour,
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(controllers.SetUp(ctx, mgr, operator, 1)).To(Succeed())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error)
	go func() { stopped <- mgr.Start(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-stopped).To(Succeed())
	})
}
