package signin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// TestATK106_ReportsTakeNobodysCodes: people who report their own sign-ins again and again take
// none of the codes that their administrators sign in with, and fill no mailbox. guard: the
// budget of alerts.
func TestATK106_ReportsTakeNobodysCodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 3 {
			h.reportAgainAndAgain(h.newUser(h.company, fmt.Sprintf("agent%d@company.test", i), user.Agent))
		}
		h.deliver()
		if n := h.post.count(email.Template(email.NotMeAlert{})); n == 0 || n > h.Limits.SendsPerHour {
			t.Errorf("%d alerts in an hour", n)
		}
		h.signIn("owner@company.test", "dashboard", false)
	})
}

// reportAgainAndAgain is a person who uses up the codes of an hour, each for a report of the
// sign-in and, as the next one asks for it, a new password.
func (h *house) reportAgainAndAgain(u user.User) {
	h.t.Helper()
	for range h.Limits.SendsPerHour {
		h.password(u.Email, "dashboard")
		_, text, _ := strings.Cut(h.newest().NotMeLink, "/not-me/")
		ref, err := secret.ParseReference(text)
		if err != nil {
			h.t.Fatal(err)
		}
		if err := h.incident.Disown(h.t.Context(), ref, visitor); err != nil {
			h.t.Fatal(err)
		}
		h.in(u.TenantID, func(ctx context.Context, tx *db.Tx) error { return user.PasswordChanged(ctx, tx, u.ID) })
	}
}

// TestREL14_AClockThatGoesBackRevivesNoMemory: a remembered browser that was seen to be over
// stays over (SEC-140). guard: Over in recall.
func TestREL14_AClockThatGoesBackRevivesNoMemory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		done := h.signIn("maria@company.test", "dashboard", true)
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Presented = []secret.Reference{*done.Remembered}
		for _, passed := range []time.Duration{30*24*time.Hour + time.Minute, -2 * time.Hour} {
			h.clock.pass(passed)
			step, err := h.SubmitPassword(t.Context(), a)
			if _, ok := step.(signin.AnswerCode); err != nil || !ok {
				t.Errorf("after %v: %#v, %v", passed, step, err)
			}
		}
	})
}

// TestATK170_StepUpsAreCounted: a session that lacks a second step begins so many step-ups, and
// takes none of the sign-ins of the account. guard: limitStepUps.
func TestATK170_StepUpsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		done := h.done("maria@company.test", "phone")
		begun := 0
		for err := error(nil); err == nil && begun < 500; begun++ {
			if _, err = h.StepUp(t.Context(), done.Session,
				firststep.Attempt{ClientID: "dashboard", Visitor: visitor}); err != nil &&
				!fault.Is(err, fault.RateLimited) {
				t.Fatal(err)
			}
		}
		if begun > 100 {
			t.Errorf("%d step-ups", begun)
		}
		h.done("maria@company.test", "phone")
	})
}

// TestREL14_AClockThatGoesBackRevivesNoTokens: a session that an app was told is over stays over
// for what apps hold of it, also where its browser had been seen idle before. guard: overdue.
func TestREL14_AClockThatGoesBackRevivesNoTokens(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := gate.Ask{ClientID: "dashboard"}
		for _, idle := range []bool{false, true} {
			ref := h.signIn("maria@company.test", "dashboard", false).Session
			if h.clock.pass(2 * time.Hour); idle && h.standing(ref, ask).Session != nil {
				t.Fatal("alive after two idle hours")
			}
			for _, passed := range []time.Duration{23 * time.Hour, -23 * time.Hour} {
				h.clock.pass(passed)
				if st, err := h.Gate.CheckSessionByID(t.Context(), ref.Tenant, ref.ID, ask); err != nil ||
					st.Session != nil {
					t.Errorf("idle %t, after %v: %+v, %v", idle, passed, st.Session, err)
				}
			}
		}
	})
}
