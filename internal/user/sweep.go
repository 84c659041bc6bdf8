package user

import (
	"context"
	"time"

	"countersign/internal/db"
)

// keepChanges is how long a change of address stays after its end, for reports and questions.
const keepChanges = 30 * 24 * time.Hour

// Sweep deletes changes of addresses that are long over, and frees addresses that were held for
// them, and returns how many rows that were.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	changes, err := d.DeleteOld(ctx, "changes of addresses", `
		DELETE FROM email_changes WHERE (tenant_id, id) IN (SELECT e.tenant_id, e.id FROM email_changes e
			WHERE e.ends_at < $1 LIMIT $2)`, keepChanges)
	if err != nil {
		return changes, err
	}
	// The condition stands there twice: someone may be taking the address meanwhile.
	held, err := d.DeleteOld(ctx, "held addresses", `
		DELETE FROM directory WHERE email_key IN (SELECT d.email_key FROM directory d
			WHERE d.held_until > 0 AND d.held_until < $1 LIMIT $2)
			AND held_until > 0 AND held_until < $1`, 0)
	return changes + held, err
}
