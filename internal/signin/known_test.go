package signin_test

import (
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

// In an app that asks for no second step a password alone makes as many
// devices as someone likes; none of them has sign-ins, messages or second steps of its own.
//
// guard: deviceBySecondStep
func TestATK05_APasswordAloneMakesNoNewBudget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		compared := 0
		for range 12 {
			step, err := h.SubmitPassword(t.Context(), attempt("maria@company.test", rightPassword, "phone"))
			done, ok := step.(signin.Done)
			if err != nil || !ok {
				t.Fatalf("%#v, %v", step, err)
			}
			a := attempt("maria@company.test", rightPassword, "dashboard")
			a.Devices = []secret.Reference{done.Device}
			step, err = h.SubmitPassword(t.Context(), a)
			ask, ok := step.(signin.AnswerCode)
			for ok && err == nil {
				step, err = h.Respond(t.Context(), *ask.Flow, authenticator.Response{Code: "000000"}, false, visitor)
				if err == nil {
					compared++
				}
				again, open := step.(signin.AnswerCode)
				ok = open && again.Problem == "code.problem.wrong"
			}
			h.clock.pass(30 * time.Minute)
		}
		if compared > 30 {
			t.Errorf("%d codes were compared", compared)
		}
	})
}

// A sign-in that needs no second step leaves the browser what an earlier one with a second step
// gave it, and gives it no further budget.
func TestAKnownBrowserStaysOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		device := h.signIn("maria@company.test", "dashboard", false).Device
		a := attempt("maria@company.test", rightPassword, "phone")
		a.Devices = []secret.Reference{device}
		step, err := h.SubmitPassword(t.Context(), a)
		if done, ok := step.(signin.Done); err != nil || !ok || done.Device != device {
			t.Errorf("%#v, %v", step, err)
		}
	})
}

// A copied cookie spends its own browser's budgets, and no other's.
//
// guard: flow.Spender
func TestATK12_ACopiedCookieStarvesNoOtherBrowser(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		stolen, other := h.signIn(maria, "dashboard", false).Device, h.signIn(maria, "dashboard", false).Device
		thief, owner := attempt(maria, rightPassword, "dashboard"), attempt(maria, rightPassword, "dashboard")
		thief.Devices, owner.Devices = []secret.Reference{stolen}, []secret.Reference{other}
		var last error
		for range 61 {
			_, last = h.SubmitPassword(t.Context(), thief)
		}
		if !fault.Is(last, fault.RateLimited) {
			t.Fatalf("the copied cookie has no end: %v", last)
		}
		if step, err := h.SubmitPassword(t.Context(), owner); err != nil || !isAsk(step) {
			t.Errorf("the other browser: %#v, %v", step, err)
		}
		if step, err := h.SubmitPassword(t.Context(), attempt(maria, rightPassword, "dashboard")); err != nil ||
			!isAsk(step) {
			t.Errorf("a new browser: %#v, %v", step, err)
		}
	})
}

// A mailbox gets no more than four times SendsPerDay, however many browsers ask.
func TestATK116_AMailboxIsNotFilledByKnownBrowsers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const maria = "maria@company.test"
		var devices []secret.Reference
		for range 8 {
			devices = append(devices, h.signIn(maria, "dashboard", false).Device)
		}
		start := h.clock.now()
		for h.clock.now().Sub(start) < 23*time.Hour {
			for _, d := range append(devices, secret.Reference{}) {
				a := attempt(maria, rightPassword, "dashboard")
				a.Devices = []secret.Reference{d}
				_, _ = h.SubmitPassword(t.Context(), a)
				h.deliver()
			}
			h.clock.pass(20 * time.Minute)
		}
		if n := len(h.post.codes(t)); n > 4*h.Limits.SendsPerDay || n < 3*h.Limits.SendsPerDay {
			t.Errorf("%d mails in a day", n)
		}
	})
}
