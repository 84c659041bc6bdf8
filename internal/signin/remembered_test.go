package signin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/message/email"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func TestALO8_RememberedThirtyDaysAbsolute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		done := h.signIn("maria@company.test", "dashboard", true)
		if done.Remembered == nil || done.Life != 30*24*time.Hour {
			t.Fatalf("not remembered: %+v", done)
		}
		browser := *done.Remembered
		for day := 7; day <= 28; day += 7 {
			h.clock.pass(7 * 24 * time.Hour)
			next := h.again("maria@company.test", "dashboard", browser)
			st := h.standing(next.Session, gate.Ask{ClientID: "dashboard"})
			if !st.Enough || st.Session.ACR != string(policy.PasswordOnly) {
				t.Fatalf("day %d: %+v", day, st)
			}
			browser = *next.Remembered
		}
		h.clock.pass(2*24*time.Hour - time.Minute)
		last := h.again("maria@company.test", "dashboard", browser)
		browser = *last.Remembered
		if last.Life > time.Minute {
			t.Errorf("a session of %s outlives the memory that opened it", last.Life)
		}
		h.clock.pass(2 * time.Minute)
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Presented = []secret.Reference{browser}
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("after 30 days: %#v, %v", step, err)
		}
	})
}

func (h *house) again(address, app string, browsers ...secret.Reference) signin.Done {
	h.t.Helper()
	a := attempt(address, rightPassword, app)
	a.Presented = browsers
	step, err := h.SubmitPassword(h.t.Context(), a)
	done, ok := step.(signin.Done)
	if err != nil || !ok {
		h.t.Fatalf("a remembered browser was asked: %#v, %v", step, err)
	}
	return done
}

// guard: session.Recall's user, client and security version.
func TestATK69_ATK74_MemoryIsOfOneUserAndApp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		browser := *h.signIn("maria@company.test", "dashboard", true).Remembered
		for _, a := range []firststep.Attempt{attempt("owner@company.test", rightPassword, "dashboard"),
			attempt("maria@company.test", rightPassword, client.PortalID)} {
			a.Presented = []secret.Reference{browser}
			if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
				t.Errorf("%s at %s: %#v, %v", a.Email, a.ClientID, step, err)
			}
		}
		token, _ := secret.NewToken()
		forged := attempt("maria@company.test", rightPassword, "dashboard")
		forged.Presented = []secret.Reference{{Tenant: h.company, ID: "nothing", Token: token}}
		if step, err := h.SubmitPassword(t.Context(), forged); err != nil || !isAsk(step) {
			t.Errorf("forged: %#v, %v", step, err)
		}
	})
}

// guard: session.Forget on a stale token.
func TestAnOlderMemoryTokenEndsTheLine(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		older := *h.signIn("maria@company.test", "dashboard", true).Remembered
		born := h.again("maria@company.test", "dashboard", older)
		newer := *born.Remembered
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Presented = []secret.Reference{older} // another tab of the same browser
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.Conflict) {
			t.Errorf("a moment later: %v", err)
		}
		h.clock.pass(10 * time.Minute)
		for _, ref := range []secret.Reference{older, newer} {
			a.Presented = []secret.Reference{ref}
			if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
				t.Errorf("%#v, %v", step, err)
			}
		}
		if st, err := h.Gate.CheckSession(t.Context(), string(born.Session.Text()),
			gate.Ask{ClientID: "dashboard"}); err != nil ||
			st.Session != nil {
			t.Errorf("the session of a copied token goes on: %v", err)
		}
		h.deliver()
		if n := h.post.count(email.Template(email.RememberedReuse{})); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestATK72_WhatEndsAMemory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, change := range map[string]func(ctx context.Context, tx *db.Tx, id string) error{
			"password": user.PasswordChanged,
			"disabled": func(ctx context.Context, tx *db.Tx, id string) error {
				_ = user.Disable(ctx, tx, id)
				return user.Enable(ctx, tx, id)
			},
			"zero days": func(ctx context.Context, tx *db.Tx,
				_ string) error {
				return tenant.SetRememberDays(ctx, tx, 0)
			},
			"disowned": func(ctx context.Context, tx *db.Tx, id string) error {
				_, err := user.FlagPassword(ctx, tx, id)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				address := strings.ReplaceAll(name, " ", "-") + "@company.test"
				u := h.newUser(h.company, address, user.Agent)
				browser := *h.signIn(address, "dashboard", true).Remembered
				h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return change(ctx, tx, u.ID) })
				a := attempt(address, rightPassword, "dashboard")
				a.Presented = []secret.Reference{browser}
				if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
					t.Errorf("%#v, %v", step, err)
				}
				h.in(h.company,
					func(ctx context.Context,
						tx *db.Tx) error {
						return tenant.SetRememberDays(ctx, tx, tenant.InheritDays)
					})
			})
		}
	})
}

// guard: Session.Age. The memory is for one app, and the token says level 1 (DEV-2).
func TestSEC68_AMemoryOpensOneAppOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		done := h.signIn("maria@company.test", "dashboard", true)
		dashboard, other := gate.Ask{ClientID: "dashboard"}, gate.Ask{ClientID: client.PortalID}
		if !h.standing(done.Session, other).Enough {
			t.Error("a fresh second step is not enough for another app")
		}
		h.clock.pass(59 * time.Minute)
		if !h.standing(done.Session, other).Enough {
			t.Error("aged before an idle hour")
		}
		h.clock.pass(61 * time.Minute)
		for range 3 { // using it does not bring the proof back
			st := h.standing(done.Session, dashboard)
			if !st.Enough || st.Session.ACR != string(policy.PasswordOnly) ||
				strings.Join(st.Session.AMR, " ") != "pwd" {
				t.Errorf("its own app after two idle hours: %+v", st)
			}
			if st := h.standing(done.Session, other); st.Enough || !st.StepUp {
				t.Errorf("another app after two idle hours: %+v", st)
			}
			if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, done.Session.ID, other); !st.Enough {
				t.Errorf("the tokens of another app after two idle hours: %+v", st)
			}
			if err := h.Gate.Seen.Flush(t.Context(), h.DB); err != nil {
				t.Fatal(err)
			}
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return tenant.SetRememberDays(ctx, tx, 0) })
		if st := h.standing(done.Session, dashboard); st.Enough {
			t.Error("the company's zero days did not reach the session")
		}
	})
}

func TestSEC68_TheSecondStepAgesThoughInUse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		done := h.signIn("maria@company.test", "dashboard", true)
		for range 47 {
			h.clock.pass(30 * time.Minute)
			if !h.standing(done.Session, gate.Ask{ClientID: client.PortalID}).Enough {
				t.Fatal("aged within a day of use")
			}
		}
		h.clock.pass(31 * time.Minute)
		if h.standing(done.Session, gate.Ask{ClientID: client.PortalID}).Enough {
			t.Error("still two steps after a day")
		}
	})
}

func TestTheConfiguredDaysReachExistingMemories(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		browser := *h.signIn("maria@company.test", "dashboard", true).Remembered
		h.Limits.RememberDays, h.FirstStep.Limits.RememberDays = 0, 0
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Presented = []secret.Reference{browser}
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("%#v, %v", step, err)
		}
		done := h.signIn("maria@company.test", "dashboard", true) // an old page with the box still on it
		if done.Remembered != nil || done.Life != 24*time.Hour {
			t.Errorf("%+v", done)
		}
	})
}
