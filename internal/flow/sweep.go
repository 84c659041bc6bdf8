package flow

import (
	"context"
	"fmt"

	"countersign/internal/db"
)

// Sweep deletes flows, with their challenges, that ended so long ago that no one asks for them, and
// returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	n, err := d.DeleteOld(ctx, `
		DELETE FROM flows WHERE (tenant_id, id) IN (SELECT f.tenant_id, f.id FROM flows f
			WHERE f.expires_at < $1 LIMIT $2)`, Kept)
	if err != nil {
		return n, fmt.Errorf("sweep flows: %w", err)
	}
	return n, nil
}
