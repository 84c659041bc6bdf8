package signin_test

import (
	"testing"
	"time"

	"countersign/internal/gate"
	"countersign/internal/signin"
)

// TestStatementsPerStep holds each step to a budget of statements, because round trips are
// what makes the peers slow. Raise a number only with a reason in the commit.
func TestStatementsPerStep(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		count := func(name string, budget int64, step func()) {
			t.Helper()
			before := h.DB.Statements()
			step()
			n := h.DB.Statements() - before
			t.Logf("%s: %d statements", name, n)
			if n > budget {
				t.Errorf("%s takes %d statements, budget %d", name, n, budget)
			}
		}
		var ask signin.AnswerCode
		var done signin.Done
		count("a wrong password", 6, func() {
			if _, err := h.SubmitPassword(t.Context(),
				attempt("maria@company.test", "wrong", "dashboard")); err != nil {
				t.Fatal(err)
			}
		})
		h.deliver()
		count("the right password and the mail", 15, func() { ask = h.askOnly("maria@company.test") })
		code := h.newest().Code
		count("the right code", 6, func() { done = h.answer(*ask.Flow, code, false).(signin.Done) })
		count("the right password and the mail again", 15, func() { ask = h.askOnly("maria@company.test") })
		code = h.newest().Code
		count("a wrong code", 6, func() { h.answer(*ask.Flow, otherThan(code), false) })
		h.clock.pass(time.Minute)
		count("a new code", 9, func() {
			if _, err := h.NewCode(t.Context(), *ask.Flow, visitor); err != nil {
				t.Fatal(err)
			}
		})
		count("the page of a code", 1, func() {
			if _, err := h.Current(t.Context(), *ask.Flow); err != nil {
				t.Fatal(err)
			}
		})
		code = h.newest().Code
		count("the right code after a wrong one", 7, func() { done = h.answer(*ask.Flow, code, false).(signin.Done) })
		count("a session check", 1, func() { h.standing(done.Session, gate.Ask{ClientID: "dashboard"}) })
	})
}

func (h *house) askOnly(address string) signin.AnswerCode {
	h.t.Helper()
	step, err := h.SubmitPassword(h.t.Context(), attempt(address, rightPassword, "dashboard"))
	if err != nil {
		h.t.Fatal(err)
	}
	return step.(signin.AnswerCode)
}
