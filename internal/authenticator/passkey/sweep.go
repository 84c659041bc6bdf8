package passkey

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Sweep deletes offers that were answered and are over since an hour, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "answered offers", `
		DELETE FROM spent_challenges WHERE hash IN (SELECT c.hash FROM spent_challenges c
			WHERE c.expires_at < $1 LIMIT $2)`, time.Hour)
}
