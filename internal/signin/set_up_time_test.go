package signin_test

import (
	"context"
	"testing"

	"countersign/internal/db"
	"countersign/internal/signin"
	"countersign/internal/tenant"
)

// TestOnlyOneTakesTheLastSignInBeforeSetUp: of two sign-ins that finish at once, the later one is decided anew. Both
// guards of that are in the transaction that opens the session: the count, and the version that the count changes.
func TestOnlyOneTakesTheLastSignInBeforeSetUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const who = "maria@company.test"
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			if err := tenant.SetMethods(ctx, tx, "totp"); err != nil {
				return err
			}
			if err := tenant.SetSetUpDays(ctx, tx, 30); err != nil {
				return err
			}
			return tenant.SetSetUpLaters(ctx, tx, 1)
		})
		ask := func() (signin.AnswerCode, string) {
			step := h.askOnly(who)
			if !step.Limited || step.Laters != 1 || step.SetUpBy.IsZero() {
				t.Fatalf("the page says %t, %d, %s", step.Limited, step.Laters, step.SetUpBy)
			}
			h.deliver()
			return step, h.newest().Code
		}
		first, code := ask()
		second, otherCode := ask()
		var other signin.Step
		h.meanwhile(func() { other = h.answer(*second.Flow, otherCode, false) })
		step := h.answer(*first.Flow, code, false)
		done, in := other.(signin.Done)
		if !in || done.Notice == nil || !done.Notice.Limited || done.Notice.Laters != 0 {
			t.Errorf("the faster one: %#v", other)
		}
		if _, in := step.(signin.Done); in {
			t.Errorf("both are signed in with the last sign-in before set-up: %#v", step)
		}
	})
}
