package gate

import (
	"context"
	"fmt"
	"slices"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
)

// errMethodNeeded: the account would not meet the company's rules any more.
var errMethodNeeded = fault.New(fault.Conflict, "signin.method_needed")

// CanSignIn reports whether a person can sign in to our own pages as their account stands in this unit of work: with
// the password, and where more is asked with a method that works, or with the mailbox where that is enough. It does not
// count that they could set up a method first. Whether there is a password, its caller knows.
func (g *Gate) CanSignIn(ctx context.Context, tx *db.Tx, userID string) (bool, error) {
	w, err := facts.Load(ctx, tx, userID, client.PortalID, g.Limits.RememberDays)
	if err != nil {
		return false, fmt.Errorf("load facts: %w", err)
	}
	d := policy.Evaluate(g.withPassword(tx, w))
	return w.Open() && (d.Outcome == policy.Allow || d.Outcome == policy.Challenge && !d.ForSetUp), nil
}

// CanActUnder reports whether a person can sign in to our own pages, and show what changes there need, where their
// company decides as t says, if need be by setting up a method first. A planned start counts as begun, each step, too,
// and a deadline as over. Whether there is a password, its caller knows.
func (g *Gate) CanActUnder(ctx context.Context, tx *db.Tx, userID string, t tenant.Tenant) (bool, error) {
	return g.canUnder(ctx, tx, userID, t, policy.Input.Protection)
}

// CanSignInUnder is CanActUnder for someone who only signs in.
func (g *Gate) CanSignInUnder(ctx context.Context, tx *db.Tx, userID string, t tenant.Tenant) (bool, error) {
	return g.canUnder(ctx, tx, userID, t, func(policy.Input) policy.Level { return policy.PasswordOnly })
}

// canUnder is CanActUnder for those who need the level that want says.
func (g *Gate) canUnder(
	ctx context.Context, tx *db.Tx, userID string, t tenant.Tenant, want func(policy.Input) policy.Level,
) (bool, error) {
	w, err := facts.Load(ctx, tx, userID, client.PortalID, g.Limits.RememberDays)
	if err != nil {
		return false, fmt.Errorf("load facts: %w", err)
	}
	if t.SwitchedOnAt.After(tx.Now) {
		t.SwitchedOnAt = tx.Now
	}
	t.Steps = tenant.Steps{}
	w.Tenant = t
	in := g.withPassword(tx, w).WithoutTimeToSetUp()
	in.Want = []policy.Level{want(in)}
	d := policy.Evaluate(in)
	return w.Open() && (d.Outcome != policy.Deny || !d.SetUpFrom.IsZero()), nil
}

// withPassword is what policy knows of someone who has just shown their password.
func (g *Gate) withPassword(tx *db.Tx, w facts.Facts) policy.Input {
	proofs := []authenticator.Proof{{Kind: authenticator.Password, At: tx.Now}}
	return w.Input(tx.Now, g.Bindable, nil, proofs)
}

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
	// codes stand in for a method and are none
	w.Has = slices.DeleteFunc(w.Has, func(k authenticator.Kind) bool { return k == authenticator.Backup })
	d := policy.Evaluate(g.withPassword(tx, w).WithoutTimeToSetUp()) // that time is for those who have not begun
	if d.Outcome == policy.Deny || d.Outcome == policy.SetUp || d.ForSetUp {
		return errMethodNeeded
	}
	return nil
}
