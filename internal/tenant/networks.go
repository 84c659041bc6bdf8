package tenant

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/typed"
)

// Networks are the networks that a company's people may sign in from, as they are stored: one a line, such as
// "203.0.113.0/24 Office in Lisbon". Empty: from anywhere.
type Networks string

// Bounds of Networks. A network that is larger than these is no place that a company can vouch for.
const (
	MaxNetworks = 100
	maxNote     = 80
	widestIPv4  = 8
	widestIPv6  = 16
)

// Network is one of them.
type Network struct {
	Prefix netip.Prefix
	Note   string
}

// NetworkScope says which sign-ins Networks concern.
type NetworkScope string

// The scopes. One that this version does not know is EveryoneEverywhere.
const (
	EveryoneEverywhere NetworkScope = ""
	AdministratorsOnly NetworkScope = "administrators" // of everyone who is more than an agent
	AppsOnly           NetworkScope = "apps"           // to the vendor's apps and not to our own pages
)

// ParseScope reads a scope as it is written in commands.
func ParseScope(s string) (NetworkScope, error) {
	switch scope := NetworkScope(s); scope {
	case AdministratorsOnly, AppsOnly, EveryoneEverywhere:
		return scope, nil
	case "everyone":
		return EveryoneEverywhere, nil
	}
	return "", fault.New(fault.Invalid, "tenant.unknown_network_scope")
}

// Clean returns networks in their stored form. It fails with Invalid where a line names no network, one that is too
// large, or one twice, and where there are more than MaxNetworks; the fault's cause is the line.
func (n Networks) Clean() (Networks, error) {
	var lines []string
	var seen []netip.Prefix
	for line := range strings.Lines(string(n)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		one, err := parseNetwork(line)
		if err != nil {
			return "", err
		}
		if slices.Contains(seen, one.Prefix) {
			return "", badNetwork("tenant.network_twice", line)
		}
		seen = append(seen, one.Prefix)
		lines = append(lines, strings.TrimSpace(one.Prefix.String()+" "+one.Note))
	}
	if len(lines) > MaxNetworks {
		return "", fault.New(fault.Invalid, "tenant.too_many_networks")
	}
	return Networks(strings.Join(lines, "\n")), nil
}

// BadNetwork is a line that names no network that can be allowed.
type BadNetwork struct {
	*fault.Fault
	Line string
}

// Unwrap returns the fault.
func (b *BadNetwork) Unwrap() error { return b.Fault }

func badNetwork(message, line string) error {
	return &BadNetwork{fault.New(fault.Invalid, message), strings.TrimSpace(line)}
}

// parseNetwork reads a line. A single address is a network of its own; bits behind the prefix are dropped.
func parseNetwork(line string) (n Network, err error) {
	first, note, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")), " ")
	if n.Note, err = typed.Line(note); err != nil || len([]rune(n.Note)) > maxNote {
		return n, badNetwork("tenant.bad_network_note", line)
	}
	if strings.Contains(first, "/") {
		n.Prefix, err = netip.ParsePrefix(first)
	} else {
		var a netip.Addr
		if a, err = netip.ParseAddr(first); err == nil {
			n.Prefix = netip.PrefixFrom(a, a.BitLen())
		}
	}
	a := n.Prefix.Addr()
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return n, badNetwork("tenant.bad_network", line)
	}
	widest := widestIPv6
	if a.Is4() {
		widest = widestIPv4
	}
	if n.Prefix = n.Prefix.Masked(); n.Prefix.Bits() < widest {
		return n, badNetwork("tenant.network_too_large", line)
	}
	return n, nil
}

// List are the networks. A stored line that this version cannot read is left out: it allows nothing.
func (n Networks) List() (out []Network) {
	for line := range strings.Lines(string(n)) {
		if one, err := parseNetwork(line); err == nil {
			out = append(out, one)
		}
	}
	return out
}

// Contains reports whether an address is in one of the networks. Text that is not an address is in none.
func (n Networks) Contains(ip string) bool {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(n.List(), func(one Network) bool { return one.Prefix.Contains(a) })
}

// Covers reports whether every network of other lies in one of n.
func (n Networks) Covers(other Networks) bool {
	mine := n.List()
	return !slices.ContainsFunc(other.List(), func(o Network) bool {
		return !slices.ContainsFunc(mine, func(m Network) bool {
			return m.Prefix.Bits() <= o.Prefix.Bits() && m.Prefix.Contains(o.Prefix.Addr())
		})
	})
}

// SetNetworks records where the company's people may sign in from. Invalid as Clean says.
func SetNetworks(ctx context.Context, tx *db.Tx, n Networks) error {
	n, err := n.Clean()
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET networks = $1, version = version + 1
		WHERE tenant_id = $2`, string(n), tx.Tenant))
}

// SetNetworkScope records which sign-ins the networks concern.
func SetNetworkScope(ctx context.Context, tx *db.Tx, s NetworkScope) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET network_scope = $1, version = version + 1
		WHERE tenant_id = $2`, string(s), tx.Tenant))
}
