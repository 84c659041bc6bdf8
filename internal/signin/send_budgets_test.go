package signin_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/db"
)

// sent reads how many messages are counted against the account and the destination of the
// one person who was sent any.
func (h *house) sent() (account, destination, others int) {
	h.t.Helper()
	h.tx(func(ctx context.Context, tx *db.Tx) error {
		var all int
		err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(length(stamps)), 0) / 8, COUNT(*) FROM budgets
			WHERE tenant_id = $1 AND name LIKE 'send.%'`, h.company).Scan(&account, &all)
		if err != nil {
			return err
		}
		others += all
		err = tx.QueryRow(ctx, `SELECT COALESCE(MAX(length(stamps)), 0) / 8, COUNT(*) FROM installation_budgets
			WHERE name LIKE 'send.%'`).Scan(&destination, &all)
		others += all
		return err
	})
	return account, destination, others - 2
}

// TestNewCodesAreCountedHoweverTheirBudgetsWereRead: with the flow; or by themselves, where the
// version before wrote the challenge or the last message went somewhere else.
func TestNewCodesAreCountedHoweverTheirBudgetsWereRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for n, key := range []string{"as it was kept", "", "another place"} {
			h.clock.pass(48 * time.Hour)
			ask := h.askOnly("maria@company.test")
			account, destination, _ := h.sent()
			h.clock.pass(time.Minute)
			if n > 0 {
				h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE challenges SET sent_key = $1
						WHERE tenant_id = $2 AND closed_at = 0`, key, tx.Tenant)
					return err
				})
			}
			if _, err := h.NewCode(t.Context(), *ask.Flow, visitor); err != nil {
				t.Fatal(err)
			}
			now, there, others := h.sent()
			if now != account+1 || there != destination+1 || others != 0 {
				t.Errorf("%s: account %d → %d, destination %d → %d, %d others", key, account, now,
					destination, there, others)
			}
		}
	})
}

// TestTwoNewCodesAtOnceAreBothCounted, of two sign-ins of one person, that read the budgets
// before either has written them.
func TestTwoNewCodesAtOnceAreBothCounted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, two := h.askOnly("maria@company.test"), h.askOnly("maria@company.test")
		before, _, _ := h.sent()
		h.clock.pass(time.Minute)
		done := make(chan error, 1)
		go func() {
			_, err := h.NewCode(t.Context(), *one.Flow, visitor)
			done <- err
		}()
		if _, err := h.NewCode(t.Context(), *two.Flow, visitor); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		account, destination, _ := h.sent()
		if account != before+2 || destination != before+2 {
			t.Errorf("%d before; %d and %d", before, account, destination)
		}
	})
}
