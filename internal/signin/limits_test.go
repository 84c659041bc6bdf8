package signin_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/user"
)

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
