package signin_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/signin"
)

// TestARightPasswordRefundsItsOwnTry: someone else tries a password of the same account while the right one is
// compared. Their try is newer, and it stays: it slows them down from its own instant on. Two tries in four thousand
// share a tag and are taken for each other, so a round that goes wrong is played again.
func TestARightPasswordRefundsItsOwnTry(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for round := 1; ; round++ {
			left, guessed := h.guessBeside(t)
			if len(left) == 1 && left[0].Equal(guessed) {
				return
			}
			if round == 3 {
				t.Fatalf("tries at %v are left, want the guess at %v", left, guessed)
			}
			h.tx(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM installation_budgets WHERE name = $1`, "password.account")
				return err
			})
		}
	})
}

// guessBeside has a stranger guess while the right password is compared. It returns the tries that are left, and when
// the guess was.
func (h *house) guessBeside(t *testing.T) (left []time.Time, guessed time.Time) {
	t.Helper()
	guess := attempt("maria@company.test", "a guess", "dashboard")
	guess.Visitor.IP = "198.51.100.7"
	writes := 0
	h.DB.Watch.Span = func(_ context.Context, write bool) func(error) {
		if write {
			writes++
		}
		if write && writes == 2 { // the first took the try of the right password
			h.clock.pass(time.Second)
			if step, err := h.SubmitPassword(t.Context(), guess); err != nil || step != (signin.AskPassword{}) {
				t.Errorf("the guess: %v, %v", step, err)
			}
		}
		return func(error) {}
	}
	guessed = h.clock.now().Add(time.Second)
	h.password("maria@company.test", "dashboard")
	h.DB.Watch.Span = nil
	if writes < 4 {
		t.Fatalf("only %d units of work: the guess came too late", writes)
	}
	return h.triesAt("password.account"), guessed
}

// triesAt are the instants of the tries in the installation's budgets of one name.
func (h *house) triesAt(name string) (out []time.Time) {
	h.t.Helper()
	h.tx(func(ctx context.Context, tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT stamps FROM installation_budgets WHERE name = $1`, name)
		return db.ForEach(rows, err, func(row db.Row) error {
			var stamps []byte
			if err := row.Scan(&stamps); err != nil {
				return err
			}
			for ; len(stamps) >= 8; stamps = stamps[8:] {
				out = append(out, db.Time(int64(binary.BigEndian.Uint64(stamps)&(1<<52-1)))) // without the tag
			}
			return nil
		})
	})
	return out
}

// TestARightCodeRefundsItsOwnTry: a wrong answer to another code of the account has a later instant, because the clock
// of its replica is ahead. It stays spent.
func TestARightCodeRefundsItsOwnTry(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine := h.password("maria@company.test", "dashboard")
		code := h.newest().Code
		other := h.password("maria@company.test", "dashboard")
		h.clock.pass(time.Minute)
		h.answerOrWait(*other.Flow, "wrong")
		h.clock.pass(-30 * time.Second)
		if step, ok := h.answerOrWait(*mine.Flow, code).(signin.Done); !ok {
			t.Fatalf("the right code: %#v", step)
		}
		h.clock.pass(time.Hour / 12)
		step, ok := h.answerOrWait(*other.Flow, "wrong").(signin.AnswerCode)
		if !ok || step.TriesLeft != other.TriesLeft-2 {
			t.Errorf("%d tries left of %d after two wrong answers, %t", step.TriesLeft, other.TriesLeft, ok)
		}
	})
}
