package audit

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// mostCounted bounds what a look at the backlog may cost.
const mostCounted = 10_000

// Backlog tells how many rows of all tenants are not linked into their chain yet, or not written into it, ten
// thousand at the most, and when the oldest of those was written; zero where there is none.
func Backlog(ctx context.Context, tx *db.Tx) (unsealed int, since time.Time, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COUNT(*), COALESCE(MIN(at), 0) FROM (
			SELECT tenant_id, at FROM (
				SELECT tenant_id, at FROM audit_events WHERE seq = 0 UNION ALL SELECT tenant_id, at FROM pending_audit_events) AS every
			LIMIT $1) AS waiting`,
		mostCounted).Scan(&unsealed, db.ScanTime(&since))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count unsealed audit rows: %w", err)
	}
	return unsealed, since, nil
}
