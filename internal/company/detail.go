package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Listed is one company in the vendor's list.
type Listed struct {
	Tenant      tenant.Tenant
	Rule        policy.Rule
	LeftOut     []string  // as Overview says
	InSteps     bool      // not everyone is asked yet
	Locked      bool      // the vendor requires it
	StartsAt    time.Time // as Overview says
	AnnouncedBy string
}

// Found is one page of companies.
type Found struct {
	Companies []Listed
	More      bool // another page follows the last one
}

// maxListed is the largest number of companies on a page.
const maxListed = 100

// Search lists companies by name, for the vendor's staff.
func (s *Service) Search(ctx context.Context, a access.Actor, q tenant.Search) (f Found, err error) {
	if q.Limit <= 0 || q.Limit > maxListed {
		q.Limit = maxListed
	}
	limit := q.Limit
	q.Limit++
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ListCompanies, access.Target{}); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		all, err := tenant.ListAfter(ctx, tx, q)
		if err != nil {
			return fmt.Errorf("list companies: %w", err)
		}
		if f.More = len(all) > limit; f.More {
			all = all[:limit]
		}
		for _, t := range all {
			f.Companies = append(f.Companies, listed(t, i, tx.Now))
		}
		return nil
	})
	return f, err
}

func listed(t tenant.Tenant, i tenant.Installation, now time.Time) Listed {
	l := Listed{Tenant: t, Rule: policy.RuleOf(t, i, now), LeftOut: policy.LeftOut(t, i, now)}
	_, l.Locked = Locked(t, i, now)
	l.InSteps = policy.StepsBegun(t, i, now) < tenant.LastStep
	if l.Rule == policy.Off {
		l.StartsAt, l.AnnouncedBy = start(t, i, now)
	}
	return l
}

// Detail is what the vendor's staff sees of one company. It has Statuses in place of the forecast.
type Detail struct {
	Overview
	Inherits  bool           // the installation's mandate holds
	Mandate   tenant.Mandate // the one that holds
	Statuses  people.StatusCounts
	Owners    []people.Listed // the first of them
	MoreOwner bool
}

// shownOwners is how many owners of a company are shown.
const shownOwners = 10

// Detail loads one company for the vendor's staff.
func (s *Service) Detail(ctx context.Context, a access.Actor, id string) (d Detail, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ListCompanies, access.Target{}); err != nil {
			return err
		}
		t, err := tenant.ByID(ctx, tx, id)
		if err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		d.Overview = s.overview(t, i, tx.Now)
		d.Inherits, d.Mandate = t.Mandate.Mode == tenant.Inherit, t.Mandate.OrInherited(i.Mandate)
		return s.addPeople(ctx, tx.ForTenant(t.ID), a, i, &d)
	})
	return d, err
}

// addPeople adds who is in a company, and what their apps ask for.
func (s *Service) addPeople(
	ctx context.Context, tx *db.Tx, a access.Actor, i tenant.Installation, d *Detail,
) (err error) {
	if d.Statuses, d.CountedAt, err = s.People.Statuses(ctx, tx, a, d.Tenant, i); err != nil {
		return err
	}
	owners, err := s.People.SearchIn(ctx, tx, people.Search{Role: user.Owner, Limit: shownOwners})
	if err != nil {
		return err
	}
	d.Owners, d.MoreOwner = owners.People, owners.More
	d.Apps, err = coverage(ctx, tx, d.Tenant.Apps)
	return err
}
