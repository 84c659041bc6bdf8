package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// Overview is what a company's administrators see of its rules, and of what was decided for it.
type Overview struct {
	Tenant        tenant.Tenant
	Vendor        string
	VendorMethods tenant.Methods // what the vendor allows the company
	ForAll        Decision       // what the vendor has decided for all companies
	Rule          policy.Rule
	LeftOut       []string // the roles that decide for themselves, where it is required of everyone else
	Locked        bool
	LockedSince   time.Time          // zero: always
	StartsAt      time.Time          // two-factor authentication begins then; zero = it is on, or nothing is planned
	AnnouncedBy   string             // the vendor, where the start is theirs
	Days          int                // how long browsers are remembered
	MaxDays       int                // the vendor's ceiling
	Lock          tenant.AccountLock // the installation's, where the company says nothing
	LockAfterMax  int                // the vendor's ceiling
	Offered       []authenticator.Kind
	Steps         StepState
	Forecast      people.Forecast // with the methods that are allowed now
	CountedAt     people.AsOf     // when the people of Forecast were counted
	Apps          Coverage
}

// Overview loads the rules of a company.
func (s *Service) Overview(ctx context.Context, a access.Actor, idOrName string) (o Overview, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
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
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		o = s.overview(t, i, tx.Now)
		if err := s.loadAsked(ctx, tx.ForTenant(t.ID), a, &o); err != nil {
			return err
		}
		if o.Apps, err = coverage(ctx, tx, t.Apps); err != nil {
			return err
		}
		o.Forecast, o.CountedAt, err = s.People.Forecast(ctx, tx.ForTenant(t.ID), a,
			policy.AllowedIn(t, i), o.LeftOut)
		return err
	})
	return o, err
}

func (s *Service) overview(t tenant.Tenant, i tenant.Installation, now time.Time) Overview {
	o := Overview{
		Tenant:        t,
		Vendor:        i.Name,
		VendorMethods: t.VendorMethods(i),
		ForAll:        DecisionForAll(i),
		Rule:          policy.RuleOf(t, i, now),
		LeftOut:       policy.LeftOut(t, i, now),
		MaxDays:       t.Ceiling.Days.Of(min(i.RememberDays, s.Limits.RememberDays)),
		Lock:          t.Lock,
		LockAfterMax:  s.Limits.LockAfterMax,
	}
	if !t.Lock.IsSet() {
		o.Lock = s.defaultLock()
	}
	o.Days = o.MaxDays
	if t.RememberDays != tenant.InheritDays {
		o.Days = min(t.RememberDays, o.MaxDays)
	}
	o.LockedSince, o.Locked = Locked(t, i, now)
	if o.Rule == policy.Off {
		o.StartsAt, o.AnnouncedBy = start(t, i, now)
	}
	if !o.Locked {
		o.Steps = stepsOf(t, i, now)
	}
	o.Offered = s.OfferedMethods()
	return o
}

// OfferedMethods are the second steps that work in this installation, without backup codes: those go with the others.
func (s *Service) OfferedMethods() (out []authenticator.Kind) {
	for _, k := range authenticator.SecondSteps {
		if k != authenticator.Backup && s.offered(k) {
			out = append(out, k)
		}
	}
	return out
}

// start is when two-factor authentication begins in a company that does not have it yet, and who announced it; zero
// where nothing is planned.
func start(t tenant.Tenant, i tenant.Installation, now time.Time) (at time.Time, vendor string) {
	if m := t.Mandate.OrInherited(i.Mandate); m.Mode == tenant.Mandatory && m.From.After(now) {
		at, vendor = m.From, i.Name
	}
	if own := t.SwitchedOnAt; own.After(now) && (at.IsZero() || own.Before(at)) {
		at, vendor = own, ""
	}
	return at, vendor
}
