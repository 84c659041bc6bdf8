package signin_test

import (
	"fmt"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

// Strangers at several networks cannot add their waits up: a new browser that comes back when
// it was told to gets through.
//
// guard: limitTurn
func TestATK12_WaitsDoNotAddUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var since time.Time
		longest, through := time.Duration(0), 0
		next := h.clock.now()
		for range 6 * 60 * 3 { // three hours; ten networks try every ten seconds
			h.clock.pass(10 * time.Second)
			for i := range 10 {
				_, _ = h.SubmitPassword(t.Context(),
					from(fmt.Sprintf("198.51.100.%d", i), attempt("maria@company.test", "wrong", "dashboard")))
			}
			if h.clock.now().Before(next) {
				continue
			}
			if since.IsZero() {
				since = h.clock.now()
			}
			a := attempt("maria@company.test", rightPassword, "phone") // which asks for no second step
			_, err := h.SubmitPassword(t.Context(), a)
			if fault.Is(err, fault.RateLimited) {
				next = h.clock.now().Add(fault.Of(err).RetryAfter)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			longest, since = max(longest, h.clock.now().Sub(since)), time.Time{}
			next, through = h.clock.now().Add(time.Minute), through+1
		}
		if longest > 15*time.Minute+10*time.Second || through < 10 {
			t.Errorf("waited %s at the longest, got through %d times", longest, through)
		}
	})
}

// What one person mistypes does not stop the office; many accounts do.
//
// guard: chargeable
func TestFailuresOfOneAccountDoNotStopItsNetwork(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 200 {
			_, _ = h.SubmitPassword(t.Context(), attempt("maria@company.test", "wrong", "dashboard"))
			h.clock.pass(2 * time.Second)
		}
		if step, err := h.SubmitPassword(t.Context(),
			attempt("owner@company.test", rightPassword, "dashboard")); err != nil || !isAsk(step) {
			t.Errorf("a colleague: %#v, %v", step, err)
		}
		if n := h.events(h.company, "signin.password", "refused"); n > 5 {
			t.Errorf("%d refused tries were written down", n)
		}
		for i := range 50 {
			_, _ = h.SubmitPassword(t.Context(), attempt(fmt.Sprintf("nobody%d@company.test", i), "wrong", "dashboard"))
		}
		if _, err := h.SubmitPassword(t.Context(),
			attempt("owner@company.test", rightPassword, "dashboard")); !fault.Is(err, fault.RateLimited) {
			t.Errorf("after failures of many accounts: %v", err)
		}
		a := attempt("owner@company.test", rightPassword, "dashboard")
		a.Admission = h.admit("owner@company.test")
		if step, err := h.SubmitPassword(t.Context(), a); err != nil || !isAsk(step) {
			t.Errorf("with a link: %#v, %v", step, err)
		}
	})
}

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
// guard: spender
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
