package profile_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/gate"
	"countersign/internal/message/email"
	"countersign/internal/profile"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// TestATK012_AStrangerSpendsNoOnesCodes: anyone who wishes for someone's address, in vain, takes
// none of the codes that its owner signs in with.
func TestATK012_AStrangerSpendsNoOnesCodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.person(h.company, "maria@company.test")
		stranger := h.person("elsewhere", "stranger@elsewhere.test")
		s := h.owner(stranger.Email)
		for range h.Limits.SendsPerHour - 1 {
			if err := h.AskEmail(t.Context(), s, "maria@company.test"); err != nil {
				t.Fatal(err)
			}
		}
		h.owner("maria@company.test")
		h.owner("maria@company.test")
	})
}

// TestATK005_NoOneGuessesAnAddress: a new change gives no new guesses beyond those of an
// account.
func TestATK005_NoOneGuessesAnAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Limits.SendsPerHour, h.Limits.SendsPerDay = 1<<10, 1<<10
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email)
		guesses := 0
		for range 2 * h.Limits.SecondFactorFailuresPerDay {
			err := h.AskEmail(t.Context(), o, "victim@elsewhere.test")
			if fault.Is(err, fault.RateLimited) && fault.Of(err).RetryAfter > 0 {
				break
			}
			for range h.Limits.WrongAnswers {
				if v, _, err := h.confirm(o, "not it"); err != nil || v.OK {
					t.Fatalf("%+v, %v", v, err)
				}
				guesses++
			}
		}
		if guesses != h.Limits.SecondFactorFailuresPerDay {
			t.Errorf("%d guesses in a day, want %d", guesses, h.Limits.SecondFactorFailuresPerDay)
		}
		h.clock.pass(24 * time.Hour)
		if err := h.AskEmail(t.Context(), h.owner(u.Email), "new@company.test"); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// TestATK092_TheWayBackIsNoWayForTheThief: an owner who changes the address back themselves
// leaves the thief no link that outlives their own.
func TestATK092_TheWayBackIsNoWayForTheThief(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.move(h.owner(u.Email), "thief@evil.test")
		h.clock.pass(time.Hour)
		h.move(o, "maria@company.test")
		h.deliver()
		h.clock.pass(profile.UndoWithin - 30*time.Minute)
		var mail email.AddressChanged
		if h.last("thief@evil.test", &mail); mail.UndoLink != "" {
			h.undo("thief@evil.test")
		}
		h.expect(u, "maria@company.test", false)
	})
}

// TestATK092_ReportedWithItsStepUps: a thief who signed in where a password is enough, and showed
// more of what they stole afterwards, is put out by the report of either.
func TestATK092_ReportedWithItsStepUps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		first, o := h.steppedUp(u.Email)
		var thiefs authenticator.Authenticator
		h.in(h.company, func(ctx context.Context, tx *db.Tx) (err error) {
			thiefs, err = authenticator.BindIn(ctx, tx, o.FlowID, tx.NewID(), u.ID, authenticator.TOTP, "Thief's")
			return err
		})
		h.move(o, "thief@evil.test")
		if err := h.incident.Disown(t.Context(), h.reference(outofband.NotMeLink("", h.Keys, h.company, first)),
			visitor); err != nil {
			t.Fatal(err)
		}
		h.expect(u, "maria@company.test", true)
		if h.alive(o) {
			t.Error("the session of the step-up goes on")
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, u.ID)
			if !slices.ContainsFunc(
				all,
				func(a authenticator.Authenticator) bool { return a.ID == thiefs.ID && !a.SuspendedAt.IsZero() },
			) {
				t.Error("what was set up in the step-up still opens the account")
			}
			return err
		})
	})
}

// TestATK092_AnUndoSuspendsWhatWasSetUpSince: not what was set up before the change in another
// sign-in: someone who reads the old mailbox must not take out of use what its owner had.
func TestATK092_AnUndoSuspendsWhatWasSetUpSince(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		bind := func(label string) {
			o := h.owner(u.Email)
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				_, err := authenticator.BindIn(ctx, tx, o.FlowID, tx.NewID(), u.ID, authenticator.Backup, label)
				return err
			})
		}
		bind("Owner's")
		h.clock.pass(10 * time.Minute)
		h.move(h.owner(u.Email), "thief@evil.test")
		u.Email = "thief@evil.test"
		h.clock.pass(10 * time.Minute)
		bind("Thief's")
		h.clock.pass(10 * time.Minute)
		h.undo("maria@company.test")
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, u.ID)
			works := map[string]bool{}
			for _, a := range all {
				works[a.Label] = a.DisabledAt.IsZero()
			}
			if len(all) != 4 || works["Thief's"] || !works["Owner's"] {
				t.Errorf("left: %+v", all)
			}
			return err
		})
	})
}

// steppedUp signs in at an app that asks for no second step, and then at one that does. It
// returns the first sign-in, and the owner as the step-up knows them.
func (h *house) steppedUp(address string) (first string, o profile.Owner) {
	h.t.Helper()
	before, o := h.steppedUpFrom(address)
	return before.FlowID, o
}

func (h *house) steppedUpFrom(address string) (before session.Session, o profile.Owner) {
	h.t.Helper()
	before, flow := h.steppingUp(address)
	return before, h.standsFor(h.answer(flow, address))
}

// steppingUp is the first half of it.
func (h *house) steppingUp(address string) (before session.Session, flow secret.Reference) {
	h.t.Helper()
	h.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
		if _, _, err := client.Create(ctx, tx,
			client.New{ID: "phone", Name: "Phone", Kind: client.Public,
				RedirectURIs: []string{"https://phone.test/cb"}}); err != nil {
			return err
		}
		return client.Exempt(ctx, tx, "phone", db.Forever)
	})
	step, err := h.signin.SubmitPassword(h.t.Context(),
		firststep.Attempt{Email: address, Password: rightPassword, ClientID: "phone", Visitor: visitor})
	done, ok := step.(signin.Done)
	if err != nil || !ok {
		h.t.Fatalf("%#v, %v", step, err)
	}
	st, err := h.signin.Gate.CheckSession(h.t.Context(), done.Session.Text().Reveal(), gate.Ask{ClientID: "phone"})
	if err != nil {
		h.t.Fatal(err)
	}
	step, err = h.signin.StepUp(h.t.Context(), done.Session, firststep.Attempt{ClientID: "dashboard", Visitor: visitor})
	ask, ok := step.(signin.AnswerCode)
	if err != nil || !ok {
		h.t.Fatalf("%#v, %v", step, err)
	}
	h.deliver() // its code is the first
	return *st.Session, *ask.Flow
}

// TestATK092_TheNewestLinkCounts: anyone who had left an address and come back has 72 hours from
// the theft, not from when they left.
func TestATK092_TheNewestLinkCounts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.move(h.owner(u.Email), "new@company.test")
		h.clock.pass(time.Second)
		h.move(o, "maria@company.test")
		h.clock.pass(profile.UndoWithin - time.Minute)
		h.move(h.owner(u.Email), "thief@evil.test")
		h.deliver()
		h.clock.pass(time.Hour)
		h.undo("maria@company.test")
		h.expect(u, "maria@company.test", true)
	})
}

// TestATK092_AReturnEndsEveryLinkInBetween: two changes by a thief, and one back by the owner.
func TestATK092_AReturnEndsEveryLinkInBetween(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.move(h.owner(u.Email), "thief@evil.test")
		h.clock.pass(time.Minute)
		o = h.move(o, "thief2@evil.test")
		var own, mail email.AddressChanged
		h.last("maria@company.test", &own)
		h.last("thief@evil.test", &mail) // brings the thief's first address back
		h.clock.pass(time.Hour)
		h.move(o, "maria@company.test")
		if err := h.incident.UndoAddress(t.Context(), h.reference(mail.UndoLink), visitor); err != nil {
			t.Fatal(err)
		}
		h.expect(u, "maria@company.test", false)
		for _, address := range []string{"thief@evil.test", "thief2@evil.test"} {
			var last email.AddressChanged
			if h.last(address, &last); last.UndoLink != "" || !last.Left || last.NotMeLink == "" {
				t.Errorf("%s was told %+v", address, last)
			}
		}
		// the owner's own goes on
		if err := h.incident.UndoAddress(t.Context(), h.reference(own.UndoLink), visitor); err != nil {
			t.Fatal(err)
		}
		h.expect(u, "maria@company.test", true)
	})
}

// TestSEC042_AnAddressThatIsTakenIsNotSwept: an address whose time is over is swept while
// someone else is given it. They keep it.
func TestSEC042_AnAddressThatIsTakenIsNotSwept(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.person(h.company, "maria@company.test")
		h.move(h.owner("maria@company.test"), "new@company.test")
		h.clock.pass(profile.UndoWithin + time.Minute)
		swept := make(chan error, 1)
		h.in("elsewhere", func(ctx context.Context, tx *db.Tx) error {
			_, err := setup.Add(ctx, tx,
				setup.Person{Email: "maria@company.test", Name: "Other", Role: user.Agent, Language: "en", By: "test"})
			go func() {
				_, err := user.Sweep(h.t.Context(), h.DB)
				swept <- err
			}()
			h.untilASweepWaits()
			return err
		})
		if err := <-swept; err != nil {
			t.Fatal(err)
		}
		h.in("elsewhere", func(ctx context.Context, tx *db.Tx) error {
			_, err := user.ByEmail(ctx, tx, "maria@company.test")
			return err
		})
	})
}

// untilASweepWaits returns when a sweep of the directory waits for a row. SQLite has one
// writer at a time, so that there is nothing to wait for.
func (h *house) untilASweepWaits() {
	h.t.Helper()
	for n := 0; h.DB.Dialect == db.Postgres && n == 0; time.Sleep(10 * time.Millisecond) {
		err := h.DB.View(h.t.Context(), db.Installation, func(tx *db.Tx) error {
			return tx.QueryRow(h.t.Context(), `SELECT COUNT(*) FROM pg_stat_activity
				WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM directory%'`).Scan(&n)
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}
