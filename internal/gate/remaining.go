package gate

import (
	"context"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
)

// errMethodNeeded: the account would not meet the company's rules any more.
var errMethodNeeded = fault.New(fault.Conflict, "signin.method_needed")

// StillEnough fails when what a person has set up, as it stands in this unit of work, would
// no longer meet the rules for our own pages, which are always covered, or would leave only
// methods that prove nothing.
func (g *Gate) StillEnough(ctx context.Context, tx *db.Tx, userID string) error {
	w, err := facts.Load(ctx, tx, userID, client.PortalID, g.Limits.RememberDays)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(w.Lost, policy.Factor) && !slices.ContainsFunc(w.Has, policy.Factor) {
		return errMethodNeeded
	}
	// a deadline is for those who have not begun
	w.Tenant.SetUpBy = time.Time{}
	// codes stand in for a method and are none
	w.Has = slices.DeleteFunc(w.Has, func(k authenticator.Kind) bool { return k == authenticator.Backup })
	d := policy.Evaluate(w.Input(tx.Now, g.Bindable, nil,
		[]authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}}))
	if d.Outcome == policy.Deny || d.Outcome == policy.SetUp || d.ForSetUp {
		return errMethodNeeded
	}
	return nil
}
