// Package session owns what a sign-in leaves behind: the session of a browser, and the
// memory of a browser that need not show a second step until a date. Both are rows that
// keep a hash of a token; it refuses to give either of them a level that no proof gave.
package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// Why a session or a remembered browser ended.
const (
	SignedOut       = "signed_out"       // the person signed out
	EndedByOwner    = "ended_by_owner"   // the person ended it from their account's pages
	EndedByAdmin    = "ended_by_admin"   // an administrator signed the person out
	Superseded      = "superseded"       // another person signed in in the same browser
	NotMe           = "not_me"           // the person reported that the sign-in was not theirs
	CodeReplay      = "code_replay"      // an authorization code was shown twice
	TokenReplay     = "token_replay"     // an older token of a browser was shown: it was copied
	TimeIsOver      = "time_is_over"     // it lasted as long as it may
	MethodChanged   = "method_changed"   // a sign-in method was added or removed
	PasswordChanged = "password_changed" // the password was changed
	AddressChanged  = "address_changed"  // the email address was changed
)

// Visitor is where a request came from, as far as it can be known.
type Visitor struct{ IP, Place, Browser, RequestID string }

// Origin is the visitor as audit events record it.
func (v Visitor) Origin() audit.Origin {
	return audit.Origin{
		RequestID: v.RequestID,
		IP:        v.IP,
		Place:     v.Place,
		Browser:   v.Browser,
	}
}

// Session is one signed-in browser.
type Session struct {
	Tenant, ID, UserID string
	ClientID           string // the app that the sign-in was for
	FlowID             string
	Continues          string // the session that this one was stepped up from
	ACR                string
	AMR                []string
	RememberedID       string // the remembered browser that stood in for the second step, or was made with it
	SecurityVersion    int64
	Visitor
	AuthenticatedAt, CreatedAt time.Time
	LastSeenAt                 time.Time
	FreshAt                    time.Time     // last use while every proof still counted
	Idle                       time.Duration // 0 = no idle limit; below it = was seen to be idle for too long
	ExpiresAt, EndedAt         time.Time
}

// ValidForBrowser reports whether the session may still be used by its browser at now.
func (s Session) ValidForBrowser(now time.Time) bool {
	return s.ValidForTokens(now) && (s.Idle == 0 || now.Before(s.LastSeenAt.Add(s.Idle)))
}

// ValidForTokens is ValidForBrowser without the idle limit, which is about the browser and not
// about the tokens that apps hold.
func (s Session) ValidForTokens(now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt)
}

// Age takes the second step away from a session that a remembered browser keeps open beyond
// the life or the idle time of one that nothing keeps open. What stays is the password; the
// memory still speaks for its one app. An idle of 0 is no limit.
func (s *Session) Age(now time.Time, life, idle time.Duration) {
	fresh := now.Before(s.AuthenticatedAt.Add(life)) && (idle == 0 || now.Before(s.FreshAt.Add(idle)))
	if s.RememberedID == "" || fresh {
		return
	}
	s.ACR, s.AMR = passwordOnly, authenticator.TraitsOf[authenticator.Password].AMR
}

// passwordOnly is the level of a password alone.
const passwordOnly = "urn:countersign:acr:1"

// Proofs are the proofs that the session stands for, so that a step-up can build on them.
func (s Session) Proofs() []authenticator.Proof {
	var out []authenticator.Proof
	for _, k := range authenticator.KindsOfAMR(s.AMR) {
		out = append(out, authenticator.Proof{Kind: k, At: s.AuthenticatedAt})
	}
	return out
}

// Issue stores a session and returns the reference that its browser keeps.
func Issue(ctx context.Context, tx *db.Tx, s Session) (Session, secret.Reference, error) {
	token, hash := secret.NewToken()
	s.Tenant, s.ID, s.CreatedAt, s.LastSeenAt = tx.Tenant, tx.NewID(), tx.Now, tx.Now
	err := tx.ExecDeferred(ctx, `
		INSERT INTO sessions (tenant_id, id, token_hash, user_id, client_id, flow_id, continues, acr, amr,
			remembered_id, security_version, ip, place, browser,
			authenticated_at, created_at, last_seen_at, fresh_at, idle_micros, expires_at, ended_at, ended_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $16, $17, $18, 0, '')`,
		tx.Tenant, s.ID, hash, s.UserID, s.ClientID, s.FlowID, s.Continues, s.ACR, strings.Join(s.AMR, " "),
		s.RememberedID, s.SecurityVersion, s.IP, s.Place, s.Browser,
		s.AuthenticatedAt, tx.Now, s.Idle.Microseconds(), s.ExpiresAt)
	return s, secret.Reference{Tenant: tx.Tenant, ID: s.ID, Token: token}, err
}

// TimeOver writes down that a session was seen to be over: for good when its life is, and
// for its browser when that was idle. Then idle_micros gets below zero, which is idle at every
// instant, also where the clock goes back.
func TimeOver(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `
		UPDATE sessions SET idle_micros = CASE WHEN idle_micros < 0 THEN idle_micros
			ELSE -1 - idle_micros - last_seen_at END,
			ended_at = CASE WHEN expires_at <= $1 THEN $1 ELSE 0 END,
				ended_because = CASE WHEN expires_at <= $1 THEN $2 ELSE '' END
		WHERE tenant_id = $3 AND id = $4 AND ended_at = 0
			AND (idle_micros >= 0 OR expires_at <= $1)`, tx.Now, TimeIsOver, tx.Tenant, id)
	return err
}

// EndLine ends the whole tree that a session belongs to: what it was stepped up from or signed in
// over, and everything that was stepped up from any of those or took over from them since.
func EndLine(ctx context.Context, tx *db.Tx, id, because string) error {
	_, err := tx.Exec(ctx, `
		WITH RECURSIVE line (id) AS (
			SELECT s.id FROM sessions s WHERE s.tenant_id = $1 AND s.id = $2
			UNION SELECT s.continues FROM sessions s JOIN line l ON s.tenant_id = $1 AND s.id = l.id
				WHERE s.continues <> ''),
		onward (id) AS (
			SELECT l.id FROM line l
			UNION SELECT n.id FROM onward o JOIN sessions s ON s.tenant_id = $1 AND s.id = o.id
				JOIN sessions n ON n.tenant_id = $1 AND n.user_id = s.user_id AND n.continues = s.id)
		UPDATE sessions SET ended_at = CASE WHEN ended_at = 0 THEN $3 ELSE ended_at END, ended_because = $4
		WHERE tenant_id = $1 AND id IN (SELECT o.id FROM onward o) AND (ended_at = 0 OR ended_because = $5)`,
		tx.Tenant, id, tx.Now, because, TimeIsOver)
	return err
}

// Owner finds whose session a browser's reference names, as long as no one has ended it: it
// may have been idle for long, or its time may be over, and what it was stepped up from may
// live on. Empty where there is none.
func Owner(ctx context.Context, tx *db.Tx, ref secret.Reference) (userID, clientID string, err error) {
	err = tx.QueryRow(ctx, `SELECT user_id, client_id FROM sessions
		WHERE tenant_id = $1 AND id = $2 AND token_hash = $3 AND (ended_at = 0 OR ended_because = $4)`,
		tx.Tenant, ref.ID, ref.Hash(), TimeIsOver).Scan(&userID, &clientID)
	if db.IsNoRows(err) {
		err = nil
	}
	return userID, clientID, err
}

// Continue notes that a session took over from an earlier one of the same user and browser.
func Continue(ctx context.Context, tx *db.Tx, id, earlier string) error {
	_, err := tx.Exec(ctx, `UPDATE sessions SET continues = $1
		WHERE tenant_id = $2 AND id = $3 AND continues = ''`, earlier, tx.Tenant, id)
	return err
}

// Detach takes a session away from its browser without ending what apps hold of it: the
// browser got a stronger one, and the old cookie must die (ASVS 7.2.4).
func Detach(ctx context.Context, tx *db.Tx, id string) error {
	_, unknowable := secret.NewToken()
	_, err := tx.Exec(ctx, `UPDATE sessions SET token_hash = $1
		WHERE tenant_id = $2 AND id = $3`, unknowable, tx.Tenant, id)
	return err
}

// Familiar reports whether the account has been in use before, which one that is a day old
// is taken to have been, and whether from a browser of this name at this place: a new one
// is worth a notice.
func Familiar(ctx context.Context, tx *db.Tx, userID string, v Visitor) (before, same bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM sessions WHERE tenant_id = $1 AND user_id = $2) OR EXISTS (SELECT 1 FROM users
			WHERE tenant_id = $1 AND id = $2 AND created_at < $5),
			EXISTS (SELECT 1 FROM sessions WHERE tenant_id = $1 AND user_id = $2 AND browser = $3 AND place = $4)`,
		tx.Tenant, userID, v.Browser, v.Place, tx.Now.Add(-24*time.Hour)).Scan(&before, &same)
	return before, same, err
}

// EndOthers ends every session of a user but one, with everything that other browsers are
// remembered by; an empty keep ends all.
func EndOthers(ctx context.Context, tx *db.Tx, userID, keep, because string) error {
	_, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND id <> $5 AND ended_at = 0`, tx.Now, because, tx.Tenant, userID, keep)
	if err != nil {
		return err
	}
	return ForgetAll(ctx, tx, userID, because)
}

// ProvedFrom lists the addresses from which a user has shown a second step since an instant, in the browsers that are
// remembered.
func ProvedFrom(ctx context.Context, tx *db.Tx, userID string, since time.Time) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT ip FROM remembered_browsers
		WHERE tenant_id = $1 AND user_id = $2 AND proved_at > $3 AND ended_at = 0`, tx.Tenant, userID, since)
	out, err := db.Collect(rows, err, func(row db.Row) (ip string, err error) {
		err = row.Scan(&ip)
		return ip, err
	})
	if err != nil {
		return nil, fmt.Errorf("read addresses: %w", err)
	}
	return out, nil
}

// Use is when and where an account was used.
type Use struct {
	At time.Time
	IP string
}

// LastSignIn is when and from where the newest session of a user began.
func LastSignIn(ctx context.Context, tx *db.Tx, userID string) (u Use, found bool, err error) {
	err = tx.QueryRow(ctx, `SELECT ip, created_at FROM sessions WHERE tenant_id = $1 AND user_id = $2
		ORDER BY created_at DESC, id DESC LIMIT 1`, tx.Tenant, userID).Scan(&u.IP, db.ScanTime(&u.At))
	if db.IsNoRows(err) {
		return Use{}, false, nil
	}
	if err != nil {
		return Use{}, false, fmt.Errorf("read last sign-in: %w", err)
	}
	return u, true, nil
}
