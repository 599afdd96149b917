package githubsim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
)

// policy is what an organization asks of those who may do something there.
type policy struct {
	// ssoURL is where a token is authorized for single sign-on; empty where that is not asked for.
	ssoURL string
	// addresses may ask; nil is everybody.
	addresses []netip.Prefix
}

// RequireSSO lets an organization enforce SAML single sign-on: a Classic token that is not authorized for it
// ([Token].SSO) is refused and sent to this address. An empty address ends it. Fine-grained tokens and Apps are not
// concerned.
func (s *Server) RequireSSO(organization Target, address string) {
	s.changePolicy(organization, func(p *policy) { p.ssoURL = address })
}

// AllowAddresses gives an organization an IP allow list, of addresses or CIDRs: from others, nobody may do anything in
// it. None ends it. It panics on what is no address.
func (s *Server) AllowAddresses(organization Target, addresses ...string) {
	var allowed []netip.Prefix
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address)
		if err != nil {
			one := netip.MustParseAddr(address)
			prefix = netip.PrefixFrom(one, one.BitLen())
		}
		allowed = append(allowed, prefix)
	}
	s.changePolicy(organization, func(p *policy) { p.addresses = allowed })
}

func (s *Server) changePolicy(organization Target, change func(*policy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.accountOf(organization.Owner()).policy)
}

// checkPolicies refuses callers that the owner's policies exclude. An App that signs in as itself is not concerned.
func (s *Server) checkPolicies(c *call) *answer {
	if c.caller.app != nil {
		return nil
	}
	owner := c.place.account
	if owner.policy.addresses != nil && !owner.policy.allows(addressOf(c.request)) {
		return c.refuse(http.StatusForbidden, fmt.Sprintf(
			"Although you appear to have the correct authorization credentials, the `%s` organization "+
				"has an IP allow list enabled, and %s is not permitted to access this resource.", owner.login, addressOf(c.request)))
	}
	token := c.caller.token
	if owner.policy.ssoURL == "" || token == nil || token.Kind != Classic || token.authorizedFor(owner) {
		return nil
	}
	refusal := c.refuse(http.StatusForbidden, "Resource protected by organization SAML enforcement. "+
		"You must grant your Personal Access token access to this organization.")
	refusal.header.Set("X-GitHub-SSO", "required; url="+owner.policy.ssoURL)
	return refusal
}

func (p policy) allows(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(p.addresses, func(prefix netip.Prefix) bool {
		return prefix.Contains(ip.Unmap())
	})
}

func (t *Token) authorizedFor(owner *account) bool {
	return slices.ContainsFunc(t.SSO, func(organization Target) bool {
		return organization.key() == Target(owner.login).key()
	})
}
