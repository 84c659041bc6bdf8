// Package gate checks sessions: whose session a browser or an app holds, whether what was proved in it
// is enough for the current request, and what is missing. It ends sessions, and replaces one after its
// user has proved one more authenticator. It asks no one for a proof: people who lack one must sign in.
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

// Ask is what a session must meet.
type Ask struct {
	ClientID   string
	WantACR    []string
	FreshAfter time.Time     // the sign-in must be as new as this (prompt=login, max_age); zero = no matter
	From       policy.Origin // where it is asked from; not judged: the company's networks do not matter
	Recent     bool          // where the session is enough otherwise: the account's protection level, shown within FreshFor
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

	overdue string // a session that has expired and is not yet ended
}

// CheckSession checks the session that a browser's cookie names. It takes one statement, and writes
// only when it finds a session that has expired.
func (g *Gate) CheckSession(ctx context.Context, cookie string, ask Ask) (SessionCheck, error) {
	ref, err := secret.ParseReference(cookie)
	if err != nil {
		return noSession, nil // no cookie, or none of ours
	}
	st, err := g.checkAndExpire(ctx, ref.Tenant, byCookie(ref), ask)
	if err == nil && st.Session != nil {
		g.Seen.noteSession(ref.Tenant, ref.ID, g.DB.Now(), len(st.Session.AMR) > 1)
	}
	return st, err
}

// CheckSessionByID checks the session behind a token that a client holds; the browser's idle
// limit does not apply to it. It costs what CheckSession does.
func (g *Gate) CheckSessionByID(ctx context.Context, tenantID, sessionID string, ask Ask) (SessionCheck, error) {
	return g.checkAndExpire(ctx, tenantID, sessionSelector{where: `s.id = $3`, args: []any{sessionID}}, ask)
}

// CheckSessionByGrant checks the session behind a family of refresh tokens, as long as the family has
// not ended. It costs what CheckSession does.
func (g *Gate) CheckSessionByGrant(ctx context.Context, tenantID, grantID string, ask Ask) (SessionCheck, error) {
	return g.checkAndExpire(ctx, tenantID, sessionSelector{where: `s.id = (SELECT g.session_id
			FROM refresh_families g WHERE g.tenant_id = $2 AND g.id = $3
				AND g.ended_at = 0)`, args: []any{grantID}}, ask)
}

// CheckSessionInTx is CheckSession within a unit of work. It writes nothing.
func (g *Gate) CheckSessionInTx(ctx context.Context, tx *db.Tx, ref secret.Reference, ask Ask) (SessionCheck, error) {
	return g.readAndCheck(ctx, tx, byCookie(ref), ask)
}

// checkAndExpire checks a session, and ends one that it finds expired, so that a clock that goes back
// does not make it valid again (SEC-140). Nothing else is written when a session is checked. Tokens that
// apps hold outlive an idle browser, and people can still sign out of them.
func (g *Gate) checkAndExpire(
	ctx context.Context, tenantID string, by sessionSelector, ask Ask,
) (st SessionCheck, err error) {
	err = g.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		st, err = g.readAndCheck(ctx, tx, by, ask)
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

// remembered is when a second step was last proved in a remembered browser, and until when the browser
// is remembered.
type remembered struct{ since, until time.Time }

// checkRequirements says whether a valid session meets the requirements.
func (g *Gate) checkRequirements(tx *db.Tx, sess session.Session, w facts.Facts, ask Ask, r remembered) SessionCheck {
	st := g.applyPolicy(tx, sess, w, ask, r)
	if !st.Enough || !ask.Recent {
		return st
	}
	ask.WantACR, ask.FreshAfter = []string{string(st.Protection())}, tx.Now.Add(-FreshFor)
	st = g.applyPolicy(tx, sess, w, ask, r)
	st.MaxAge = FreshFor
	return st
}

// applyPolicy asks policy whether a session is enough.
func (g *Gate) applyPolicy(tx *db.Tx, sess session.Session, w facts.Facts, ask Ask, r remembered) SessionCheck {
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
	in.Origin, in.InSession = ask.From, true
	in.SetUpAfter = tx.Now.Add(-FreshFor)
	st.Decision = policy.Evaluate(in)
	st.NeedACR = string(st.Decision.Need)
	// Without the password a whole sign-in may reach it; what needs an administrator or time has a page of ours.
	ours := st.Decision.NeedsAdmin || st.Decision.Outside || !st.Decision.SetUpFrom.IsZero()
	st.Unreachable = st.Decision.Outcome == policy.Deny && !ours && slices.Contains(sess.AMR, "pwd")
	if !w.Open() || sess.AuthenticatedAt.Before(ask.FreshAfter) {
		return st
	}
	st.Enough = st.Decision.Outcome == policy.Allow && w.User.PasswordFlaggedAt.IsZero()
	st.StepUp = (st.Decision.Outcome == policy.Challenge || st.Decision.Outcome == policy.SetUp) &&
		w.User.PasswordFlaggedAt.IsZero()
	return st
}
