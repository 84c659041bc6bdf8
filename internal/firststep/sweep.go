package firststep

import (
	"context"
	"time"

	"countersign/internal/db"
)

// Sweep deletes mailed links to continue whose time is over, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	return d.DeleteOld(ctx, "links to continue", `
		DELETE FROM admissions WHERE (tenant_id, id) IN (SELECT a.tenant_id, a.id FROM admissions a
			WHERE a.expires_at < $1 LIMIT $2)`, 24*time.Hour)
}
