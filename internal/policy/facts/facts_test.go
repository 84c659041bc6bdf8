package facts_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// account is a stored user with methods that work and one that does not.
func account(t *testing.T, d *db.DB) (u user.User) {
	t.Helper()
	write(t, d, db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tenant.Ensure(ctx, tx); err != nil {
			return err
		}
		if _, err := tenant.Create(ctx, tx, "acme", "Acme", tenant.Company); err != nil {
			return err
		}
		_, _, err := client.Create(ctx, tx, client.New{
			ID:           "dashboard",
			Name:         "Dashboard",
			Kind:         client.Public,
			RedirectURIs: []string{"https://dashboard.test/cb"},
		})
		return err
	})
	write(t, d, "acme", func(ctx context.Context, tx *db.Tx) (err error) {
		if u, err = user.Create(ctx, tx, "maria@acme.test", "Maria", user.Agent, "es"); err != nil {
			return err
		}
		for _, kind := range []authenticator.Kind{authenticator.Email, authenticator.TOTP, authenticator.TOTP} {
			if _, err := authenticator.Bind(ctx, tx, u.ID, kind, ""); err != nil {
				return err
			}
		}
		lost, err := authenticator.Bind(ctx, tx, u.ID, authenticator.Passkey, "")
		if err != nil {
			return err
		}
		_, err = authenticator.Suspend(ctx, tx, u.ID, lost.ID)
		return err
	})
	return u
}

func write(t *testing.T, d *db.DB, tenantID string, fn func(context.Context, *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), tenantID, func(tx *db.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, d *db.DB, userID, clientID string) (f facts.Facts, err error) {
	t.Helper()
	err = d.View(t.Context(), "acme", func(tx *db.Tx) (err error) {
		f, err = facts.Load(t.Context(), tx, userID, clientID, 5)
		return err
	})
	return f, err
}

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, func() time.Time { return now }, fn)
}

func TestLoadReadsTheAccountAndItsSurroundings(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		u := account(t, d)
		f, err := load(t, d, u.ID, "dashboard")
		if err != nil {
			t.Fatal(err)
		}
		if f.User.Email != u.Email || f.User.TenantID != "acme" || f.Tenant.Name != "Acme" ||
			f.App.Name != "Dashboard" {
			t.Errorf("read %+v", f)
		}
		if want := []authenticator.Kind{authenticator.Email, authenticator.TOTP}; !slices.Equal(f.Has, want) {
			t.Errorf("has %v, want %v", f.Has, want)
		}
		if want := []authenticator.Kind{authenticator.Passkey}; !slices.Equal(f.Lost, want) {
			t.Errorf("lost %v, want %v", f.Lost, want)
		}
		if f.Vendor.RememberDays > 5 {
			t.Errorf("%d days; the configuration allows 5", f.Vendor.RememberDays)
		}
		if v := f.Versions; v.User < 1 || v.Tenant < 1 || v.Vendor < 1 || v.App < 1 {
			t.Errorf("versions %+v", v)
		}
		if !f.Open() {
			t.Error("the account is not open")
		}
		in := f.Input(now, nil, []string{"phr"}, nil)
		if !slices.Equal(in.Want, []policy.Level{policy.PhishingResistant}) || in.OwnPages ||
			in.AppName != "Dashboard" {
			t.Errorf("input %+v", in)
		}
	})
}

func TestOurOwnPagesAreAnAppThatIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		f, err := load(t, d, account(t, d).ID, client.PortalID)
		if err != nil || !f.Open() || f.App.Name != f.Vendor.Name || !f.Input(now, nil, nil, nil).OwnPages {
			t.Errorf("%+v, %v", f.App, err)
		}
	})
}

func TestUnknownPeopleAndApps(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		u := account(t, d)
		if _, err := load(t, d, "nobody", "dashboard"); !db.IsNoRows(err) {
			t.Errorf("an unknown user: %v", err)
		}
		if f, err := load(t, d, u.ID, "unknown"); err != nil || f.Open() {
			t.Errorf("an unknown app is open: %v", err)
		}
	})
}

func TestWhatIsDisabledIsNotOpen(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		u := account(t, d)
		for name, disable := range map[string]func(context.Context, *db.Tx) error{
			"app": func(ctx context.Context, tx *db.Tx) error {
				return client.Disable(ctx, tx.ForTenant(db.Installation), "dashboard")
			},
			"user": func(ctx context.Context, tx *db.Tx) error { return user.Disable(ctx, tx, u.ID) },
		} {
			write(t, d, "acme", disable)
			clientID := "dashboard"
			if name == "user" {
				clientID = client.PortalID
			}
			if f, err := load(t, d, u.ID, clientID); err != nil || f.Open() {
				t.Errorf("a disabled %s is open: %v", name, err)
			}
		}
	})
}
