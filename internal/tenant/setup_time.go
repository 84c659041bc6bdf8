package tenant

import (
	"context"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Bounds of what a company may leave to people who have yet to set up a method.
const (
	MaxSetUpDays   = 90 // as MaxSetUp
	MaxSetUpLaters = 10
)

// SetSetUpDays records how many days newcomers have from their first sign-in: 0 to MaxSetUpDays. A date that is stored
// for someone stays as it is.
func SetSetUpDays(ctx context.Context, tx *db.Tx, days int) error {
	if days < 0 || days > MaxSetUpDays {
		return fault.New(fault.Invalid, "tenant.set_up_days")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET set_up_days = $1, version = version + 1
		WHERE tenant_id = $2`, days, tx.Tenant))
}

// SetSetUpLaters limits how many sign-ins someone may finish before they set up a method: 1 to MaxSetUpLaters, or 0 for
// no limit. What people have used stays used.
func SetSetUpLaters(ctx context.Context, tx *db.Tx, limit int) error {
	if limit < 0 || limit > MaxSetUpLaters {
		return fault.New(fault.Invalid, "tenant.set_up_laters")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET set_up_laters = $1, version = version + 1
		WHERE tenant_id = $2`, limit, tx.Tenant))
}
