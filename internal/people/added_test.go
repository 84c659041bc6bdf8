package people_test

import (
	"context"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/user"
)

// toldOfAdded are the names of those who were told in a company that someone was added, and takes the letters away.
func (r *rig) toldOfAdded(company string) (names []string) {
	r.t.Helper()
	r.in(company, func(ctx context.Context, tx *db.Tx) (err error) {
		names, err = tx.Texts(ctx, `
			SELECT u.name FROM messages m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
			WHERE m.tenant_id = $1 AND m.purpose = 'user.created' ORDER BY u.name`, tx.Tenant)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM messages WHERE tenant_id = $1`, tx.Tenant)
		}
		return err
	})
	return names
}

// TestOwnersAreToldOfNewPeers, and operators of theirs, if anyone but the command line adds them: a second account
// with all rights must not appear unseen, nor in the name of someone who knows nothing of it.
// guard: tellAdded
func TestOwnersAreToldOfNewPeers(t *testing.T) {
	each(t, func(r *rig) {
		owner, second := r.add("acme", "owner", user.Owner), r.add("acme", "second", user.Owner)
		operator := r.add("vendor", "operator", user.Operator)
		r.add("vendor", "third", user.Operator)
		n := 0
		add := func(by access.Actor, company string, role user.Role, want ...string) {
			t.Helper()
			n++
			_, err := r.Add(t.Context(), by, company, people.New{
				Email:    string(rune('a'+n)) + "@y.example",
				Name:     "Zoe",
				Role:     role,
				Language: "en",
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.toldOfAdded(company); !slices.Equal(got, want) {
				t.Errorf("a new %s in %s: told %v instead of %v", role, company, got, want)
			}
			r.in(company, func(ctx context.Context, tx *db.Tx) error { // told of the others otherwise
				_, err := tx.Exec(ctx, `UPDATE users SET disabled_at = $1 WHERE tenant_id = $2 AND name = 'Zoe'`,
					tx.Now, tx.Tenant)
				return err
			})
		}
		add(owner, "acme", user.Agent)
		add(owner, "acme", user.Supervisor)
		add(owner, "acme", user.Admin, "owner", "second")
		add(second, "acme", user.Owner, "owner", "second")
		add(operator, "acme", user.Owner, "owner", "second")
		add(access.Server, "acme", user.Owner)
		add(operator, "vendor", user.Operator, "operator", "third")
		add(operator, "vendor", user.Support)
		if got := r.toldOfAdded("vendor"); got != nil {
			t.Errorf("told in the vendor's company: %v", got)
		}
	})
}

// TestOwnersAreToldOfImportedPeers, and not those who came with them. A dry run tells no one.
func TestOwnersAreToldOfImportedPeers(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		rows := []people.Row{
			{Line: 1, Tenant: "acme", Email: "a@y.example", Name: "A", Role: "owner"},
			{Line: 2, Tenant: "acme", Email: "b@y.example", Name: "B", Role: "admin"},
			{Line: 3, Tenant: "acme", Email: "c@y.example", Name: "C"},
		}
		for _, dry := range []bool{true, false} {
			i := &people.Importer{Service: r.Service, Actor: owner, DryRun: dry}
			if done, err := i.Batch(t.Context(), rows); err != nil || done.Created != 3 {
				t.Fatalf("%+v, %v", done, err)
			}
			want := map[bool][]string{false: {"owner", "owner"}}[dry]
			if got := r.toldOfAdded("acme"); !slices.Equal(got, want) {
				t.Errorf("dry run %v: told %v instead of %v", dry, got, want)
			}
		}
	})
}
