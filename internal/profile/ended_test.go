package profile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/profile"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// endings are what may happen to an account between a request's look at its session and the
// request's own writes.
var endings = map[string]func(h *house, o profile.Owner){
	"signed out by another browser": func(h *house, o profile.Owner) {
		other := h.owner(o.User.Email)
		h.must(h.EndOtherSessions(h.t.Context(), other))
	},
	"ended in the list": func(h *house, o profile.Owner) {
		other := h.owner(o.User.Email)
		h.must(h.EndSession(h.t.Context(), other, o.SessionID))
	},
	"reported": func(h *house, o profile.Owner) {
		h.must(h.incident.Disown(h.t.Context(),
			h.reference(outofband.NotMeLink("", h.Keys, h.company, o.FlowID)), visitor))
	},
	"another sign-in reported": func(h *house, o profile.Owner) {
		other := h.owner(o.User.Email)
		h.must(h.incident.Disown(h.t.Context(),
			h.reference(outofband.NotMeLink("", h.Keys, h.company, other.FlowID)), visitor))
	},
	"disabled": func(h *house, o profile.Owner) {
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return user.Disable(ctx, tx, o.User.ID) })
	},
	"the company suspended": func(h *house, _ profile.Owner) {
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return tenant.Suspend(ctx, tx) })
	},
	"a new password by hand": func(h *house, o profile.Owner) {
		stored, err := h.Passwords.Hash(h.t.Context(), "canary set by an operator")
		h.must(err)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			if err := password.Set(ctx, tx, o.User.ID, stored); err != nil {
				return err
			}
			return user.PasswordChanged(ctx, tx, o.User.ID)
		})
	},
	"a change of address undone": func(h *house, o profile.Owner) {
		h.move(h.owner(o.User.Email), "moved-"+o.User.Email)
		h.undo(o.User.Email)
	},
	"a new address elsewhere": func(h *house, o profile.Owner) {
		h.move(h.owner(o.User.Email), "moved-"+o.User.Email)
	},
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// deeds are what a thief would do first with a session that they hold.
var deeds = map[string]func(h *house, o profile.Owner, code string) error{
	"a new password": func(h *house, o profile.Owner, _ string) error {
		return h.ChangePassword(h.t.Context(), o, rightPassword, "canary that a thief has chosen")
	},
	"a new address asked for": func(h *house, o profile.Owner, _ string) error {
		return h.AskEmail(h.t.Context(), o, "thief@evil.test")
	},
	"a new address confirmed": func(h *house, o profile.Owner, code string) error {
		var id string
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT id FROM email_changes WHERE tenant_id = $1 AND user_id = $2
				ORDER BY id LIMIT 1`, tx.Tenant, o.User.ID).Scan(&id)
		})
		_, _, err := h.ConfirmEmail(h.t.Context(), o, id, code)
		return err
	},
	"the second step off": func(h *house, o profile.Owner, _ string) error {
		return h.Choose(h.t.Context(), o, false, func(context.Context, *db.Tx) error { return nil })
	},
	"the other sessions ended": func(h *house, o profile.Owner,
		_ string) error {
		return h.EndOtherSessions(h.t.Context(), o)
	},
	"a method removed": func(h *house, o profile.Owner, _ string) error {
		return h.DB.InTx(h.t.Context(), h.company, func(tx *db.Tx) error {
			return h.binding.Remove(h.t.Context(), tx, h.holder(o), appOf(o.User),
				func(context.Context, *db.Tx) error { return nil })
		})
	},
	"a method renamed": func(h *house, o profile.Owner, _ string) error {
		return h.DB.InTx(h.t.Context(), h.company, func(tx *db.Tx) error {
			return h.binding.Rename(h.t.Context(), tx, h.holder(o), appOf(o.User), "Thief's")
		})
	},
	"backup codes made": func(h *house, o profile.Owner, _ string) error {
		d, err := h.binding.Waiting(h.t.Context(), h.holder(o), authenticator.Backup)
		if err != nil {
			return err
		}
		return h.DB.InTx(h.t.Context(), h.company, func(tx *db.Tx) error {
			sheet, err := lookup.Show(d.PendingEnrollment)
			if err != nil {
				return err
			}
			_, err = h.binding.Confirm(h.t.Context(), tx, h.holder(o), d.ID,
				authenticator.Response{Code: sheet.Codes[0].Text})
			return err
		})
	},
}

// TestATK080_WhatHasEndedFinishesNothing: a request that saw a living session and writes after
// the session has ended, however it did, changes nothing. A new password takes long enough
// for that. guard: session.Lock.
func TestATK080_WhatHasEndedFinishesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Limits.SendsPerHour, h.Limits.SendsPerDay = 1<<10, 1<<10
		for ending, end := range endings {
			for deed, do := range deeds {
				t.Run(ending+"/"+deed, func(t *testing.T) {
					u, o, code := h.underWay()
					h.withoutApp(u, func() { end(h, o) })
					before := h.accountOf(u)
					if err := do(h, o, code); err == nil {
						t.Error("was told that it is done")
					}
					if after := h.accountOf(u); after != before {
						t.Errorf("changed\n%s\nto\n%s", before, after)
					}
					h.in(h.company, tenant.Resume)
				})
			}
		}
	})
}

// underWay is someone in whose session everything is begun and nothing finished. code is what
// the new address got.
func (h *house) underWay() (u user.User, o profile.Owner, code string) {
	h.t.Helper()
	h.serial++
	u = h.person(h.company, fmt.Sprintf("maria%d@company.test", h.serial))
	o = h.owner(u.Email)
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		_, err := authenticator.BindIn(ctx, tx, "long ago", appOf(u), u.ID, authenticator.TOTP, "Maria's")
		return err
	})
	_, err := h.binding.Propose(h.t.Context(), h.holder(o), authenticator.Backup, "", "")
	h.must(err)
	to := fmt.Sprintf("first%d@evil.test", h.serial)
	h.must(h.AskEmail(h.t.Context(), o, to))
	var mail email.AddressCode
	h.last(to, &mail)
	return u, o, mail.Code
}

func appOf(u user.User) string { return "app of " + u.ID }

// withoutApp runs fn while the account asks for codes by mail.
func (h *house) withoutApp(u user.User, fn func()) {
	set := func(kind string) {
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE authenticators SET kind = $1
				WHERE tenant_id = $2 AND id = $3 AND user_id = $4`, kind, tx.Tenant, appOf(u), u.ID)
			return err
		})
	}
	set("password")
	fn()
	set(string(authenticator.TOTP))
}

// accountOf is what a thief would like to change.
func (h *house) accountOf(u user.User) (all string) {
	h.t.Helper()
	for _, query := range []string{
		`SELECT u.email || ' ' || u.password_flagged_at || ' ' || u.security_version || ' ' || u.second_step_at || ' ' || p.hash FROM users u JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id WHERE u.tenant_id = $1 AND u.id = $2`,
		`SELECT COALESCE(string_agg(label || kind, ' ' ORDER BY id), '') FROM authenticators
			WHERE tenant_id = $1 AND user_id = $2`,
		`SELECT CAST(COUNT(*) AS TEXT) FROM sessions WHERE tenant_id = $1 AND user_id = $2 AND ended_at = 0`,
		`SELECT CAST(COUNT(*) AS TEXT) FROM email_changes WHERE tenant_id = $1 AND user_id = $2`,
	} {
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			var row string
			err := tx.QueryRow(ctx, query, tx.Tenant, u.ID).Scan(&row)
			all += row + "\n"
			return err
		})
	}
	return all
}

// TestATK080_AListThatIsOldEndsWhatWasMeant: between a look at the list and the press on "sign
// out", the session may have been stepped up. guard: EndLine in internal/session, which follows a session onward.
func TestATK080_AListThatIsOldEndsWhatWasMeant(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		before, thief := h.steppedUpFrom(u.Email)
		o := h.owner(u.Email)
		h.must(h.EndSession(t.Context(), o, before.ID))
		if h.alive(thief) {
			t.Error("what it was stepped up to goes on")
		}
		if !h.alive(o) {
			t.Error("the owner's own session ended")
		}
	})
}

// TestATK080_AStepUpOfWhatIsEndedAtOnce: whichever is first, nothing is left open. guard:
// Retire in complete.
func TestATK080_AStepUpOfWhatIsEndedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		old, flow := h.steppingUp(u.Email)
		o := h.owner(u.Email) // its code is another's
		var code email.SignInCode
		h.nth(u.Email, 1, &code)
		var done chan struct{}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			if err := session.EndLine(ctx, tx, old.ID, session.EndedByOwner); err != nil {
				return err
			}
			done = h.meanwhile(func() error {
				_, err := h.signin.Respond(t.Context(), flow, authenticator.Response{Code: code.Code}, false, visitor)
				return err
			})
			return nil
		})
		<-done
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			open, err := session.OpenOf(ctx, tx, u.ID)
			if len(open) != 1 || open[0].ID != o.SessionID {
				t.Errorf("%d sessions are open", len(open))
			}
			return err
		})
	})
}

// TestATK170_ASessionWritesSoMuch: each press leaves a row in the record or sends mails, so that
// there are so many of them. Another session of the account has its own. guard: limitSelfService.
func TestATK170_ASessionWritesSoMuch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o, other := h.owner(u.Email), h.owner(u.Email)
		presses := 0
		for err := error(nil); err == nil && presses < 1000; presses++ {
			if err = h.ForgetAll(t.Context(), o); err != nil &&
				(!fault.Is(err, fault.RateLimited) || fault.Of(err).RetryAfter == 0) {
				t.Fatal(err)
			}
		}
		if presses > 100 {
			t.Errorf("%d presses", presses)
		}
		h.must(h.EndOtherSessions(t.Context(), other))
		h.clock.pass(time.Hour)
		h.must(h.ForgetAll(t.Context(), h.owner(u.Email)))
	})
}
