package people_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TestForecastIsWhatPolicyDecides: the numbers of a forecast are those that policy gives person by person.
func TestForecastIsWhatPolicyDecides(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	each(t, func(r *rig) {
		random := rand.New(rand.NewPCG(seed, 2))
		r.scatter(random, 60)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error { // some have yet to accept their invitation
			_, err := tx.Exec(ctx, `DELETE FROM passwords WHERE tenant_id = $1 AND user_id IN (
				SELECT id FROM users WHERE tenant_id = $1 AND email LIKE '%5@x.example')`, tx.Tenant)
			return err
		})
		met := map[string]bool{}
		for _, methods := range []tenant.Methods{"", "email", "totp", "sms push", "passkey email"} {
			roles := someRoles(random)
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				if err := tenant.SetMethods(ctx, tx, methods); err != nil {
					return err
				}
				if err := tenant.SetRoles(ctx, tx, roles); err != nil {
					return err
				}
				return tenant.SwitchOn(ctx, tx)
			})
			var got, want people.Forecast
			r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
				got, err = people.ForecastFor(ctx, tx, policy.Allowed{Company: methods}, leftOut(roles), r.Bindable)
				return err
			})
			for _, l := range r.search(people.Search{}) {
				want.People++
				switch {
				case !l.Status.Must:
					want.LeftOut++
				case l.Invited:
					want.Invited++
				case l.Status.Status == policy.Activated:
					want.Ready++
				case !l.Status.Stuck:
					want.MustSetUp++
				default:
					want.LockedOut++
				}
			}
			if got != want {
				t.Errorf("%q of %q: %+v, and policy says %+v", methods, roles, got, want)
			}
			for name, n := range map[string]int{"ready": got.Ready, "set up": got.MustSetUp, "out": got.LockedOut} {
				met[name] = met[name] || n > 0
			}
		}
		if len(met) != 3 || !met["out"] || !met["set up"] || !met["ready"] {
			t.Errorf("only %v were met", met)
		}
	})
}

// leftOut are the roles that a list leaves out.
func leftOut(roles tenant.Roles) (out []string) {
	for _, role := range tenant.OptionalRoles() {
		if !roles.Include(role) {
			out = append(out, role)
		}
	}
	return out
}
