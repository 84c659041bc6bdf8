package company

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Stranded are the people whom a change of the allowed methods would leave without a method that signs in, by
// address.
type Stranded struct {
	MustSetUp []string // show a method that is ruled out, and set up another at the next sign-in
	LockedOut []string // cannot sign in until their methods are reset: nothing that protects the account is allowed
}

// None reports whether the change strands no one.
func (s Stranded) None() bool { return len(s.MustSetUp)+len(s.LockedOut) == 0 }

// StrandedBy says whom other methods of a company would strand. It changes nothing.
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
		return s.addStranded(ctx, tx.ForTenant(t.ID), policy.Allowed{Vendor: i.Methods, Company: t.Methods},
			policy.Allowed{Vendor: i.Methods, Company: methods}, &out)
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
			before := policy.Allowed{Vendor: i.Methods, Company: t.Methods}
			after := policy.Allowed{Vendor: methods, Company: t.Methods}
			if err := s.addStranded(ctx, tx.ForTenant(t.ID), before, after, &out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// factors are the second factors among what is allowed, separated by spaces.
func factors(a policy.Allowed) string {
	var out []string
	for _, k := range a.Factors() {
		out = append(out, string(k))
	}
	return strings.Join(out, " ")
}

// addStranded adds the people of tx.Tenant who would have no method that signs in after the change, and have one now.
func (s *Service) addStranded(ctx context.Context, tx *db.Tx, before, after policy.Allowed, out *Stranded) error {
	already, err := user.WithoutUsable(ctx, tx, factors(before))
	if err != nil {
		return fmt.Errorf("list people without a method: %w", err)
	}
	then, err := user.WithoutUsable(ctx, tx, factors(after))
	if err != nil {
		return fmt.Errorf("list people without a method: %w", err)
	}
	group := &out.LockedOut
	if after.Factor(s.Bindable) {
		group = &out.MustSetUp
	}
	for _, u := range then {
		if !slices.ContainsFunc(already, func(b user.User) bool { return b.ID == u.ID }) {
			*group = append(*group, u.Email)
		}
	}
	return nil
}
