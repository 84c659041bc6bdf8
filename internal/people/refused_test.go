package people_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/secret"
	"countersign/internal/user"
)

// refused are the refusals in a log, the oldest first, as "action reason person".
func (r *rig) refused(tenantID string) (out []string) {
	r.t.Helper()
	r.at = r.at.Add(time.Millisecond) // rows are ordered by when they were made
	r.in(tenantID, func(ctx context.Context, tx *db.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Result: "refused", Limit: 100})
		for _, row := range slices.Backward(rows) {
			out = append(out, fmt.Sprintf("%s %s %s", row.Action, row.Reason, row.UserID))
			if row.ActorID == "" || row.IP != "192.0.2.7" {
				r.t.Errorf("by %q from %q: %s", row.ActorID, row.IP, row.Action)
			}
		}
		return err
	})
	return out
}

// from is an actor whose requests have an origin.
func from(a access.Actor) access.Actor {
	a.Origin = audit.Origin{IP: "192.0.2.7"}
	return a
}

// TestATK086_ARefusedActionIsRecorded, in a transaction of its own, with what was tried and the rule that forbids it.
// guard: people.RecordRefusal
func TestATK086_ARefusedActionIsRecorded(t *testing.T) {
	each(t, func(r *rig) {
		agent, owner := from(r.add("acme", "agent", user.Agent)), r.add("acme", "owner", user.Owner)
		admin := from(r.add("acme", "admin", user.Admin))
		ctx, of := t.Context(), ref(owner)
		typed := people.NewPassword{Plain: "quiet-maple-lantern-42"}
		for name, c := range map[string]struct {
			by   access.Actor
			do   func(a access.Actor) error
			want string
		}{
			"add": {agent, func(a access.Actor) error {
				_, err := r.Add(ctx, a, "acme", people.New{Email: "n@x.example", Name: "N", Role: user.Agent})
				return err
			}, "user.created access.denied "},
			"invite": {agent, func(a access.Actor) error { return r.Invite(ctx, a, of) },
				"user.invited access.denied " + owner.UserID},
			"role": {admin, func(a access.Actor) error {
				return r.Change(ctx, a, of, people.Changes{Role: ptr(user.Agent)})
			}, "user.role access.role " + owner.UserID},
			"address": {admin, func(a access.Actor) error {
				return r.Change(ctx, a, of, people.Changes{Email: ptr("new@x.example")})
			}, "user.address access.role " + owner.UserID},
			"disable": {admin, func(a access.Actor) error {
				return r.Change(ctx, a, ref(admin), people.Changes{Disabled: ptr(true)})
			}, "user.disabled access.self " + admin.UserID},
			"enable": {agent, func(a access.Actor) error {
				return r.Change(ctx, a, of, people.Changes{Disabled: ptr(false)})
			}, "user.enabled access.denied " + owner.UserID},
			"password": {admin, func(a access.Actor) error { return r.SetPassword(ctx, a, of, typed) },
				"password.set access.denied " + owner.UserID},
			"reset": {admin, func(a access.Actor) error {
				_, err := r.ResetMethods(ctx, a, of, "phone lost")
				return err
			}, "methods.reset access.role " + owner.UserID},
			"restore": {admin, func(a access.Actor) error { return r.RestoreMethod(ctx, a, of, "none") },
				"method.restored access.role " + owner.UserID},
			"list": {agent, func(a access.Actor) error {
				_, err := r.List(ctx, a, "acme", "", 10)
				return err
			}, "administration.refused access.denied "},
			"find": {agent, func(a access.Actor) error {
				_, err := r.Find(ctx, a, of)
				return err
			}, "administration.refused access.denied " + owner.UserID},
			"import": {agent, func(a access.Actor) error {
				i := &people.Importer{Service: r.Service, Actor: a, Uninvited: true}
				rows := []people.Row{
					{Line: 1, Tenant: "acme", Email: "a@x.example", Name: "A"},
					{Line: 2, Tenant: "acme", Email: "b@x.example", Name: "B"},
				}
				done, err := i.Batch(ctx, rows)
				if err != nil || len(done.Failed) != 2 {
					t.Errorf("import: %+v, %v", done, err)
				}
				return done.Failed[0].Err
			}, "user.created access.denied "},
		} {
			before := len(r.refused("acme"))
			if err := c.do(c.by); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", name, err)
			}
			if got := r.refused("acme")[before:]; !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s: %q instead of %q", name, got, c.want)
			}
		}
	})
}

// TestATK103_WhoIsElsewhereIsNotNamed: what someone tries in another company is in the log of their own, which names no
// one there. Someone who is nowhere leaves the same trace.
func TestATK103_WhoIsElsewhereIsNotNamed(t *testing.T) {
	each(t, func(r *rig) {
		owner, other := from(r.add("acme", "owner", user.Owner)), r.add("other", "pat", user.Agent)
		d, err := r.Find(t.Context(), access.Server, ref(other))
		if err != nil {
			t.Fatal(err)
		}
		off := people.Changes{Disabled: ptr(true)}
		for _, of := range []people.Ref{ref(other), people.ByEmail(d.User.Email), people.ByEmail("none@x.example")} {
			if err := r.Change(t.Context(), owner, of, off); !fault.Is(err, fault.NotFound) {
				t.Errorf("%+v: %v", of, err)
			}
			r.at = r.at.Add(time.Millisecond)
		}
		if _, err := r.List(t.Context(), owner, "other", "", 10); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		unknown := "user.disabled user.unknown "
		want := []string{unknown, unknown, unknown, "administration.refused tenant.unknown "}
		if got := r.refused("acme"); !slices.Equal(got, want) {
			t.Errorf("own log: %q", got)
		}
		if got := slices.Concat(r.refused("other"), r.refused(db.Installation)); got != nil {
			t.Errorf("other logs: %q", got)
		}
		support := from(r.add("vendor", "support", user.Support))
		if err := r.Change(t.Context(), support, ref(other), off); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		want = []string{"user.disabled access.denied " + other.UserID}
		if got := r.refused("other"); !slices.Equal(got, want) {
			t.Errorf("the log of the company that the vendor's staff tried to change: %q", got)
		}
	})
}

// TestNoOneFloodsTheLogWithRefusals, nor uses up what others may write. A proof that is asked for is no refusal.
// guard: limitRefused
func TestNoOneFloodsTheLogWithRefusals(t *testing.T) {
	each(t, func(r *rig) {
		agent, other := from(r.add("acme", "agent", user.Agent)), from(r.add("acme", "other", user.Agent))
		try := func(a access.Actor) {
			t.Helper()
			if err := r.Invite(t.Context(), a, ref(other)); !fault.Is(err, fault.Denied) {
				t.Fatal(err)
			}
		}
		for range 65 {
			try(agent)
		}
		if got := len(r.refused("acme")); got != 60 {
			t.Errorf("%d refusals are recorded", got)
		}
		try(other)
		stale := from(gatetest.SignIn(t, r.DB, "acme", other.UserID, authenticator.Password))
		try(stale)
		if got := len(r.refused("acme")); got != 61 {
			t.Errorf("%d refusals are recorded with one of someone else and one for a proof", got)
		}
		r.at = r.at.Add(time.Hour)
		again := from(gatetest.SignIn(t, r.DB, "acme", agent.UserID))
		try(again)
		if got := len(r.refused("acme")); got != 62 {
			t.Errorf("%d an hour later", got)
		}
	})
}

// TestOtherKindsOfActorAreRecorded in the installation's log, where they name no company.
func TestOtherKindsOfActorAreRecorded(t *testing.T) {
	each(t, func(r *rig) {
		pat := r.add("acme", "pat", user.Agent)
		key := from(access.Actor{Kind: access.APIKey})
		p := people.NewPassword{Plain: secret.Text("quiet-maple-lantern-42")}
		if err := r.SetPassword(t.Context(), key, ref(pat), p); err == nil {
			t.Error("an API key sets a password")
		}
		if got := r.refused(db.Installation); !slices.Equal(got, []string{"password.set user.unknown "}) {
			t.Errorf("%q", got)
		}
	})
}
