package controllers_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/controllers"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// ownLabel marks objects that an operator of the story's own looks after.
const ownLabel = "operator"

// secretMark is in every secret that a story plants, so that a leak shows wherever it comes out.
const secretMark = "pl4nted-"

// patience is for what the operator itself waits for.
const patience = 40 * time.Second

// world is what one story has for itself: a namespace, a target on GitHub, and a token for it.
type world struct {
	kind      hookKind
	namespace string
	owner     string
	target    githubsim.Target
	token     string
	operator  *operator
	labels    map[string]string
	// installation of the App that the story logs in as.
	installation int64
	// app that the story is about.
	app githubsim.App
}

// newWorld makes a namespace with the credentials Secret "github", and the target.
func newWorld(ctx context.Context, kind hookKind) *world {
	GinkgoHelper()
	name := "team-" + rand.String(8)
	w := &world{kind: kind, namespace: name, owner: "octo-" + name, token: secretMark + "token-" + rand.String(12), operator: shared}
	sim.AddOrganization(w.owner)
	if kind.target == nil {
		return w.withApp(ctx)
	}
	w.target = kind.target(w.owner)
	if strings.Contains(string(w.target), "/") {
		sim.AddRepository(w.target)
	}
	sim.AddToken(githubsim.Token{Value: w.token, Admin: []githubsim.Target{githubsim.Target(w.owner)}})
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	w.secret(ctx, "github", map[string]string{"token": w.token, "githubURL": sim.URL()})
	return w
}

// withOwnOperator starts an operator that serves this world only.
func (w *world) withOwnOperator(ctx context.Context, args ...string) *world {
	GinkgoHelper()
	return w.withOwnOperatorEnv(ctx, nil, args...)
}

// withUsersOperator starts one as users have it, without the race detector: for stories about times, and about so many
// objects that they take theirs.
func (w *world) withUsersOperator(ctx context.Context, args ...string) *world {
	GinkgoHelper()
	w.labels = map[string]string{ownLabel: "own"}
	options := ownOperator(w.namespace, args...)
	options.binary = plain
	w.operator = startOperator(ctx, options)
	DeferCleanup(w.operator.stop)
	return w
}

// withOwnOperatorEnv starts it with more in its environment.
func (w *world) withOwnOperatorEnv(ctx context.Context, env []string, args ...string) *world {
	GinkgoHelper()
	w.labels = map[string]string{ownLabel: "own"}
	options := ownOperator(w.namespace, args...)
	options.env = env
	w.operator = startOperator(ctx, options)
	DeferCleanup(w.operator.stop)
	return w
}

// secret creates or replaces a Secret.
func (w *world) secret(ctx context.Context, name string, data map[string]string) {
	GinkgoHelper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	err := k8s.Get(ctx, client.ObjectKeyFromObject(s), s)
	if client.IgnoreNotFound(err) != nil {
		Expect(err).NotTo(HaveOccurred())
	}
	s.Data = map[string][]byte{}
	for key, value := range data {
		s.Data[key] = []byte(value)
		plant(value)
	}
	if err != nil {
		Expect(k8s.Create(ctx, s)).To(Succeed())
		return
	}
	Expect(k8s.Update(ctx, s)).To(Succeed())
}

// hmac creates or replaces a Secret with an HMAC secret, and returns the secret.
func (w *world) hmac(ctx context.Context, name string) string {
	GinkgoHelper()
	value := secretMark + "hmac-" + rand.String(12)
	w.secret(ctx, name, map[string]string{"secret": value})
	return value
}

// removeSecret deletes a Secret.
func (w *world) removeSecret(ctx context.Context, name string) {
	GinkgoHelper()
	Expect(k8s.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}})).To(Succeed())
}

// hook is an object in the cluster and its hook on GitHub.
type hook struct {
	*world
	name string
}

// change is one thing that a story has otherwise than the plain hook.
type change func(controllers.Webhook)

// object is the plain hook with changes, not created yet.
func (w *world) object(name string, changes ...change) controllers.Webhook {
	obj := w.kind.object(w.owner)
	obj.SetNamespace(w.namespace)
	obj.SetName(name)
	obj.SetLabels(maps.Clone(w.labels))
	obj.CommonSpec().CredentialsRef.Name = "github"
	obj.CommonSpec().URL = "https://" + name + ".example.com/github"
	for _, c := range changes {
		c(obj)
	}
	return obj
}

// hook creates the object.
func (w *world) hook(ctx context.Context, name string, changes ...change) *hook {
	GinkgoHelper()
	Expect(k8s.Create(ctx, w.object(name, changes...))).To(Succeed())
	h := &hook{w, name}
	h.expectKstatus(ctx)
	return h
}

// readyHook creates the object and waits until it is synced.
func (w *world) readyHook(ctx context.Context, name string, changes ...change) *hook {
	GinkgoHelper()
	h := w.hook(ctx, name, changes...)
	h.waitFor(ctx, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	return h
}

// get reads the object; nil when it is gone.
func (h *hook) get(ctx context.Context) controllers.Webhook {
	GinkgoHelper()
	obj := h.kind.object("")
	err := k8s.Get(ctx, client.ObjectKey{Namespace: h.namespace, Name: h.name}, obj)
	if client.IgnoreNotFound(err) == nil && err != nil {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return obj
}

// hookStatus of the object, whose hook has an ID.
func (h *hook) hookStatus(ctx context.Context) *v1alpha1.HookStatus {
	GinkgoHelper()
	return h.get(ctx).(controllers.HookObject).HookStatus()
}

// hookSpec of an object whose hook has an ID.
func hookSpec(obj controllers.Webhook) *v1alpha1.HookSpec {
	return obj.(controllers.HookObject).HookSpec()
}

// change patches the object, as a user's apply does.
func (h *hook) change(ctx context.Context, changes ...change) {
	GinkgoHelper()
	obj := h.get(ctx)
	before := obj.DeepCopyObject().(client.Object)
	for _, c := range changes {
		c(obj)
	}
	Expect(k8s.Patch(ctx, obj, client.MergeFrom(before))).To(Succeed())
}

// annotate asks for something.
func (h *hook) annotate(ctx context.Context, annotation string) string {
	GinkgoHelper()
	value := rand.String(10)
	h.change(ctx, func(obj controllers.Webhook) {
		annotations := maps.Clone(obj.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[annotation] = value
		obj.SetAnnotations(annotations)
	})
	return value
}

// look makes the operator look at GitHub now, and waits until it has.
func (h *hook) look(ctx context.Context) {
	GinkgoHelper()
	value := h.annotate(ctx, v1alpha1.AnnotationReconcile)
	Eventually(ctx, func() string { return h.get(ctx).CommonStatus().HandledRequests["reconcile"] }).
		Should(Equal(value), h.trouble)
}

// delete the object and wait until it is gone.
func (h *hook) delete(ctx context.Context) {
	GinkgoHelper()
	h.startDeleting(ctx)
	h.waitGone(ctx)
}

func (h *hook) startDeleting(ctx context.Context) {
	GinkgoHelper()
	Expect(k8s.Delete(ctx, h.get(ctx))).To(Succeed())
}

func (h *hook) waitGone(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func() controllers.Webhook { return h.get(ctx) }).Should(BeNil(), h.trouble)
}

// condition of the object; empty when it has none.
func (h *hook) condition(ctx context.Context, conditionType string) metav1.Condition {
	obj := h.get(ctx)
	if obj == nil {
		return metav1.Condition{}
	}
	if c := meta.FindStatusCondition(obj.CommonStatus().Conditions, conditionType); c != nil {
		return *c
	}
	return metav1.Condition{}
}

// waitFor Ready to speak of the object's generation with this status and reason, and returns it.
func (h *hook) waitFor(ctx context.Context, status metav1.ConditionStatus, reason string) metav1.Condition {
	GinkgoHelper()
	var ready metav1.Condition
	Eventually(ctx, func(g Gomega) {
		obj := h.get(ctx)
		g.Expect(obj).NotTo(BeNil())
		ready = h.condition(ctx, v1alpha1.ConditionReady)
		g.Expect(obj.CommonStatus().ObservedGeneration).To(Equal(obj.GetGeneration()))
		g.Expect(string(ready.Status)+" "+ready.Reason).To(Equal(string(status)+" "+reason), ready.Message)
	}).Should(Succeed(), h.trouble)
	h.expectKstatus(ctx)
	return ready
}

// trouble is what a person would look at when a story fails.
func (h *hook) trouble() string {
	return "the operator said:\n" + h.operator.logs.about(h.namespace)
}

// onGitHub are the target's hooks, with their real secrets.
func (w *world) onGitHub() []githubsim.Hook { return sim.Hooks(w.target) }

// only is the target's one hook.
func (w *world) only() githubsim.Hook {
	GinkgoHelper()
	hooks := w.onGitHub()
	Expect(hooks).To(HaveLen(1))
	return hooks[0]
}

// requests to GitHub about this world's target since mark.
func (w *world) requests() []githubsim.Request {
	var requests []githubsim.Request
	for _, r := range sim.Requests() {
		if w.mine(r) {
			requests = append(requests, r)
		}
	}
	return requests
}

// mine tells whether a request is about this world's target.
func (w *world) mine(r githubsim.Request) bool {
	return containsPath(r.Path, w.owner) || w.app.ID != 0 && issuer(r) == fmt.Sprint(w.app.ID)
}

// containsPath tells whether a path has a segment.
func containsPath(path, segment string) bool {
	return slices.Contains(strings.Split(path, "/"), segment)
}

// calls are the requests in short, as in "POST /repos/{owner}/{repo}/hooks", without those about deliveries: what these
// cost is told in deliveries_test.go.
func (w *world) calls() []string {
	var calls []string
	for _, r := range w.requests() {
		if strings.Contains(r.Route, "/deliveries") {
			continue
		}
		calls = append(calls, r.Method+" "+strings.TrimPrefix(r.Route, w.kind.route))
	}
	return calls
}

// writes are the calls that asked for a change.
func (w *world) writes() []string {
	var writes []string
	for _, r := range w.requests() {
		if r.Write() && !strings.Contains(r.Route, "/deliveries") {
			writes = append(writes, r.Method+" "+strings.TrimPrefix(r.Route, w.kind.route))
		}
	}
	return writes
}

// events that tell of the object, as "reason: note".
func (h *hook) events(ctx context.Context) []string {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(k8s.List(ctx, &list, client.InNamespace(h.namespace))).To(Succeed())
	var notes []string
	for _, e := range list.Items {
		if e.Regarding.Name == h.name && e.Regarding.Kind == h.kind.name {
			notes = append(notes, e.Reason+": "+e.Note)
		}
	}
	return notes
}

// told waits for an Event.
func (h *hook) told(ctx context.Context, reason string, words ...string) {
	GinkgoHelper()
	Eventually(ctx, func() []string { return h.events(ctx) }).Should(ContainElement(
		SatisfyAll(HavePrefix(reason+": "), containAll(words))), h.trouble)
}

func containAll(words []string) OmegaMatcher {
	matchers := make([]OmegaMatcher, len(words))
	for i, word := range words {
		matchers[i] = ContainSubstring(word)
	}
	return SatisfyAll(matchers...)
}

// hookKind is one of the kinds; most stories are told of each whose hooks have an ID.
type hookKind struct {
	name     string
	resource string // Its plural in the Kubernetes API.
	route    string // Prefix of its endpoints on GitHub.
	settings func(owner string) string
	target   func(owner string) githubsim.Target // nil: an App.
	object   func(owner string) controllers.Webhook
}

var repositories = hookKind{
	name:     "RepositoryWebhook",
	resource: "repositorywebhooks",
	route:    "/repos/{owner}/{repo}",
	settings: func(owner string) string { return "/" + owner + "/hello-world/settings/hooks/" },
	target:   func(owner string) githubsim.Target { return githubsim.Target(owner + "/hello-world") },
	object: func(owner string) controllers.Webhook {
		return &v1alpha1.RepositoryWebhook{Spec: v1alpha1.RepositoryWebhookSpec{Owner: owner, Repository: "hello-world"}}
	},
}

var organizations = hookKind{
	name:     "OrganizationWebhook",
	resource: "organizationwebhooks",
	route:    "/orgs/{org}",
	settings: func(owner string) string { return "/organizations/" + owner + "/settings/hooks/" },
	target:   func(owner string) githubsim.Target { return githubsim.Target(owner) },
	object: func(owner string) controllers.Webhook {
		return &v1alpha1.OrganizationWebhook{Spec: v1alpha1.OrganizationWebhookSpec{Organization: owner}}
	},
}

// hookKinds are all of them.
var hookKinds = []hookKind{repositories, organizations}

// apps are the kind whose one hook is there already: their stories are in appwebhookconfig_test.go.
var apps = hookKind{
	name:     "AppWebhookConfig",
	resource: "appwebhookconfigs",
	route:    "/app",
	settings: func(owner string) string { return "/organizations/" + owner + "/settings/apps/" },
	object:   func(string) controllers.Webhook { return &v1alpha1.AppWebhookConfig{} },
}
