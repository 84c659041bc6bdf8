package signin_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/signin"
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

// TestWhatChangesWhileAnAnswerIsJudgedHolds: each fact that the last step decides on is
// looked at once more by the write that ends the flow. What a step costs more than the six
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
	const soon = int64(4102444800000000)
	for name, c := range map[string]struct {
		change func(h *house, flow signin.AnswerCode)
		in     bool // the person is signed in all the same
	}{
		"account disabled":           {set(`UPDATE users SET disabled_at = 1 WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"password changed":           {set(`UPDATE users SET security_version = security_version + 1 WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"password reported":          {set(`UPDATE users SET password_flagged_at = 1 WHERE tenant_id = 'company' AND email = 'maria@company.test'`), false},
		"company suspended":          {set(`UPDATE tenants SET suspended_at = 1 WHERE tenant_id = 'company'`), false},
		"company's mandate":          {set(`UPDATE tenants SET mandate = 'default_off' WHERE tenant_id = 'company'`), true},
		"company's mandate's date":   {set(`UPDATE tenants SET mandate_from = $1 WHERE tenant_id = 'company'`, soon), true},
		"company's switch on":        {set(`UPDATE tenants SET switched_on_at = 1 WHERE tenant_id = 'company'`), true},
		"company's switch off":       {set(`UPDATE tenants SET switched_off_at = 1 WHERE tenant_id = 'company'`), true},
		"company's days":             {set(`UPDATE tenants SET remember_days = 3 WHERE tenant_id = 'company'`), true},
		"vendor's mandate":           {set(`UPDATE installation SET mandate = 'mandatory' WHERE id = 'installation'`), true},
		"vendor's mandate's date":    {set(`UPDATE installation SET mandate_from = 1 WHERE id = 'installation'`), true},
		"vendor's days":              {set(`UPDATE installation SET remember_days = 2 WHERE id = 'installation'`), true},
		"app exempt":                 {set(`UPDATE clients SET exempt_until = $1 WHERE id = 'dashboard'`, soon), true},
		"app disabled":               {set(`UPDATE clients SET disabled_at = 1 WHERE id = 'dashboard'`), false},
		"company's methods":          {set(`UPDATE tenants SET methods = 'email totp' WHERE tenant_id = 'company'`), true},
		"company's methods, not it":  {set(`UPDATE tenants SET methods = 'totp' WHERE tenant_id = 'company'`), false},
		"who decides":                {set(`UPDATE tenants SET choice = 'optional' WHERE tenant_id = 'company'`), true},
		"the deadline":               {set(`UPDATE tenants SET set_up_by = $1 WHERE tenant_id = 'company'`, soon), true},
		"vendor's methods":           {set(`UPDATE installation SET methods = 'email' WHERE id = 'installation'`), true},
		"the person's own switch":    {set(`UPDATE users SET second_step_at = 1 WHERE tenant_id = 'company' AND email = 'maria@company.test'`), true},
		"a stronger method set up":   {bindApp, false},
		"code replaced by a new one": {func(h *house, f signin.AnswerCode) { _, _ = h.NewCode(h.t.Context(), *f.Flow, visitor) }, false},
		"cancelled":                  {func(h *house, f signin.AnswerCode) { _, _ = h.Cancel(h.t.Context(), *f.Flow, visitor) }, false},
		"address changed":            {readdress, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				ask := h.password("maria@company.test", "dashboard")
				code := h.newest().Code
				h.clock.pass(time.Minute)
				var before int64
				h.meanwhile(func() { c.change(h, ask); before = h.DB.Statements() })
				step, err := h.Respond(t.Context(), *ask.Flow, authenticator.Response{Code: code}, true, visitor)
				_, in := step.(signin.Done)
				if err != nil || in != c.in {
					t.Errorf("got %T, %v", step, err)
				}
				if n := h.DB.Statements() - before; n <= 6 {
					t.Errorf("decided on what was read before: %d statements", n)
				}
			})
		})
	}
}

func bindApp(h *house, _ signin.AnswerCode) {
	h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByEmail(ctx, tx.ForTenant(db.Installation), "maria@company.test")
		if err != nil {
			return err
		}
		_, err = authenticator.Bind(ctx, tx, u.ID, authenticator.TOTP, "Phone")
		return err
	})
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
