package company

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// Decision is the vendor's rule about two-factor authentication, for one company or for all.
type Decision struct {
	Mandate      tenant.Mandate // for a company, Inherit is the one for all
	Methods      tenant.Methods // what companies may allow
	RememberDays int            // how long browsers may be remembered; for a company, InheritDays is the number for all
	Seen         string         // the mark of the decision that it replaces; empty = no matter
}

// DecisionOf is the stored rule for one company.
func DecisionOf(t tenant.Tenant) Decision {
	return Decision{t.Mandate, t.Ceiling.Methods, t.Ceiling.Days.Days(), ""}
}

// DecisionForAll is the stored rule for all companies.
func DecisionForAll(i tenant.Installation) Decision {
	return Decision{i.Mandate, i.Methods, i.RememberDays, ""}
}

func (d Decision) equal(e Decision) bool {
	return d.Mandate.Mode == e.Mandate.Mode && d.Mandate.From.Equal(e.Mandate.From) && d.Methods == e.Methods &&
		d.RememberDays == e.RememberDays
}

// in is the installation with the decision applied.
func (d Decision) in(i tenant.Installation) tenant.Installation {
	i.Mandate, i.Methods, i.RememberDays = d.Mandate, d.Methods, d.RememberDays
	return i
}

// DecisionPlan is what a decision of the vendor will do to companies.
type DecisionPlan struct {
	From      time.Time // when it holds; zero = at once
	Begins    int       // companies that do not have two-factor authentication then, and get it
	People    int       // who is in them
	Extends   int       // companies in which only some roles, or those who chose it, were asked
	Locks     int       // companies that have it, and cannot turn it off any more
	Ends      int       // companies that have it then, and lose it
	Unchanged int
	Own       int      // companies with a rule of their own, which this one does not reach
	LockedOut []string // owners who cannot sign in any more, by address
	NoOwner   []string // companies none of whose owners can sign in any more, by name
	Stranded  Stranded // by the allowed methods
	Unseen    int      // companies of which only the rule was looked at, as there are too many
}

// maxPlanned is the largest number of companies whose people a plan checks.
const maxPlanned = 500

// PlanDecision says what a decision would do to a company, or to all if id is empty. It changes nothing.
func (s *Service) PlanDecision(
	ctx context.Context, a access.Actor, id string, d Decision,
) (p DecisionPlan, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		action, target := access.SetMandate, access.Target{TenantID: id}
		if id == "" {
			action = access.ChangeInstallation
		}
		if err := people.Check(ctx, tx, s.Gate, a, action, target); err != nil {
			return err
		}
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil {
			return fmt.Errorf("load installation: %w", err)
		}
		if id != "" {
			p, err = s.planOne(ctx, tx, id, i, d)
			return err
		}
		p, err = s.planAll(ctx, tx, i, d)
		return err
	})
	return p, err
}

func (s *Service) planOne(
	ctx context.Context, tx *db.Tx, id string, i tenant.Installation, d Decision,
) (p DecisionPlan, err error) {
	was, err := tenant.ByID(ctx, tx, id)
	if err != nil {
		return p, err
	}
	if err := d.check(DecisionOf(was), tx.Now); err != nil {
		return p, err
	}
	is := was
	is.Mandate = d.Mandate
	is.Ceiling = tenant.Ceiling{Methods: d.Methods, Days: tenant.LimitDays(d.RememberDays)}
	if from := d.Mandate.OrInherited(i.Mandate).From; from.After(tx.Now) {
		p.From = from
	}
	r := s.rulesOf(i, tx.Now)
	err = s.planCompany(ctx, tx.ForTenant(id), sameRules(r, was, is), &p)
	return p, err
}

func (s *Service) planAll(
	ctx context.Context, tx *db.Tx, i tenant.Installation, d Decision,
) (p DecisionPlan, err error) {
	if err := d.check(DecisionForAll(i), tx.Now); err != nil {
		return p, err
	}
	if !s.anyWorks(policy.Allowed{Vendor: d.Methods}) {
		return p, errNoMethodLeft
	}
	next := d.in(i)
	all, err := tenant.List(ctx, tx)
	if err != nil {
		return p, fmt.Errorf("list companies: %w", err)
	}
	if d.Mandate.From.After(tx.Now) {
		p.From = d.Mandate.From
	}
	for _, t := range all {
		if t.Mandate.Mode != tenant.Inherit {
			p.Own++
		}
		c := sameRules(s.rulesOf(i, tx.Now), t, t)
		c.after = s.rulesOf(next, tx.Now)
		if err := s.planCompany(ctx, tx.ForTenant(t.ID), c, &p); err != nil {
			return p, err
		}
	}
	p.Unchanged -= p.Own
	return p, nil
}

// current fails where someone else has decided since d's page was shown.
func (d Decision) current(was Decision) error {
	if d.Seen != "" && d.Seen != MarkOfDecision(was) {
		return people.ErrOutdated
	}
	return nil
}

// check refuses a decision that is outdated, or cannot be meant. A day that is stored already may be over.
func (d Decision) check(was Decision, now time.Time) error {
	if err := d.current(was); err != nil {
		return err
	}
	over := !d.Mandate.From.IsZero() && !d.Mandate.From.After(now.Add(-24*time.Hour))
	if over && !d.Mandate.From.Equal(was.Mandate.From) {
		return fault.New(fault.Invalid, "activation.start_past")
	}
	return nil
}

// planCompany adds what a change does to one company.
func (s *Service) planCompany(ctx context.Context, tx *db.Tx, c change, p *DecisionPlan) error {
	at := p.From
	if at.IsZero() {
		at = c.after.now
	}
	before := policy.RuleOf(c.was, c.before.installation, at)
	after := policy.RuleOf(c.is, c.after.installation, at)
	asks := rank(c.is, c.after.installation, at) > rank(c.was, c.before.installation, at)
	_, couldNot := Locked(c.was, c.before.installation, at)
	_, cannot := Locked(c.is, c.after.installation, at)
	switch {
	case before == policy.Off && after != policy.Off:
		p.Begins++
		return s.planPeople(ctx, tx, c, true, p)
	case asks:
		p.Extends++
		return s.planPeople(ctx, tx, c, false, p)
	case after == policy.Off && before != policy.Off:
		p.Ends++
	case cannot && !couldNot:
		p.Locks++
	default:
		p.Unchanged++
	}
	if b, a := c.before.allowed(c.was), c.after.allowed(c.is); after == policy.Off || kinds(b) == kinds(a) {
		return nil
	}
	return s.planPeople(ctx, tx, c, false, p)
}

// planPeople adds the people whom a change leaves without a way in and, if two-factor authentication begins, how many
// people there are.
func (s *Service) planPeople(ctx context.Context, tx *db.Tx, c change, begins bool, p *DecisionPlan) error {
	if p.Begins+p.Extends > maxPlanned {
		p.Unseen++
		return nil
	}
	if begins {
		leftOut := policy.LeftOut(c.is, c.after.installation, cmp.Or(p.From, c.after.now))
		f, err := people.ForecastFor(ctx, tx, c.after.allowed(c.is), leftOut, s.Bindable)
		if err != nil {
			return err
		}
		p.People += f.People
	}
	out, none, err := s.lockedOutOwners(ctx, tx, c.was, inForce(c.is, c.after.installation))
	if err != nil {
		return err
	}
	if p.LockedOut = append(p.LockedOut, out...); none {
		p.NoOwner = append(p.NoOwner, c.is.Name)
	}
	before, after := c.before.allowed(c.was), c.after.allowed(c.is)
	if kinds(before) == kinds(after) {
		return nil
	}
	stranded, err := people.StrandedBy(ctx, tx, before, after, s.Bindable)
	p.Stranded.MustSetUp = append(p.Stranded.MustSetUp, stranded.MustSetUp...)
	p.Stranded.LockedOut = append(p.Stranded.LockedOut, stranded.LockedOut...)
	return err
}

// inForce is a company as if the vendor's decision had already taken effect, with the methods that both allow.
func inForce(t tenant.Tenant, i tenant.Installation) tenant.Tenant {
	t.Mandate = t.Mandate.OrInherited(i.Mandate)
	t.Mandate.From = time.Time{}
	t.Methods = t.Methods.And(i.Methods)
	return t
}

// lockedOutOwners lists the owners of tx.Tenant who can sign in under was but not under is. none is true if no owner
// can any more, and one could.
func (s *Service) lockedOutOwners(ctx context.Context, tx *db.Tx, was, is tenant.Tenant) (
	out []string, none bool, err error,
) {
	owners, err := user.OtherOwners(ctx, tx, "")
	if err != nil {
		return nil, false, fmt.Errorf("list owners: %w", err)
	}
	left := 0
	for _, id := range owners {
		can, err := s.Gate.CanSignInUnder(ctx, tx, id, is)
		if err != nil {
			return nil, false, err
		}
		if can {
			left++
			continue
		}
		could, err := s.Gate.CanSignInUnder(ctx, tx, id, was)
		if err != nil {
			return nil, false, err
		}
		if !could {
			continue
		}
		u, err := user.ByID(ctx, tx, id)
		if err != nil {
			return nil, false, err
		}
		out = append(out, u.Email)
	}
	return out, left == 0 && len(out) > 0, nil
}

// Decide stores a decision for a company, or for all if id is empty. It writes only the settings that change, and fails
// with people.ErrOutdated if someone else has decided since.
func (s *Service) Decide(ctx context.Context, a access.Actor, id string, d Decision) error {
	if id == "" {
		return s.ChangeInstallation(ctx, a, InstallationChanges{decision: &d})
	}
	_, err := s.Change(ctx, a, id, Changes{decision: &d})
	return err
}

// begin dates a requirement that starts at once, so that pages can say since when it applies.
func (d Decision) begin(was tenant.Mandate, now time.Time) Decision {
	requires := d.Mandate.Mode == tenant.Mandatory || d.Mandate.Mode == tenant.DefaultOn
	if requires && d.Mandate.From.IsZero() && (d.Mandate.Mode != was.Mode || !was.From.IsZero()) {
		d.Mandate.From = now.UTC().Truncate(time.Second)
	}
	return d
}

// changes are what a decision changes, judged by what is stored in the transaction that writes.
func (d Decision) changes(was Decision, now time.Time) (c Changes, err error) {
	if err := d.check(was, now); err != nil {
		return c, err
	}
	d = d.begin(was.Mandate, now)
	if d.Mandate.Mode != was.Mandate.Mode || !d.Mandate.From.Equal(was.Mandate.From) {
		c.Mandate = &d.Mandate
	}
	if d.Methods != was.Methods {
		c.VendorMethods = &d.Methods
	}
	if d.RememberDays != was.RememberDays {
		c.VendorDays = &d.RememberDays
	}
	return c, nil
}

// decided are the changes, or in their place those that a decision makes of a company.
func (c Changes) decided(a access.Actor, t tenant.Tenant, now time.Time) (Changes, error) {
	if c.decision == nil {
		return c, nil
	}
	if err := access.Check(a, access.SetMandate, access.Target{TenantID: t.ID}); err != nil {
		return c, err
	}
	return c.decision.changes(DecisionOf(t), now)
}

// decided are the changes, or in their place those that a decision makes.
func (c InstallationChanges) decided(i tenant.Installation, now time.Time) (InstallationChanges, error) {
	if c.decision == nil {
		return c, nil
	}
	made, err := c.decision.changes(DecisionForAll(i), now)
	return InstallationChanges{Mandate: made.Mandate, Methods: made.VendorMethods, RememberDays: made.VendorDays}, err
}
