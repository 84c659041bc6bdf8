package company

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/message/email"
	"countersign/internal/notify"
	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// StepState is how far a company is that turns on two-factor authentication in steps.
type StepState struct {
	Shown  bool        // not everyone is asked yet
	Begun  int         // how many steps have begun; 0: it starts later
	Starts []time.Time // of each step
	SeenAt time.Time   // when this was so
	Asked  flow.Asked  // since it was turned on, or the steps were continued
}

// stepsOf is the state of a company's steps, without how many people were asked.
func stepsOf(t tenant.Tenant, i tenant.Installation, now time.Time) (s StepState) {
	s.SeenAt = now
	planned := t.SwitchedOnAt.After(now)
	s.Shown = t.Steps.Days > 0 && t.Choice != tenant.Optional && (planned ||
		t.InSteps(now) && policy.StepsBegun(t, i, now) < tenant.LastStep)
	if !s.Shown {
		return s
	}
	if !planned {
		s.Begun = t.StepsBegun(now)
	}
	for step := tenant.FirstStep; step <= tenant.LastStep; step++ {
		s.Starts = append(s.Starts, t.StepStart(step))
	}
	return s
}

// loadAsked adds how many people were asked, in a large company as of a moment ago.
func (s *Service) loadAsked(ctx context.Context, tx *db.Tx, a access.Actor, o *Overview) (err error) {
	if !o.Steps.Shown || o.Steps.Begun == 0 {
		return nil
	}
	since := o.Tenant.CountedFrom()
	o.Steps.Asked, _, err = people.Counted(ctx, tx, s.People.Counter, a, fmt.Sprint("asked since ", since),
		func(ctx context.Context, tx *db.Tx) (flow.Asked, error) { return flow.CountAsked(ctx, tx, since) })
	return err
}

var (
	errStepsLate = fault.New(fault.Conflict, "tenant.steps_too_late")
	errNoSteps   = fault.New(fault.Conflict, "tenant.steps_none")
)

// checkSteps refuses steps for people who are asked already: that would be a way to turn it off for them. A person who
// wants to start for everyone now is told if there is nothing to start.
func (c Changes) checkSteps(a access.Actor, t tenant.Tenant, now time.Time) error {
	if c.StepDays != nil && *c.StepDays == 0 && t.Steps.Days == 0 && a.Kind == access.Person {
		return errNoSteps
	}
	on := !t.SwitchedOnAt.IsZero() && !t.SwitchedOnAt.After(now)
	if c.StepDays != nil && *c.StepDays > 0 && on && (c.On == nil || !*c.On) {
		return errStepsLate
	}
	return nil
}

// bySteps are the changes of how two-factor authentication is turned on.
func (c Changes) bySteps(out *steps) {
	if c.StepDays != nil {
		out.addSteps(stepDaysText(*c.StepDays), set(*c.StepDays, tenant.SetStepDays))
	}
	if c.StepStop != nil {
		out.addSteps(stepStopText(*c.StepStop), set(*c.StepStop, tenant.SetStepStop))
	}
	if c.StepsContinue {
		out.addSteps("continued", continueSteps)
	}
}

func continueSteps(ctx context.Context, tx *db.Tx) error {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return err
	}
	return tenant.ResumeSteps(ctx, tx, t)
}

func stepDaysText(days int) string {
	if days == 0 {
		return "for everyone at once"
	}
	return fmt.Sprintf("in steps, %d days apart", days)
}

func stepStopText(percent int) string {
	if percent == 0 {
		return "no limit of failures"
	}
	return fmt.Sprintf("stop above %d percent", percent)
}

func stepsText(s tenant.Steps) string {
	return stepDaysText(s.Days) + ", " + stepStopText(s.StopAt) + ", stopped at " + timeText(s.StoppedAt)
}

// PlannedStep is one step of a plan. People is how many are asked from then on; it is not counted where Plan.Many.
type PlannedStep struct {
	From   time.Time
	People int
}

// planSteps adds when each step begins and how many people it reaches, by the rule that policy decides by.
func (p *Plan) planSteps(ctx context.Context, tx *db.Tx, t tenant.Tenant) (err error) {
	if p.StepDays == 0 {
		return nil
	}
	t.SwitchedOnAt, t.Steps = p.From, tenant.Steps{Days: p.StepDays}
	if p.From.IsZero() {
		t.SwitchedOnAt = tx.Now
	}
	counts, many, err := people.CountSteps(ctx, tx, p.Roles)
	p.Many = many
	for step := tenant.FirstStep; step <= tenant.LastStep; step++ {
		planned := PlannedStep{From: t.StepStart(step)}
		if !many && err == nil {
			planned.People = counts[step-tenant.FirstStep]
		}
		p.Steps = append(p.Steps, planned)
	}
	return err
}

// fewAsked is how many people at least must have been asked before steps are stopped: of fewer, one person's trouble is
// a large share.
const fewAsked = 5

// StopSteps stops the steps of every company in which too many of those asked could not sign in.
func (s *Service) StopSteps(ctx context.Context) error {
	after := ""
	for {
		var some []tenant.Tenant
		err := s.DB.View(ctx, db.Installation, func(tx *db.Tx) (err error) {
			some, err = tenant.WithSteps(ctx, tx, after, tellAtOnce)
			return err
		})
		if err != nil {
			return fmt.Errorf("list companies with steps: %w", err)
		}
		for _, t := range some {
			after = t.ID
			if err := s.stopSteps(ctx, t); err != nil {
				return fmt.Errorf("look at the steps of %s: %w", t.ID, err)
			}
		}
		if len(some) < tellAtOnce {
			return nil
		}
	}
}

// stopSteps counts outside the unit of work that writes.
func (s *Service) stopSteps(ctx context.Context, t tenant.Tenant) error {
	var asked flow.Asked
	err := s.DB.View(ctx, t.ID, func(tx *db.Tx) error {
		i, err := tenant.LoadInstallation(ctx, tx)
		if err != nil || policy.StepsBegun(t, i, tx.Now) == tenant.LastStep {
			return err
		}
		asked, err = flow.CountAsked(ctx, tx, t.CountedFrom())
		return err
	})
	if err != nil || asked.People < fewAsked || !asked.MoreThan(t.Steps.StopAt) {
		return err
	}
	return s.DB.InTx(ctx, t.ID, func(tx *db.Tx) error { return s.stopOnce(ctx, tx, t, asked) })
}

// stopOnce stops the steps of tx.Tenant, and tells its owners and admins, if no one else has.
func (s *Service) stopOnce(ctx context.Context, tx *db.Tx, t tenant.Tenant, asked flow.Asked) error {
	first, err := tenant.StopSteps(ctx, tx, t)
	if err != nil || !first {
		return err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	err = audit.Record(ctx, tx, audit.Event{
		Action: audit.TenantStepsStopped,
		Result: audit.OK,
		Reason: fmt.Sprintf("%d of %d people could not sign in", asked.Failed, asked.People),
	})
	if err != nil {
		return err
	}
	return s.Notifier.SendToAdmins(ctx, tx, notify.Notice{
		Purpose: "company.steps_stopped",
		Content: email.StepsStopped{
			Vendor:  i.Name,
			Company: t.Name,
			Asked:   asked.People,
			Failed:  asked.Failed,
			Percent: t.Steps.StopAt,
			Step:    t.StepsBegun(tx.Now),
			At:      tx.Now,
			Link:    s.Origin + "/company/security",
		},
	})
}
