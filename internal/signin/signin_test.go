package signin_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

func TestALO3_ALO6_PasswordThenCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("Maria@Company.TEST ", "dashboard")
		if n := h.sessions(h.company); n != 0 {
			t.Fatalf("%d sessions after the password alone", n)
		}
		mail := h.newest()
		if mail.Reference != ask.Reference || mail.IP != visitor.IP || mail.Place != visitor.Place ||
			mail.Browser != visitor.Browser {
			t.Errorf("the mail tells %+v", mail)
		}
		done, ok := h.answer(*ask.Flow, " "+mail.Code[:3]+"-"+mail.Code[3:]+"\n", false).(signin.Done)
		if !ok {
			t.Fatal("the right code did not sign in")
		}
		st := h.standing(done.Session, gate.Ask{ClientID: "dashboard"})
		if !st.Enough || st.Session.ACR != string(policy.EmailConfirmed) ||
			strings.Join(st.Session.AMR, " ") != "pwd email" {
			t.Errorf("standing %+v", st)
		}
		if done.Life != 24*time.Hour {
			t.Errorf("the session lives %s", done.Life)
		}
	})
}

// guard: challenge.Spend's closed_at = 0.
func TestATK19_OneRightCodeOneSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Limits.WrongAnswers = 200 // so that every one of them is compared
		ask := h.password("maria@company.test", "dashboard")
		mail := h.newest()
		link := linkOf(t, mail.Link)
		var done atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				var step signin.Step
				var err error
				if i%2 == 0 {
					step, err = h.Respond(t.Context(), *ask.Flow,
						authenticator.Response{Code: mail.Code}, false, visitor)
				} else {
					_, step, err = h.PressLink(t.Context(), link, held(ask), false, visitor)
				}
				if _, ok := step.(signin.Done); ok {
					done.Add(1)
				}
				if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.RateLimited) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 || h.sessions(h.company) != 1 || h.events(h.company, "signin.completed", "ok") != 1 {
			t.Errorf("%d successes, %d sessions, %d events", done.Load(), h.sessions(h.company),
				h.events(h.company, "signin.completed", "ok"))
		}
	})
}

func TestAIR10_ThreeNewCodesThenStartAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		first := h.newest().Code
		if _, err := h.NewCode(t.Context(), *ask.Flow, visitor); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a new code at once: %v", err)
		}
		for i := range 3 {
			h.clock.pass(31 * time.Second)
			step, err := h.NewCode(t.Context(), *ask.Flow, visitor)
			if a, ok := step.(signin.AnswerCode); err != nil || !ok || a.NewCodesLeft != 2-i {
				t.Fatalf("new code %d: %#v, %v", i+1, step, err)
			}
		}
		newest := h.newest().Code
		if a, ok := h.answer(*ask.Flow, first, false).(signin.AnswerCode); first != newest &&
			(!ok || a.Problem != "code.problem.older") {
			t.Errorf("an older code: %#v", a)
		}
		h.clock.pass(31 * time.Second)
		step, err := h.NewCode(t.Context(), *ask.Flow, visitor)
		if over, ok := step.(signin.Over); err != nil || !ok || over.Reason != flow.Restart {
			t.Fatalf("a fourth new code: %#v, %v", step, err)
		}
		if _, ok := h.answer(*ask.Flow, newest, false).(signin.Over); !ok {
			t.Error("the flow went on")
		}
	})
}

func TestAIR7_CodesDieAfterTenMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		mail := h.newest()
		h.clock.pass(10 * time.Minute)
		if s, ok := h.answer(*ask.Flow, mail.Code, false).(signin.CodeSpent); !ok || !s.Expired {
			t.Errorf("after 600 s: %#v", s)
		}
		if _, _, err := h.PressLink(t.Context(), linkOf(t, mail.Link), held(ask), false, visitor); !fault.Is(err,
			fault.NotFound) {
			t.Errorf("the link after 600 s: %v", err)
		}
		h.clock.pass(-10 * time.Minute)
		if s, ok := h.answer(*ask.Flow, mail.Code, false).(signin.CodeSpent); !ok || !s.Expired {
			t.Errorf("a clock that went back brought the code to life: %#v", s)
		}
		next := h.password("maria@company.test", "dashboard")
		code := h.newest().Code
		h.clock.pass(10*time.Minute - time.Second)
		if _, ok := h.answer(*next.Flow, code, false).(signin.Done); !ok {
			t.Error("refused after 599 s")
		}
	})
}

// guard: Verifier.binding and the flow's own challenges.
func TestATK22_ATK25_CodesOfOthersAreWrong(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.password("maria@company.test", "dashboard")
		codeA := h.newest().Code
		other := func(email string) (step signin.AnswerCode, code string) {
			for code = codeA; code == codeA; code = h.newest().Code { // two codes may be equal by chance
				step = h.password(email, "dashboard")
			}
			return step, code
		}
		b, codeB := other("owner@company.test")
		again, codeC := other("maria@company.test")
		for _, c := range []struct {
			flow secret.Reference
			code string
		}{{*a.Flow, codeB}, {*b.Flow, codeA}, {*again.Flow, codeA}, {*a.Flow, codeC}} {
			if _, ok := h.answer(c.flow, c.code, false).(signin.AnswerCode); !ok {
				t.Error("a foreign code was not simply wrong")
			}
		}
		if _, ok := h.answer(*a.Flow, codeA, false).(signin.Done); !ok {
			t.Error("the own code is wrong now")
		}
	})
}

func isAsk(step signin.Step) bool { _, ok := step.(signin.AnswerCode); return ok }

func TestExplain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var u user.User
		h.in(h.company, func(ctx context.Context, tx *db.Tx) (err error) {
			u, err = user.ByEmail(ctx, tx, "maria@company.test")
			return err
		})
		d, err := h.Explain(t.Context(), u, "dashboard")
		if err != nil || d.Outcome != policy.Challenge || d.Offer[0] != authenticator.Email ||
			d.Because[0].Key != "policy.mandate_always" {
			t.Errorf("%+v, %v", d, err)
		}
		if d, err = h.Explain(t.Context(), u, "phone"); err != nil || d.Outcome != policy.Allow {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// held is what the browser that has just begun a sign-in keeps.
func held(ask signin.AnswerCode) []secret.Reference { return []secret.Reference{*ask.Flow} }
