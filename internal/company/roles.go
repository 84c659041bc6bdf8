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

// LeftOut is a role that a change leaves out, and how many of its people have not turned on two-factor authentication
// themselves.
type LeftOut struct {
	Role   user.Role
	People int
}

// LeftOutBy lists the roles that are required now and that another list would leave out, and how many people that
// affects. It changes nothing.
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
