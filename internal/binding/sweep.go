package binding

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Sweep deletes set-ups that were not finished and are over since a day, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "set-ups", `
		DELETE FROM drafts WHERE (tenant_id, id) IN (SELECT d.tenant_id, d.id FROM drafts d
			WHERE d.ends_at < $1 LIMIT $2)`, 24*time.Hour)
}
