package signin_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/gate"
	"countersign/internal/message/email"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/tenant"
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

// guard: SubmitPassword compares before it opens a flow.
func TestWrongPasswordsAreOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.newUser(h.company, "disabled@company.test", user.Agent)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			u, err := user.ByEmail(ctx, tx, "disabled@company.test")
			if err != nil {
				return err
			}
			return user.Disable(ctx, tx, u.ID)
		})
		for _, a := range []signin.Attempt{
			attempt("maria@company.test", "wrong", "dashboard"),
			attempt("nobody@company.test", rightPassword, "dashboard"),
			attempt("disabled@company.test", rightPassword, "dashboard"),
			attempt("not an address", rightPassword, "dashboard"),
			attempt("maria@company.test", rightPassword, "no-such-app"), attempt("", "", "dashboard"),
		} {
			step, err := h.SubmitPassword(t.Context(), a)
			if _, again := step.(signin.AskPassword); err != nil || !again {
				t.Errorf("%q: %#v, %v", a.Email, step, err)
			}
		}
		if h.deliver(); len(h.post.codes(t)) != 0 {
			t.Error("a code was mailed")
		}
	})
}

// guard: signin.take reserves a try before the comparison.
func TestATK2_AHundredWrongCodesFiveAreJudged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		right := h.newest().Code
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				wrong := []byte("000000")
				wrong[4], wrong[5] = byte('0'+i/10), byte('0'+i%10)
				if string(wrong) != right {
					_, _ = h.Respond(t.Context(), *ask.Flow,
						authenticator.Response{Code: string(wrong)}, false, visitor)
				}
			})
		}
		wg.Wait()
		if n := h.events(h.company, "signin.second_factor", "failed"); n != 5 {
			t.Errorf("%d answers were judged", n)
		}
		if _, ok := h.answerOrWait(*ask.Flow, right).(signin.Done); ok || h.sessions(h.company) != 0 {
			t.Error("the right code signed in after five wrong ones")
		}
		h.deliver()
		if n := h.post.count(email.Template(email.PasswordKnown{})); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

func (h *house) answerOrWait(ref secret.Reference, code string) signin.Step {
	step, err := h.Respond(h.t.Context(), ref, authenticator.Response{Code: code}, false, visitor)
	if err != nil && !fault.Is(err, fault.RateLimited) {
		h.t.Fatal(err)
	}
	return step
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

func linkOf(t *testing.T, link string) secret.Reference {
	t.Helper()
	_, text, _ := strings.Cut(link, "/l/")
	ref, err := secret.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
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

// guard: PressLink's beganHere.
func TestALO11_TheLinkWorksOnlyWhereItBegan(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := h.password("maria@company.test", "dashboard")
		mail := h.newest()
		link := linkOf(t, mail.Link)
		for range 20 { // a mail scanner
			l, err := h.OpenLink(t.Context(), link)
			if err != nil || l.State != outofband.LinkElsewhere || l.Code != mail.Code {
				t.Fatalf("in another browser: %+v, %v", l, err)
			}
		}
		other := h.password("owner@company.test", "dashboard")
		for _, browser := range []secret.Reference{{}, *other.Flow,
			{Tenant: ask.Flow.Tenant, ID: ask.Flow.ID, Token: other.Flow.Token}} {
			if _, _, err := h.PressLink(t.Context(), link, []secret.Reference{browser}, false, visitor); !fault.Is(err,
				fault.NotFound) {
				t.Errorf("pressed in another browser: %v", err)
			}
		}
		if n := h.sessions(h.company); n != 0 {
			t.Fatalf("%d sessions", n)
		}
		l, err := h.OpenLink(t.Context(), link, *ask.Flow)
		if err != nil || l.State != outofband.LinkReady || l.Code != "" {
			t.Errorf("in its own browser: %+v, %v", l, err)
		}
		_, step, err := h.PressLink(t.Context(), link, held(ask), false, visitor)
		if _, ok := step.(signin.Done); !ok || err != nil {
			t.Fatalf("%#v, %v", step, err)
		}
		if l, _ := h.OpenLink(t.Context(), link, *ask.Flow); l.State != outofband.LinkUsed {
			t.Errorf("afterwards: %s", l.State)
		}
	})
}

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

func isAsk(step signin.Step) bool { _, ok := step.(signin.AnswerCode); return ok }

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
		for _, a := range []signin.Attempt{attempt("owner@company.test", rightPassword, "dashboard"),
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

// guard: activeFlow.over looks at the session that a step-up began from.
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

// guard: judge re-reads the world and over compares the security version.
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

// guard: passwordProved reads the world again after the hash.
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
		h.Passwords = slow // about a third of a second for each hash
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

// guard: limitPassword, spent before the comparison.
func TestATK12_StrangersSlowDownButDoNotLockOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		device := h.signIn("maria@company.test", "dashboard", false).Device
		refused := 0
		for i := range 60 {
			h.clock.pass(time.Minute)
			a := attempt("maria@company.test", "wrong", "dashboard")
			a.Visitor.IP = fmt.Sprintf("198.51.100.%d", i) // from everywhere
			_, err := h.SubmitPassword(t.Context(), a)
			if fault.Is(err, fault.RateLimited) {
				refused++
				if after := fault.Of(err).RetryAfter; after > 15*time.Minute {
					t.Fatalf("a wait of %s", after)
				}
			}
		}
		if refused < 20 {
			t.Errorf("only %d of 60 were refused", refused)
		}
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Devices = []secret.Reference{device}
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) { // at once
			t.Errorf("on a device of hers: %#v, %v", step, err)
		}
		h.clock.pass(15 * time.Minute)
		h.password("maria@company.test", "dashboard") // from a new browser
	})
}

// guard: limitPasswordHere. One stranger, however patient, slows no one but himself.
func TestATK12_OneStrangerSlowsOnlyHimself(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := attempt("maria@company.test", "wrong", "dashboard")
		a.Visitor.IP = "198.51.100.66"
		compared, next := 0, h.clock.now()
		for range 3 * 60 { // three hours; he comes back the moment that he may
			h.clock.pass(time.Minute)
			for !next.After(h.clock.now()) {
				_, err := h.SubmitPassword(t.Context(), a)
				if err == nil {
					compared++
					continue
				}
				next = h.clock.now().Add(fault.Of(err).RetryAfter)
			}
			if h.clock.now().Minute()%20 != 0 {
				continue
			}
			if step, err := h.SubmitPassword(t.Context(),
				attempt("maria@company.test", rightPassword, "dashboard")); err != nil || step == nil {
				t.Errorf("at %s the owner was kept out: %v", h.clock.now().Format("15:04"), err)
			}
		}
		if compared > 40 {
			t.Errorf("%d of his tries were compared", compared)
		}
	})
}

// TestATK12_WhoeverKeepsAskingIsNotHeard: a bot at one address asks without end; soon its
// source is refused before it reaches the account, and the account's waits run out.
func TestATK12_WhoeverKeepsAskingIsNotHeard(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := attempt("maria@company.test", "wrong", "dashboard")
		a.Visitor.IP = "198.51.100.66"
		compared, rows := 0, 0
		for range 6 * 60 * 2 { // every ten seconds, two hours long
			h.clock.pass(10 * time.Second)
			if step, err := h.SubmitPassword(t.Context(), a); err == nil && step != nil {
				compared++
			}
		}
		rows = h.events(h.company, "signin.password", "refused") + h.events(h.company, "signin.password", "failed")
		if rows > 5*13+40 { // five for each span, and what was compared
			t.Errorf("%d audit rows of one stranger in two hours", rows)
		}
		right := 0
		for range 6 * 30 { // the owner tries once a minute for half an hour, beside the bot
			h.clock.pass(10 * time.Second)
			_, _ = h.SubmitPassword(t.Context(), a)
			if h.clock.now().Second() != 0 {
				continue
			}
			if step, err := h.SubmitPassword(t.Context(),
				attempt("maria@company.test", rightPassword, "dashboard")); err == nil && step != nil {
				right++
			}
		}
		if right == 0 {
			t.Errorf("the owner never got through (%d tries of the bot were compared)", compared)
		}
	})
}

func TestAMadeUpDeviceIsNone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		own := h.signIn("owner@company.test", "dashboard", false).Device
		maria := h.signIn("maria@company.test", "dashboard", false).Device
		token, _ := secret.NewToken()
		for range 6 {
			_, _ = h.SubmitPassword(t.Context(), attempt("maria@company.test", "wrong", "dashboard"))
			h.clock.pass(time.Second)
		}
		a := attempt("maria@company.test", rightPassword, "dashboard")
		a.Devices = []secret.Reference{own, {Tenant: maria.Tenant, ID: maria.ID, Token: token},
			{Tenant: maria.Tenant, ID: maria.ID, Token: own.Token}}
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a made-up device was believed: %v", err)
		}
	})
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

func TestFailuresPerSource(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var last error
		for i := range 51 {
			a := attempt(strings.Repeat("x", i+1)+"@nowhere.test", "whatever", "dashboard")
			if i%10 == 0 { // those of accounts that exist count alike
				address := strings.Repeat("y", i+1) + "@company.test"
				h.newUser(h.company, address, user.Agent)
				a.Email = address
			}
			_, last = h.SubmitPassword(t.Context(), a)
		}
		if !fault.Is(last, fault.RateLimited) {
			t.Errorf("the 51st: %v", last)
		}
		a := attempt("maria@company.test", rightPassword, "dashboard")
		if _, err := h.SubmitPassword(t.Context(), a); !fault.Is(err, fault.RateLimited) {
			t.Error("the same source is told which accounts exist")
		}
		a.Visitor.IP = "198.51.100.7"
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("another source: %v", err)
		}
	})
}

// guard: spendSend's budgets.
func TestATK116_TenMailsAnHour(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		sent, unsent := 0, 0
		for range 14 {
			h.clock.pass(31 * time.Second)
			step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "dashboard"))
			if err != nil {
				t.Fatal(err)
			}
			switch s := step.(type) {
			case signin.AnswerCode:
				sent++
			case signin.CodeSpent:
				if s.Unsent && s.Flow != nil && s.Wait > 0 {
					unsent++
				}
			}
		}
		h.deliver()
		if n := len(h.post.codes(t)); sent != 10 || unsent != 4 || n != 10 {
			t.Errorf("%d accepted, %d unsent, %d mails", sent, unsent, n)
		}
		if n := h.events(h.company, "signin.password", "ok"); n != 14 {
			t.Errorf("%d right passwords recorded", n)
		}
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

func TestAHundredFailuresInARowDisableTheMethod(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Limits.MaxConsecutiveFailures = 7
		for range 2 {
			h.clock.pass(20 * time.Minute)
			ask := h.password("maria@company.test", "dashboard")
			right := h.newest().Code
			for range 5 {
				h.clock.pass(time.Minute / 2)
				h.answerOrWait(*ask.Flow, otherThan(right))
			}
		}
		h.clock.pass(2 * time.Hour)
		step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "dashboard"))
		if over, ok := step.(signin.Over); err != nil || !ok || over.Reason != flow.Unmet {
			t.Errorf("%#v, %v", step, err)
		}
	})
}

func otherThan(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

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
		somebody := h.signIn("owner@company.test", "dashboard", false)
		if err := h.Gate.TakeOver(t.Context(), second.Session.Text().Reveal(), somebody.Session, visitor); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{first.Session.ID, second.Session.ID} {
			if st, _ := h.Gate.CheckSessionByID(t.Context(), h.company, id, ask); st.Session != nil {
				t.Error("somebody else's session outlives the new person at this browser")
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

func TestTheConfiguredDaysReachExistingMemories(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		browser := *h.signIn("maria@company.test", "dashboard", true).Remembered
		h.Limits.RememberDays = 0
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

// held is what the browser that has just begun a sign-in keeps.
func held(ask signin.AnswerCode) []secret.Reference { return []secret.Reference{*ask.Flow} }
