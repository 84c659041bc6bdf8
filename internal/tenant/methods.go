package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// ParseChoice reads who decides, as it is written in commands.
func ParseChoice(s string) (Choice, error) {
	switch s {
	case "required":
		return Required, nil
	case "optional":
		return Optional, nil
	}
	return "", fault.New(fault.Invalid, "tenant.unknown_choice")
}

// SetMethods records which second steps the company allows, of those that the vendor allows.
func SetMethods(ctx context.Context, tx *db.Tx, m Methods) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET methods = $1, version = version + 1
		WHERE tenant_id = $2`, string(m), tx.Tenant))
}

// SetChoice records who decides whether a second step is asked.
func SetChoice(ctx context.Context, tx *db.Tx, c Choice) error {
	return changed(tx.Exec(ctx, `UPDATE tenants SET choice = $1, version = version + 1
		WHERE tenant_id = $2`, string(c), tx.Tenant))
}

// MaxSetUp is how far ahead a deadline for set-up may lie.
const MaxSetUp = 90 * 24 * time.Hour

// SetDeadline records until when people without a method may do with a code by email; the
// zero time lets set-up come first at once. Invalid where it lies more than MaxSetUp ahead.
func SetDeadline(ctx context.Context, tx *db.Tx, by time.Time) error {
	if by.After(tx.Now.Add(MaxSetUp)) {
		return fault.New(fault.Invalid, "tenant.deadline_too_far")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET set_up_by = $1, version = version + 1
		WHERE tenant_id = $2`, by, tx.Tenant))
}
