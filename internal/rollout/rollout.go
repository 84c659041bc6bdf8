// Package rollout is the journey towards two-factor authentication for a whole company: it reports whom a requirement
// would stop and why, before anyone is stopped. It changes nothing: company switches the requirement on.
package rollout

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/gate"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Service reports on companies.
type Service struct {
	DB       *db.DB
	Gate     *gate.Gate           // judges the session in which a person acts
	Bindable []authenticator.Kind // what people can set up in this installation
	Counter  *people.Counter      // nil: everyone is checked while someone waits
}

// Report is what to look at before two-factor authentication is required of a company's people.
type Report struct {
	Tenant   tenant.Tenant
	Now      time.Time
	Vendor   string
	Rule     policy.Rule   // what the company requires now
	Coming   people.Coming // the rules that the report is about
	People   int           // whose account is open
	Findings []people.Finding
	At       people.AsOf // when people were checked
	Stopped  int         // how many the rules stop at sign-in
	Owners   int         // who have accepted their invitation
	NoMethod bool        // none of the methods that are allowed works here
	ByEmail  bool        // codes are mailed under these rules
	Mail     MailDelays
	Exempt   []company.ExemptApp
	Outdated []string // the names of apps whose sign-in is older than what is recommended
}

// Check reports on a company, under rules that it considers; nil: under those that it has, as if two-factor
// authentication was on.
func (s *Service) Check(ctx context.Context, a access.Actor, tenantID string, c *people.Coming) (r Report, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		tx = tx.ForTenant(tenantID)
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		for _, action := range []access.Action{access.ViewCompany, access.ListPeople} {
			if err := access.Check(a, action, access.Target{TenantID: tenantID}); err != nil {
				return err
			}
		}
		if r.Tenant, err = tenant.ByID(ctx, tx, tx.Tenant); err != nil {
			return err
		}
		return s.report(ctx, tx, a, c, &r)
	})
	return r, err
}

func (s *Service) report(ctx context.Context, tx *db.Tx, a access.Actor, c *people.Coming, r *Report) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	r.Now, r.Vendor, r.Rule = tx.Now, i.Name, policy.RuleOf(r.Tenant, i, tx.Now)
	t := r.Tenant
	if r.Coming = (people.Coming{Methods: t.Methods, Choice: t.Choice, Roles: t.Roles}); c != nil {
		r.Coming = *c
	}
	allowed := policy.Allowed{Vendor: t.VendorMethods(i), Company: r.Coming.Methods}
	r.NoMethod = !allowed.Factor(s.Bindable) && !allowed.Allows(authenticator.Email)
	checked, at, err := people.CheckForReport(ctx, tx, s.Counter, a, r.Tenant, i, &r.Coming, s.Bindable)
	if err != nil {
		return err
	}
	r.Findings, r.People, r.At = checked.Findings, checked.People, at
	for _, f := range r.Findings {
		if f.Stops() {
			r.Stopped += f.Count
		}
	}
	owners, err := user.OtherOwners(ctx, tx, "")
	if err != nil {
		return fmt.Errorf("list owners: %w", err)
	}
	r.Owners, r.ByEmail = len(owners), allowed.Allows(authenticator.Email)
	if r.ByEmail {
		if r.Mail, err = mailDelays(ctx, tx); err != nil {
			return err
		}
	}
	return s.addApps(ctx, tx, r)
}

// addApps adds the apps in which no second step is asked for, and those whose sign-in is out of date.
func (s *Service) addApps(ctx context.Context, tx *db.Tx, r *Report) error {
	apps, err := client.List(ctx, tx)
	if err != nil {
		return fmt.Errorf("list apps: %w", err)
	}
	r.Exempt = company.CoverageOf(apps, r.Tenant.Apps, tx.Now).NotAsking()
	for _, app := range apps {
		if !app.Disabled() && app.Covered(tx.Now) && len(app.Weaknesses()) > 0 {
			r.Outdated = append(r.Outdated, app.Name)
		}
	}
	return nil
}
