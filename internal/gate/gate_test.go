package gate_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// rig is a company with one person who has an authenticator app.
type rig struct {
	*gate.Gate
	t     *testing.T
	now   time.Time
	maria user.User
}

var (
	start    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	visitor  = session.Visitor{IP: "192.0.2.7", Place: "Valencia", Browser: "Firefox on Linux"}
	password = authenticator.Proof{Kind: authenticator.Password}
	email    = authenticator.Proof{Kind: authenticator.Email}
	app      = authenticator.Proof{Kind: authenticator.TOTP}
	ours     = gate.Ask{ClientID: client.PortalID}
)

func each(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	r := &rig{now: start}
	dbtest.Each(t, func() time.Time { return r.now }, func(t *testing.T, d *db.DB) {
		r.t, r.now = t, start
		r.Gate = &gate.Gate{DB: d, Limits: config.Default().Limits, Seen: gate.NewSeen()}
		r.in(db.Installation, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tenant.Ensure(ctx, tx); err != nil {
				return err
			}
			_, err := tenant.Create(ctx, tx, "acme", "Acme", tenant.Company)
			return err
		})
		r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
			r.maria, err = setup.Add(ctx, tx,
				setup.Person{Email: "maria@acme.test", Name: "Maria", Role: user.Agent, Language: "en", By: "test"})
			if err != nil {
				return err
			}
			_, err = authenticator.Bind(ctx, tx, r.maria.ID, authenticator.TOTP, "phone")
			return err
		})
		fn(t, r)
	})
}

func (r *rig) in(tenantID string, fn func(context.Context, *db.Tx) error) {
	r.t.Helper()
	if err := r.DB.InTx(r.t.Context(), tenantID, func(tx *db.Tx) error { return fn(r.t.Context(), tx) }); err != nil {
		r.t.Fatal(err)
	}
}

// session is one of Maria's that rests on proofs.
func (r *rig) session(proofs ...authenticator.Proof) (s session.Session, ref secret.Reference) {
	r.t.Helper()
	r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
		s, ref, err = session.Issue(ctx, tx, session.Session{
			UserID:          r.maria.ID,
			ClientID:        client.PortalID,
			ACR:             string(policy.Reached(proofs)),
			AMR:             policy.AMR(proofs),
			SecurityVersion: r.maria.SecurityVersion,
			Visitor:         visitor,
			AuthenticatedAt: tx.Now,
			Idle:            r.Limits.SessionIdle,
			ExpiresAt:       tx.Now.Add(r.Limits.SessionLife),
		})
		return err
	})
	return s, ref
}

func (r *rig) check(ref secret.Reference, ask gate.Ask) gate.SessionCheck {
	r.t.Helper()
	st, err := r.CheckSession(r.t.Context(), ref.Text().Reveal(), ask)
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

// TestNoOneIsSignedIn for what is no cookie of a living session, in the same words.
func TestNoOneIsSignedIn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, good := r.session(password, app)
		other := good
		other.Token = "another secret of the right form"
		elsewhere := good
		elsewhere.Tenant = "globex"
		for name, cookie := range map[string]string{
			"no cookie":         "",
			"not ours":          "YWJj",
			"another token":     other.Text().Reveal(),
			"another company's": elsewhere.Text().Reveal(),
		} {
			st, err := r.CheckSession(t.Context(), cookie, ours)
			if err != nil || st.Session != nil || st.Enough || st.StepUp || st.User.ID != "" {
				t.Errorf("%s: %+v, %v", name, st, err)
			}
		}
		if st := r.check(good, ours); !st.Enough {
			t.Errorf("the right one: %+v", st)
		}
	})
}

// TestRecentProofs: where a change asks for recent proofs, it gets those of the account's
// protection level, and says what a sign-in has to bring.
func TestRecentProofs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		recent := ours
		recent.Recent = true
		_, mailbox := r.session(password, email)
		_, device := r.session(password, app)
		if !r.check(mailbox, ours).Enough {
			t.Fatal("without a company's rule the mailbox was not enough")
		}
		st := r.check(mailbox, recent)
		if st.Enough || !slices.Equal(st.WantACR, []string{string(policy.TwoFactor)}) || st.MaxAge != gate.FreshFor {
			t.Errorf("mailbox and an app on the account: enough %v, asks for %v within %v", st.Enough, st.WantACR, st.MaxAge)
		}
		if st := r.check(device, recent); !st.Enough {
			t.Errorf("the app a moment ago: %+v", st.Decision)
		}
		r.now = r.now.Add(gate.FreshFor + time.Microsecond)
		if st := r.check(device, recent); st.Enough || st.MaxAge != gate.FreshFor {
			t.Errorf("the app %v ago is recent", gate.FreshFor)
		}
		if !r.check(device, ours).Enough {
			t.Error("nothing recent was asked for, and it is not enough")
		}
	})
}

// TestREL14_WhatWasSeenToBeOverStaysOver, also for what apps hold, and where the clock goes back.
func TestREL14_WhatWasSeenToBeOverStaysOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s, ref := r.session(password, app)
		r.now = r.now.Add(r.Limits.SessionLife)
		if r.check(ref, ours).Session != nil {
			t.Fatal("it lives on")
		}
		r.now = start
		if r.check(ref, ours).Session != nil {
			t.Error("the clock went back, and the browser is signed in again")
		}
		if st, err := r.CheckSessionByID(t.Context(), "acme", s.ID, ours); err != nil || st.Session != nil {
			t.Errorf("the clock went back, and an app goes on: %v", err)
		}
	})
}

// TestUpgrade: a session that one more method was set up in stands for it, and its old cookie for
// nothing. A sign-out ends both.
func TestUpgrade(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		old, ref := r.session(password, email)
		upgrade := func() (next secret.Reference, err error) {
			err = r.DB.InTx(t.Context(), "acme", func(tx *db.Tx) (err error) {
				next, _, err = r.Upgrade(t.Context(), tx, old, app, visitor)
				return err
			})
			return next, err
		}
		next, err := upgrade()
		if err != nil {
			t.Fatal(err)
		}
		st := r.check(next, ours)
		if st.Session == nil || st.Session.ACR != string(policy.TwoFactor) || !st.Session.AuthenticatedAt.Equal(start) {
			t.Errorf("%+v", st.Session)
		}
		if r.check(ref, ours).Session != nil {
			t.Error("the old cookie opens it, too")
		}
		if err := r.SignOut(t.Context(), next, visitor); err != nil {
			t.Fatal(err)
		}
		if _, err := upgrade(); !fault.Is(err, fault.NotFound) {
			t.Errorf("after signing out: %v", err)
		}
	})
}

// TestSignOutEndsTheSession, once and for the app that holds it.
func TestSignOutEndsTheSession(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		s, ref := r.session(password, app)
		for range 2 {
			if err := r.SignOut(t.Context(), ref, visitor); err != nil {
				t.Fatal(err)
			}
		}
		if r.check(ref, ours).Session != nil {
			t.Error("the browser is still signed in")
		}
		if st, err := r.CheckSessionByID(t.Context(), "acme", s.ID, ours); err != nil || st.Session != nil {
			t.Errorf("the app is still signed in: %v", err)
		}
		if owner, err := r.Owner(t.Context(), ref.Text().Reveal()); err != nil || owner != "" {
			t.Errorf("it is still %q's: %v", owner, err)
		}
	})
}

// TestATK80_ASignOutEndsTheOtherTabToo: two tabs stepped up from one session, and the browser kept the second.
// guard: session.EndLine
func TestATK80_ASignOutEndsTheOtherTabToo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		old, _ := r.session(password, email)
		var tabs [2]secret.Reference
		for i := range tabs {
			r.in("acme", func(ctx context.Context, tx *db.Tx) (err error) {
				tabs[i], _, err = r.Upgrade(ctx, tx, old, app, visitor)
				return err
			})
		}
		if err := r.TakeOver(t.Context(), tabs[0].Text().Reveal(), tabs[1], visitor); err != nil {
			t.Fatal(err)
		}
		if err := r.SignOut(t.Context(), tabs[1], visitor); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{old.ID, tabs[0].ID, tabs[1].ID} {
			if st, err := r.CheckSessionByID(t.Context(), "acme", id, ours); err != nil || st.Session != nil {
				t.Errorf("an app goes on with a session of that browser: %v", err)
			}
		}
	})
}
