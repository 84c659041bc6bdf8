package signin

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// Sweep deletes mailed links to continue whose time is over, and returns how many.
func Sweep(ctx context.Context, d *db.DB) (int64, error) {
	admissions, err := d.DeleteOld(ctx, `
		DELETE FROM admissions WHERE (tenant_id, id) IN (SELECT a.tenant_id, a.id FROM admissions a
			WHERE a.expires_at < $1 LIMIT $2)`, 24*time.Hour)
	if err != nil {
		return admissions, fmt.Errorf("sweep links to continue: %w", err)
	}
	return admissions, nil
}
