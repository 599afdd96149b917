package github

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// idleConnections are kept for as many objects as three controllers look at together by default.
const idleConnections = 32

// proxyFunc is what http.ProxyFromEnvironment is.
type proxyFunc func(*http.Request) (*url.URL, error)

// newNetwork makes the floor of the transport. A client has one host, so whether a proxy stands before it is known from
// the start: without one, a host that only a wildcard allows must have a public address.
func newNetwork(options Options, root *url.URL, proxy proxyFunc) (*http.Transport, error) {
	through, err := proxy(&http.Request{URL: root})
	if err != nil { // It quotes the proxy's address, which can hold a password.
		return nil, fmt.Errorf("%w: HTTPS_PROXY or HTTP_PROXY in the operator's environment is not the address of a proxy", ErrUnavailable)
	}
	dialer := &net.Dialer{Timeout: requestTimeout, KeepAlive: 30 * time.Second}
	if through == nil && !options.Hosts.named(options.Server) {
		dialer.ControlContext = publicOnly
	}
	network := &http.Transport{
		Proxy:                  http.ProxyURL(through),
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    requestTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	if through != nil && through.Scheme == https {
		network.DialTLSContext = secureProxy(dialer, through.Hostname())
	}
	return network, nil
}

// secureProxy connects to a proxy over TLS. The proxy is the operator's, so the system's authorities vouch for it, and not
// those that a tenant's Secret names for the server: net/http would take TLSClientConfig for both. With a proxy it dials
// nothing else this way; the server behind is still verified with TLSClientConfig.
func secureProxy(dialer *net.Dialer, name string) func(context.Context, string, string) (net.Conn, error) {
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return secure.DialContext(ctx, network, address)
	}
}

// proxyRefusal is a proxy's status where it does not connect.
type proxyRefusal int

func (p proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy in the operator's environment refuses the connection with %d %s", int(p), http.StatusText(int(p)))
}

func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return proxyRefusal(response.StatusCode)
	}
	return nil
}

// errNotPublic is judged by the caller of the transport.
var errNotPublic = errors.New("the host has an address that is not public")

// publicOnly refuses a connection after the name was resolved and before the first packet: whoever owns a name below the
// wildcard's domain could point it into the cluster's network.
func publicOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(target.Addr()) {
		return errNotPublic
	}
	return nil
}

// notPublic are the blocks within the unicast space that are not the public Internet: IANA special-purpose registries.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	globalUnicast6 = netip.MustParsePrefix("2000::/3")
	// nat64 addresses end in the IPv4 address that they lead to.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(blocks ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(blocks))
	for i, block := range blocks {
		parsed[i] = netip.MustParsePrefix(block)
	}
	return parsed
}

// isPublic tells whether an address belongs to the public Internet.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !globalUnicast6.Contains(ip) {
		return false
	}
	for _, block := range notPublic {
		if block.Contains(ip) {
			return false
		}
	}
	return true
}
