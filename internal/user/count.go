package user

import (
	"context"
	"fmt"

	"countersign/internal/db"
)

// CountOpen counts the people of the transaction's tenant whose account is not disabled. An index has those whose is.
func CountOpen(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM users u WHERE u.tenant_id = $1)
			- (SELECT count(*) FROM users u WHERE u.tenant_id = $1 AND u.disabled_at > 0)`, tx.Tenant).Scan(&n)
	return n, err
}

// MoreEverywhere reports whether all companies together have more than n people.
func MoreEverywhere(ctx context.Context, tx *db.Tx, n int) (bool, error) {
	found := 0
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM (SELECT u.id FROM users u WHERE u.tenant_id <> '' LIMIT $1) found`, n+1).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look how many people there are: %w", err)
	}
	return found > n, nil
}
