package people_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TestTheStrandedAreWhomPolicyLeavesWithoutAMethod: those are listed who have a method with the methods allowed before
// and none with those allowed after, whether it was the mailbox or a second factor, as policy decides for each.
func TestTheStrandedAreWhomPolicyLeavesWithoutAMethod(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	each(t, func(r *rig) {
		r.scatter(rand.New(rand.NewPCG(seed, 3)), 60)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error { // some have yet to accept their invitation
			_, err := tx.Exec(ctx, `DELETE FROM passwords WHERE tenant_id = $1 AND user_id IN (
				SELECT id FROM users WHERE tenant_id = $1 AND email LIKE '%5@x.example')`, tx.Tenant)
			return err
		})
		met := map[string]bool{}
		for _, step := range [][2]tenant.Methods{
			{"", "email"}, {"", "totp"}, {"email", "totp"}, {"email", "passkey"}, {"sms push email", "totp passkey"},
			{"totp", "totp sms"}, {"", "sms backup"}, {"", "backup totp"},
		} {
			before, after := r.statuses(step[0]), r.statuses(step[1])
			var want people.Stranded
			for i, l := range after {
				if l.Invited || before[i].Status.Status != policy.Activated || l.Status.Status != policy.Pending {
					continue
				}
				group, name := &want.MustSetUp, "must set up"
				if l.Status.Stuck {
					group, name = &want.LockedOut, "locked out"
				}
				*group = append(*group, l.User.Email)
				met[name] = true
			}
			r.in("acme", func(ctx context.Context, tx *db.Tx) error {
				was, is := policy.Allowed{Company: step[0]}, policy.Allowed{Company: step[1]}
				got, err := people.StrandedBy(ctx, tx, was, is, r.Bindable)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					r.t.Errorf("%q to %q: %v, and policy says %v", step[0], step[1], got, want)
				}
				return err
			})
		}
		for _, name := range []string{"must set up", "locked out"} {
			if !met[name] {
				r.t.Errorf("no one was met who is %s: %v", name, slices.Sorted(maps.Keys(met)))
			}
		}
	})
}

// statuses lists everyone where methods are allowed and a second step is required.
func (r *rig) statuses(methods tenant.Methods) []people.Listed {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		if err := tenant.SetMethods(ctx, tx, methods); err != nil {
			return err
		}
		return tenant.SwitchOn(ctx, tx)
	})
	return r.search(people.Search{})
}
