package profile_test

import (
	"context"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
)

// TestATK092_ReportedWithAStepUpThatWasLeft: what a thief set up in a step-up that they did not
// finish finish is suspended as well, and what the owner has set up in another sign-in works.
func TestATK092_ReportedWithAStepUpThatWasLeft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		before, flow := h.steppingUp(u.Email)
		for in, label := range map[string]string{flow.ID: "Thief's", h.owner(u.Email).FlowID: "Owner's"} {
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				_, err := authenticator.BindIn(ctx, tx, in, tx.NewID(), u.ID, authenticator.TOTP, label)
				return err
			})
		}
		if err := h.incident.Disown(t.Context(), h.reference(outofband.NotMeLink("", h.Keys, h.company, before.FlowID)),
			visitor); err != nil {
			t.Fatal(err)
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, u.ID)
			works := map[string]bool{}
			for _, a := range all {
				works[a.Label] = a.DisabledAt.IsZero()
			}
			if len(all) != 4 || works["Thief's"] || !works["Owner's"] {
				t.Errorf("left: %+v", all)
			}
			return err
		})
	})
}
