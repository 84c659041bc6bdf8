package company

import (
	"cmp"
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var (
	errNoMethodLeft    = fault.New(fault.Conflict, "company.no_method_left")
	errOwnersLockedOut = fault.New(fault.Conflict, "company.owners_locked_out")
)

// keepReachable fails where a person has decided what no one in the company could take back: no method is left that
// works here, or every owner is locked out, at once or when a mandate that was set begins. The command line may do it,
// which warns and asks.
func (s *Service) keepReachable(
	ctx context.Context, tx *db.Tx, a access.Actor, was, is tenant.Tenant, c Changes,
) error {
	switchesOn := c.On != nil && *c.On
	methods := c.Methods != nil || c.VendorMethods != nil
	decides := methods || c.Choice != nil || c.SetUpBy != nil || c.SetUpDays != nil || c.SetUpLaters != nil ||
		c.Mandate != nil || switchesOn
	if a.Kind != access.Person || !decides {
		return nil
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	allowed := policy.AllowedIn(is, i)
	if (methods || switchesOn) && !s.anyWorks(allowed) {
		return errNoMethodLeft
	}
	if c.Mandate != nil {
		if _, none, err := s.lockedOutOwners(ctx, tx, was, inForce(is, i)); err != nil || none {
			return cmp.Or(err, error(errOwnersLockedOut))
		}
	}
	return s.keepAnOwnerWhoCanAct(ctx, tx, was, is)
}

// anyWorks reports whether a method that is allowed works in this installation.
func (s *Service) anyWorks(allowed policy.Allowed) bool {
	return allowed.Factor(s.Bindable) || allowed.Allows(authenticator.Email)
}

// keepAnOwnerWhoCanAct fails where an owner could sign in and change something before, and none can now.
func (s *Service) keepAnOwnerWhoCanAct(ctx context.Context, tx *db.Tx, was, is tenant.Tenant) error {
	owners, err := user.OtherOwners(ctx, tx, "")
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	couldBefore := false
	for _, id := range owners {
		can, err := s.Gate.CanActUnder(ctx, tx, id, is)
		if err != nil || can {
			return err
		}
		before, err := s.Gate.CanActUnder(ctx, tx, id, was)
		if err != nil {
			return err
		}
		couldBefore = couldBefore || before
	}
	if couldBefore {
		return errOwnersLockedOut
	}
	return nil
}
