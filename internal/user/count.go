package user

import (
	"context"

	"countersign/internal/db"
)

// CountOpen counts the people of the transaction's tenant whose account is not disabled.
func CountOpen(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*) FROM users u WHERE u.tenant_id = $1 AND u.disabled_at = 0`, tx.Tenant).Scan(&n)
	return n, err
}
