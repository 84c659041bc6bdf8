package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var errActor = fault.New(fault.Denied, "access.denied")

// Current returns an actor with the rights that they have in this transaction. A person may have lost their
// role, their account or their company's since they signed in: then it fails with Denied, or the role is the new
// one. Other actors have no row and stay as they are.
func Current(ctx context.Context, tx *db.Tx, a access.Actor) (access.Actor, error) {
	if a.Kind != access.Person {
		return a, nil
	}
	t, err := tenant.ByID(ctx, tx, a.TenantID)
	if fault.Is(err, fault.NotFound) {
		return a, errActor
	}
	if err != nil {
		return a, fmt.Errorf("load the actor's company: %w", err)
	}
	u, err := user.ByID(ctx, tx.ForTenant(t.ID), a.UserID)
	if fault.Is(err, fault.NotFound) {
		return a, errActor
	}
	if err != nil {
		return a, fmt.Errorf("load the actor: %w", err)
	}
	if !u.DisabledAt.IsZero() || !t.SuspendedAt.IsZero() {
		return a, errActor
	}
	a.Role, a.Vendor = u.Role, t.Kind == tenant.Vendor
	return a, nil
}

// Hold is Current for a unit of work that changes something: the actor's row is held until it ends, so
// that anyone who takes their rights away comes before it or after it.
func Hold(ctx context.Context, tx *db.Tx, a access.Actor) (access.Actor, error) {
	if a.Kind != access.Person {
		return a, nil
	}
	err := user.Lock(ctx, tx.ForTenant(a.TenantID), a.UserID)
	if fault.Is(err, fault.NotFound) {
		return a, errActor
	}
	if err != nil {
		return a, fmt.Errorf("hold the actor: %w", err)
	}
	return Current(ctx, tx, a)
}

// CheckHeld is Check after Hold.
func CheckHeld(ctx context.Context, tx *db.Tx, a access.Actor, action access.Action, t access.Target) error {
	a, err := Hold(ctx, tx, a)
	if err != nil {
		return err
	}
	return access.Check(a, action, t)
}

// Check is access.Check with the rights that the actor has in this transaction.
func Check(ctx context.Context, tx *db.Tx, a access.Actor, action access.Action, t access.Target) error {
	a, err := Current(ctx, tx, a)
	if err != nil {
		return err
	}
	return access.Check(a, action, t)
}
