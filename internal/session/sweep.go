package session

import (
	"context"
	"time"

	"countersign/internal/db"
)

// keepFor is how long sessions stay after their end: what apps hold of one may outlive it by the
// life of a line of refresh tokens, and refers to it.
const keepFor = 40 * 24 * time.Hour

// keepRemembered is how long remembered browsers stay after their time, for questions.
const keepRemembered = 30 * 24 * time.Hour

// Sweep deletes sessions and remembered browsers whose time is long over, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	browsers, err := d.DeleteOld(ctx, "remembered browsers", `
		DELETE FROM remembered_browsers WHERE (tenant_id, id) IN (SELECT r.tenant_id, r.id
			FROM remembered_browsers r WHERE r.expires_at < $1 LIMIT $2)`, keepRemembered)
	if err != nil {
		return browsers, err
	}
	// What is deleted must not be forgotten: that its user has signed in, and when.
	if _, err := d.DeleteOld(ctx, "last sign-ins", `
		UPDATE users SET signed_in_at = (SELECT MAX(s.created_at) FROM sessions s
			WHERE s.tenant_id = users.tenant_id AND s.user_id = users.id)
		WHERE (tenant_id, id) IN (SELECT u.tenant_id, u.id
			FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
			WHERE s.expires_at < $1 AND s.created_at > u.signed_in_at LIMIT $2)`, keepFor); err != nil {
		return browsers, err
	}
	sessions, err := d.DeleteOld(ctx, "sessions", `
		DELETE FROM sessions WHERE (tenant_id, id) IN (SELECT s.tenant_id, s.id
			FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
			WHERE s.expires_at < $1 AND s.created_at <= u.signed_in_at
			AND NOT EXISTS (SELECT 1 FROM refresh_families f WHERE f.tenant_id = s.tenant_id AND f.session_id = s.id)
			AND NOT EXISTS (SELECT 1 FROM authorization_codes c
				WHERE c.tenant_id = s.tenant_id AND c.session_id = s.id) LIMIT $2)`, keepFor)
	return browsers + sessions, err
}
