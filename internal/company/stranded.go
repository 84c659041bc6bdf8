package company

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// Stranded are the people whom a change of the allowed methods would leave without a method that they can use.
type Stranded = people.Stranded

// StrandedBy lists the people whom other allowed methods would leave without a method. It changes nothing. It fails
// with people.ErrCounting while many people are gone through.
func (s *Service) StrandedBy(
	ctx context.Context, a access.Actor, idOrName string, methods tenant.Methods,
) (out Stranded, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.SetMethods, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.SetMethods, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		before := policy.AllowedIn(t, i)
		after := policy.Allowed{Vendor: before.Vendor, Company: methods}
		list := func(ctx context.Context, tx *db.Tx) (Stranded, error) {
			return people.StrandedBy(ctx, tx, before, after, s.Bindable)
		}
		out, err = people.Fully(people.CountedAmong(ctx, tx.ForTenant(t.ID), s.People.Counter, a, people.Slowly,
			fmt.Sprintf("stranded %q %q", before, after), list))
		return err
	})
	return out, err
}

// StrandedByInstallation says whom other methods of the installation would strand, in all companies.
func (s *Service) StrandedByInstallation(
	ctx context.Context, a access.Actor, methods tenant.Methods,
) (out Stranded, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ChangeInstallation, access.Target{}); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		all, err := tenant.List(ctx, tx)
		if err != nil {
			return fmt.Errorf("list companies: %w", err)
		}
		for _, t := range all {
			before := policy.AllowedIn(t, i)
			after := policy.AllowedIn(t, tenant.Installation{Methods: methods})
			these, err := people.StrandedBy(ctx, tx.ForTenant(t.ID), before, after, s.Bindable)
			if err != nil {
				return err
			}
			out.MustSetUp = append(out.MustSetUp, these.MustSetUp...)
			out.LockedOut = append(out.LockedOut, these.LockedOut...)
		}
		return nil
	})
	return out, err
}
