package signin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// guard: judge reads the account again and activeFlow.endReason compares the security version.
func TestATK53_ATK51_ChangesReachAFlowUnderWay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, change := range map[string]func(ctx context.Context, tx *db.Tx, id string) error{
			"password": user.PasswordChanged, "disabled": user.Disable,
			"suspended": func(ctx context.Context, tx *db.Tx, _ string) error { return tenant.Suspend(ctx, tx) },
		} {
			t.Run(name, func(t *testing.T) {
				u := h.newUser(h.company, name+"@company.test", user.Agent)
				ask := h.password(name+"@company.test", "dashboard")
				code := h.newest().Code
				h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return change(ctx, tx, u.ID) })
				if over, ok := h.answer(*ask.Flow, code, false).(signin.Over); !ok || over.Reason != flow.Changed {
					t.Errorf("%#v", over)
				}
				h.in(h.company, func(ctx context.Context, tx *db.Tx) error { return tenant.Resume(ctx, tx) })
			})
		}
		if n := h.sessions(h.company); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// guard: confirmPassword reads the account again after the hash.
func TestATK51_WhatChangesDuringTheHashHolds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		open := h.newCompany("open", tenant.Mandate{Mode: tenant.DefaultOff})
		changes := map[string]func(ctx context.Context, tx *db.Tx, id string) error{
			"switched on": func(ctx context.Context, tx *db.Tx, _ string) error { return tenant.SwitchOn(ctx, tx) },
			"disabled":    user.Disable, "password changed": user.PasswordChanged,
		}
		slow, err := password.NewPool(h.Keys, password.Cost{MemoryKiB: 1 << 17, Passes: 3, Lanes: 1}, 4, 10)
		if err != nil {
			t.Fatal(err)
		}
		h.Passwords, h.FirstStep.Passwords = slow, slow // about a third of a second for each hash
		for name, change := range changes {
			u := h.newUser(open, strings.ReplaceAll(name, " ", "-")+"@open.test", user.Agent)
			result := make(chan signin.Step, 1)
			go func() {
				step, _ := h.SubmitPassword(t.Context(), attempt(u.Email, rightPassword, "dashboard"))
				result <- step
			}()
			for h.Passwords.Waiting() == 0 {
				time.Sleep(time.Millisecond)
			}
			h.in(open, func(ctx context.Context, tx *db.Tx) error { return change(ctx, tx, u.ID) })
			if step, signedIn := (<-result).(signin.Done); signedIn {
				t.Errorf("%s: %#v", name, step)
			}
			h.in(open, func(ctx context.Context, tx *db.Tx) error { return tenant.SwitchOff(ctx, tx) })
		}
		if n := h.sessions(open); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestNoticesComeOutOfTheSameBudget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 20 {
			a := attempt("maria@company.test", rightPassword, "phone")
			a.Visitor.Browser = strings.Repeat("x", i+1)
			if _, err := h.SubmitPassword(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		if h.deliver(); h.post.count(email.Template(email.NewBrowser{})) != 10 {
			t.Errorf("%d notices", h.post.count(email.Template(email.NewBrowser{})))
		}
	})
}

func TestALO10_ThisWasNotMe(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		mail := h.newest()
		_, text, _ := strings.Cut(mail.NotMeLink, "/not-me/")
		ref, err := secret.ParseReference(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.PressLink(t.Context(), ref, held(ask), false, visitor); !fault.Is(err, fault.NotFound) {
			t.Errorf("the not-me token signs in: %v", err)
		}
		forged := linkOf(t, mail.Link)
		for _, r := range []secret.Reference{forged, {Tenant: ref.Tenant, ID: ref.ID, Token: forged.Token}, ref, ref} {
			if err := h.incident.Disown(t.Context(), r, visitor); err != nil {
				t.Fatal(err)
			}
		}
		if over, ok := h.answer(*ask.Flow, mail.Code, false).(signin.Over); !ok || over.Reason != flow.NotMe {
			t.Errorf("the attempt went on: %#v", over)
		}
		if h.deliver(); h.post.count(email.Template(email.NotMeAlert{})) != 1 {
			t.Errorf("%d alerts", h.post.count(email.Template(email.NotMeAlert{})))
		}
		h.replaceReportedPassword(t)
	})
}

// replaceReportedPassword signs in at the exempt app: even there a reported password asks
// for the code and for a new password.
func (h *house) replaceReportedPassword(t *testing.T) {
	t.Helper()
	ask := h.password("maria@company.test", "phone")
	if _, err := h.ReplacePassword(t.Context(), *ask.Flow, "another horse battery staple",
		visitor); !fault.Is(err, fault.Denied) {
		t.Errorf("a new password before the code: %v", err)
	}
	if _, ok := h.answer(*ask.Flow, h.newest().Code, false).(signin.ReplacePassword); !ok {
		t.Fatal("no new password was asked for")
	}
	for _, weak := range []string{"short", "passwordpassword", strings.Repeat("x", 300), "", rightPassword} {
		if _, err := h.ReplacePassword(t.Context(), *ask.Flow, secret.Text(weak), visitor); !fault.Is(err,
			fault.Invalid) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	step, err := h.ReplacePassword(t.Context(), *ask.Flow, "velvet orbit canyon thistle", visitor)
	if _, ok := step.(signin.Done); !ok || err != nil {
		t.Fatalf("%#v, %v", step, err)
	}
	step, err = h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "phone"))
	if _, again := step.(signin.AskPassword); !again || err != nil {
		t.Errorf("the old password: %#v, %v", step, err)
	}
}

func TestAnImportedHashIsRenewed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		// of "password"
		const imported = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		u := h.newUser(h.company, "moved@company.test", user.Agent)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			return password.Set(ctx, tx, u.ID, password.Stored{Hash: imported})
		})
		for range 2 {
			h.clock.pass(time.Minute)
			if step, err := h.SubmitPassword(t.Context(),
				attempt("moved@company.test", "password", "dashboard")); err != nil || !isAsk(step) {
				t.Fatalf("%#v, %v", step, err)
			}
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			s, err := password.Load(ctx, tx, u.ID)
			if s.Pepper == "" || s.Hash == imported {
				t.Error("the imported hash is still there")
			}
			return err
		})
	})
}

func TestALO1_AnnouncedBeforeItHolds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		soon := h.newCompany("soon",
			tenant.Mandate{Mode: tenant.Mandatory, From: h.clock.now().Add(13*24*time.Hour + time.Hour)})
		h.newUser(soon, "pat@soon.test", user.Agent)
		step, err := h.SubmitPassword(t.Context(), attempt("pat@soon.test", rightPassword, "dashboard"))
		done, ok := step.(signin.Done)
		if err != nil || !ok || done.Notice == nil || done.Notice.DaysLeft != 14 {
			t.Fatalf("%#v, %v", step, err)
		}
		h.clock.pass(13*24*time.Hour + time.Hour)
		h.password("pat@soon.test", "dashboard")
		if st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"}); st.Enough {
			t.Error("a session from before is still enough")
		}
	})
}

func TestARequirementLiftedMidway(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		code := h.newest().Code
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			return tenant.SetMandate(ctx, tx, tenant.Mandate{Mode: tenant.DefaultOff})
		})
		if step, err := h.Current(t.Context(), *ask.Flow); err != nil || !isAsk(step) {
			t.Errorf("%#v, %v", step, err)
		}
		if step := h.answer(*ask.Flow, otherThan(code), false); !isAsk(step) {
			t.Errorf("a wrong code: %#v", step)
		}
		if _, ok := h.answer(*ask.Flow, code, false).(signin.Done); !ok {
			t.Error("the right code did not sign in")
		}
	})
}
