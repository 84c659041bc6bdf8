package signin_test

import (
	"context"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
)

// shows signs in with the password in a browser that shows one token.
func (h *house) shows(browser secret.Reference) (signin.Step, error) {
	a := attempt("maria@company.test", rightPassword, "dashboard")
	a.Presented = []secret.Reference{browser}
	return h.SubmitPassword(h.t.Context(), a)
}

func (h *house) alarms(t *testing.T, want int) {
	t.Helper()
	h.deliver()
	if n := h.post.count(email.Template(email.RememberedReuse{})); n != want {
		t.Errorf("%d warnings of a copied browser, want %d", n, want)
	}
}

// guard: session.Rotate and Recall take the token before the newest
func TestALO8_ALostAnswerDoesNotEndTheMemory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := *h.signIn("maria@company.test", "dashboard", true).Remembered
		lost := []secret.Reference{*h.again("maria@company.test", "dashboard", kept).Remembered}
		for _, wait := range []time.Duration{6 * time.Second, 9 * time.Minute, 9 * time.Minute} {
			h.clock.pass(wait)
			lost = append(lost, *h.again("maria@company.test", "dashboard", kept).Remembered)
		}
		h.alarms(t, 0)
		arrived := lost[len(lost)-1]
		h.clock.pass(24 * time.Hour)
		h.again("maria@company.test", "dashboard", arrived)
		h.alarms(t, 0)
	})
}

// guard: of two who hold one token the second to come back raises the alarm
func TestATK077_ACopyShownAtOnceIsNoticedWhenBothAreUsed(t *testing.T) {
	for name, nextIsTheThief := range map[string]bool{"the owner comes next": false, "the thief comes next": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				copied := *h.signIn("maria@company.test", "dashboard", true).Remembered
				owner := *h.again("maria@company.test", "dashboard", copied).Remembered
				h.clock.pass(time.Minute)
				// as if the answer had been lost
				thief := *h.again("maria@company.test", "dashboard", copied).Remembered
				if nextIsTheThief {
					thief = *h.again("maria@company.test", "dashboard", thief).Remembered
				}
				for _, ref := range []secret.Reference{owner, thief, copied} {
					if step, err := h.shows(ref); err != nil || !isAsk(step) {
						t.Errorf("%#v, %v", step, err)
					}
				}
				h.alarms(t, 1)
			})
		})
	}
}

// guard: session.Recall knows no token but the newest and the one before
func TestALO8_ATokenBeforeOneThatWasShownIsACopy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := *h.signIn("maria@company.test", "dashboard", true).Remembered
		second := *h.again("maria@company.test", "dashboard", first).Remembered
		h.clock.pass(10 * time.Second)
		h.again("maria@company.test", "dashboard", second)
		h.clock.pass(10 * time.Second)
		if step, err := h.shows(first); err != nil || !isAsk(step) {
			t.Errorf("%#v, %v", step, err)
		}
		h.alarms(t, 1)
	})
}

// guard: what was used ten minutes ago is a copy, although nothing newer was shown
func TestALO8_AnAnswerIsNotLostForLong(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := *h.signIn("maria@company.test", "dashboard", true).Remembered
		h.again("maria@company.test", "dashboard", kept)
		h.clock.pass(10 * time.Minute)
		if step, err := h.shows(kept); err != nil || !isAsk(step) {
			t.Errorf("%#v, %v", step, err)
		}
		h.alarms(t, 1)
	})
}

// guard: session.Rotate is one guarded write: of two tabs at once one is told to try again,
// because the browser keeps one answer of the two
func TestALO8_TwoTabsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := *h.signIn("maria@company.test", "dashboard", true).Remembered
		newest := h.again("maria@company.test", "dashboard", kept)
		if _, err := h.shows(kept); !fault.Is(err, fault.Conflict) {
			t.Errorf("a moment later: %v", err)
		}
		h.clock.pass(time.Hour)
		h.again("maria@company.test", "dashboard", *newest.Remembered)
		h.alarms(t, 0)
	})
}

// guard: session.Rotate is one guarded write, also where an answer was lost before
func TestALO8_ManyTabsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := *h.signIn("maria@company.test", "dashboard", true).Remembered
		h.again("maria@company.test", "dashboard", kept)
		h.clock.pass(time.Minute) // its answer was lost
		answers := make(chan *secret.Reference, 4)
		for range cap(answers) {
			go func() {
				step, err := h.shows(kept)
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
				done, _ := step.(signin.Done)
				answers <- done.Remembered
			}()
		}
		var got []*secret.Reference
		for range cap(answers) {
			if a := <-answers; a != nil {
				got = append(got, a)
			}
		}
		if len(got) != 1 {
			t.Fatalf("%d tabs were given a token", len(got))
		}
		h.clock.pass(time.Hour)
		h.again("maria@company.test", "dashboard", *got[0])
		h.alarms(t, 0)
	})
}

// guard: session.Rotate by itself keeps the rule that Recall reads by: what was read before
// another use committed must not count
func TestALO8_TheWriteKeepsTheRule(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := *h.signIn("maria@company.test", "dashboard", true).Remembered
		rotate := func(wait time.Duration, want bool) {
			t.Helper()
			h.clock.pass(wait)
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				_, first, err := session.Rotate(ctx, tx, kept)
				if first != want {
					t.Errorf("after %s: %t", wait, first)
				}
				return err
			})
		}
		rotate(time.Hour, true)
		rotate(0, false)
		rotate(4*time.Second, false)
		rotate(time.Second, true)
		rotate(9*time.Minute, true)
		rotate(10*time.Minute, false)
	})
}
