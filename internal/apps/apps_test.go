package apps_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/apps"
	"countersign/internal/audit"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/gate/gatetest"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func add(ctx context.Context, tx *db.Tx, id, kind string, role user.Role) (access.Actor, error) {
	if _, err := tenant.Create(ctx, tx, id, id, kind); err != nil {
		return access.Actor{}, err
	}
	u, err := user.Create(ctx, tx.ForTenant(id), id+"@x.example", "Pat", role, "en")
	return access.Actor{TenantID: id, UserID: u.ID}, err
}

// TestAppsAreTheVendors: operators administer apps, support looks at them, companies do neither.
func TestAppsAreTheVendors(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	dbtest.Each(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		s := &apps.Service{DB: d, Gate: gatetest.New(d)}
		ctx := t.Context()
		var operator, owner access.Actor
		err := d.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			if operator, err = add(ctx, tx, "vendor", tenant.Vendor, user.Operator); err != nil {
				return err
			}
			owner, err = add(ctx, tx, "acme", tenant.Company, user.Owner)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		operator = gatetest.SignIn(t, d, operator.TenantID, operator.UserID)
		owner = gatetest.SignIn(t, d, owner.TenantID, owner.UserID)
		signedOut := operator
		signedOut.SessionID = ""
		n := client.New{ID: "shop", Name: "Shop", Kind: client.Confidential}
		if _, _, err := s.Create(ctx, owner, n); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner creates an app: %v", err)
		}
		if _, token, err := s.Create(ctx, operator, n); err != nil || token == "" {
			t.Fatal(token == "", err)
		}
		home := "https://shop.example/back"
		if err := s.Change(ctx, operator, "shop", apps.Changes{AddRedirectURIs: []string{home}}); err != nil {
			t.Error(err)
		}
		gone := apps.Changes{RemoveRedirectURIs: []string{home, "https://shop.example/other"}}
		if err := s.Change(ctx, operator, "shop", gone); !fault.Is(err, fault.Invalid) {
			t.Errorf("an address that is not registered: %v", err)
		}
		for name, change := range map[string]func(a access.Actor) error{
			"exempt": func(a access.Actor) error {
				return s.ExemptBecause(ctx, a, "shop", apps.Exemption{Until: now.Add(time.Hour), Reason: "A trial"})
			},
			"require": func(a access.Actor) error { return s.Require2FA(ctx, a, "shop", "") },
			"secret": func(a access.Actor) error {
				_, err := s.RotateSecret(ctx, a, "shop")
				return err
			},
			"disable": func(a access.Actor) error { return s.Disable(ctx, a, "shop") },
			"enable":  func(a access.Actor) error { return s.Enable(ctx, a, "shop") },
		} {
			if err := change(owner); !fault.Is(err, fault.Denied) {
				t.Errorf("%s by an owner: %v", name, err)
			}
			if err := change(signedOut); !errors.Is(err, access.ErrFreshProofNeeded) {
				t.Errorf("%s without a session: %v", name, err)
			}
			if err := change(operator); err != nil {
				t.Errorf("%s by an operator: %v", name, err)
			}
		}
		// guard: RecordRefusal
		if n := refusals(t, d, "acme"); n != 6 {
			t.Errorf("%d refused attempts are recorded", n)
		}
		if _, err := s.List(ctx, owner); !fault.Is(err, fault.Denied) || refusals(t, d, "acme") != 7 {
			t.Errorf("a look: %v", err)
		}
		found, err := s.Find(ctx, operator, "shop")
		if err != nil || len(found.RedirectURIs) != 1 || found.RedirectURIs[0] != home {
			t.Errorf("a refused change left %v, %v", found.RedirectURIs, err)
		}
	})
}

// refusals counts the refused attempts in a company's log.
func refusals(t *testing.T, d *db.DB, tenantID string) int {
	t.Helper()
	var rows []audit.Row
	err := d.View(t.Context(), tenantID, func(tx *db.Tx) (err error) {
		rows, err = audit.List(t.Context(), tx, audit.Filter{Result: "refused", Limit: 20})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(rows)
}
