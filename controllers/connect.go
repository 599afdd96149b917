package controllers

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/utils/ptr"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/hook"
)

// connect finds the client for the object's credentials and what the hook should look like. It sends nothing to GitHub.
func (p *pass) connect(ctx context.Context) error {
	if err := p.fingerprints.Ready(ctx); err != nil {
		return err
	}
	c, err := p.client(ctx)
	if err != nil {
		return err
	}
	if err := p.use(ctx, c); err != nil {
		return err
	}
	if len(p.requests()) > 0 {
		c.TryAgain()
	}
	p.stretched = p.poller(p.obj, p.hooks).PollInterval(func() []github.Poller { return p.pollers(ctx, c) })
	return p.desire(ctx)
}

// poller is an object as GitHub's limits see it.
func (o *Operator) poller(obj Webhook, hooks github.Hooks) github.Poller {
	return github.Poller{ID: string(obj.GetUID()), Hooks: hooks, Interval: o.intervalOf(obj.CommonSpec())}
}

// pollers are all objects that share the pass's client.
func (p *pass) pollers(ctx context.Context, c *github.Client) []github.Poller {
	secret := p.inNamespace(p.spec.CredentialsRef.Name)
	var all []github.Poller
	for _, use := range p.uses {
		all = append(all, use.pollers(ctx, secret, c)...)
	}
	return all
}

// use makes the client's server the pass's own. IDs are unique per server only: with credentials for another server the
// hook is not created yet.
func (p *pass) use(ctx context.Context, c *github.Client) error {
	p.github, p.hooks, p.server = c, p.place.hooks(c), c.Server().String()
	if p.status.Server == "" || p.status.Server == p.server {
		return p.place.accepts(ctx, p)
	}
	if p.place.owns() && p.ours() || *p.creating != nil {
		p.leftBehind(ctx, *p.id, fmt.Sprintf("the credentials name %s now", p.server))
	}
	p.forget()
	p.status.Server, *p.creating = "", nil
	return p.place.accepts(ctx, p)
}

// client returns the client for spec.credentialsRef, reading the Secret only when its version is new.
func (p *pass) client(ctx context.Context) (*github.Client, error) {
	name := p.spec.CredentialsRef.Name
	version, err := p.secretVersion(ctx, name)
	if err != nil {
		return nil, err
	}
	if c, ok := p.credentials.Lookup(p.inNamespace(name), version); ok {
		return c, nil
	}
	secret, err := p.readSecret(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case secret == nil:
		return nil, problem{v1alpha1.ReasonCredentialsNotFound,
			fmt.Sprintf("Secret %q does not exist in namespace %q: create it, or name another in spec.credentialsRef.name", name, p.obj.GetNamespace())}
	}
	return p.credentials.Client(secret)
}

// desire works out the hook that the spec wants.
func (p *pass) desire(ctx context.Context) error {
	url, err := p.url(ctx)
	if err != nil {
		return err
	}
	events := slices.Clone(p.hookSpec.Events)
	slices.Sort(events)
	p.desired = hook.Desired{
		URL:                url,
		ContentType:        string(p.spec.ContentType),
		InsecureSSL:        p.spec.InsecureSSL,
		KeepUnwantedSecret: !p.place.owns(),
		Events:             events,
		KeepOtherEvents:    p.hookSpec.EventsPolicy == v1alpha1.EventsAtLeast,
	}
	if p.place.owns() {
		p.desired.Active = ptr.To(ptr.Deref(p.hookSpec.Active, true))
	}
	if p.spec.URLFrom != nil {
		p.desired.URLFingerprint = p.fingerprints.of(url)
	}
	return p.fingerprintSecret(ctx)
}
