package passwordlink

import (
	"context"
	"time"

	"countersign/internal/db"
)

// keepFor is how long links stay after their end, for questions.
const keepFor = 30 * 24 * time.Hour

// Sweep deletes links whose time is long over, and returns how many. Those of a withdrawn invitation stay until the
// person has a password.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "links for passwords", `
		DELETE FROM password_links WHERE (tenant_id, id) IN (SELECT l.tenant_id, l.id FROM password_links l
			WHERE l.expires_at < $1 AND (l.closed_because <> 'withdrawn' OR EXISTS (SELECT 1 FROM passwords p
				WHERE p.tenant_id = l.tenant_id AND p.user_id = l.user_id)) LIMIT $2)`, keepFor)
}
