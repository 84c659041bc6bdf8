package user

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/db"
)

// OtherOwners are the ids of the active owners of the transaction's tenant besides one. Those who are invited and have
// no password yet are not among them.
func OtherOwners(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	ids, err := tx.Texts(ctx, `
		SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.role = 'owner' AND u.disabled_at = 0 AND u.id <> $2
			AND EXISTS (SELECT 1 FROM passwords p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id)
			AND u.role <> 'agent'`, tx.Tenant, id)
	slices.Sort(ids) // asked to sort, SQLite would go through everyone
	return ids, err
}

// Admins returns the active owners and admins of the transaction's tenant: who is told
// when an account is in danger.
func Admins(ctx context.Context, tx *db.Tx) ([]User, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM users u WHERE u.tenant_id = $1 AND u.disabled_at = 0
			AND u.role <> 'agent' AND u.role IN ('owner', 'admin', 'operator')`, tx.Tenant)
	all, err := db.Collect(rows, err, scan)
	slices.SortFunc(all, func(a, b User) int { return strings.Compare(a.ID, b.ID) })
	return all, err
}
