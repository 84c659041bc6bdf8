package signin_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// meanwhile runs change once, between the moment a step has read its flow and the moment it
// begins to write.
func (h *house) meanwhile(change func()) {
	armed := true
	h.DB.Watch.Span = func(_ context.Context, write bool) func(error) {
		if write && armed {
			armed = false
			change()
		}
		return func(error) {}
	}
}

// TestWhatChangesWhileAnAnswerIsJudgedHolds: what stops a sign-in, the code and its
// address are looked at once more by the write that ends the flow. What a step costs more than the six
// statements of an undisturbed one shows that it ran again.
func TestWhatChangesWhileAnAnswerIsJudgedHolds(t *testing.T) {
	set := func(statement string, args ...any) func(h *house, flow signin.AnswerCode) {
		return func(h *house, _ signin.AnswerCode) {
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, statement, args...)
				if err == nil && n == 0 {
					h.t.Error("nothing was changed")
				}
				return err
			})
		}
	}
	// An old program, which does not count versions, stops a sign-in all the same.
	old := func(statement string) func(h *house, flow signin.AnswerCode) { return set(statement) }
	for name, c := range map[string]struct {
		change func(h *house, flow signin.AnswerCode)
		in     bool // the person is signed in all the same
	}{
		"account disabled, by an old program": {old(`UPDATE users SET disabled_at = 1
			WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"password changed, by an old program": {old(`UPDATE users SET security_version = security_version + 1
			WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"password reported, by an old program": {old(`UPDATE users SET password_flagged_at = 1
			WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"company suspended, by an old program": {old(`UPDATE tenants SET suspended_at = 1
			WHERE tenant_id = 'company'`), false},
		"app disabled, by an old program": {old(`UPDATE clients SET disabled_at = 1
			WHERE id = 'dashboard'`), false},
		"code replaced by a new one": {func(h *house, f signin.AnswerCode) {
			_,
				_ = h.NewCode(h.t.Context(), *f.Flow, visitor)
		}, false},
		"cancelled": {func(h *house, f signin.AnswerCode) {
			_,
				_ = h.Cancel(h.t.Context(), *f.Flow, visitor)
		}, false},
		"address of codes changed": {readdress, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) { h.answerWhile(c.change, c.in) })
		})
	}
}

// answerWhile changes something while a right answer is judged. in says whether the person is
// signed in all the same.
func (h *house) answerWhile(change func(h *house, flow signin.AnswerCode), in bool) {
	h.t.Helper()
	ask := h.password("maria@company.test", "dashboard")
	code := h.newest().Code
	h.clock.pass(time.Minute)
	var before int64
	h.meanwhile(func() { change(h, ask); before = h.DB.Statements() })
	step, err := h.Respond(h.t.Context(), *ask.Flow, authenticator.Response{Code: code}, true, visitor)
	if _, done := step.(signin.Done); err != nil || done != in {
		h.t.Errorf("got %T, %v", step, err)
	}
	if n := h.DB.Statements() - before; n <= 6 {
		h.t.Errorf("decided on what was read before: %d statements", n)
	}
}

// setter changes something that a decision reads. u is who signs in.
type setter func(ctx context.Context, tx *db.Tx, u user.User) error

// settersOfTenant and the other lists are every setter of a column that a decision reads, as far as
// it changes something for a person with a code by email. The value says whether they are
// signed in all the same.
var settersOfTenant = map[string]struct {
	set setter
	in  bool
}{
	"mandate": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: tenant.DefaultOff})
	}, true},
	"mandate's date": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: tenant.Mandatory, From: tx.Now.Add(time.Hour)})
	}, true},
	"switch on":  {func(ctx context.Context, tx *db.Tx, _ user.User) error { return tenant.SwitchOn(ctx, tx) }, true},
	"switch off": {func(ctx context.Context, tx *db.Tx, _ user.User) error { return tenant.SwitchOff(ctx, tx) }, true},
	"days": {func(ctx context.Context, tx *db.Tx,
		_ user.User) error {
		return tenant.SetRememberDays(ctx, tx, 3)
	}, true},
	"suspended": {func(ctx context.Context, tx *db.Tx, _ user.User) error { return tenant.Suspend(ctx, tx) }, false},
	"resumed":   {func(ctx context.Context, tx *db.Tx, _ user.User) error { return tenant.Resume(ctx, tx) }, true},
	"methods": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetMethods(ctx, tx, "email totp")
	}, true},
	"methods, not it": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetMethods(ctx, tx, "totp")
	}, false},
	"who decides": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetChoice(ctx, tx, tenant.Optional)
	}, true},
	"deadline": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return tenant.SetDeadline(ctx, tx, tx.Now.Add(time.Hour))
	}, true},
	"countries": {func(ctx context.Context, tx *db.Tx, _ user.User) error { return tenant.SetCountries(ctx, tx, "DE") },
		true},
}

var settersOfVendor = map[string]func(i *tenant.Installation){
	"mandate":        func(i *tenant.Installation) { i.Mandate.Mode = tenant.Mandatory },
	"mandate's date": func(i *tenant.Installation) { i.Mandate.From = time.UnixMicro(1) },
	"days":           func(i *tenant.Installation) { i.RememberDays = 2 },
	"methods":        func(i *tenant.Installation) { i.Methods = "email" },
}

var settersOfApp = map[string]struct {
	set setter
	in  bool
}{
	"exempt": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return client.Exempt(ctx, tx, "dashboard", tx.Now.Add(time.Hour))
	}, true},
	"disabled": {func(ctx context.Context, tx *db.Tx,
		_ user.User) error {
		return client.Disable(ctx, tx, "dashboard")
	}, false},
	"enabled": {func(ctx context.Context, tx *db.Tx, _ user.User) error { return client.Enable(ctx, tx, "dashboard") },
		true},
	"signing algorithm": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return client.SetSigningAlg(ctx, tx, "dashboard", "RS256")
	}, true},
	"PKCE": {func(ctx context.Context, tx *db.Tx, _ user.User) error {
		return client.SetPKCE(ctx, tx, "dashboard", false)
	}, true},
}

var settersOfUser = map[string]struct {
	set setter
	in  bool
}{
	"role": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return user.SetRole(ctx, tx, u.ID, user.Admin)
	}, false},
	"disabled": {func(ctx context.Context, tx *db.Tx, u user.User) error { return user.Disable(ctx, tx, u.ID) }, false},
	"enabled":  {func(ctx context.Context, tx *db.Tx, u user.User) error { return user.Enable(ctx, tx, u.ID) }, true},
	"password reported": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		_, err := user.FlagPassword(ctx, tx, u.ID)
		return err
	}, false},
	"password changed": {func(ctx context.Context, tx *db.Tx,
		u user.User) error {
		return user.PasswordChanged(ctx, tx, u.ID)
	}, false},
	"password set by mail": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		_, err := user.PasswordSetByMail(ctx, tx, u, true)
		return err
	}, false},
	"own switch": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return user.ChooseSecondStep(ctx, tx, u.ID, true)
	}, true},
	"everything ended": {func(ctx context.Context, tx *db.Tx, u user.User) error { return user.EndAll(ctx, tx, u.ID) },
		false},
	"recovery opened": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return user.OpenRecovery(ctx, tx, u.ID, tx.Now.Add(time.Hour), false)
	}, false},
	"first factor": {func(ctx context.Context, tx *db.Tx, u user.User) error { return user.FactorBound(ctx, tx, u.ID) },
		false},
	"protection held": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		_, err := user.HoldProtection(ctx, tx, u.ID)
		return err
	}, false},
	"deadline": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return user.StoreDeadline(ctx, tx, u.ID, tx.Now.Add(time.Hour), time.Time{})
	}, true},
	"address": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		_, err := user.ChangeEmail(ctx, tx, u.ID, "elsewhere@company.test")
		return err
	}, false},
	"a stronger method": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		_, err := authenticator.Bind(ctx, tx, u.ID, authenticator.TOTP, "Phone")
		return err
	}, false},
	"method failed too often": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return ofEmail(ctx, tx, u,
			func(a authenticator.Authenticator) error { return authenticator.Failed(ctx, tx, a, 1) })
	}, false},
	"method enabled": {func(ctx context.Context, tx *db.Tx, u user.User) error {
		return ofEmail(ctx, tx, u,
			func(a authenticator.Authenticator) error { return authenticator.Enable(ctx, tx, a.ID) })
	}, true},
}

// ofEmail runs fn on the authenticator that sends codes by email.
func ofEmail(ctx context.Context, tx *db.Tx, u user.User, fn func(a authenticator.Authenticator) error) error {
	all, err := authenticator.Of(ctx, tx, u.ID)
	for _, a := range all {
		if err == nil && a.Kind == authenticator.Email {
			err = fn(a)
		}
	}
	return err
}

// TestEverySetterIsSeenWhileAnAnswerIsJudged: the write that ends a flow compares versions, so
// that each setter of what a decision reads makes the step run again.
func TestEverySetterIsSeenWhileAnAnswerIsJudged(t *testing.T) {
	run := func(name string, in bool, set setter) {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.answerWhile(func(h *house, _ signin.AnswerCode) {
					h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
						u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), "maria@company.test")
						if err != nil {
							return err
						}
						return set(ctx, tx, u)
					})
				}, in)
			})
		})
	}
	for name, c := range settersOfTenant {
		run("company/"+name, c.in, c.set)
	}
	for name, c := range settersOfApp {
		run("app/"+name, c.in, c.set)
	}
	for name, c := range settersOfUser {
		run("person/"+name, c.in, c.set)
	}
	for name, set := range settersOfVendor {
		run("vendor/"+name, true, func(ctx context.Context, tx *db.Tx, _ user.User) error {
			i, err := tenant.LoadInstallation(ctx, tx)
			if err != nil {
				return err
			}
			set(&i)
			return tenant.SaveInstallation(ctx, tx, i)
		})
	}
}

func readdress(h *house, _ signin.AnswerCode) {
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), "maria@company.test")
		if err != nil {
			return err
		}
		return outofband.Follow(ctx, tx, u.ID, "elsewhere@company.test")
	})
}

// TestATryStaysTakenWhenJudgingFails: an error after the try was taken must not give it back.
func TestATryStaysTakenWhenJudgingFails(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		right := h.Email
		h.Email.Keys = nil // judging panics
		for range 2 {
			func() {
				defer func() { _ = recover() }()
				_, _ = h.Respond(t.Context(), *ask.Flow, authenticator.Response{Code: "000000"}, false, visitor)
				t.Error("did not panic")
			}()
		}
		h.Email = right
		step, err := h.Current(t.Context(), *ask.Flow)
		if now, ok := step.(signin.AnswerCode); err != nil || !ok || now.TriesLeft != ask.TriesLeft-2 {
			t.Errorf("%+v, %v", step, err)
		}
	})
}
