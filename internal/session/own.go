package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// Open is a session as its user sees it, whatever it was stepped up from included.
type Open struct {
	Session
	AppName string // empty for our own pages
}

// OpenOf lists the sessions of a user that have neither ended nor expired, the newest first.
// Those that another one took over from are part of that one.
func OpenOf(ctx context.Context, tx *db.Tx, userID string) ([]Open, error) {
	rows, err := tx.Query(ctx, `
		SELECT s.id, s.client_id, COALESCE(c.name, ''), s.acr, s.amr, s.ip, s.place, s.browser, s.authenticated_at,
			s.created_at, s.last_seen_at, s.idle_micros, s.expires_at
		FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
			LEFT JOIN clients c ON c.id = s.client_id
		WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.ended_at = 0 AND s.expires_at > $3
			AND s.security_version = u.security_version
			AND NOT EXISTS (SELECT 1 FROM sessions n WHERE n.tenant_id = s.tenant_id AND n.user_id = s.user_id
				AND n.continues = s.id AND n.ended_at = 0)
		ORDER BY s.last_seen_at DESC, s.id DESC`, tx.Tenant, userID, tx.Now)
	open, err := db.Collect(rows, err, scanOpen)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	for i := range open {
		open[i].Tenant, open[i].UserID = tx.Tenant, userID
	}
	return open, nil
}

func scanOpen(row db.Row) (o Open, err error) {
	var amr string
	var idle int64
	err = row.Scan(
		&o.ID,
		&o.ClientID,
		&o.AppName,
		&o.ACR,
		&amr,
		&o.IP,
		&o.Place,
		&o.Browser,
		db.ScanTime(&o.AuthenticatedAt),
		db.ScanTime(&o.CreatedAt),
		db.ScanTime(&o.LastSeenAt),
		&idle,
		db.ScanTime(&o.ExpiresAt),
	)
	o.AMR, o.Idle = strings.Fields(amr), time.Duration(idle)*time.Microsecond
	return o, err
}

// Belongs reports whether a session is a user's and has not ended.
func Belongs(ctx context.Context, tx *db.Tx, userID, id string) (yes bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM sessions WHERE tenant_id = $1 AND id = $2 AND user_id = $3
		AND ended_at = 0)`, tx.Tenant, id, userID).Scan(&yes)
	return yes, err
}

// EndAllBut ends every session of a user but one and what that one took over from: apps
// that its browser opened stay open.
func EndAllBut(ctx context.Context, tx *db.Tx, userID, keep, because string) (ended int64, err error) {
	return tx.Exec(ctx, `
		WITH RECURSIVE line (id) AS (
			SELECT s.id FROM sessions s WHERE s.tenant_id = $1 AND s.id = $2
			UNION SELECT s.continues FROM sessions s JOIN line l ON s.tenant_id = $1 AND s.id = l.id
				WHERE s.continues <> '')
		UPDATE sessions SET ended_at = $3, ended_because = $4
			WHERE tenant_id = $1 AND user_id = $5 AND id NOT IN (SELECT l.id FROM line l) AND ended_at = 0`,
		tx.Tenant, keep, tx.Now, because, userID)
}

// Carry takes a session over a change of its user's security version, which ends all others.
func Carry(ctx context.Context, tx *db.Tx, id string, from, to int64) error {
	_, err := tx.Exec(ctx, `UPDATE sessions SET security_version = $1
		WHERE tenant_id = $2 AND id = $3 AND security_version = $4 AND ended_at = 0`, to, tx.Tenant, id, from)
	return err
}

// RememberedFor is a remembered browser as its user sees it.
type RememberedFor struct {
	Remembered
	AppName string
}

// RememberedOf lists the browsers that a user's second step is remembered in.
func RememberedOf(ctx context.Context, tx *db.Tx, userID string) ([]RememberedFor, error) {
	rows, err := tx.Query(ctx, `
		SELECT r.id, r.client_id, COALESCE(c.name, ''), r.place, r.browser, r.proved_at, r.expires_at
		FROM remembered_browsers r JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
			LEFT JOIN clients c ON c.id = r.client_id
		WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.ended_at = 0 AND r.expires_at > $3
			AND r.security_version = u.security_version
		ORDER BY r.proved_at DESC, r.id DESC`, tx.Tenant, userID, tx.Now)
	out, err := db.Collect(rows, err, func(row db.Row) (r RememberedFor, err error) {
		r.UserID = userID
		err = row.Scan(
			&r.ID,
			&r.ClientID,
			&r.AppName,
			&r.Place,
			&r.Browser,
			db.ScanTime(&r.ProvedAt),
			db.ScanTime(&r.ExpiresAt),
		)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list remembered browsers: %w", err)
	}
	return out, nil
}

// ForgetOne ends one remembered browser of a user.
func ForgetOne(ctx context.Context, tx *db.Tx, userID, id, because string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE remembered_browsers SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND user_id = $4 AND id = $5 AND ended_at = 0`,
		tx.Now, because, tx.Tenant, userID, id)
	return n > 0, err
}

// Lock takes a session until the transaction ends, if what was seen of it still holds: neither
// it nor its time is over, and the account is as when it was opened. What someone does to
// their account begins with it: a session may end between a look at it and the writes. The
// caller holds the user's row, so that nothing of that changes afterwards either.
func Lock(ctx context.Context, tx *db.Tx, userID, id string) (open bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE sessions SET ended_at = ended_at WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND ended_at = 0
			AND expires_at > $4 AND EXISTS (
			SELECT 1 FROM users u JOIN tenants t ON t.tenant_id = u.tenant_id
			WHERE u.tenant_id = $1 AND u.id = $3 AND u.security_version = sessions.security_version
				AND u.password_flagged_at = 0 AND u.disabled_at = 0 AND t.suspended_at = 0)`,
		tx.Tenant, id, userID, tx.Now)
	return n > 0, err
}

// Retire is Detach for a session that must still be open, as first it was found to be.
func Retire(ctx context.Context, tx *db.Tx, id string) (open bool, err error) {
	_, unknowable := secret.NewToken()
	n, err := tx.Exec(ctx, `UPDATE sessions SET token_hash = $1
		WHERE tenant_id = $2 AND id = $3 AND ended_at = 0`, unknowable, tx.Tenant, id)
	return n > 0, err
}

// LastUses tells when sessions of people of tx.Tenant were last used, by session, as far as they are kept: of those
// that began at or after an instant, of the people whose ids come after one and up to another.
func LastUses(
	ctx context.Context, tx *db.Tx, after, through string, since time.Time, limit int,
) (map[string]time.Time, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, last_seen_at FROM sessions
		WHERE tenant_id = $1 AND user_id > $2 AND user_id <= $3 AND created_at >= $4
		ORDER BY user_id, id LIMIT $5`, tx.Tenant, after, through, since, limit)
	out := map[string]time.Time{}
	err = db.ForEach(rows, err, func(row db.Row) error {
		var id string
		var at time.Time
		err := row.Scan(&id, db.ScanTime(&at))
		out[id] = at
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list last uses of sessions: %w", err)
	}
	return out, nil
}
