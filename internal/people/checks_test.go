package people_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
)

// stoppedByPolicy are the addresses of those whom policy stops right after their password, once rules apply. A method
// that this installation cannot ask for stops people, too.
func (r *rig) stoppedByPolicy(c people.Coming) (out []string) {
	r.t.Helper()
	everyone := r.search(people.Search{})
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		for _, l := range everyone {
			f, err := facts.Load(ctx, tx, l.User.ID, client.PortalID, tenant.MaxRememberDays)
			if err != nil {
				return err
			}
			f.Tenant.Methods, f.Tenant.Choice, f.Tenant.Roles = c.Methods, c.Choice, c.Roles
			if !l.Invited && r.stops(tx, f) {
				out = append(out, l.User.Email)
			}
		}
		return nil
	})
	return out
}

func (r *rig) stops(tx *db.Tx, f facts.Facts) bool {
	for _, k := range f.Has {
		if k != authenticator.Email && k != authenticator.Password && !slices.Contains(r.Bindable, k) {
			f.Lost = append(f.Lost, k)
		}
	}
	f.Has = slices.DeleteFunc(f.Has, func(k authenticator.Kind) bool { return slices.Contains(f.Lost, k) })
	f.Tenant.SwitchedOnAt = tx.Now
	in := f.Input(tx.Now, r.Bindable, nil, []authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}})
	return policy.Evaluate(in).Outcome == policy.Deny
}

// TestChecksFindWhomPolicyStops: the checks that say who will be stopped find exactly those whom policy denies,
// whatever they have set up and whatever is allowed. No one is in two of them, and the counts are those of the lists.
func TestChecksFindWhomPolicyStops(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	each(t, func(r *rig) {
		random := rand.New(rand.NewPCG(seed, 4))
		r.scatter(random, 60)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			for condition, set := range map[string]string{
				"email LIKE '%1@x.example'": "recovery_until = $2",
				"email LIKE '%2@x.example'": "recovery_until = $2, password_reset_at = $2",
				"email LIKE '%3@x.example'": "password_reset_at = $2",
				"email LIKE '%4@x.example'": "password_reset_at = $2, first_factor_at = 0, password_flagged_at = 0, " +
					"disabled_at = 0",
			} {
				at := tx.Now.Add(1)
				if _, err := tx.Exec(ctx, `UPDATE users SET `+set+`, version = version + 1
					WHERE tenant_id = $1 AND `+condition, tx.Tenant, at); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, `DELETE FROM authenticators
				WHERE tenant_id = $1 AND kind <> 'email' AND user_id IN (
					SELECT id FROM users WHERE tenant_id = $1 AND email LIKE '%4@x.example')`, tx.Tenant); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO passwords (tenant_id, user_id, hash, pepper, set_at)
				SELECT tenant_id, id, '$none', '', 0 FROM users WHERE tenant_id = $1 AND email NOT LIKE '%9@x.example'
				ON CONFLICT (tenant_id, user_id) DO NOTHING`, tx.Tenant)
			return err
		})
		met := map[people.SavedView]bool{}
		for _, bindable := range [][]authenticator.Kind{
			{authenticator.TOTP}, {}, {authenticator.SMS, authenticator.TOTP, authenticator.Backup},
			{authenticator.Passkey, authenticator.Push, authenticator.TOTP},
		} {
			r.Bindable = bindable
			for _, methods := range []tenant.Methods{"", "email", "totp", "sms push", "passkey email"} {
				for _, choice := range []tenant.Choice{tenant.Required, tenant.Optional} {
					r.compareStopped(people.Coming{Methods: methods, Choice: choice, Roles: someRoles(random)}, met)
				}
			}
		}
		if !met[people.NoWayIn] || !met[people.WaitAfterReset] {
			t.Errorf("only %v were met", met)
		}
	})
}

func (r *rig) compareStopped(c people.Coming, met map[people.SavedView]bool) {
	r.t.Helper()
	var got []string
	counts := map[people.SavedView]int{}
	for _, view := range []people.SavedView{people.NoWayIn, people.WaitAfterReset} {
		found := addresses(r.search(people.Search{View: view, Coming: &c}), everyListed)
		got, counts[view] = append(got, found...), len(found)
		met[view] = met[view] || len(found) > 0
	}
	want := r.stoppedByPolicy(c)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Errorf("%v with %+v: found %v, and policy stops %v", r.Bindable, c, got, want)
	}
	r.in("acme", func(ctx context.Context, tx *db.Tx) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return err
		}
		acme, err := tenant.ByID(ctx, tx, tx.Tenant)
		if err != nil {
			return err
		}
		findings, _, err := people.CheckEveryone(ctx, tx, acme, i, &c, r.Bindable)
		for _, f := range findings {
			if n, stops := counts[f.View]; stops && (n != f.Count || len(f.First) != min(n, 20)) {
				r.t.Errorf("%s: %d counted, %d named, %d listed", f.View, f.Count, len(f.First), n)
			}
		}
		return err
	})
}

// TestSharedMailboxes: addresses that lead to one mailbox are found, and names that several people read.
func TestSharedMailboxes(t *testing.T) {
	each(t, func(r *rig) {
		for _, address := range []string{
			"anna@x.example", "anna+desk@x.example", "anna+desk@y.example", "anna-desk@x.example", "bea+1@x.example",
			"info@x.example", "information@x.example", "j.o@gmail.com", "jo+2@googlemail.com", "j.o@x.example",
			"jo@x.example", "+@x.example", "ünal+1@x.example", "ünal@x.example", "support+2@x.example",
		} {
			_, err := r.Add(t.Context(), access.Server, "acme", people.New{
				Email:     address,
				Name:      "N",
				Language:  "en",
				Role:      "agent",
				Uninvited: true,
			})
			if err != nil && address[0] < 0x80 {
				t.Fatal(address, err)
			}
		}
		got := addresses(r.search(people.Search{View: people.SharedMailbox}), everyListed)
		want := []string{"anna+desk@x.example", "anna@x.example", "info@x.example", "j.o@gmail.com",
			"jo+2@googlemail.com", "support+2@x.example"}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}
