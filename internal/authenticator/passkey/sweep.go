package passkey

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// Sweep deletes offers that were answered and are over since an hour, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	n, err := d.DeleteOld(ctx, `
		DELETE FROM spent_challenges WHERE hash IN (SELECT c.hash FROM spent_challenges c
			WHERE c.expires_at < $1 LIMIT $2)`, time.Hour)
	if err != nil {
		return n, fmt.Errorf("sweep answered offers: %w", err)
	}
	return n, nil
}
