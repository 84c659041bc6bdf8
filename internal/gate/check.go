// Package gate says who is calling and how strongly: whose session a browser or an app holds, whether
// what was proved in it is enough for what is asked now, and what is missing. It ends sessions and lets
// one stand for a proof more. It asks no one for a proof: who lacks one is sent to sign in.
package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// FreshFor is how old a proof may be for a change that a thief would make first, and, when a
// step-up begins, for opening the set-up of a method: a copied cookie alone must not bind
// anything (SEC-39).
const FreshFor = 300 * time.Second

// Gate checks sessions.
type Gate struct {
	DB       *db.DB
	Limits   config.Limits
	Bindable []authenticator.Kind // what people can set up by themselves
	Seen     *Seen
}

// Ask is what is wanted of a session.
type Ask struct {
	ClientID   string
	WantACR    []string
	FreshAfter time.Time // the sign-in must be as new as this (prompt=login, max_age); zero = no matter
	Recent     bool      // where the session is enough otherwise: the account's protection level, shown within FreshFor
}

// SessionCheck says whether a session is enough for what was asked now.
type SessionCheck struct {
	Session *session.Session // nil: no one is signed in
	User    user.User
	Tenant  tenant.Tenant
	Vendor  string
	policy.Account
	Allowed     policy.Allowed
	AppName     string
	Enough      bool
	StepUp      bool          // a second step on top of this session would be enough
	Unreachable bool          // nothing this user has could be enough
	NeedACR     string        // what is missing, when not Enough
	WantACR     []string      // what a sign-in has to ask for, when not Enough
	MaxAge      time.Duration // how old that sign-in may be; 0 = no matter
	Decision    policy.Decision

	overdue string // a session whose time is over, and which has not been ended
}

// CheckSession judges the session that a browser's cookie names. One statement, no write but
// that of a session whose time is over.
func (g *Gate) CheckSession(ctx context.Context, cookie string, ask Ask) (SessionCheck, error) {
	ref, err := secret.ParseReference(cookie)
	if err != nil {
		return nobody, nil // no cookie, or none of ours
	}
	st, err := g.check(ctx, ref.Tenant, byCookie(ref), ask)
	if err == nil && st.Session != nil {
		g.Seen.note(ref.Tenant, ref.ID, g.DB.Now(), len(st.Session.AMR) > 1)
	}
	return st, err
}

// CheckSessionByID judges the session behind a token that a client holds; the browser's idle
// limit does not apply to it. It costs what CheckSession does.
func (g *Gate) CheckSessionByID(ctx context.Context, tenantID, sessionID string, ask Ask) (SessionCheck, error) {
	return g.check(ctx, tenantID, sessionSelector{where: `s.id = $3`, args: []any{sessionID}}, ask)
}

// CheckSessionByGrant judges the session behind a line of tokens, as long as the line has not
// been ended. It costs what CheckSession does.
func (g *Gate) CheckSessionByGrant(ctx context.Context, tenantID, grantID string, ask Ask) (SessionCheck, error) {
	return g.check(ctx, tenantID, sessionSelector{where: `s.id = (SELECT g.session_id
			FROM refresh_families g WHERE g.tenant_id = $2 AND g.id = $3
				AND g.ended_at = 0)`, args: []any{grantID}}, ask)
}

// CheckIn is CheckSession in a unit of work that goes on with what it found. It writes nothing.
func (g *Gate) CheckIn(ctx context.Context, tx *db.Tx, ref secret.Reference, ask Ask) (SessionCheck, error) {
	return g.read(ctx, tx, byCookie(ref), ask)
}

// check writes down that a session's time is over when that is first seen, so that a clock that
// goes back does not bring it to life again (SEC-140). It is the one write of looking at sessions.
// What apps hold outlives an idle browser, and so does sign-out.
func (g *Gate) check(ctx context.Context, tenantID string, by sessionSelector, ask Ask) (st SessionCheck, err error) {
	err = g.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		st, err = g.read(ctx, tx, by, ask)
		return err
	})
	if err == nil && st.overdue != "" {
		err = g.DB.InTx(ctx, tenantID, func(tx *db.Tx) error { return session.TimeOver(ctx, tx, st.overdue) })
	}
	if err != nil {
		return st, fmt.Errorf("check session: %w", err)
	}
	return st, nil
}

// remembered is when a second step was last shown in a browser that is remembered, and until when
// it is.
type remembered struct{ since, until time.Time }

// judge says whether a living session is enough.
func (g *Gate) judge(tx *db.Tx, sess session.Session, w facts.Facts, ask Ask, r remembered) SessionCheck {
	st := g.evaluate(tx, sess, w, ask, r)
	if !st.Enough || !ask.Recent {
		return st
	}
	ask.WantACR, ask.FreshAfter = []string{string(st.Protection())}, tx.Now.Add(-FreshFor)
	st = g.evaluate(tx, sess, w, ask, r)
	st.MaxAge = FreshFor
	return st
}

// evaluate asks policy.
func (g *Gate) evaluate(tx *db.Tx, sess session.Session, w facts.Facts, ask Ask, r remembered) SessionCheck {
	st := SessionCheck{
		Session: &sess,
		User:    w.User,
		Tenant:  w.Tenant,
		Vendor:  w.Vendor.Name,
		Account: w.Account,
		Allowed: w.Allowed(),
		AppName: w.App.Name,
		WantACR: ask.WantACR,
	}
	in := w.Input(tx.Now, g.Bindable, ask.WantACR, sess.Proofs())
	in.RememberedSince, in.RememberedUntil = r.since, r.until
	in.SetUpAfter = tx.Now.Add(-FreshFor)
	st.Decision = policy.Evaluate(in)
	st.NeedACR = string(st.Decision.Need)
	// Without the password a whole sign-in may reach it; what needs an administrator or time has a page of ours.
	ours := st.Decision.NeedsAdmin || !st.Decision.SetUpFrom.IsZero()
	st.Unreachable = st.Decision.Outcome == policy.Deny && !ours && slices.Contains(sess.AMR, "pwd")
	if !w.Open() || sess.AuthenticatedAt.Before(ask.FreshAfter) {
		return st
	}
	st.Enough = st.Decision.Outcome == policy.Allow && w.User.PasswordFlaggedAt.IsZero()
	st.StepUp = (st.Decision.Outcome == policy.Challenge || st.Decision.Outcome == policy.SetUp) &&
		w.User.PasswordFlaggedAt.IsZero()
	return st
}
