package authenticator

import (
	"context"

	"countersign/internal/db"
)

// Suspend takes an authenticator out of use after a report that its set-up was not its
// owner's. It goes on protecting the account, and proves nothing until it is restored or
// removed. It is disabled with it, so that whatever skips disabled authenticators skips it.
func Suspend(ctx context.Context, tx *db.Tx, userID, id string) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE authenticators SET suspended_at = $1,
			disabled_at = CASE WHEN disabled_at = 0 THEN $1 ELSE disabled_at END
		WHERE tenant_id = $2 AND user_id = $3 AND id = $4 AND suspended_at = 0
			AND kind NOT IN ('password', 'email')`, tx.Now, tx.Tenant, userID, id)
	if err != nil || n == 0 {
		return false, err
	}
	return true, OwnerChanged(ctx, tx, id)
}

// Restore lifts a suspension and says of what kind of authenticator; empty where there is no
// such suspended one. What was disabled for another reason stays disabled.
func Restore(ctx context.Context, tx *db.Tx, userID, id string) (k Kind, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE authenticators SET suspended_at = 0,
			disabled_at = CASE WHEN disabled_at = suspended_at THEN 0 ELSE disabled_at END
		WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND suspended_at > 0
		RETURNING kind`, tx.Tenant, userID, id).Scan(&k)
	if db.IsNoRows(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return k, OwnerChanged(ctx, tx, id)
}
