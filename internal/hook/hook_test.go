package hook_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func desired() hook.Desired {
	active := true
	return hook.Desired{
		URL: "https://ci.example.com", ContentType: "json", SecretFingerprint: "hmac-sha256:1",
		Events: []string{"pull_request", "push"}, Active: &active,
	}
}

func observed() github.Hook {
	return github.Hook{
		ID: 1, Active: true, Events: []string{"push", "pull_request"}, UpdatedAt: noon,
		Config: github.HookConfig{URL: "https://ci.example.com", ContentType: "json", Secret: "********"},
	}
}

func TestDrift(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   func(*hook.Desired)
		change func(*github.Hook)
		drift  []hook.Field
	}{
		{name: "nothing changed"},
		{name: "events in another order", change: func(h *github.Hook) { slices.Reverse(h.Events) }},
		{name: "another URL", change: func(h *github.Hook) { h.Config.URL = "https://else.example.com" }, drift: []hook.Field{hook.URL}},
		{name: "form", change: func(h *github.Hook) { h.Config.ContentType = "form" }, drift: []hook.Field{hook.ContentType}},
		{name: "no content type is form", change: func(h *github.Hook) { h.Config.ContentType = "" }, drift: []hook.Field{hook.ContentType}},
		{name: "no content type where form is wanted", want: func(d *hook.Desired) { d.ContentType = "form" },
			change: func(h *github.Hook) { h.Config.ContentType = "" }},
		{name: "certificates not verified", change: func(h *github.Hook) { h.Config.InsecureSSL = true }, drift: []hook.Field{hook.InsecureSSL}},
		{name: "the secret is gone", change: func(h *github.Hook) { h.Config.Secret = "" }, drift: []hook.Field{hook.SecretRef}},
		{name: "a secret that nobody wants", want: func(d *hook.Desired) { d.SecretFingerprint = "" }, drift: []hook.Field{hook.SecretRef}},
		{name: "a secret that cannot be removed", want: func(d *hook.Desired) { d.SecretFingerprint, d.KeepUnwantedSecret = "", true }},
		{name: "an event is gone", change: func(h *github.Hook) { h.Events = []string{"push"} }, drift: []hook.Field{hook.Events}},
		{name: "an event more", change: func(h *github.Hook) { h.Events = append(h.Events, "fork") }, drift: []hook.Field{hook.Events}},
		{name: "an event more that may stay", want: func(d *hook.Desired) { d.KeepOtherEvents = true },
			change: func(h *github.Hook) { h.Events = append(h.Events, "fork") }},
		{name: "an event less where others may stay", want: func(d *hook.Desired) { d.KeepOtherEvents = true },
			change: func(h *github.Hook) { h.Events = []string{"fork", "push"} }, drift: []hook.Field{hook.Events}},
		{name: "all events", change: func(h *github.Hook) { h.Events = []string{"*"} }, drift: []hook.Field{hook.Events}},
		{name: "all events that may stay", want: func(d *hook.Desired) { d.KeepOtherEvents = true },
			change: func(h *github.Hook) { h.Events = []string{"*"} }},
		{name: "all events wanted", want: func(d *hook.Desired) { d.Events = []string{"*"} }, drift: []hook.Field{hook.Events}},
		{name: "all events wanted and there", want: func(d *hook.Desired) { d.Events = []string{"*"} },
			change: func(h *github.Hook) { h.Events = []string{"*"} }},
		{name: "no events to configure", want: func(d *hook.Desired) { d.Events = nil }},
		{name: "switched off", change: func(h *github.Hook) { h.Active = false }, drift: []hook.Field{hook.Active}},
		{name: "cannot be switched", want: func(d *hook.Desired) { d.Active = nil }, change: func(h *github.Hook) { h.Active = false }},
		{name: "everything, in the order of the API", change: func(h *github.Hook) { *h = github.Hook{Config: github.HookConfig{InsecureSSL: true}} },
			drift: []hook.Field{hook.URL, hook.ContentType, hook.InsecureSSL, hook.SecretRef, hook.Events, hook.Active}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := desired(), observed()
			if c.want != nil {
				c.want(&d)
			}
			if c.change != nil {
				c.change(&o)
			}
			NewWithT(t).Expect(hook.Drift(d, o)).To(Equal(c.drift))
		})
	}
}

// What cannot be read is neither drift nor agreement.
func TestUnknown(t *testing.T) {
	all := github.PropertyURL | github.PropertyContentType | github.PropertyInsecureSSL | github.PropertySecret | github.PropertyEvents |
		github.PropertyActive | github.PropertyCreatedAt | github.PropertyUpdatedAt
	for _, c := range []struct {
		name           string
		want           func(*hook.Desired)
		unknown        github.Property
		fields, drifts []hook.Field
	}{
		{name: "nothing"},
		{name: "everything", unknown: all, fields: []hook.Field{hook.URL, hook.ContentType, hook.InsecureSSL, hook.SecretRef, hook.Events, hook.Active}},
		{name: "times", unknown: github.PropertyCreatedAt | github.PropertyUpdatedAt},
		{name: "events", unknown: github.PropertyEvents, fields: []hook.Field{hook.Events}},
		{name: "events beside another URL", want: func(d *hook.Desired) { d.URL = "https://else.example.com" }, unknown: github.PropertyEvents,
			fields: []hook.Field{hook.Events}, drifts: []hook.Field{hook.URL}},
		{name: "events that nobody configures", want: func(d *hook.Desired) { d.Events = nil }, unknown: github.PropertyEvents},
		{name: "whether it is active, which nobody can switch", want: func(d *hook.Desired) { d.Active = nil }, unknown: github.PropertyActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := desired(), observed()
			if c.want != nil {
				c.want(&d)
			}
			o.Unknown = c.unknown
			if c.unknown.Has(github.PropertyEvents) {
				o.Events = nil
			}
			g := NewWithT(t)
			g.Expect(hook.Unknown(d, o)).To(Equal(c.fields))
			g.Expect(hook.Drift(d, o)).To(Equal(c.drifts))
		})
	}
}

func TestMayBeCreated(t *testing.T) {
	g := NewWithT(t)
	intent := hook.Intent{Time: noon, MatchesURL: func(url string) bool { return url == "u" }}
	nobodys := func(int64) bool { return false }
	one := github.Hook{ID: 1, Config: github.HookConfig{URL: "u"}, Unknown: github.PropertyCreatedAt}
	g.Expect(hook.MayBeCreated(intent, []github.Hook{one}, nobodys)).To(BeTrue())
	g.Expect(hook.MayBeCreated(intent, []github.Hook{one}, func(int64) bool { return true })).To(BeFalse())
	one.Unknown = 0
	g.Expect(hook.MayBeCreated(intent, []github.Hook{one}, nobodys)).To(BeFalse())
	one.Unknown, one.Config.URL = github.PropertyCreatedAt, "v"
	g.Expect(hook.MayBeCreated(intent, []github.Hook{one}, nobodys)).To(BeFalse())
}

func TestSecretChanged(t *testing.T) {
	g := NewWithT(t)
	g.Expect(hook.SecretChanged(desired(), hook.Applied{SecretFingerprint: "hmac-sha256:1"})).To(BeFalse())
	g.Expect(hook.SecretChanged(desired(), hook.Applied{SecretFingerprint: "hmac-sha256:2"})).To(BeTrue())
	g.Expect(hook.SecretChanged(desired(), hook.Applied{})).To(BeTrue())
	none := hook.Desired{}
	g.Expect(hook.SecretChanged(none, hook.Applied{SecretFingerprint: "hmac-sha256:1"})).To(BeTrue())
	none.KeepUnwantedSecret = true
	g.Expect(hook.SecretChanged(none, hook.Applied{SecretFingerprint: "hmac-sha256:1"})).To(BeFalse())
}

func TestSecretSuspect(t *testing.T) {
	later := observed()
	later.UpdatedAt = noon.Add(time.Second)
	for _, c := range []struct {
		name     string
		desired  hook.Desired
		observed github.Hook
		applied  hook.Applied
		suspect  bool
	}{
		{"nobody wrote", desired(), observed(), hook.Applied{UpdatedAt: noon}, false},
		{"somebody wrote", desired(), later, hook.Applied{UpdatedAt: noon}, true},
		{"somebody wrote, but there is no secret", hook.Desired{}, later, hook.Applied{UpdatedAt: noon}, false},
		{"GitHub's time is unknown", desired(), later, hook.Applied{}, false},
		{"written again a moment ago", desired(), later, hook.Applied{UpdatedAt: noon, ReassertedAt: noon.Add(-59 * time.Minute)}, false},
		{"written again an hour ago", desired(), later, hook.Applied{UpdatedAt: noon, ReassertedAt: noon.Add(-time.Hour)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			NewWithT(t).Expect(hook.SecretSuspect(c.desired, c.observed, c.applied, noon)).To(Equal(c.suspect))
		})
	}
}

func TestEdit(t *testing.T) {
	secret := github.NewSecret("s")
	whole := &github.Config{URL: github.NewSecret("https://ci.example.com"), ContentType: "json", Secret: secret}
	active := true
	for _, c := range []struct {
		name      string
		want      func(*hook.Desired)
		observed  []string
		fields    []hook.Field
		addEvents bool
		request   github.HookRequest
	}{
		{name: "nothing"},
		{name: "any field of config sends all of it with the secret", fields: []hook.Field{hook.InsecureSSL}, request: github.HookRequest{Config: whole}},
		{name: "events alone leave config out", fields: []hook.Field{hook.Events}, request: github.HookRequest{Events: []string{"pull_request", "push"}}},
		{name: "active alone", fields: []hook.Field{hook.Active}, request: github.HookRequest{Active: &active}},
		{name: "others' events, where they can be added to", want: func(d *hook.Desired) { d.KeepOtherEvents = true },
			observed: []string{"fork", "push"}, fields: []hook.Field{hook.Events}, addEvents: true,
			request: github.HookRequest{AddEvents: []string{"pull_request"}}},
		{name: "others' events, where they cannot", want: func(d *hook.Desired) { d.KeepOtherEvents = true },
			observed: []string{"fork", "push"}, fields: []hook.Field{hook.Events},
			request: github.HookRequest{Events: []string{"fork", "push", "pull_request"}}},
		{name: "all", fields: []hook.Field{hook.URL, hook.Events, hook.Active},
			request: github.HookRequest{Config: whole, Events: []string{"pull_request", "push"}, Active: &active}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := desired(), observed()
			if c.want != nil {
				c.want(&d)
			}
			o.Events = c.observed
			NewWithT(t).Expect(hook.EditRequest(d, o, c.fields, secret, c.addEvents)).To(Equal(c.request))
		})
	}
}

func TestCreate(t *testing.T) {
	active := true
	NewWithT(t).Expect(hook.CreateRequest(desired(), github.NewSecret("s"))).To(Equal(github.HookRequest{
		Config: &github.Config{URL: github.NewSecret("https://ci.example.com"), ContentType: "json", Secret: github.NewSecret("s")},
		Events: []string{"pull_request", "push"}, Active: &active,
	}))
}

func TestCreated(t *testing.T) {
	at := func(id int64, url string, created time.Time) github.Hook {
		return github.Hook{ID: id, CreatedAt: created, Config: github.HookConfig{URL: url}}
	}
	for _, c := range []struct {
		name  string
		hooks []github.Hook
		owned int64
		found int64
	}{
		{"nothing there", nil, 0, 0},
		{"made just then", []github.Hook{at(1, "u", noon)}, 0, 1},
		{"made by a late request", []github.Hook{at(1, "u", noon.Add(10*time.Minute))}, 0, 1},
		{"made by a clock that is behind", []github.Hook{at(1, "u", noon.Add(-2*time.Minute))}, 0, 1},
		{"made long before", []github.Hook{at(1, "u", noon.Add(-3*time.Minute))}, 0, 0},
		{"made long after", []github.Hook{at(1, "u", noon.Add(11*time.Minute))}, 0, 0},
		{"another URL", []github.Hook{at(1, "v", noon)}, 0, 0},
		{"owned by another object", []github.Hook{at(1, "u", noon), at(2, "u", noon)}, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			intent := hook.Intent{Time: noon, MatchesURL: func(url string) bool { return url == "u" }}
			found := hook.Created(intent, c.hooks, func(id int64) bool { return id == c.owned })
			if c.found == 0 {
				g.Expect(found).To(BeNil())
				return
			}
			g.Expect(found.ID).To(Equal(c.found))
		})
	}
}

func TestWithURLAndByID(t *testing.T) {
	g := NewWithT(t)
	hooks := []github.Hook{
		{ID: 1, Config: github.HookConfig{URL: "u"}}, {ID: 2, Config: github.HookConfig{URL: "v"}}, {ID: 3, Config: github.HookConfig{URL: "u"}},
	}
	g.Expect(hook.WithURL(hooks, "u")).To(ConsistOf(hooks[0], hooks[2]))
	g.Expect(hook.WithURL(hooks, "w")).To(BeEmpty())
	g.Expect(hook.ByID(hooks, 2)).To(Equal(&hooks[1]))
	g.Expect(hook.ByID(hooks, 4)).To(BeNil())
}
