package company

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// LeftOut is a role of which two-factor authentication is required no more, and how many people of it have not switched
// on their own.
type LeftOut struct {
	Role   user.Role
	People int
}

// LeftOutBy says which roles another list would leave out that are required now, and whom. It changes nothing.
func (s *Service) LeftOutBy(
	ctx context.Context, a access.Actor, idOrName string, roles tenant.Roles,
) (out []LeftOut, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.SetRoles, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.SetRoles, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		is := t
		is.Roles = roles
		for _, role := range tenant.OptionalRoles() {
			if !policy.RequiredOf(role, t, i, tx.Now) || policy.RequiredOf(role, is, i, tx.Now) {
				continue
			}
			n, err := user.CountUndecided(ctx, tx.ForTenant(t.ID), user.Role(role))
			if err != nil {
				return fmt.Errorf("count people of a role: %w", err)
			}
			out = append(out, LeftOut{user.Role(role), n})
		}
		return nil
	})
	return out, err
}
