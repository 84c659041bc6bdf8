package company

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/access"
	"countersign/internal/authenticator"
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
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, idOrName)
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
		return s.addStranded(ctx, tx.ForTenant(t.ID), allowance{i.Methods, t.Methods},
			allowance{i.Methods, methods}, &out)
	})
	return out, err
}

// StrandedByInstallation says whom other methods of the installation would strand, in all companies.
func (s *Service) StrandedByInstallation(
	ctx context.Context, a access.Actor, methods tenant.Methods,
) (out Stranded, err error) {
	err = s.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, a, access.ChangeInstallation, access.Target{}); err != nil {
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
			before, after := allowance{i.Methods, t.Methods}, allowance{methods, t.Methods}
			if err := s.addStranded(ctx, tx.ForTenant(t.ID), before, after, &out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// allowance is what vendor and company allow as a second step.
type allowance struct{ vendor, company tenant.Methods }

// factors are the second factors among it, separated by spaces.
func (a allowance) factors() string {
	var out []string
	for _, k := range authenticator.SecondSteps {
		if policy.Factor(k) && a.vendor.Allow(string(k)) && a.company.Allow(string(k)) {
			out = append(out, string(k))
		}
	}
	return strings.Join(out, " ")
}

// addStranded adds the people of tx.Tenant who would have no method that signs in after the change, and have one now.
func (s *Service) addStranded(ctx context.Context, tx *db.Tx, before, after allowance, out *Stranded) error {
	already, err := user.WithoutUsable(ctx, tx, before.factors())
	if err != nil {
		return fmt.Errorf("list people without a method: %w", err)
	}
	then, err := user.WithoutUsable(ctx, tx, after.factors())
	if err != nil {
		return fmt.Errorf("list people without a method: %w", err)
	}
	group := &out.LockedOut
	if policy.Enrollable(after.vendor, after.company, s.Bindable) {
		group = &out.MustSetUp
	}
	for _, u := range then {
		if !slices.ContainsFunc(already, func(b user.User) bool { return b.ID == u.ID }) {
			*group = append(*group, u.Email)
		}
	}
	return nil
}
