package user

import (
	"context"

	"countersign/internal/db"
)

// CountUndecided counts the people of a role who have not switched on their own second step, and whose account is not
// disabled.
func CountUndecided(ctx context.Context, tx *db.Tx, role Role) (n int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*) FROM users WHERE tenant_id = $1 AND role = $2 AND disabled_at = 0 AND second_step_at = 0`,
		tx.Tenant, string(role)).Scan(&n)
	return n, err
}
