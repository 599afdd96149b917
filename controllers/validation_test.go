package controllers_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// manifest is what a user would apply, parsed.
func manifest(text string) *unstructured.Unstructured {
	GinkgoHelper()
	obj := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &obj.Object)).To(Succeed())
	return obj
}

const plainRepositoryWebhook = `
apiVersion: github-webhooks.dev/v1alpha1
kind: RepositoryWebhook
metadata: {name: ci, namespace: default}
spec:
  owner: octo-org
  repository: hello-world
  url: https://ci.example.com/github
  credentialsRef: {name: github}
`

const plainOrganizationWebhook = `
apiVersion: github-webhooks.dev/v1alpha1
kind: OrganizationWebhook
metadata: {name: ci, namespace: default}
spec:
  organization: octo-org
  url: https://ci.example.com/github
  credentialsRef: {name: github}
`

const plainAppWebhookConfig = `
apiVersion: github-webhooks.dev/v1alpha1
kind: AppWebhookConfig
metadata: {name: ci, namespace: default}
spec:
  url: https://ci.example.com/github
  credentialsRef: {name: github}
`

// with merges lines of YAML into a manifest's spec; a null removes a field.
func with(text, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	obj := manifest(text)
	var changes map[string]any
	Expect(yaml.Unmarshal([]byte(spec), &changes)).To(Succeed())
	for key, value := range changes {
		if value == nil {
			unstructured.RemoveNestedField(obj.Object, "spec", key)
			continue
		}
		Expect(unstructured.SetNestedField(obj.Object, value, "spec", key)).To(Succeed())
	}
	return obj
}

// dryRun asks the API server what it would say.
func dryRun(ctx context.Context, obj *unstructured.Unstructured) error {
	return k8s.Create(ctx, obj, client.DryRunAll)
}

var _ = Describe("The API server", func() {
	DescribeTable("refuses bad input with a sentence that a person understands",
		func(ctx SpecContext, spec, sentence string) {
			for _, text := range []string{plainRepositoryWebhook, plainOrganizationWebhook, plainAppWebhookConfig} {
				if strings.Contains(text, "AppWebhookConfig") && hookOnly(spec) {
					continue
				}
				err := dryRun(ctx, with(text, spec))
				Expect(err).To(MatchError(ContainSubstring(sentence)))
				Expect(strings.Count(err.Error(), sentence)).To(Equal(1), err.Error())
				Expect(err).NotTo(MatchError(ContainSubstring("should match '")), "a regular expression says nothing")
			}
		},
		Entry("no URL", `url: null`, "exactly one of url and urlFrom must be set"),
		Entry("two URLs", `urlFrom: {secretKeyRef: {name: a, key: b}}`, "exactly one of url and urlFrom must be set"),
		Entry("empty URL", `url: ""`, "url must begin with https:// or http:// and name a host"),
		Entry("URL without a scheme", `url: ci.example.com/github`, "url must begin with https:// or http:// and name a host"),
		Entry("URL of another scheme", `url: ftp://ci.example.com`, "url must begin with https:// or http:// and name a host"),
		Entry("URL without a host", `url: "https:///github"`, "url must begin with https:// or http:// and name a host"),
		Entry("URL that is too long", `url: "https://e/`+strings.Repeat("x", 2048)+`"`, "may not be more than 2048"),
		Entry("urlFrom without a key", `{url: null, urlFrom: {secretKeyRef: {name: a}}}`, "spec.urlFrom.secretKeyRef.key: Required value"),
		Entry("no credentials", `credentialsRef: null`, "spec.credentialsRef: Required value"),
		Entry("credentials without a name", `credentialsRef: {name: ""}`, "spec.credentialsRef.name in body should be at least 1 chars long"),
		Entry("unknown contentType", `contentType: application/json`, `supported values: "json", "form"`),
		Entry("secretRef without a name", `secretRef: {key: secret}`, "spec.secretRef.name: Required value"),
		Entry("unknown managementPolicy", `managementPolicy: Ignore`, `supported values: "Manage", "Observe"`),
		Entry("interval too short", `interval: 29s`, `"29s": interval must be at least 30s`),
		Entry("interval that is no duration", `interval: often`, `"often": interval must be a duration such as 30s, 10m or 1h30m`),
		Entry("interval that Go could not decode", `interval: 1e3s`, "interval must be a duration such as 30s, 10m or 1h30m"),
		Entry("interval that is too large for a duration", `interval: 9999999999999999999h`, "interval must be a duration"),
		Entry("redelivery attempts", `redelivery: {maxAttempts: 11}`, "should be less than or equal to 10"),
		Entry("redelivery too old", `redelivery: {within: 73h}`, `"73h": within must be at most 72h: GitHub keeps deliveries for 3 days`),
		Entry("redelivery within no duration", `redelivery: {within: 3d}`, `"3d": within must be a duration such as 30m, 24h or 1h30m`),
		Entry("redelivery backoff", `redelivery: {backoff: 100ms}`, `"100ms": backoff must be at least 1s`),
		Entry("redelivery backoff of no duration", `redelivery: {backoff: soon}`, `"soon": backoff must be a duration such as 30s, 1m or 1h30m`),
		Entry("redelivery while observing", `{redelivery: {}, managementPolicy: Observe}`, "redelivery cannot be combined with managementPolicy Observe"),
		Entry("no events", `events: []`, "should have at least 1 items"),
		Entry("an event twice", `events: [push, fork, push]`, `events must be distinct, and "push" is there more than once`),
		Entry("all events and another", `events: ["*", push]`, `the event "*" stands for all events and must be the only one`),
		Entry("an event in upper case", `events: [push, Pull_Request]`, `events are named in lower case as in GitHub's docs, as in pull_request, and not "Pull_Request"`),
		Entry("unknown eventsPolicy", `eventsPolicy: Some`, `supported values: "Exact", "AtLeast"`),
		Entry("unknown adoptionPolicy", `adoptionPolicy: Always`, `supported values: "Never", "MatchURL"`),
		Entry("hookID of zero", `hookID: 0`, "should be greater than or equal to 1"),
		Entry("unknown deletionPolicy", `deletionPolicy: Keep`, `supported values: "Delete", "Orphan"`),
	)

	DescribeTable("refuses bad targets",
		func(ctx SpecContext, text, spec, sentence string) {
			Expect(dryRun(ctx, with(text, spec))).To(MatchError(ContainSubstring(sentence)))
		},
		Entry("no owner", plainRepositoryWebhook, `owner: null`, "spec.owner: Required value"),
		Entry("an owner with a slash", plainRepositoryWebhook, `owner: octo-org/hello-world`, `"octo-org/hello-world": owner must be the name of a user or an organization, as in octo-org`),
		Entry("no repository", plainRepositoryWebhook, `repository: null`, "spec.repository: Required value"),
		Entry("a repository with its owner", plainRepositoryWebhook, `repository: octo-org/hello-world`, `"octo-org/hello-world": repository must be the repository's name without its owner, as in hello-world`),
		Entry("a repository that climbs", plainRepositoryWebhook, `repository: ".."`, "repository must be the repository's name without its owner"),
		Entry("no organization", plainOrganizationWebhook, `organization: null`, "spec.organization: Required value"),
		Entry("an organization that is a URL", plainOrganizationWebhook, `organization: https://github.com/octo-org`, `"https://github.com/octo-org": organization must be the organization's login, as in octo-org`),
	)

	DescribeTable("refuses changes of what is fixed",
		func(ctx SpecContext, text, first, second, sentence string) {
			obj := with(text, first)
			obj.SetName("fixed")
			obj.SetLabels(map[string]string{ownLabel: "own"})
			Expect(k8s.Create(ctx, obj)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, obj)).To(Succeed()) })
			Expect(k8s.Patch(ctx, obj.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":`+second+`}`)))).
				To(MatchError(ContainSubstring(sentence)))
		},
		Entry("owner", plainRepositoryWebhook, `{}`, `{"owner":"other"}`, "owner is immutable"),
		Entry("repository", plainRepositoryWebhook, `{}`, `{"repository":"other"}`, "repository is immutable"),
		Entry("organization", plainOrganizationWebhook, `{}`, `{"organization":"other"}`, "organization is immutable"),
		Entry("hookID", plainRepositoryWebhook, `hookID: 5`, `{"hookID":6}`, "hookID cannot change once set"),
		Entry("hookID removed", plainOrganizationWebhook, `hookID: 5`, `{"hookID":null}`, "hookID cannot change once set"),
	)

	DescribeTable("takes good input",
		func(ctx SpecContext, text, spec string) { Expect(dryRun(ctx, with(text, spec))).To(Succeed()) },
		Entry("a plain repository webhook", plainRepositoryWebhook, `{}`),
		Entry("a plain organization webhook", plainOrganizationWebhook, `{}`),
		Entry("a plain App configuration", plainAppWebhookConfig, `{}`),
		Entry("plain HTTP", plainRepositoryWebhook, `url: "http://10.0.0.1:8080/hook?x=y"`),
		Entry("IPv6", plainRepositoryWebhook, `url: "https://[2001:db8::1]/"`),
		Entry("a repository that begins with a dot", plainRepositoryWebhook, `repository: .github`),
		Entry("an event that GitHub may add", plainRepositoryWebhook, `events: [brand_new_event]`),
		Entry("a hundred events", plainRepositoryWebhook, `events: [`+manyEvents(100)+`]`),
		Entry("everything", plainRepositoryWebhook, `{contentType: form, insecureSSL: true, secretRef: {name: s}, interval: 1h30m, suspend: true,
			redelivery: {maxAttempts: 10, within: 72h, backoff: 1s, events: [push]}, eventsPolicy: AtLeast, active: false,
			adoptionPolicy: MatchURL, hookID: 9007199254740993, deletionPolicy: Orphan}`),
	)

	It("fills in the defaults, and a manifest applied twice changes nothing", func(ctx SpecContext) {
		obj := with(plainRepositoryWebhook, `{active: false, events: [fork]}`)
		obj.SetName("twice")
		obj.SetLabels(map[string]string{ownLabel: "own"})
		apply := func() *unstructured.Unstructured {
			applied := obj.DeepCopy()
			Expect(k8s.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("user"), client.ForceOwnership)).To(Succeed())
			return applied
		}
		apply()
		DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, obj)).To(Succeed()) })
		second := apply()

		Expect(second.GetGeneration()).To(BeEquivalentTo(1))
		// The API server stores the status's default with the second write, and nothing from then on.
		Expect(apply().GetResourceVersion()).To(Equal(second.GetResourceVersion()))
		spec := second.Object["spec"]
		Expect(spec).To(HaveKeyWithValue("active", false))
		Expect(spec).To(HaveKeyWithValue("events", []any{"fork"}))
		Expect(spec).To(HaveKeyWithValue("contentType", "json"))
		Expect(spec).To(HaveKeyWithValue("managementPolicy", "Manage"))
		Expect(spec).To(HaveKeyWithValue("eventsPolicy", "Exact"))
		Expect(spec).To(HaveKeyWithValue("adoptionPolicy", "Never"))
		Expect(spec).To(HaveKeyWithValue("deletionPolicy", "Delete"))
		Expect(spec).NotTo(HaveKey("interval"))
		Expect(second.Object["status"]).To(Equal(map[string]any{"observedGeneration": int64(-1)}))
	})
})

// hookOnly tells whether a spec has a field that an App's configuration has not.
func hookOnly(spec string) bool {
	for _, field := range []string{"events", "eventsPolicy", "adoptionPolicy", "hookID", "deletionPolicy"} {
		if strings.HasPrefix(spec, field+":") {
			return true
		}
	}
	return false
}

func manyEvents(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("event_%d", i)
	}
	return strings.Join(names, ", ")
}
