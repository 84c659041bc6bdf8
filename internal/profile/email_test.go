package profile_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/profile"
	"countersign/internal/setup"
	"countersign/internal/user"
)

var rounds = flag.Int("rounds", 20, "how often two changes of address are asked for at once; ATK-091 says 200")

// move changes an owner's address by its code.
func (h *house) move(o profile.Owner, to string) profile.Owner {
	h.t.Helper()
	if err := h.AskEmail(h.t.Context(), o, to); err != nil {
		h.t.Fatal(err)
	}
	var mail email.AddressCode
	h.last(to, &mail)
	if v, _, err := h.confirm(o, mail.Code); err != nil || !v.OK {
		h.t.Fatalf("%+v, %v", v, err)
	}
	return h.again(o)
}

func (h *house) confirm(o profile.Owner, code string) (authenticator.Verdict, int, error) {
	h.t.Helper()
	c, err := h.PendingEmail(h.t.Context(), o)
	if err != nil {
		return authenticator.Verdict{}, 0, err
	}
	return h.ConfirmEmail(h.t.Context(), o, c.ID, code)
}

// undo presses the newest link that came to an address.
func (h *house) undo(address string) {
	h.t.Helper()
	var mail email.AddressChanged
	h.last(address, &mail)
	if err := h.incident.UndoAddress(h.t.Context(), h.reference(mail.UndoLink), visitor); err != nil {
		h.t.Fatal(err)
	}
}

// address is an account's own, that of its mailbox, and whether its password is flagged.
func (h *house) address(u user.User) (own, mailbox string, flagged bool) {
	h.t.Helper()
	h.in(u.TenantID, func(ctx context.Context, tx *db.Tx) error {
		u, err := user.ByID(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		all, err := authenticator.Of(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		box, _ := usable(all, authenticator.Email)
		own, flagged = u.Email, !u.PasswordFlaggedAt.IsZero()
		mailbox, err = outofband.Address(ctx, tx, box.ID)
		return err
	})
	return own, mailbox, flagged
}

func (h *house) expect(u user.User, want string, flagged bool) {
	h.t.Helper()
	if own, box, is := h.address(u); own != want || box != want || is != flagged {
		h.t.Errorf("address %s, mailbox %s, flagged %t; want %s, %t", own, box, is, want, flagged)
	}
}

// TestATK091_TheCodeDecides: of two changes at once, the address that is confirmed is the one
// that the code was mailed to.
func TestATK091_TheCodeDecides(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Limits.SendsPerHour, h.Limits.SendsPerDay = 1<<20, 1<<20
		h.person(h.company, "maria@company.test")
		o := h.owner("maria@company.test")
		for i := range *rounds {
			o = h.twoAtOnce(o, fmt.Sprintf("attacker%d@evil.test", i), fmt.Sprintf("victim%d@company.test", i))
		}
	})
}

func (h *house) twoAtOnce(o profile.Owner, attacker, victim string) profile.Owner {
	h.t.Helper()
	var wg sync.WaitGroup
	for _, to := range []string{attacker, victim} {
		wg.Go(func() {
			if err := h.AskEmail(h.t.Context(), o, to); err != nil {
				h.t.Error(err)
			}
		})
	}
	wg.Wait()
	var mine email.AddressCode
	h.last(attacker, &mine)
	pending, err := h.PendingEmail(h.t.Context(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	v, _, err := h.ConfirmEmail(h.t.Context(), o, pending.ID, mine.Code)
	if err != nil || v.OK != (pending.To == attacker) {
		h.t.Errorf("the attacker's code for %s: %+v, %v", pending.To, v, err)
	}
	if own, box, _ := h.address(o.User); own == victim || box == victim || v.OK != (own == attacker) {
		h.t.Fatalf("the account is at %s and %s", own, box)
	}
	if err := h.WithdrawEmail(h.t.Context(), o); err != nil && !fault.Is(err, fault.NotFound) {
		h.t.Fatal(err)
	}
	return h.again(o)
}

// TestATK091_OneOfManyConfirmations: a right code that comes sixteen times at once counts once.
func TestATK091_OneOfManyConfirmations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email)
		if err := h.AskEmail(t.Context(), o, "new@company.test"); err != nil {
			t.Fatal(err)
		}
		var mail email.AddressCode
		h.last("new@company.test", &mail)
		c, err := h.PendingEmail(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		right := 0
		for range 16 {
			wg.Go(func() {
				v, _, err := h.ConfirmEmail(t.Context(), o, c.ID, mail.Code)
				if err != nil && !fault.Is(err, fault.NotFound) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil && v.OK {
					right++
				}
			})
		}
		wg.Wait()
		if right != 1 {
			t.Errorf("counted %d times", right)
		}
		if n := h.count("maria@company.test", &email.AddressChanged{}); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// TestATK092_WhatMakesAChangeVoid: a closed account, a new password, another address, a new
// change, five wrong codes, and its time.
func TestATK092_WhatMakesAChangeVoid(t *testing.T) {
	for name, since := range map[string]func(h *house, o profile.Owner){
		"closed and opened": func(h *house, o profile.Owner) {
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				if err := user.Disable(ctx, tx, o.User.ID); err != nil {
					return err
				}
				return user.Enable(ctx, tx, o.User.ID)
			})
		},
		"a new password": func(h *house, o profile.Owner) {
			if err := h.ChangePassword(h.t.Context(), o, rightPassword,
				"another horse battery staple zebra"); err != nil {
				h.t.Fatal(err)
			}
		},
		"by hand and back": func(h *house, o profile.Owner) {
			h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
				if _, err := user.ChangeEmail(ctx, tx, o.User.ID, "hand@company.test"); err != nil {
					return err
				}
				_, err := user.ChangeEmail(ctx, tx, o.User.ID, "maria@company.test")
				return err
			})
		},
		"reported": func(h *house, o profile.Owner) {
			link := outofband.NotMeLink("", h.Keys, h.company, o.FlowID)
			if err := h.incident.Disown(h.t.Context(), h.reference(link), visitor); err != nil {
				h.t.Fatal(err)
			}
		},
		"withdrawn": func(h *house, o profile.Owner) {
			if err := h.WithdrawEmail(h.t.Context(), o); err != nil {
				h.t.Fatal(err)
			}
		},
		"wrong codes": func(h *house, o profile.Owner) {
			for range h.Limits.WrongAnswers {
				if v, _, err := h.confirm(o, "not it"); err != nil || v.OK {
					h.t.Fatalf("%+v, %v", v, err)
				}
			}
		},
		"ten minutes": func(h *house, _ profile.Owner) { h.clock.pass(h.Limits.CodeTTL) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				u := h.person(h.company, "maria@company.test")
				o := h.owner(u.Email)
				if err := h.AskEmail(t.Context(), o, "new@company.test"); err != nil {
					t.Fatal(err)
				}
				var mail email.AddressCode
				h.last("new@company.test", &mail)
				c, err := h.PendingEmail(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				since(h, o)
				for _, as := range []profile.Owner{o, h.again(o)} {
					if v, _, err := h.ConfirmEmail(t.Context(), as, c.ID, mail.Code); !fault.Is(err, fault.NotFound) {
						t.Errorf("%+v, %v", v, err)
					}
				}
				if own, _, _ := h.address(u); own != "maria@company.test" {
					t.Errorf("moved to %s", own)
				}
			})
		})
	}
}

// TestSEC042_UndoneByTheOldMailbox: within 72 hours, once, whatever the address was changed to
// afterwards, but not over the head of those who run the installation.
func TestSEC042_UndoneByTheOldMailbox(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		owner, before := h.owner(u.Email), h.owner(u.Email)
		thief := h.move(owner, "thief@evil.test")
		if h.alive(before) || !h.alive(owner) {
			t.Error("another session goes on, or the present one does not")
		}
		h.expect(u, "thief@evil.test", false)
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			_, err := authenticator.Bind(ctx, tx, u.ID, authenticator.TOTP, "Thief's")
			return err
		})
		h.move(thief, "thief2@evil.test")
		for address, links := range map[string]int{"maria@company.test": 2, "thief@evil.test": 2,
			"thief2@evil.test": 1} {
			if n := h.count(address, &email.AddressChanged{}); n != links {
				t.Errorf("%s was told %d times, want %d", address, n, links)
			}
		}
		h.undo("maria@company.test")
		h.expect(u, "maria@company.test", true)
		if h.alive(owner) {
			t.Error("the thief's session goes on")
		}
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			all, err := authenticator.Of(ctx, tx, u.ID)
			if _, there := usable(all, authenticator.TOTP); there || len(all) != 3 {
				t.Errorf("left: %+v", all)
			}
			return err
		})
		for address, want := range map[string]int{"maria@company.test": 1, "thief@evil.test": 1,
			"thief2@evil.test": 0} {
			if n := h.count(address, &email.AddressRestored{}); n != want {
				t.Errorf("%s was told of the end %d times", address, n)
			}
		}
		h.undo("thief@evil.test") // what brought the thief back to their first address
		h.undo("maria@company.test")
		h.expect(u, "maria@company.test", true)
	})
}

// TestSEC042_WhatAnUndoDoesNot: too late, after a change by hand, and for a forged token.
func TestSEC042_WhatAnUndoDoesNot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		h.move(h.owner(u.Email), "new@company.test")
		var mail email.AddressChanged
		h.last("maria@company.test", &mail)
		ref := h.reference(mail.UndoLink)
		ref.Token = h.Keys.Token("not-me", ref.Tenant, ref.ID)
		if err := h.incident.UndoAddress(t.Context(), ref, visitor); err != nil {
			t.Error(err)
		}
		h.expect(u, "new@company.test", false)
		h.clock.pass(profile.UndoWithin)
		h.undo("maria@company.test")
		h.expect(u, "new@company.test", false)

		h.person(h.company, "joao@company.test")
		joao := h.move(h.owner("joao@company.test"), "thief@evil.test")
		h.in(h.company, func(ctx context.Context, tx *db.Tx) error {
			stored, err := user.ChangeEmail(ctx, tx, joao.User.ID, "hand@company.test")
			if err == nil {
				err = outofband.Follow(ctx, tx, joao.User.ID, stored)
			}
			return err
		})
		h.undo("joao@company.test")
		h.expect(joao.User, "hand@company.test", false)
	})
}

// TestATK092_ReportedWithItsSignIn: anyone who says that a sign-in was not theirs gets the address
// back that it changed.
func TestATK092_ReportedWithItsSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email)
		h.move(o, "thief@evil.test")
		if err := h.incident.Disown(t.Context(), h.reference(outofband.NotMeLink("", h.Keys, h.company, o.FlowID)),
			visitor); err != nil {
			t.Fatal(err)
		}
		h.expect(u, "maria@company.test", true)
		if h.alive(o) {
			t.Error("its session goes on")
		}
	})
}

// TestSEC042_AnAddressIsKept: no one takes an address that may still be brought back; then
// anyone may. One that someone has cannot be taken, and no one is told that it is.
func TestSEC042_AnAddressIsKept(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		add := func() error {
			return h.DB.InTx(t.Context(), "elsewhere", func(tx *db.Tx) error {
				_, err := setup.Add(t.Context(), tx,
					setup.Person{Email: "Maria@company.test", Name: "Other", Role: user.Agent,
						Language: "en", By: "test"})
				return err
			})
		}
		h.person(h.company, "maria@company.test")
		stranger := h.person("elsewhere", "stranger@elsewhere.test")
		o := h.move(h.owner("maria@company.test"), "new@company.test")
		if err := add(); !fault.Is(err, fault.Conflict) {
			t.Errorf("an address that is kept: %v", err)
		}
		s := h.owner(stranger.Email)
		for _, to := range []string{"NEW@company.test", "maria@company.test", "free@company.test"} {
			if err := h.AskEmail(t.Context(), s, to); err != nil {
				t.Errorf("%s: %v", to, err)
			}
		}
		if n := h.count("new@company.test", &email.AddressTaken{}); n != 1 {
			t.Errorf("the reader of a taken address was told %d times", n)
		}
		if n := h.count("NEW@company.test", &email.AddressCode{}); n != 0 {
			t.Error("a code went to an address that someone has")
		}
		var kept email.AddressCode // its reader may know: they had it
		h.last("maria@company.test", &kept)
		back := h.move(o, "maria@company.test") // their own, and back again
		h.expect(back.User, "maria@company.test", false)
		h.move(back, "new@company.test")
		h.clock.pass(profile.UndoWithin + time.Minute)
		if err := add(); err != nil {
			t.Errorf("an address that is kept no longer: %v", err)
		}
	})
}

// TestSEC042_TakenSinceTheCode: someone else got the address while the code was on its way.
func TestSEC042_TakenSinceTheCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email)
		if err := h.AskEmail(t.Context(), o, "new@company.test"); err != nil {
			t.Fatal(err)
		}
		var mail email.AddressCode
		h.last("new@company.test", &mail)
		h.person("elsewhere", "new@company.test")
		if _, _, err := h.confirm(o, mail.Code); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		h.expect(u, "maria@company.test", false)
		if _, err := h.PendingEmail(t.Context(), o); !fault.Is(err, fault.NotFound) {
			t.Errorf("it is still under way: %v", err)
		}
		if err := h.AskEmail(t.Context(), o, "third@company.test"); err != nil {
			t.Fatal(err)
		}
		h.in(o.User.TenantID, func(ctx context.Context,
			tx *db.Tx) error {
			return user.GiveUp(ctx, tx, u.ID, "an earlier one")
		})
		if _, err := h.PendingEmail(t.Context(), o); err != nil {
			t.Errorf("giving up one change ended another: %v", err)
		}
	})
}

func TestSEC042_MailsForAnAddressAreCounted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		u := h.person(h.company, "maria@company.test")
		o := h.owner(u.Email) // took one
		for range h.Limits.SendsPerHour - 1 {
			if err := h.AskEmail(t.Context(), o, "new@company.test"); err != nil {
				t.Fatal(err)
			}
		}
		err := h.AskEmail(t.Context(), o, "other@company.test")
		if !fault.Is(err, fault.RateLimited) || fault.Of(err).RetryAfter <= 0 {
			t.Errorf("%v", err)
		}
	})
}
