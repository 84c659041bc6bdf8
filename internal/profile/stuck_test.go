package profile_test

import (
	"context"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/message/email"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// TestTheVendorHearsOfACompanyWithoutAnOwner: once, and only where the report leaves no owner
// with a method that works.
func TestTheVendorHearsOfACompanyWithoutAnOwner(t *testing.T) {
	const operator = "olga@vendor.test"
	for _, others := range []bool{false, true} {
		each(t, func(t *testing.T, h *house) {
			h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
				_, err := tenant.Create(ctx, tx, "vendor-staff", "Vendor", tenant.Vendor)
				return err
			})
			h.in("vendor-staff", func(ctx context.Context, tx *db.Tx) error {
				_, err := setup.Add(
					ctx,
					tx,
					setup.Person{Email: operator, Name: "Olga", Role: user.Operator, Language: "en", By: "test"},
				)
				return err
			})
			u := h.person(h.company, "maria@company.test")
			if others {
				h.person(h.company, "joao@company.test")
			}
			first, stepUp := h.steppedUp(u.Email)
			for flow, kind := range map[string]authenticator.Kind{first: authenticator.TOTP,
				stepUp.FlowID: authenticator.Backup} {
				h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
					_, err := authenticator.BindIn(ctx, tx, flow, tx.NewID(), u.ID, kind, "")
					return err
				})
			}
			if err := h.incident.Disown(t.Context(), h.reference(outofband.NotMeLink("", h.Keys, h.company, first)),
				visitor); err != nil {
				t.Fatal(err)
			}
			want := 1
			if others {
				want = 0
			}
			if n := h.count(operator, &email.NotMeAlert{}); n != want {
				t.Errorf("other owners %v: the operator was told %d times, want %d", others, n, want)
			}
		})
	}
}
