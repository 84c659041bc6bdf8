package flow

import (
	"context"

	"countersign/internal/db"
)

// Sweep deletes flows, with their challenges, that ended so long ago that no one asks for them, and
// returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "flows", `
		DELETE FROM flows WHERE (tenant_id, id) IN (SELECT f.tenant_id, f.id FROM flows f
			WHERE f.expires_at < $1 LIMIT $2)`, Kept)
}
