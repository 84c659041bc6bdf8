package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/flow"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// freshFor is how old a proof may be, when a step-up begins, for opening the set-up of a
// method: a copied cookie alone must not bind anything (SEC-39).
const freshFor = 300 * time.Second

// Ask is what a client wants of a session.
type Ask struct {
	ClientID   string
	WantACR    []string
	FreshAfter time.Time // the sign-in must be as new as this (prompt=login, max_age); zero = no matter
}

// SessionCheck says whether a session is enough for a client now.
type SessionCheck struct {
	Session *session.Session // nil: no one is signed in
	User    user.User
	Tenant  tenant.Tenant
	Vendor  string
	policy.Account
	Methods     tenant.Methods // what the vendor allows; the company's are with the tenant
	AppName     string
	Enough      bool
	StepUp      bool   // a second step on top of this session would be enough
	Unreachable bool   // nothing this user has could be enough
	NeedACR     string // what is missing, when not Enough
	Decision    policy.Decision

	overdue string // a session whose time is over, and which has not been ended
}

// overdue writes down that a session's time is over when that is first seen, so that a
// clock that goes back does not bring it to life again (SEC-140). It is the one write of
// looking at sessions. What apps hold outlives an idle browser, and so does sign-out.
func (s *Service) overdue(ctx context.Context, tenantID, id string) error {
	return s.DB.InTx(ctx, tenantID, func(tx *db.Tx) error { return session.TimeOver(ctx, tx, id) })
}

var nobody = SessionCheck{NeedACR: string(policy.PasswordOnly)}

const sessionColumns = `
	s.id, s.client_id, s.flow_id, s.continues, s.acr, s.amr, s.remembered_id, s.security_version, s.ip, s.place, s.browser,
	s.authenticated_at, s.created_at, s.last_seen_at, s.fresh_at, s.idle_micros, s.expires_at, s.ended_at,
	COALESCE(r.proved_at, 0), COALESCE(r.expires_at, 0)`

// CheckSession judges the session that a browser's cookie names. One statement, no write.
func (s *Service) CheckSession(ctx context.Context, cookie string, ask Ask) (st SessionCheck, err error) {
	ref, err := secret.ParseReference(cookie)
	if err != nil {
		return nobody, nil // no cookie, or none of ours
	}
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		st, err = s.checkSession(ctx, tx, byCookie(ref), ask)
		return err
	})
	if err == nil && st.overdue != "" {
		err = s.overdue(ctx, ref.Tenant, st.overdue)
	}
	if err == nil && st.Session != nil {
		s.Seen.note(ref.Tenant, ref.ID, s.DB.Now(), len(st.Session.AMR) > 1)
	}
	return st, err
}

// CheckSessionByID judges the session behind a token that a client holds; the browser's idle
// limit does not apply to it. One statement, no write but that of overdue.
func (s *Service) CheckSessionByID(ctx context.Context, tenantID, sessionID string,
	ask Ask) (st SessionCheck, err error) {
	err = s.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		st, err = s.checkSession(ctx, tx, sessionSelector{where: `s.id = $3`, args: []any{sessionID}}, ask)
		return err
	})
	if err == nil && st.overdue != "" {
		err = s.overdue(ctx, tenantID, st.overdue)
	}
	return st, err
}

// CheckSessionByGrant judges the session behind a line of tokens, as long as the line has not
// been ended. One statement, no write but that of overdue.
func (s *Service) CheckSessionByGrant(ctx context.Context, tenantID, grantID string,
	ask Ask) (st SessionCheck, err error) {
	err = s.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		st, err = s.checkSession(ctx, tx, sessionSelector{where: `s.id = (SELECT g.session_id
			FROM refresh_families g WHERE g.tenant_id = $2 AND g.id = $3
				AND g.ended_at = 0)`, args: []any{grantID}}, ask)
		return err
	})
	if err == nil && st.overdue != "" {
		err = s.overdue(ctx, tenantID, st.overdue)
	}
	return st, err
}

// sessionSelector says which session is meant: by the cookie of its browser, or by what an app holds.
type sessionSelector struct {
	where   string // of the session s, from $3
	args    []any
	browser bool
}

func byCookie(ref secret.Reference) sessionSelector {
	return sessionSelector{where: `s.id = $3 AND s.token_hash = $4`, args: []any{ref.ID, ref.Hash()}, browser: true}
}

// checkSession reads a session and its world with one statement.
func (s *Service) checkSession(ctx context.Context, tx *db.Tx, by sessionSelector, ask Ask) (SessionCheck, error) {
	var w facts.Facts
	r := facts.Into(&w)
	sess := session.Session{Tenant: tx.Tenant}
	var amr string
	var authenticated, created, seen, fresh, idle, expires, ended, proved, until int64
	err := tx.QueryRow(ctx, `
		SELECT `+sessionColumns+`,`+facts.Columns+`
		FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		JOIN tenants t ON t.tenant_id = s.tenant_id
		JOIN installation i ON i.id = 'installation'
		LEFT JOIN clients c ON c.id = $1
		LEFT JOIN remembered_browsers r ON r.tenant_id = s.tenant_id AND r.id = s.remembered_id AND r.client_id = $1 AND r.ended_at = 0
		WHERE s.tenant_id = $2 AND `+by.where, append([]any{ask.ClientID, tx.Tenant}, by.args...)...).
		Scan(append([]any{&sess.ID, &sess.ClientID, &sess.FlowID, &sess.Continues, &sess.ACR, &amr, &sess.RememberedID,
			&sess.SecurityVersion, &sess.IP, &sess.Place, &sess.Browser,
			&authenticated, &created, &seen, &fresh, &idle, &expires, &ended, &proved, &until}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return nobody, nil
	}
	if err != nil {
		return SessionCheck{}, err
	}
	r.Decode(ask.ClientID, s.Limits.RememberDays)
	sess.AMR, sess.UserID = strings.Fields(amr), w.User.ID
	sess.AuthenticatedAt, sess.CreatedAt, sess.LastSeenAt = db.Time(authenticated), db.Time(created), db.Time(seen)
	sess.Idle, sess.ExpiresAt, sess.EndedAt = time.Duration(idle)*time.Microsecond, db.Time(expires), db.Time(ended)
	sess.LastSeenAt, sess.FreshAt = s.Seen.newest(tx.Tenant, sess.ID, sess.LastSeenAt, db.Time(fresh))
	if sess.EndedAt.IsZero() &&
		(!sess.ValidForTokens(tx.Now) || by.browser && !sess.ValidForBrowser(tx.Now) && sess.Idle >= 0) {
		return SessionCheck{NeedACR: nobody.NeedACR, overdue: sess.ID}, nil
	}
	alive := sess.ValidForTokens(tx.Now) && (!by.browser || sess.ValidForBrowser(tx.Now))
	if !alive || sess.SecurityVersion != w.User.SecurityVersion || !w.User.DisabledAt.IsZero() ||
		!w.Tenant.SuspendedAt.IsZero() {
		return nobody, nil
	}
	idleLimit := s.Limits.SessionIdle
	if !by.browser { // about the browser, not about what apps hold
		idleLimit = 0
	}
	sess.Age(tx.Now, s.Limits.SessionLife, idleLimit)
	return s.evaluateSession(tx, sess, w, ask, db.Time(proved), db.Time(until)), nil
}

// evaluateSession asks policy whether a living session is enough.
func (s *Service) evaluateSession(tx *db.Tx, sess session.Session, w facts.Facts, ask Ask, rememberedSince,
	rememberedUntil time.Time) SessionCheck {
	st := SessionCheck{
		Session: &sess,
		User:    w.User,
		Tenant:  w.Tenant,
		Vendor:  w.Vendor.Name,
		Account: w.Account,
		Methods: w.Vendor.Methods,
		AppName: w.App.Name,
	}
	in := w.Input(tx.Now, s.Bindable, ask.WantACR, sess.Proofs())
	in.RememberedSince, in.RememberedUntil = rememberedSince, rememberedUntil
	in.SetUpAfter = tx.Now.Add(-freshFor)
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

// limitStepUps bounds what a session that lacks a second step may write. It is apart from
// limitFlows: a stolen one must not keep its owner from signing in.
var limitStepUps = ratelimit.Limit{Name: "step.session", Windows: []ratelimit.Window{{Count: 60, Per: time.Hour}}}

// StepUp begins a flow from a living session that lacks only a second step: the same
// journey, begun with the old proofs.
func (s *Service) StepUp(ctx context.Context, ref secret.Reference, a Attempt) (Step, error) {
	var step Step
	err := s.DB.InTx(ctx, ref.Tenant, func(tx *db.Tx) error {
		st, err := s.checkSession(ctx, tx, byCookie(ref), Ask{ClientID: a.ClientID, WantACR: a.WantACR})
		if err != nil {
			return err
		}
		if !st.StepUp {
			return flow.ErrNotFound
		}
		wait, err := ratelimit.SpendIn(ctx, tx, limitStepUps, ref.ID)
		if err == nil && wait > 0 {
			err = errSlowDown.After(wait)
		}
		if err != nil {
			return err
		}
		step, err = s.stepUp(ctx, tx, st, a)
		return err
	})
	return step, err
}

func (s *Service) stepUp(ctx context.Context, tx *db.Tx, st SessionCheck, a Attempt) (Step, error) {
	w, err := facts.Load(ctx, tx, st.User.ID, a.ClientID, s.Limits.RememberDays)
	if err != nil {
		return nil, err
	}
	all, err := s.readShown(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	browser := s.knownFor(a.Devices, all, w)
	f := &activeFlow{
		Flow:     a.flow(st.Session.SecurityVersion, browser.spends),
		Facts:    w,
		bindable: s.Bindable,
		prefer:   string(a.Prefer),
		device:   browser.device,
	}
	f.SteppingUp = st.Session.ID
	ref := s.begin(tx, f, st.Session.Proofs()...)
	if err := s.recall(ctx, tx, f, a.Presented); err != nil {
		return nil, err
	}
	f.recordEvent(audit.SignInStepUp, audit.OK, "", "", f.ID, a.Visitor)
	step, err := s.next(ctx, tx, f, false)
	step, err = f.flush(ctx, tx, step, err)
	return withFlow(step, ref), err
}

// SignOut ends a browser's session and those that it took over from, however long it has
// been idle. It answers the same for a session that has ended already. It succeeds while the
// audit cannot be written; the event is recorded later.
func (s *Service) SignOut(ctx context.Context, ref secret.Reference, v session.Visitor) error {
	return audit.OrLater(ctx, s.DB, ref.Tenant, func(ctx context.Context, tx *db.Tx) error {
		userID, clientID, err := session.Owner(ctx, tx, ref)
		if err != nil || userID == "" {
			return err
		}
		if err := session.EndLine(ctx, tx, ref.ID, session.SignedOut); err != nil {
			return err
		}
		// Closed by a guarded write as well as by what over reads, so that of a sign-out and a
		// code at the same moment one wins.
		if err := flow.CloseStepUps(ctx, tx, userID, ref.ID, flow.Changed); err != nil {
			return err
		}
		return audit.Record(ctx, tx,
			event(audit.SessionEnded, audit.OK, session.SignedOut, userID, clientID, "", ref.ID, v))
	})
}

// Owner names whose session a browser's cookie is, as long as it has not ended, however
// long it has been idle: apps may still hold tokens of it. It is empty for no one's.
func (s *Service) Owner(ctx context.Context, cookie string) (userID string, err error) {
	ref, err := secret.ParseReference(cookie)
	if err != nil {
		return "", nil // no cookie, or none of ours
	}
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) (err error) {
		userID, _, err = session.Owner(ctx, tx, ref)
		return err
	})
	return userID, err
}

// TakeOver retires the session that a browser held before it signed in again: its cookie
// dies. The same user's goes on for the tokens that apps hold, and ends with the new one;
// anyone else's ends now.
func (s *Service) TakeOver(ctx context.Context, cookie string, next secret.Reference, v session.Visitor) error {
	old, err := secret.ParseReference(cookie)
	if err != nil || old.ID == next.ID {
		return nil // nothing of ours was held
	}
	return audit.OrLater(ctx, s.DB, old.Tenant, func(ctx context.Context, tx *db.Tx) error {
		was, clientID, err := session.Owner(ctx, tx, old)
		if err != nil || was == "" {
			return err
		}
		is, _, err := session.Owner(ctx, tx.ForTenant(next.Tenant), next)
		if err != nil {
			return err
		}
		if is == was && old.Tenant == next.Tenant {
			if err := session.Continue(ctx, tx, next.ID, old.ID); err != nil {
				return err
			}
			return session.Detach(ctx, tx, old.ID)
		}
		if err := session.EndLine(ctx, tx, old.ID, session.Superseded); err != nil {
			return err
		}
		return audit.Record(ctx, tx,
			event(audit.SessionEnded, audit.OK, session.Superseded, was, clientID, "", old.ID, v))
	})
}

// Explain decides for a user and a client as if the password had just been right, for
// people who ask why.
func (s *Service) Explain(ctx context.Context, u user.User, clientID string) (d policy.Decision, err error) {
	err = s.DB.View(ctx, u.TenantID, func(tx *db.Tx) error {
		w, err := facts.Load(ctx, tx, u.ID, clientID, s.Limits.RememberDays)
		if err != nil {
			return err
		}
		d = policy.Evaluate(w.Input(tx.Now, s.Bindable, nil,
			[]authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}}))
		return nil
	})
	return d, err
}
