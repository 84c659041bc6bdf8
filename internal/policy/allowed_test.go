package policy

import (
	"slices"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// subsets calls fn with every choice of kinds.
func subsets(kinds []authenticator.Kind, fn func(some []authenticator.Kind)) {
	for bits := range 1 << len(kinds) {
		var some []authenticator.Kind
		for i, k := range kinds {
			if bits&(1<<i) != 0 {
				some = append(some, k)
			}
		}
		fn(some)
	}
}

// TestUsableIsWhatASignInOffers: the pages of an account say nothing about its methods that a
// sign-in would not hold to.
func TestUsableIsWhatASignInOffers(t *testing.T) {
	offered := 0
	for _, vendor := range []tenant.Methods{"", "email totp", "passkey"} {
		for _, company := range []tenant.Methods{"", "email", "totp sms", "passkey"} {
			subsets(authenticator.SecondSteps, func(has []authenticator.Kind) {
				d := Evaluate(input(func(in *Input) {
					in.Installation.Mode = tenant.Mandatory
					in.Methods, in.Tenant.Methods = vendor, company
					in.Has = append([]authenticator.Kind{authenticator.Password}, has...)
				}))
				usable := Allowed{vendor, company}.Usable(has)
				protected := slices.ContainsFunc(has, Factor)
				if protected && !slices.ContainsFunc(usable, Factor) {
					return // a mailbox alone does not open it: it must be set up anew, or by an administrator
				}
				if d.ForSetUp || d.Outcome != Challenge {
					if len(usable) > 0 && !slices.Equal(usable, []authenticator.Kind{authenticator.Backup}) {
						t.Errorf("vendor %q, company %q: of %v a sign-in offers nothing, and %v counts as usable",
							vendor, company, has, usable)
					}
					return
				}
				offered++
				if slices.Sort(usable); !slices.Equal(usable, sorted(d.Offer)) {
					t.Errorf("vendor %q, company %q: of %v a sign-in offers %v, and %v counts as usable",
						vendor, company, has, d.Offer, usable)
				}
			})
		}
	}
	if offered < 100 {
		t.Fatalf("%d cases: the search has shrunk", offered)
	}
}

func sorted(kinds []authenticator.Kind) []authenticator.Kind {
	kinds = slices.Clone(kinds)
	slices.Sort(kinds)
	return kinds
}

func TestEnrollable(t *testing.T) {
	all := []authenticator.Kind{authenticator.Passkey, authenticator.TOTP, authenticator.Backup}
	for _, c := range []struct {
		name            string
		vendor, company tenant.Methods
		has, want       []authenticator.Kind
	}{
		{"all", "", "", []authenticator.Kind{authenticator.TOTP}, all},
		{"backup codes come after a factor", "", "", both, all[:2]},
		{"the vendor narrows", "totp", "", nil, []authenticator.Kind{authenticator.TOTP}},
		{"the company narrows", "", "passkey", nil, all[:1]},
		{"neither widens the other", "totp", "passkey", nil, nil},
		{"codes come after a factor that is allowed", "passkey", "", []authenticator.Kind{authenticator.TOTP}, all[:1]},
		{"no codes beside email alone", "email", "", []authenticator.Kind{authenticator.TOTP}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Allowed{c.vendor, c.company}).Enrollable(c.has, all); !slices.Equal(got, c.want) {
				t.Errorf("%v instead of %v", got, c.want)
			}
		})
	}
}
