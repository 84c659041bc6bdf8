package session

import "net/netip"

// Network is the network that a request came from: an IPv4 address or an IPv6 /64, which
// is what one household or one machine is given.
func (v Visitor) Network() string {
	a, err := netip.ParseAddr(v.IP)
	if err != nil {
		return "unknown"
	}
	if a = a.Unmap(); a.Is6() {
		p, err := a.Prefix(64)
		if err != nil {
			return "unknown"
		}
		return p.String()
	}
	return a.String()
}
