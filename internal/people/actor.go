package people

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

var errActor = fault.New(fault.Denied, "access.denied")

// Current returns an actor with the rights that they have in this transaction, for looking at something. A person
// acts in a session of theirs that is enough for our own pages: without one it fails with
// access.ErrFreshProofNeeded. Their role is the stored one. Other actors have no row and stay as they are.
func Current(ctx context.Context, tx *db.Tx, g *gate.Gate, a access.Actor) (access.Actor, error) {
	if a.Kind != access.Person {
		return a, nil
	}
	ask := gate.Ask{ClientID: client.PortalID}
	st, err := g.CheckOwn(ctx, tx.ForTenant(a.TenantID), a.UserID, a.SessionID, ask)
	return rights(a, st, err)
}

// Hold is Current for a unit of work that changes something. What the session rests on must have been proved a
// short time ago, at the account's protection level (SEC-74). The actor's row and session are held until the unit
// of work ends, so that anyone who takes their rights or their session away comes before it or after it.
func Hold(ctx context.Context, tx *db.Tx, g *gate.Gate, a access.Actor) (access.Actor, error) {
	if a.Kind != access.Person {
		return a, nil
	}
	own := tx.ForTenant(a.TenantID)
	err := user.Lock(ctx, own, a.UserID)
	if fault.Is(err, fault.NotFound) {
		return a, errActor
	}
	if err != nil {
		return a, fmt.Errorf("hold the actor: %w", err)
	}
	ask := gate.Ask{ClientID: client.PortalID, Recent: true}
	st, err := g.LockOwn(ctx, own, a.UserID, a.SessionID, ask)
	return rights(a, st, err)
}

// rights gives an actor the rights of the person whose session was checked.
func rights(a access.Actor, st gate.SessionCheck, err error) (access.Actor, error) {
	if err != nil {
		return a, fmt.Errorf("check the actor's session: %w", err)
	}
	if !st.Enough {
		return a, access.ErrFreshProofNeeded
	}
	a.Role, a.Vendor = st.User.Role, st.Tenant.Kind == tenant.Vendor
	return a, nil
}

// CheckHeld is Check after Hold.
func CheckHeld(
	ctx context.Context, tx *db.Tx, g *gate.Gate, a access.Actor, action access.Action, t access.Target,
) error {
	a, err := Hold(ctx, tx, g, a)
	if err != nil {
		return err
	}
	return access.Check(a, action, t)
}

// Check is access.Check with the rights that the actor has in this transaction.
func Check(
	ctx context.Context, tx *db.Tx, g *gate.Gate, a access.Actor, action access.Action, t access.Target,
) error {
	a, err := Current(ctx, tx, g, a)
	if err != nil {
		return err
	}
	return access.Check(a, action, t)
}
