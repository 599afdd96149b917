package hook

import (
	"slices"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// CreateRequest is the request that creates the desired hook. The secret is the real one; empty for none.
func CreateRequest(desired Desired, secret github.Secret) github.HookRequest {
	return github.HookRequest{Config: Config(desired, secret), Events: desired.Events, Active: desired.Active}
}

// EditRequest is the smallest request that puts the fields right. Whatever of config differs, all of config is sent with the
// real secret: a config without it would remove the secret, and what GitHub shows of it must never be written back.
// With addEvents the place understands add_events, which leaves events alone that others add meanwhile.
func EditRequest(desired Desired, observed github.Hook, fields []Field, secret github.Secret, addEvents bool) github.HookRequest {
	var r github.HookRequest
	for _, f := range fields {
		switch f {
		case Events:
			r.Events, r.AddEvents = events(desired, observed, addEvents)
		case Active:
			r.Active = desired.Active
		case URL, ContentType, InsecureSSL, SecretRef:
			r.Config = Config(desired, secret)
		}
	}
	return r
}

// SendsConfig tells whether the write carries config, and with it the secret.
func (s Step) SendsConfig() bool {
	return s.Blind || s.Reassert || slices.ContainsFunc(s.Fields, func(f Field) bool { return f != Events && f != Active })
}

// Request that makes the step's write.
func (s Step) Request(desired Desired, secret github.Secret, addEvents bool) github.HookRequest {
	request := EditRequest(desired, s.Hook, s.Fields, secret, addEvents)
	if s.SendsConfig() {
		request.Config = Config(desired, secret)
	}
	return request
}

// Config is all of the config that the spec wants, with the real secret; empty for none.
func Config(desired Desired, secret github.Secret) *github.Config {
	return &github.Config{
		URL:         github.NewSecret(desired.URL),
		ContentType: desired.ContentType,
		InsecureSSL: desired.InsecureSSL,
		Secret:      secret,
	}
}

func events(desired Desired, observed github.Hook, addEvents bool) (set, add []string) {
	add = missing(desired.Events, observed.Events)
	switch {
	case !desired.KeepOtherEvents:
		return desired.Events, nil
	case addEvents:
		return nil, add
	default:
		return append(slices.Clone(observed.Events), add...), nil
	}
}
