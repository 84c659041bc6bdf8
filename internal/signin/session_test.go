package signin_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

func TestAIR2_ALO2_ExemptThenCovered(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "phone"))
		done, ok := step.(signin.Done)
		if err != nil || !ok {
			t.Fatalf("the exempt app asked: %#v, %v", step, err)
		}
		st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"})
		if st.Enough || !st.StepUp {
			t.Fatalf("the covered app with the exempt app's session: %+v", st)
		}
		a := attempt("", "", "dashboard")
		step, err = h.StepUp(t.Context(), done.Session, a)
		ask, ok := step.(signin.AnswerCode)
		if err != nil || !ok {
			t.Fatalf("%#v, %v", step, err)
		}
		up, ok := h.answer(*ask.Flow, h.newest().Code, false).(signin.Done)
		if !ok {
			t.Fatal("the step-up did not finish")
		}
		if st := h.standing(up.Session, gate.Ask{ClientID: "dashboard"}); !st.Enough ||
			st.Session.ACR != string(policy.EmailConfirmed) {
			t.Errorf("after the step-up: %+v", st)
		}
		if st := h.standing(done.Session, gate.Ask{ClientID: "phone"}); st.Session != nil {
			t.Error("the older cookie still opens something")
		}
		if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, done.Session.ID,
			gate.Ask{ClientID: "phone"}); !st.Enough {
			t.Error("the exempt app's tokens died with the step-up")
		}
		if err := h.Gate.SignOut(t.Context(), up.Session, visitor); err != nil {
			t.Fatal(err)
		}
		if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, done.Session.ID,
			gate.Ask{ClientID: "phone"}); st.Enough {
			t.Error("signing out left the session underneath")
		}
	})
}

// guard: activeFlow.endReason looks at the session that a step-up began from.
func TestATK80_AStepUpEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "phone"))
		done, ok := step.(signin.Done)
		if err != nil || !ok {
			t.Fatalf("%#v, %v", step, err)
		}
		step, err = h.StepUp(t.Context(), done.Session, attempt("", "", "dashboard"))
		ask, ok := step.(signin.AnswerCode)
		if err != nil || !ok {
			t.Fatalf("%#v, %v", step, err)
		}
		code := h.newest().Code
		if err := h.Gate.SignOut(t.Context(), done.Session, visitor); err != nil {
			t.Fatal(err)
		}
		if over, ok := h.answer(*ask.Flow, code, false).(signin.Over); !ok || over.Reason != flow.Changed {
			t.Errorf("%#v", over)
		}
	})
}

func TestAIR12_SwitchingOnReachesLiveSessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		open := h.newCompany("open", tenant.Mandate{Mode: tenant.DefaultOff})
		h.newUser(open, "pat@open.test", user.Agent)
		step, err := h.SubmitPassword(t.Context(), attempt("pat@open.test", rightPassword, "dashboard"))
		done, ok := step.(signin.Done)
		if err != nil || !ok {
			t.Fatalf("%#v, %v", step, err)
		}
		if st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"}); !st.Enough {
			t.Fatalf("before: %+v", st)
		}
		h.in(open, func(ctx context.Context, tx *db.Tx) error { return tenant.SwitchOn(ctx, tx) })
		if st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"}); st.Enough || !st.StepUp {
			t.Errorf("after: %+v", st)
		}
	})
}

func TestATK143_UnreachableLevelsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.WantACR = []string{string(policy.TwoFactor)}
		step, err := h.SubmitPassword(t.Context(), a)
		if over, ok := step.(signin.Over); err != nil || !ok || over.Reason != flow.Unmet {
			t.Errorf("%#v, %v", step, err)
		}
		done := h.signIn("maria@company.test", "dashboard", false)
		if st := h.standing(done.Session, gate.Ask{ClientID: "dashboard", WantACR: a.WantACR}); st.Enough ||
			!st.Unreachable {
			t.Errorf("%+v", st)
		}
		if st := h.standing(done.Session,
			gate.Ask{ClientID: "dashboard", FreshAfter: h.clock.now().Add(time.Second)}); st.Enough || st.StepUp {
			t.Errorf("prompt=login: %+v", st)
		}
	})
}

func TestSessionsEndByTheServersClock(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := gate.Ask{ClientID: "dashboard"}
		idle := h.signIn("maria@company.test", "dashboard", false)
		h.clock.pass(59 * time.Minute)
		if !h.standing(idle.Session, ask).Enough {
			t.Error("ended after 59 idle minutes")
		}
		if err := h.Gate.Seen.Flush(t.Context(), h.DB); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(time.Hour)
		if h.standing(idle.Session, ask).Session != nil {
			t.Error("alive after an idle hour")
		}
		active := h.signIn("maria@company.test", "dashboard", false)
		for range 47 {
			h.clock.pass(30 * time.Minute)
			if !h.standing(active.Session, ask).Enough {
				t.Fatal("an active session ended early")
			}
		}
		h.clock.pass(31 * time.Minute)
		if h.standing(active.Session, ask).Session != nil {
			t.Error("alive after 24 hours")
		}
	})
}

// TestREL14_AClockThatGoesBackRevivesNoSession: one that was seen to be over stays over, for
// its browser; sign-out still finds what apps hold of it.
func TestREL14_AClockThatGoesBackRevivesNoSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := gate.Ask{ClientID: "dashboard"}
		idle := h.signIn("maria@company.test", "dashboard", false)
		h.clock.pass(2 * time.Hour)
		if h.standing(idle.Session, ask).Session != nil {
			t.Fatal("alive after two idle hours")
		}
		h.clock.pass(-2 * time.Hour)
		if h.standing(idle.Session, ask).Session != nil {
			t.Error("an idle session lives again")
		}
		if st, err := h.Gate.CheckSessionByID(t.Context(), idle.Session.Tenant, idle.Session.ID, ask); err != nil ||
			!st.Enough {
			t.Errorf("what apps hold ended with the browser's idle time: %+v, %v", st, err)
		}
		if err := h.Gate.SignOut(t.Context(), idle.Session, visitor); err != nil {
			t.Fatal(err)
		}
		if st, err := h.Gate.CheckSessionByID(t.Context(), idle.Session.Tenant, idle.Session.ID, ask); err != nil ||
			st.Session != nil {
			t.Errorf("signing out of an idle session ended nothing: %+v, %v", st, err)
		}
		old := h.signIn("maria@company.test", "dashboard", false)
		h.clock.pass(25 * time.Hour)
		if h.standing(old.Session, ask).Session != nil {
			t.Fatal("alive after 25 hours")
		}
		h.clock.pass(-25 * time.Hour)
		if h.standing(old.Session, ask).Session != nil {
			t.Error("an expired session lives again")
		}
	})
}

// TestSigningOutOfWhatIsOverEndsWhatItCameFrom: a session that was seen to be over may have
// been signed in over one that lives longer.
func TestSigningOutOfWhatIsOverEndsWhatItCameFrom(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		long := h.done("maria@company.test", "phone")
		short := h.signIn("maria@company.test", "dashboard", false)
		if err := h.Gate.TakeOver(t.Context(), long.Session.Text().Reveal(), short.Session, visitor); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(25 * time.Hour)
		if h.standing(short.Session, gate.Ask{ClientID: "dashboard"}).Session != nil {
			t.Fatal("alive after 25 hours")
		}
		for range 2 {
			if err := h.Gate.SignOut(t.Context(), short.Session, visitor); err != nil {
				t.Fatal(err)
			}
		}
		ask := gate.Ask{ClientID: "phone"}
		st, err := h.Gate.CheckSessionByID(t.Context(), long.Session.Tenant, long.Session.ID, ask)
		if err != nil || st.Session != nil {
			t.Errorf("what apps hold of the earlier session lives: %+v, %v", st, err)
		}
		if n := h.events("company", "session.ended", "ok"); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// guard: TakeOver.
func TestATK78_AnOldCookieDiesWhenItsBrowserSignsInAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := gate.Ask{ClientID: "dashboard"}
		first := h.signIn("maria@company.test", "dashboard", false)
		second := h.signIn("maria@company.test", "dashboard", false)
		if err := h.Gate.TakeOver(t.Context(), first.Session.Text().Reveal(), second.Session, visitor); err != nil {
			t.Fatal(err)
		}
		if h.standing(first.Session, ask).Session != nil {
			t.Error("the old cookie lives")
		}
		if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, first.Session.ID, ask); !st.Enough {
			t.Error("the apps' tokens died with the new sign-in")
		}
		someone := h.signIn("owner@company.test", "dashboard", false)
		if err := h.Gate.TakeOver(t.Context(), second.Session.Text().Reveal(), someone.Session, visitor); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{first.Session.ID, second.Session.ID} {
			if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, id, ask); st.Session != nil {
				t.Error("someone else's session outlives the new person at this browser")
			}
		}
	})
}

// guard: SignOut does not ask whether the session is idle, and walks the whole line.
func TestATK80_SignOutEndsTheWholeLineHoweverIdle(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var line []secret.Reference
		for i := range 9 {
			done := h.signIn("maria@company.test", "dashboard", false)
			h.clock.pass(7 * time.Minute) // beyond ten mails an hour otherwise
			if i > 0 {
				if err := h.Gate.TakeOver(t.Context(), line[i-1].Text().Reveal(), done.Session, visitor); err != nil {
					t.Fatal(err)
				}
			}
			line = append(line, done.Session)
		}
		h.clock.pass(2 * time.Hour)
		if err := h.Gate.SignOut(t.Context(), line[8], visitor); err != nil {
			t.Fatal(err)
		}
		for i, ref := range line {
			if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, ref.ID,
				gate.Ask{ClientID: "dashboard"}); st.Session != nil {
				t.Errorf("session %d of the line lives", i)
			}
		}
	})
}

// done signs in where the password is enough.
func (h *house) done(address, app string) signin.Done {
	h.t.Helper()
	step, err := h.SubmitPassword(h.t.Context(), attempt(address, rightPassword, app))
	done, ok := step.(signin.Done)
	if err != nil || !ok {
		h.t.Fatalf("got %#v, %v", step, err)
	}
	return done
}
