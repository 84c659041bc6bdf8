package audit

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// mostCounted bounds what a look at the backlog may cost.
const mostCounted = 10_000

// Backlog counts the rows of all tenants that are not linked into their chain yet, or not written into it, up to
// ten thousand. since is when the oldest of them was written; zero where there is none.
func Backlog(ctx context.Context, tx *db.Tx) (unsealed int, since time.Time, err error) {
	for _, query := range []string{
		`SELECT COUNT(*), COALESCE(MIN(at), 0) FROM (
			SELECT tenant_id, at FROM audit_events WHERE seq = 0 LIMIT $1) AS waiting`,
		`SELECT COUNT(*), COALESCE(MIN(at), 0) FROM (
			SELECT tenant_id, at FROM pending_audit_events LIMIT $1) AS waiting`,
	} {
		var n int
		var at time.Time
		if err := tx.QueryRow(ctx, query, mostCounted).Scan(&n, db.ScanTime(&at)); err != nil {
			return 0, time.Time{}, fmt.Errorf("count unsealed audit rows: %w", err)
		}
		if since.IsZero() || n > 0 && at.Before(since) {
			since = at
		}
		unsealed += n
	}
	return min(unsealed, mostCounted), since, nil
}
