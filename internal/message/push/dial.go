package push

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// errAddress says that a name stands for an address that no one outside could reach.
var errAddress = errors.New("the push service is not at a public address")

// dialer connects to public addresses only. A browser may name any push service, so that
// what a name stands for is looked at after it was resolved and for each connection: a name
// that changes its mind in between leads nowhere else (SEC-116).
type dialer struct {
	allowed []string // "host:port" that may be anywhere
	timeout time.Duration
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n := net.Dialer{Timeout: d.timeout}
	if !slices.Contains(d.allowed, address) {
		n.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !public(to.Addr()) {
				return errAddress
			}
			return nil
		}
	}
	return n.DialContext(ctx, network, address)
}

// Networks that are not for everyone to reach, beside those that netip knows (IANA special
// purpose address registries).
var (
	special4 = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	global6  = netip.MustParsePrefix("2000::/3")
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func public(a netip.Addr) bool {
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if a = a.Unmap(); a.Zone() != "" {
		return false
	}
	if nat64.Contains(a) { // the address of an IPv4 host, as networks without IPv4 write it
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	if a.Is4() {
		return !slices.ContainsFunc(special4, in)
	}
	return global6.Contains(a) && !slices.ContainsFunc(special6, in)
}
