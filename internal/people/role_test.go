package people_test

import (
	"context"
	"slices"
	"testing"

	"countersign/internal/access"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/user"
)

// withPassword gives a person a password that no one knows, and a new session.
func (r *rig) withPassword(a access.Actor) access.Actor {
	r.t.Helper()
	r.in(a.TenantID, func(ctx context.Context, tx *db.Tx) error {
		return password.Set(ctx, tx, a.UserID, password.Stored{Hash: "$none"})
	})
	return gatetest.SignIn(r.t, r.DB, a.TenantID, a.UserID)
}

func (r *rig) signedIn(a access.Actor) (yes bool) {
	r.t.Helper()
	r.in(a.TenantID, func(ctx context.Context, tx *db.Tx) error {
		st, err := r.Gate.CheckOwn(ctx, tx, a.UserID, a.SessionID, gate.Ask{ClientID: client.PortalID})
		yes = st.Session != nil
		return err
	})
	return yes
}

// TestSEC59_ANewRoleEndsWhatIsOpen, of that person and of no one else. An invitation stays good.
// guard: user.SetRole
func TestSEC59_ANewRoleEndsWhatIsOpen(t *testing.T) {
	each(t, func(r *rig) {
		owner, other := r.add("acme", "owner", user.Owner), r.withPassword(r.add("acme", "other", user.Agent))
		agent := r.withPassword(r.add("acme", "agent", user.Agent))
		same := people.Changes{Role: ptr(user.Agent)}
		if err := r.Change(t.Context(), owner, ref(agent), same); err != nil || !r.signedIn(agent) {
			t.Errorf("the role that they have: signed in %v, %v", r.signedIn(agent), err)
		}
		if err := r.Change(t.Context(), owner, ref(agent), people.Changes{Role: ptr(user.Admin)}); err != nil {
			t.Fatal(err)
		}
		if r.signedIn(agent) || !r.signedIn(other) || !r.signedIn(owner) {
			t.Errorf("signed in: %v, another %v, the owner %v", r.signedIn(agent), r.signedIn(other), r.signedIn(owner))
		}
		invited := r.add("acme", "invited", user.Agent)
		if err := r.Invite(t.Context(), owner, ref(invited)); err != nil {
			t.Fatal(err)
		}
		if err := r.Change(t.Context(), owner, ref(invited), people.Changes{Role: ptr(user.Admin)}); err != nil {
			t.Fatal(err)
		}
		if n := r.number(`SELECT count(*) FROM password_links l
			JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id AND u.security_version = l.security_version
			WHERE l.tenant_id = 'acme' AND l.closed_at = 0`); n != 1 {
			t.Errorf("%d invitations are good", n)
		}
	})
}

// TestPeopleAreToldOfTheirRole, and the owners where one was made or is one no more.
func TestPeopleAreToldOfTheirRole(t *testing.T) {
	each(t, func(r *rig) {
		r.add("acme", "admin", user.Admin)
		r.add("acme", "second", user.Owner)
		owner, pat := r.add("acme", "owner", user.Owner), r.add("acme", "pat", user.Agent)
		change := func(by access.Actor, role user.Role, want ...string) {
			t.Helper()
			if err := r.Change(t.Context(), by, ref(pat), people.Changes{Role: &role}); err != nil {
				t.Fatal(err)
			}
			var told []string
			r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
				told, err = tx.Texts(ctx, `
					SELECT u.name FROM messages m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
					WHERE m.tenant_id = $1 AND m.purpose = 'user.role' ORDER BY u.name`, tx.Tenant)
				if err == nil {
					_, err = tx.Exec(ctx, `DELETE FROM messages WHERE tenant_id = $1`, tx.Tenant)
				}
				return err
			})
			if slices.Sort(want); !slices.Equal(told, want) {
				t.Errorf("%s: told %v instead of %v", role, told, want)
			}
		}
		change(owner, user.Supervisor, "pat")
		change(owner, user.Supervisor)
		change(owner, user.Owner, "pat", "owner", "second")
		change(access.Server, user.Admin, "pat", "owner", "second")
		change(access.Server, user.Agent, "pat")
		if n := r.number(`SELECT count(*) FROM audit_events WHERE tenant_id = 'acme' AND action = 'user.role'`); n != 4 {
			t.Errorf("%d audit rows", n)
		}
	})
}
