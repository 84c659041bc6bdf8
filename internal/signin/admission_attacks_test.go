package signin_test

import (
	"context"
	"testing"

	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// changePassword ends everything that an account has open, as a new password does.
func (h *house) changePassword(address string) {
	h.t.Helper()
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), address)
		if err != nil {
			return err
		}
		return user.PasswordChanged(ctx, tx, u.ID)
	})
}

// Anyone who reads a mailbox gets as many links to continue as they use. They get no more guesses
// at the password by that than one browser has.
//
// guard: byAdmission
func TestATK05_AMailboxGetsNoMoreGuessesAtThePassword(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		compared := 0
		for range 10 {
			a := attempt(maria, "a wrong password", "dashboard")
			a.Admission = h.admit(maria)
			for {
				step, err := h.SubmitPassword(t.Context(), a)
				if _, again := step.(signin.AskPassword); err != nil || !again {
					break
				}
				compared++
			}
		}
		if compared == 0 || compared > h.Limits.PasswordSlowFrom+1 {
			t.Errorf("%d passwords were compared at once", compared)
		}
		a := attempt(maria, rightPassword, "dashboard")
		a.Admission = h.admit(maria)
		h.clock.pass(h.Limits.PasswordSlowMax)
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("the owner, after the longest wait: %#v, %v", step, err)
		}
	})
}

// A link to continue is for the account as it was when it was sent. Those of before a new
// password say so, and do not keep another from being mailed.
//
// guard: heldAdmissions
func TestATK12_LinksOfBeforeANewPasswordKeepNoOtherBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		for range 5 { // someone uses up what may be mailed
			if err := h.AskAdmission(t.Context(), maria, visitor); err != nil {
				t.Fatal(err)
			}
			h.mailLinks()
		}
		before := h.links(maria)
		h.changePassword(maria)
		old := admissionOf(t, before[len(before)-1])
		if state, account, err := h.OpenAdmission(t.Context(), old); state != outofband.LinkExpired ||
			account != "" || err != nil {
			t.Errorf("a link from before the new password: %s %q %v", state, account, err)
		}
		h.exhaust(maria)
		if err := h.AskAdmission(t.Context(), maria, visitor); err != nil {
			t.Fatal(err)
		}
		h.mailLinks()
		all := h.links(maria)
		if len(all) == len(before) {
			t.Fatal("no other link is mailed")
		}
		if _, err := h.UseAdmission(t.Context(), old, visitor); !fault.Is(err, fault.NotFound) {
			t.Errorf("the old link was used: %v", err)
		}
		browser, err := h.UseAdmission(t.Context(), admissionOf(t, all[len(all)-1]), visitor)
		if err != nil {
			t.Fatal(err)
		}
		a := attempt(maria, rightPassword, "dashboard")
		a.Admission = browser
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("the new link: %#v, %v", step, err)
		}
	})
}
