package people_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/passwordlink"
	"countersign/internal/people"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestInvitationsHaveABudget for each address and for each company, and say where they came from.
// guard: spendInvitation
func TestInvitationsHaveABudget(t *testing.T) {
	each(t, func(r *rig) {
		owner, pat := from(r.add("acme", "owner", user.Owner)), r.add("acme", "pat", user.Agent)
		for n := range 5 {
			if err := r.Invite(t.Context(), owner, ref(pat)); err != nil {
				t.Fatal(n, err)
			}
		}
		for _, a := range []access.Actor{owner, access.Server} {
			if err := r.Invite(t.Context(), a, ref(pat)); !fault.Is(err, fault.RateLimited) {
				t.Errorf("a sixth one by %s: %v", a.ID(), err)
			}
		}
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			rows, err := audit.List(ctx, tx, audit.Filter{Action: audit.UserInvited, Limit: 20})
			if err == nil && (len(rows) != 5 || rows[0].IP != "192.0.2.7" || rows[0].ActorID != owner.UserID) {
				t.Errorf("%d rows, %+v", len(rows), rows[0])
			}
			return err
		})
		r.at = r.at.Add(24 * time.Hour)
		if err := r.Invite(t.Context(), gatetest.SignIn(t, r.DB, "acme", owner.UserID), ref(pat)); err != nil {
			t.Error("a day later:", err)
		}
	})
}

// TestAWithdrawalOutlivesItsLink: nothing forgets it but another invitation, or a password.
// guard: passwordlink.Sweep
func TestAWithdrawalOutlivesItsLink(t *testing.T) {
	each(t, func(r *rig) {
		pat := r.add("acme", "pat", user.Agent)
		withdrawn := func() (yes bool) {
			t.Helper()
			r.at = r.at.Add(100 * 24 * time.Hour)
			if _, err := passwordlink.Sweep(t.Context(), r.DB); err != nil {
				t.Fatal(err)
			}
			r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
				yes, err = passwordlink.Withdrawn(ctx, tx, pat.UserID)
				return err
			})
			return yes
		}
		if err := r.WithdrawInvitation(t.Context(), access.Server, ref(pat)); !fault.Is(err, fault.Conflict) {
			t.Errorf("no invitation is withdrawn: %v", err)
		}
		for range 2 {
			if err := r.Invite(t.Context(), access.Server, ref(pat)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.WithdrawInvitation(t.Context(), access.Server, ref(pat)); err != nil {
			t.Fatal(err)
		}
		if !withdrawn() {
			t.Error("a withdrawal is forgotten")
		}
		if err := r.Invite(t.Context(), access.Server, ref(pat)); err != nil {
			t.Fatal(err)
		}
		if withdrawn() {
			t.Error("someone who was invited again is withdrawn")
		}
		if n := r.number(`SELECT count(*) FROM password_links WHERE tenant_id = 'acme'`); n != 0 {
			t.Errorf("%d old links are left", n)
		}
	})
}

// TestAnImportStopsWhereTheCompanyHasInvitedEnough: it goes on where it stopped, an hour later. Other companies and the
// command line are not held up.
func TestAnImportStopsWhereTheCompanyHasInvitedEnough(t *testing.T) {
	each(t, func(r *rig) {
		owner, other := r.add("acme", "owner", user.Owner), r.add("other", "owner2", user.Owner)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error { // all but two of an hour
			limit := ratelimit.Limit{Name: "invitation.company",
				Windows: []ratelimit.Window{{Count: 2000, Per: time.Hour}}}
			budgets, err := ratelimit.Read(ctx, tx,
				ratelimit.BudgetKey{Tenant: tx.Tenant, Limit: limit, Subject: tx.Tenant})
			if err != nil {
				return err
			}
			for range 1998 {
				budgets[0].Count(tx.Now)
			}
			return budgets.Write(ctx, tx)
		})
		rows := func(company string) (rows []people.Row) {
			for n := range 5 {
				rows = append(rows, people.Row{
					Line:   n + 1,
					Tenant: company,
					Email:  fmt.Sprintf("%s-%d@x.example", company, n),
					Name:   "P",
				})
			}
			return rows
		}
		run := func(a access.Actor, company string) people.Imported {
			t.Helper()
			i := &people.Importer{Service: r.Service, Actor: a}
			done, err := i.Batch(t.Context(), rows(company))
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		done := run(owner, "acme")
		if done.Created != 2 || len(done.Failed) != 3 || !fault.Is(done.Failed[2].Err, fault.RateLimited) {
			t.Errorf("%+v", done)
		}
		if done := run(other, "other"); done.Created != 5 {
			t.Errorf("another company: %+v", done)
		}
		if done := run(access.Server, "acme"); done.Created != 3 || done.Exists != 2 {
			t.Errorf("the command line: %+v", done)
		}
	})
}

// TestAPasswordIsJudgedByWhoseItIs, whichever way they are named, and by their company and the vendor.
func TestAPasswordIsJudgedByWhoseItIs(t *testing.T) {
	each(t, func(r *rig) {
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			i, err := tenant.LoadInstallation(ctx, tx)
			if err != nil {
				return err
			}
			i.Name = "Seagull Works"
			_, err = tenant.Create(ctx, tx, "lantern", "Lantern Factory", tenant.Company)
			if err != nil {
				return err
			}
			return tenant.SaveInstallation(ctx, tx, i)
		})
		n := people.New{
			Email:     "marigold@x.example",
			Name:      "Quentin Ashworth",
			Language:  "en",
			Role:      user.Agent,
			Uninvited: true,
		}
		u, err := r.Add(t.Context(), access.Server, "lantern", n)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []secret.Text{"marigoldmarigold77", "ashworthquentin22", "lanternfactory2026",
			"seagullworks-2026"} {
			for _, of := range []people.Ref{people.ByID("lantern", u.ID), people.ByEmail(u.Email)} {
				err := r.SetPassword(t.Context(), access.Server, of, people.NewPassword{Plain: plain})
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", plain, err)
				}
			}
		}
		n.Email, n.Uninvited, n.Password = "other@x.example", false, people.NewPassword{Plain: "lanternfactory2026"}
		if _, err := r.Add(t.Context(), access.Server, "lantern", n); !fault.Is(err, fault.Invalid) {
			t.Errorf("a first password: %v", err)
		}
		good := people.NewPassword{Plain: "quiet-maple-thimble-42"}
		if err := r.SetPassword(t.Context(), access.Server, people.ByID("lantern", u.ID), good); err != nil {
			t.Error(err)
		}
	})
}
