package signin_test

import (
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

// guard: signin.reserveTry reserves a try before the comparison.
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
