package user

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/db"
)

// Exemption is until when a person need not set up a method yet.
type Exemption struct {
	Until  time.Time // zero = they have none
	Reason string
	By     string // who decided it: the id of an administrator, or the kind of actor
}

// SetExemption stores an exemption in place of an earlier one. It reports false where the person has or had a second
// factor, which an exemption is not for.
func SetExemption(ctx context.Context, tx *db.Tx, id string, e Exemption) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE users SET exempt_until = $1, exempt_reason = $2, exempt_by = $3, version = version + 1
		WHERE tenant_id = $4 AND id = $5 AND first_factor_at = 0`, e.Until, e.Reason, e.By, tx.Tenant, id)
	if err != nil {
		return false, fmt.Errorf("store exemption: %w", err)
	}
	return n > 0, nil
}

// EndExemption reports false where there is none.
func EndExemption(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE users SET exempt_until = 0, exempt_reason = '', exempt_by = '', version = version + 1
		WHERE tenant_id = $1 AND id = $2 AND exempt_until > 0`, tx.Tenant, id)
	if err != nil {
		return false, fmt.Errorf("end exemption: %w", err)
	}
	return n > 0, nil
}

// ExemptionOf is the exemption of a person, also one that is over.
func ExemptionOf(ctx context.Context, tx *db.Tx, id string) (e Exemption, err error) {
	err = tx.QueryRow(ctx, `SELECT exempt_until, exempt_reason, exempt_by FROM users
		WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).Scan(db.ScanTime(&e.Until), &e.Reason, &e.By)
	if err != nil {
		return e, fmt.Errorf("read exemption: %w", err)
	}
	return e, nil
}
