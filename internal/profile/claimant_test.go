package profile_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// atSetUp is a thief who has moved an account to their own mailbox, and who signs in with it as
// far as the set-up of a method. undo is what the owner's old mailbox holds.
func (h *house) atSetUp(u user.User) (flow signin.AnswerCode, undo func() error) {
	h.t.Helper()
	h.move(h.owner(u.Email), "thief@evil.test")
	var mail email.AddressChanged
	h.last(u.Email, &mail)
	h.signin.Gate.Bindable = []authenticator.Kind{authenticator.TOTP}
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE tenants SET methods = 'totp' WHERE tenant_id = $1`, tx.Tenant)
		return err
	})
	ref, address := h.ask("thief@evil.test")
	if step, ok := h.answer(ref, address).(signin.SetUpMethod); !ok {
		h.t.Fatalf("%#v", step)
	}
	return signin.AnswerCode{Flow: &ref},
		func() error { return h.incident.UndoAddress(h.t.Context(), h.reference(mail.UndoLink), visitor) }
}

// meanwhile runs fn beside what the caller does next, and gives it the time that it needs when
// nothing holds it up.
func (h *house) meanwhile(fn func() error) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		if err := fn(); err != nil {
			h.t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(300 * time.Millisecond):
	}
	return done
}

// TestATK092_AnUndoAndASetUpAtOnce: whichever of them is first, the thief keeps no method.
// guard: LockIfUnchanged in own.
func TestATK092_AnUndoAndASetUpAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		flow, undo := h.atSetUp(u)
		var done chan struct{}
		_, err := h.signin.EnrollInFlow(t.Context(), *flow.Flow,
			func(tx *db.Tx, who signin.Enrollee) (*authenticator.Proof, error) {
				if done == nil {
					done = h.meanwhile(undo)
				}
				a, err := authenticator.BindIn(t.Context(), tx, who.FlowID, tx.NewID(), u.ID,
					authenticator.TOTP, "Thief's")
				return &authenticator.Proof{Kind: authenticator.TOTP, AuthenticatorID: a.ID, At: tx.Now}, err
			})
		<-done
		if err != nil {
			t.Fatal(err)
		}
		h.expect(u, "maria@company.test", true)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, u.ID)
			if _, kept := usable(all, authenticator.TOTP); kept {
				t.Error("the thief's app is bound to the owner's account")
			}
			return err
		})
	})
}

// TestATK092_AnUndoAndANewPasswordAtOnce: a password that is asked for after a report is not
// chosen by anyone who has just been put out. guard: LockIfUnchanged in own.
func TestATK092_AnUndoAndANewPasswordAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			_, err := user.FlagPassword(ctx, tx, u.ID)
			return err
		})
		ref, address := h.ask(u.Email)
		if step, ok := h.answer(ref, address).(signin.ReplacePassword); !ok {
			t.Fatalf("%#v", step)
		}
		var done chan struct{}
		var hash password.Stored
		h.in(h.company, func(ctx context.Context, tx *db.Tx) (err error) {
			if hash, err = password.Load(ctx, tx, u.ID); err != nil {
				return err
			}
			if err := user.Disable(ctx, tx, u.ID); err != nil {
				return err
			}
			done = h.meanwhile(func() error {
				_, err := h.signin.ReplacePassword(t.Context(), ref, "canary chosen by a thief", visitor)
				if fault.Is(err, fault.Denied) { // it began when the other had ended
					return nil
				}
				return err
			})
			return nil
		})
		<-done
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			now, err := password.Load(ctx, tx, u.ID)
			if err == nil && now != hash {
				t.Error("the password was changed")
			}
			return err
		})
	})
}
