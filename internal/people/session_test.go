package people_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/gate/gatetest"
	"countersign/internal/people"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// needs fails unless a person may change something in the session that they act in, or is asked for a proof.
func (r *rig) needs(what string, a access.Actor, proof bool) {
	r.t.Helper()
	r.n++
	pat := r.add("acme", fmt.Sprint("pat-", r.n), user.Agent)
	err := r.Change(r.t.Context(), a, ref(pat), people.Changes{Role: ptr(user.Supervisor)})
	if proof && !errors.Is(err, access.ErrFreshProofNeeded) || !proof && err != nil {
		r.t.Errorf("%s: a change: %v", what, err)
	}
}

// looks fails unless a person may look at people in the session that they act in, or is asked for a proof.
func (r *rig) looks(what string, a access.Actor, proof bool) {
	r.t.Helper()
	_, err := r.List(r.t.Context(), a, "acme", "", 10)
	if proof && !errors.Is(err, access.ErrFreshProofNeeded) || !proof && err != nil {
		r.t.Errorf("%s: a look: %v", what, err)
	}
}

// TestATK085_WhoChangesSomethingHasShownWhoTheyAre: in a living session of their own, and a short time ago.
// guard: people.Hold
func TestATK085_WhoChangesSomethingHasShownWhoTheyAre(t *testing.T) {
	each(t, func(r *rig) {
		owner, other, elsewhere := r.add("acme", "owner", user.Owner), r.add("acme", "other", user.Owner),
			r.add("other", "owner2", user.Owner)
		r.needs("a session of this moment", owner, false)
		in := func(s string) access.Actor {
			a := owner
			a.SessionID = s
			return a
		}
		for name, a := range map[string]access.Actor{
			"no session":             in(""),
			"an unknown session":     in("none"),
			"someone else's":         in(other.SessionID),
			"another company's":      in(elsewhere.SessionID),
			"with the password only": gatetest.SignIn(t, r.DB, "acme", owner.UserID, authenticator.Password),
		} {
			r.needs(name, a, true)
			r.looks(name, a, name != "with the password only")
		}
		r.at = r.at.Add(gate.FreshFor)
		r.needs("five minutes ago", owner, false)
		r.at = r.at.Add(time.Microsecond)
		r.needs("more than five minutes ago", owner, true)
		r.looks("more than five minutes ago", owner, false)
	})
}

// TestATK085_WhatEndsASessionEndsItsRights, at once and for looking, too. guard: gate.LockOwn, gate.CheckOwn
func TestATK085_WhatEndsASessionEndsItsRights(t *testing.T) {
	each(t, func(r *rig) {
		for name, end := range map[string]func(ctx context.Context, tx *db.Tx, a access.Actor) error{
			"signed out": func(ctx context.Context, tx *db.Tx, a access.Actor) error {
				return session.EndLine(ctx, tx, a.SessionID, session.SignedOut)
			},
			"the account changed": func(ctx context.Context, tx *db.Tx, a access.Actor) error {
				return user.EndAll(ctx, tx, a.UserID)
			},
			"the password is reported": func(ctx context.Context, tx *db.Tx, a access.Actor) error {
				_, err := user.FlagPassword(ctx, tx, a.UserID)
				return err
			},
		} {
			owner := r.add("acme", fmt.Sprint("owner-", len(name)), user.Owner)
			r.in("acme", func(ctx context.Context, tx *db.Tx) error { return end(ctx, tx, owner) })
			r.needs(name, owner, true)
			r.looks(name, owner, true)
		}
		idle := r.add("acme", "idle", user.Owner)
		r.at = r.at.Add(r.Gate.Limits.SessionIdle)
		r.looks("idle for too long", idle, true)
	})
}

// TestAnAdministratorHasTheSecondFactorThatIsAskedOfThem: what protects their own account, and what their company
// asks of its people.
func TestAnAdministratorHasTheSecondFactorThatIsAskedOfThem(t *testing.T) {
	each(t, func(r *rig) {
		without, with := r.add("acme", "without", user.Owner), r.add("acme", "with", user.Owner)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error {
			if _, err := authenticator.Bind(ctx, tx, with.UserID, authenticator.TOTP, "phone"); err != nil {
				return err
			}
			if _, err := outofband.Bind(ctx, tx, with.UserID, authenticator.SMS, "+4917139200420"); err != nil {
				return err
			}
			return tenant.SwitchOn(ctx, tx)
		})
		signedIn := func(a access.Actor, kind authenticator.Kind) access.Actor {
			return gatetest.SignIn(t, r.DB, "acme", a.UserID, kind)
		}
		r.needs("a mailbox, and nothing stronger", signedIn(without, authenticator.Email), false)
		r.needs("a mailbox in place of an app", signedIn(with, authenticator.Email), true)
		r.needs("an app", signedIn(with, authenticator.TOTP), false)
		r.looks("the password alone, where more is asked", signedIn(with, authenticator.Password), true)
		r.in("acme", func(ctx context.Context, tx *db.Tx) error { return tenant.SetMethods(ctx, tx, "totp") })
		r.needs("a mailbox where an app is asked of everyone", signedIn(without, authenticator.Email), true)
		r.needs("a text message that is not allowed", signedIn(with, authenticator.SMS), true)
		r.needs("the app that is", signedIn(with, authenticator.TOTP), false)
	})
}

// TestASignOutWaitsForTheChange that its session is making, so that no change is made in a session that has ended.
// guard: session.Lock
func TestASignOutWaitsForTheChange(t *testing.T) {
	each(t, func(r *rig) {
		owner := r.add("acme", "owner", user.Owner)
		ended := make(chan error, 1)
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := people.Hold(ctx, tx, r.Gate, owner); err != nil {
				return err
			}
			go func() {
				ended <- r.DB.InTx(ctx, "acme", func(tx *db.Tx) error {
					return session.EndLine(ctx, tx, owner.SessionID, session.SignedOut)
				})
			}()
			select {
			case err := <-ended:
				t.Errorf("the session ended meanwhile: %v", err)
				ended <- err
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		})
		if err := <-ended; err != nil || r.signedIn(owner) {
			t.Errorf("signed in: %v, %v", r.signedIn(owner), err)
		}
	})
}
