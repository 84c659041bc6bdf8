package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
)

// LockedError is why a company cannot switch two-factor authentication off: the vendor requires it. Its fault is
// Denied.
type LockedError struct {
	Vendor string
	Since  time.Time // zero: always
}

var errLocked = fault.New(fault.Denied, "company.locked")

// Error is for the log.
func (e *LockedError) Error() string {
	return fmt.Sprintf("two-factor authentication is required by %s since %s", e.Vendor, timeText(e.Since))
}

// Unwrap returns the fault, whose sentence names neither vendor nor date.
func (e *LockedError) Unwrap() error { return errLocked }

// Locked reports whether the vendor's mandate keeps a company from switching two-factor authentication off, and since
// when. Only this function and the mandate itself know that rule.
func Locked(t tenant.Tenant, i tenant.Installation, now time.Time) (since time.Time, locked bool) {
	m := t.Mandate.OrInherited(i.Mandate)
	return m.From, m.Locks(now)
}

// unlocked fails with a LockedError where the vendor requires two-factor authentication of the company. The vendor
// may record the switch as off nevertheless: it counts once the mandate ends.
func (s *Service) unlocked(ctx context.Context, tx *db.Tx, a access.Actor, t tenant.Tenant) error {
	if access.Check(a, access.OverrideMandate, access.Target{TenantID: t.ID}) == nil {
		return nil
	}
	t, err := tenant.ByID(ctx, tx, t.ID) // a change of the mandate may be in this transaction
	if err != nil {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	if since, locked := Locked(t, i, tx.Now); locked {
		return &access.Refusal{
			Actor:  a,
			Action: access.SwitchOff,
			Target: access.Target{TenantID: t.ID},
			Cause:  &LockedError{Vendor: i.Name, Since: since},
		}
	}
	return nil
}
