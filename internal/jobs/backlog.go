package jobs

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// mostCounted bounds what a look at the backlog may cost.
const mostCounted = 10_000

// Backlog tells how many jobs of all tenants are due and taken by no one, ten thousand at
// the most, and since when the first of them is due; zero where there is none.
func Backlog(ctx context.Context, tx *db.Tx) (due int, since time.Time, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COUNT(*), COALESCE(MIN(run_at), 0) FROM (
			SELECT tenant_id, run_at FROM jobs
			WHERE done_at = 0 AND failed_at = 0 AND run_at <= $1 AND claimed_until <= $2
				ORDER BY run_at LIMIT $3) AS waiting`,
		tx.Now, tx.Now, mostCounted).Scan(&due, db.ScanTime(&since))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count due jobs: %w", err)
	}
	return due, since, nil
}
