package gate

import (
	"context"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/secret"
	"countersign/internal/session"
)

const sessionColumns = `
	s.id, s.client_id, s.flow_id, s.continues, s.acr, s.amr, s.remembered_id, s.security_version, s.ip, s.place,
	s.browser, s.authenticated_at, s.created_at, s.last_seen_at, s.fresh_at, s.idle_micros, s.expires_at, s.ended_at,
	COALESCE(r.proved_at, 0), COALESCE(r.expires_at, 0)`

// noSession is the answer where no one is signed in.
var noSession = SessionCheck{NeedACR: string(policy.PasswordOnly)}

// sessionSelector selects a session: by the cookie of its browser, or by what an app holds.
type sessionSelector struct {
	where   string // of the session s, from $3
	args    []any
	browser bool
}

func byCookie(ref secret.Reference) sessionSelector {
	return sessionSelector{where: `s.id = $3 AND s.token_hash = $4`, args: []any{ref.ID, ref.Hash()}, browser: true}
}

// readAndCheck reads a session, and everything that decides about it, with one statement.
func (g *Gate) readAndCheck(ctx context.Context, tx *db.Tx, by sessionSelector, ask Ask) (SessionCheck, error) {
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
		LEFT JOIN remembered_browsers r ON r.tenant_id = s.tenant_id AND r.id = s.remembered_id
			AND r.client_id = $1 AND r.ended_at = 0
		WHERE s.tenant_id = $2 AND `+by.where, append([]any{ask.ClientID, tx.Tenant}, by.args...)...).
		Scan(append([]any{&sess.ID, &sess.ClientID, &sess.FlowID, &sess.Continues, &sess.ACR, &amr, &sess.RememberedID,
			&sess.SecurityVersion, &sess.IP, &sess.Place, &sess.Browser,
			&authenticated, &created, &seen, &fresh, &idle, &expires, &ended, &proved, &until}, r.Targets()...)...)
	if db.IsNoRows(err) {
		return noSession, nil
	}
	if err != nil {
		return SessionCheck{}, err
	}
	r.Decode(ask.ClientID, g.Limits.RememberDays)
	sess.AMR, sess.UserID = strings.Fields(amr), w.User.ID
	sess.AuthenticatedAt, sess.CreatedAt, sess.LastSeenAt = db.Time(authenticated), db.Time(created), db.Time(seen)
	sess.Idle, sess.ExpiresAt, sess.EndedAt = time.Duration(idle)*time.Microsecond, db.Time(expires), db.Time(ended)
	sess.LastSeenAt, sess.FreshAt = g.Seen.latest(tx.Tenant, sess.ID, sess.LastSeenAt, db.Time(fresh))
	if sess.EndedAt.IsZero() &&
		(!sess.ValidForTokens(tx.Now) || by.browser && !sess.ValidForBrowser(tx.Now) && sess.Idle >= 0) {
		return SessionCheck{NeedACR: noSession.NeedACR, overdue: sess.ID}, nil
	}
	alive := sess.ValidForTokens(tx.Now) && (!by.browser || sess.ValidForBrowser(tx.Now))
	if !alive || sess.SecurityVersion != w.User.SecurityVersion || !w.User.DisabledAt.IsZero() ||
		!w.Tenant.SuspendedAt.IsZero() {
		return noSession, nil
	}
	idleLimit := g.Limits.SessionIdle
	if !by.browser { // about the browser, not about what apps hold
		idleLimit = 0
	}
	sess.Age(tx.Now, g.Limits.SessionLife, idleLimit)
	return g.checkRequirements(tx, sess, w, ask, remembered{db.Time(proved), db.Time(until)}), nil
}
