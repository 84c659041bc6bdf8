package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// Choices are how two-factor authentication is to be switched on.
type Choices struct {
	Methods  tenant.Methods
	Choice   tenant.Choice
	Roles    tenant.Roles // of which it is required
	Apps     tenant.Apps  // exempt ones in which it applies anyway
	From     time.Time    // zero = at once, and so is the beginning of today, wherever that is
	StepDays int          // between the three steps in which people are asked; 0 = everyone at once
	StepStop int          // percent of those asked who could not sign in, above which no further step begins; 0 = no limit
	SetUpBy  time.Time    // the END of the last day on which the mailbox does; zero = set-up comes first
}

// MaxAhead is how far ahead two-factor authentication can be switched on.
const MaxAhead = 90 * 24 * time.Hour

// Plan is what switching two-factor authentication on will do.
type Plan struct {
	Choices
	Forecast people.Forecast
	Coverage Coverage
	Offered  []authenticator.Kind // what the vendor allows a company to choose from
	Steps    []PlannedStep        // none: everyone at once
	Many     bool                 // the people of each step are not counted: there are too many
}

// check refuses dates that make no sense.
func (c Choices) check(now time.Time) error {
	// No day is over until 24 hours after it began, in whatever zone.
	if !c.From.IsZero() && !c.From.After(now.Add(-24*time.Hour)) {
		return fault.New(fault.Invalid, "activation.start_past")
	}
	if c.From.After(now.Add(MaxAhead)) {
		return fault.New(fault.Invalid, "activation.too_far")
	}
	if !c.SetUpBy.IsZero() && !c.SetUpBy.After(now) {
		return fault.New(fault.Invalid, "activation.deadline_past")
	}
	if !c.SetUpBy.IsZero() && c.SetUpBy.Before(c.From) {
		return fault.New(fault.Invalid, "activation.deadline_before_start")
	}
	return c.checkSteps()
}

// checkSteps refuses steps where there is nothing to begin with: each person decides.
func (c Choices) checkSteps() error {
	switch {
	case c.StepDays < 0 || c.StepDays > tenant.MaxStepDays:
		return fault.New(fault.Invalid, "tenant.step_days")
	case c.StepStop < 0 || c.StepStop > tenant.MaxStepStop:
		return fault.New(fault.Invalid, "tenant.step_stop")
	case c.StepDays > 0 && c.Choice == tenant.Optional:
		return fault.New(fault.Invalid, "activation.steps_optional")
	}
	return nil
}

var errChoiceOfOwners = fault.New(fault.Denied, "activation.choice_of_owners")

// permit fails if the actor changes a stored choice that they may not change.
func (c Choices) permit(a access.Actor, t tenant.Tenant) error {
	if c.Choice != t.Choice {
		if err := permitChoice(a, access.SetChoice, t); err != nil {
			return err
		}
	}
	if c.Roles != t.Roles {
		if err := permitChoice(a, access.SetRoles, t); err != nil {
			return err
		}
	}
	if c.Apps != t.Apps {
		return permitChoice(a, access.SetApps, t)
	}
	return nil
}

func permitChoice(a access.Actor, action access.Action, t tenant.Tenant) error {
	target := access.Target{TenantID: t.ID}
	if access.Check(a, action, target) == nil {
		return nil
	}
	return &access.Refusal{
		Actor:  a,
		Action: action,
		Target: target,
		Cause:  errChoiceOfOwners,
	}
}

// PlanActivation says what the actor's choices would do to their company, and fails where Activate would fail, and with
// people.ErrCounting while many people are counted. It changes nothing.
func (s *Service) PlanActivation(ctx context.Context, a access.Actor, c Choices) (p Plan, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		tx = tx.ForTenant(a.TenantID)
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.SwitchOn, access.Target{TenantID: a.TenantID}); err != nil {
			return err
		}
		t, err := tenant.ByID(ctx, tx, tx.Tenant)
		if err != nil {
			return err
		}
		if err := c.permit(a, t); err != nil {
			return err
		}
		if err := c.check(tx.Now); err != nil {
			return err
		}
		if err := known(ctx, tx, t.Apps, c.Apps); err != nil {
			return err
		}
		if p, err = s.plan(ctx, tx, t, c); err != nil {
			return err
		}
		if err := s.forecast(ctx, tx, a, t, &p); err != nil {
			return err
		}
		return s.keepAnOwnerWhoCanAct(ctx, tx, t, c.decided(t, tx.Now))
	})
	return p, err
}

func (s *Service) plan(ctx context.Context, tx *db.Tx, t tenant.Tenant, c Choices) (p Plan, err error) {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return p, fmt.Errorf("load installation: %w", err)
	}
	if p.Choices = c; !c.From.After(tx.Now) {
		p.From = time.Time{}
	}
	for _, k := range authenticator.SecondSteps {
		if k != authenticator.Backup && t.VendorMethods(i).Allow(string(k)) && s.offered(k) {
			p.Offered = append(p.Offered, k)
		}
	}
	allowed := policy.Allowed{Vendor: t.VendorMethods(i), Company: c.Methods}
	if !s.anyWorks(allowed) {
		return p, fault.New(fault.Invalid, "activation.no_method")
	}
	p.Coverage, err = coverage(ctx, tx, c.Apps)
	return p, err
}

// forecast adds what a plan means for the people. It decides nothing, so Activate does without.
func (s *Service) forecast(ctx context.Context, tx *db.Tx, a access.Actor, t tenant.Tenant, p *Plan) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	allowed := policy.Allowed{Vendor: t.VendorMethods(i), Company: p.Methods}
	leftOut := policy.LeftOut(p.decided(t, tx.Now), i, tx.Now)
	if err := p.planSteps(ctx, tx, t); err != nil {
		return err
	}
	p.Forecast, err = people.Fully(s.People.Forecast(ctx, tx, a, allowed, leftOut))
	return err
}

// offered reports whether a method works in this installation.
func (s *Service) offered(k authenticator.Kind) bool {
	if k == authenticator.Email {
		return true
	}
	for _, b := range s.Bindable {
		if b == k {
			return true
		}
	}
	return false
}

// Activate switches two-factor authentication on for the actor's company, once for each activation whose code was
// right. It fails with tenant.ErrNoActivation if there is none or it is older than ActivateWithin, with ErrAlreadyOn if
// another administrator was faster, and with a LockedError if the vendor requires it by now.
func (s *Service) Activate(ctx context.Context, a access.Actor, id string, c Choices) error {
	return s.inActivation(ctx, a, people.Hold, func(tx *db.Tx, by attempt) error {
		was := by.company
		if err := c.check(tx.Now); err != nil {
			return err
		}
		if err := s.switchable(tx, was, by.vendor); err != nil {
			return err
		}
		if err := c.permit(by.actor, was); err != nil {
			return err
		}
		plan, err := s.plan(ctx, tx, was, c)
		if err != nil {
			return err
		}
		u := by.user
		if err := tenant.FinishActivation(ctx, tx, u.ID, id, u.SecurityVersion, ActivateWithin); err != nil {
			return err
		}
		changes := plan.changes(was)
		if err := s.apply(ctx, tx, by.actor, was, changes); err != nil {
			return err
		}
		is, err := tenant.ByID(ctx, tx, was.ID)
		if err != nil {
			return err
		}
		if err := s.keepReachable(ctx, tx, by.actor, was, is, changes); err != nil {
			return err
		}
		return s.tellLowered(ctx, tx, by.actor, was, is)
	})
}

// decided is a company as it will be once two-factor authentication is on with these choices.
func (c Choices) decided(t tenant.Tenant, now time.Time) tenant.Tenant {
	t.SwitchedOnAt, t.SwitchedOffAt, t.Steps = now, time.Time{}, tenant.Steps{}
	t.Methods, t.SetUpBy = c.Methods, c.SetUpBy
	t.Choice, t.Roles, t.Apps = c.Choice, c.Roles, c.Apps
	return t
}

// changes are those that switch two-factor authentication on in a company with these choices.
func (c Choices) changes(was tenant.Tenant) Changes {
	on := true
	out := Changes{On: &on, onFrom: c.From, SetUpBy: &c.SetUpBy}
	if c.StepDays > 0 {
		out.StepDays, out.StepStop = &c.StepDays, &c.StepStop
	}
	if c.Methods != was.Methods {
		out.Methods = &c.Methods
	}
	if c.Choice != was.Choice {
		out.Choice = &c.Choice
	}
	if c.Roles != was.Roles {
		out.Roles = &c.Roles
	}
	if c.Apps != was.Apps {
		out.Apps = &c.Apps
	}
	return out
}
