package policy_test

import (
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TestVOI15_NetworksDecideWhateverWasProved goes through every scope, role, place and app, with every proof.
// guard: Input.outside
func TestVOI15_NetworksDecideWhateverWasProved(t *testing.T) {
	strong := []authenticator.Proof{{Kind: authenticator.Password}, {Kind: authenticator.TOTP}}
	scopes := []tenant.NetworkScope{
		tenant.EveryoneEverywhere, tenant.AdministratorsOnly, tenant.AppsOnly, "of a later version",
	}
	for _, networks := range []tenant.Networks{"", "203.0.113.0/24 Office\n2001:db8::/32", "not a network"} {
		for _, scope := range scopes {
			for _, ip := range []string{"203.0.113.9", "::ffff:203.0.113.9", "2001:db8:1::1", "198.51.100.1", "", "x"} {
				for at := range 16 {
					in := policy.Input{
						Tenant:      tenant.Tenant{Networks: networks, NetworkScope: scope},
						Administers: at&1 > 0,
						OwnPages:    at&2 > 0,
						Origin:      policy.Origin{Judged: at&4 > 0, IP: ip},
						Account:     policy.Account{Has: []authenticator.Kind{authenticator.TOTP}},
					}
					if in.Proofs = strong; at&8 > 0 {
						in.Proofs = strong[:1]
					}
					inside := networks == tenant.Networks("203.0.113.0/24 Office\n2001:db8::/32") &&
						(ip == "203.0.113.9" || ip == "::ffff:203.0.113.9" || ip == "2001:db8:1::1")
					concerned := in.Origin.Judged && networks != "" &&
						(scope != tenant.AdministratorsOnly || in.Administers) &&
						(scope != tenant.AppsOnly || !in.OwnPages)
					d := policy.Evaluate(in)
					if want := concerned && !inside; d.Outside != want || want != (d.Outcome == policy.Deny) {
						t.Errorf("%q for %q from %q, %+v: %s, %v", networks, scope, ip, in, d.Outcome, d.Outside)
					}
				}
			}
		}
	}
}
