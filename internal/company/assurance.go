package company

import (
	"context"
	"fmt"
	"slices"

	"countersign/internal/access"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// Assurance says what a session means in a company: for each app and role the weakest way to one.
func (s *Service) Assurance(
	ctx context.Context, a access.Actor, idOrName string,
) (out []people.Assurance, at people.AsOf, err error) {
	err = s.toAssure(ctx, a, idOrName, func(tx *db.Tx, a access.Actor, t tenant.Tenant, apps []client.Client) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		question := "assurance " + rulesAndApps(t, i, apps)
		list := func(ctx context.Context, tx *db.Tx) ([]people.Assurance, error) {
			lists, err := people.AssuranceOf(ctx, tx, s.Bindable, apps, people.Unchanged)
			return slices.Concat(lists...), err
		}
		out, at, err = people.CountedAmong(ctx, tx, s.People.Counter, a, people.Slowly, question, list)
		return err
	})
	return out, at, err
}

// rulesAndApps is all that decides what a session means but for the people.
func rulesAndApps(t tenant.Tenant, i tenant.Installation, apps []client.Client) string {
	out := fmt.Sprintf("%v %v", t, i)
	for _, app := range apps {
		out += fmt.Sprintf(" %q %v %v", app.Name, app.ExemptUntil, app.DisabledAt)
	}
	return out
}

// Weaker is where a change makes a session mean less than before.
type Weaker struct{ Before, After people.Assurance }

// WeakenedByMethods says for which apps and roles other allowed methods open a weaker way to a session.
func (s *Service) WeakenedByMethods(
	ctx context.Context, a access.Actor, idOrName string, methods tenant.Methods,
) (out []Weaker, err error) {
	return s.weakened(ctx, a, idOrName, fmt.Sprintf("methods %v", methods),
		func(in *policy.Input) { in.Tenant.Methods = methods })
}

// WeakenedByDays is WeakenedByMethods for how long browsers are remembered.
func (s *Service) WeakenedByDays(
	ctx context.Context, a access.Actor, idOrName string, days int,
) (out []Weaker, err error) {
	return s.weakened(ctx, a, idOrName, fmt.Sprintf("days %v", days),
		func(in *policy.Input) { in.Tenant.RememberDays = days })
}

// WeakenedByRoles is WeakenedByMethods for the roles of which a second step is required.
func (s *Service) WeakenedByRoles(
	ctx context.Context, a access.Actor, idOrName string, roles tenant.Roles,
) (out []Weaker, err error) {
	return s.weakened(ctx, a, idOrName, fmt.Sprintf("roles %v", roles),
		func(in *policy.Input) { in.Tenant.Roles = roles })
}

func weakened(before, after []people.Assurance) (out []Weaker) {
	for i := range after {
		if b, a := before[i], after[i]; a.Weak > 0 && (b.Weak == 0 || a.Weakest.WeakerThan(b.Weakest)) {
			out = append(out, Weaker{b, a})
		}
	}
	return out
}

// weakened says where a change, which has a name, makes a session mean less. It fails with people.ErrCounting while
// many people are gone through.
func (s *Service) weakened(
	ctx context.Context, a access.Actor, idOrName, name string, change func(*policy.Input),
) (out []Weaker, err error) {
	err = s.toAssure(ctx, a, idOrName, func(tx *db.Tx, a access.Actor, t tenant.Tenant, apps []client.Client) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		compare := func(ctx context.Context, tx *db.Tx) ([]Weaker, error) {
			both, err := people.AssuranceOf(ctx, tx, s.Bindable, apps, people.Unchanged, change)
			if err != nil {
				return nil, err
			}
			return weakened(both[0], both[1]), nil
		}
		question := "weakened " + name + " " + rulesAndApps(t, i, apps)
		out, err = people.Fully(people.CountedAmong(ctx, tx, s.People.Counter, a, people.Slowly, question, compare))
		return err
	})
	return out, err
}

// toAssure runs fn for a company whose rules the actor may see, and with the apps.
func (s *Service) toAssure(
	ctx context.Context, a access.Actor, idOrName string,
	fn func(*db.Tx, access.Actor, tenant.Tenant, []client.Client) error,
) error {
	return people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.ViewCompany, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ViewCompany, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		apps, err := client.List(ctx, tx)
		if err != nil {
			return fmt.Errorf("list apps: %w", err)
		}
		return fn(tx.ForTenant(t.ID), a, t, apps)
	})
}
