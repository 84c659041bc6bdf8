package profile_test

import (
	"context"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
)

// TestWhatBeganElsewhereIsNotConfirmed: the statement that takes a try asks for what the browser
// was given at the beginning. guard: token_hash in take, Name and TryChange
func TestWhatBeganElsewhereIsNotConfirmed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email)
		d, err := h.binding.Propose(t.Context(), h.holder(o), authenticator.TOTP, "", "")
		h.must(err)
		h.must(h.AskEmail(t.Context(), o, "new@company.test"))
		c, err := h.PendingEmail(t.Context(), o)
		h.must(err)
		var mail email.AddressCode
		h.last("new@company.test", &mail)

		stranger := h.holder(o)
		stranger.Held = nil
		try := func(as binding.Enrollee) (out binding.Outcome, err error) {
			err = h.DB.InTx(t.Context(), h.company, func(tx *db.Tx) error {
				if err := h.binding.Name(t.Context(), tx, as, d.ID, "Thief's"); err != nil {
					return err
				}
				out, err = h.binding.Confirm(t.Context(), tx, as, d.ID, authenticator.Response{Code: "wrong"})
				return err
			})
			return out, err
		}
		if _, err := try(stranger); !fault.Is(err, fault.NotFound) {
			t.Errorf("a set-up that began elsewhere: %v", err)
		}
		h.in(h.company, func(ctx context.Context,
			tx *db.Tx) error {
			return h.binding.Name(ctx, tx, stranger, d.ID, "Thief's")
		})
		if left, err := h.binding.Waiting(t.Context(), h.holder(o), authenticator.TOTP); err != nil ||
			left.TriesLeft != h.Limits.WrongAnswers || left.Label == "Thief's" {
			t.Errorf("it is left as %+v, %v", left, err)
		}
		if out, err := try(h.holder(o)); err != nil || out.TriesLeft != h.Limits.WrongAnswers-1 {
			t.Errorf("where it began: %+v, %v", out, err)
		}
		if _, _, err := h.Service.ConfirmEmail(t.Context(), o, c.ID, mail.Code); !fault.Is(err, fault.NotFound) {
			t.Errorf("an address that was asked for elsewhere: %v", err)
		}
		if err := h.Service.WithdrawEmail(t.Context(), o); !fault.Is(err, fault.NotFound) {
			t.Errorf("withdrawn elsewhere: %v", err)
		}
		if v, left, err := h.ConfirmEmail(t.Context(), o, c.ID, mail.Code); err != nil || !v.OK ||
			left != h.Limits.WrongAnswers-1 {
			t.Errorf("where it was asked for: %+v, %d tries, %v", v, left, err)
		}
	})
}
