package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// AccountLock is how a company locks accounts: after that many wrong passwords or codes, the next try of the same
// network or known browser waits for so many minutes. The zero value is as the installation says.
type AccountLock struct{ After, Minutes int }

// Bounds of an AccountLock. More failures than MaxLockAfter would help someone who guesses, and a longer wait than
// MaxLockMinutes would only help someone who wants to keep people out.
const (
	MinLockAfter   = 3
	MaxLockAfter   = 20
	MaxLockMinutes = 60
)

// IsSet reports whether the company has decided by itself.
func (l AccountLock) IsSet() bool { return l != AccountLock{} }

// Time is how long an account stays locked.
func (l AccountLock) Time() time.Duration { return time.Duration(l.Minutes) * time.Minute }

var errLock = fault.New(fault.Invalid, "tenant.bad_lock")

// Check fails with Invalid where l is beyond the bounds.
func (l AccountLock) Check() error {
	if l.IsSet() && (l.After < MinLockAfter || l.After > MaxLockAfter || l.Minutes < 1 || l.Minutes > MaxLockMinutes) {
		return errLock
	}
	return nil
}

// SetLock records how the company locks accounts. Invalid as Check says.
func SetLock(ctx context.Context, tx *db.Tx, l AccountLock) error {
	if err := l.Check(); err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET lock_after = $1, lock_minutes = $2, version = version + 1
		WHERE tenant_id = $3`, l.After, l.Minutes, tx.Tenant))
}
