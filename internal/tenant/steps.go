package tenant

import (
	"context"
	"time"

	"countersign/internal/db"
	"countersign/internal/fault"
)

// Steps say how a company turns on two-factor authentication in steps. They belong to one start: turning it on again,
// or off, ends them.
type Steps struct {
	Days      int           // between two steps; 0 = everyone is asked at once
	StopAt    int           // percent of those asked who could not sign in; above it no step begins; 0 = no limit
	StoppedAt time.Time     // since then no further step begins; zero = they were not stopped
	ResumedAt time.Time     // when someone continued them; zero = no one had to
	Delay     time.Duration // how much later than planned the second and the third step begin
}

// Bounds of what a company may choose.
const (
	MaxStepDays = 14
	MaxStepStop = 100
)

// The steps. What each of them reaches, policy decides.
const (
	FirstStep = 1
	LastStep  = 3
)

// StepStart is when a step begins, if nothing stops it; zero where the company has not planned to turn it on.
func (t Tenant) StepStart(step int) time.Time {
	if t.SwitchedOnAt.IsZero() || t.Steps.Days == 0 || step <= FirstStep {
		return t.SwitchedOnAt
	}
	days := time.Duration(min(step, LastStep)-FirstStep) * time.Duration(t.Steps.Days) * 24 * time.Hour
	return t.SwitchedOnAt.Add(days + t.Steps.Delay)
}

// StepsBegun is how many steps have begun. The first one always has: a stop keeps later ones from beginning.
func (t Tenant) StepsBegun(now time.Time) int {
	begun := FirstStep
	for begun < LastStep && t.stepBegun(begun+1, now) {
		begun++
	}
	return begun
}

func (t Tenant) stepBegun(step int, now time.Time) bool {
	from, stopped := t.StepStart(step), t.Steps.StoppedAt
	return !now.Before(from) && (stopped.IsZero() || !stopped.Before(from))
}

// InSteps reports whether two-factor authentication is on and someone still waits for a step.
func (t Tenant) InSteps(now time.Time) bool {
	return t.Steps.Days > 0 && !t.SwitchedOnAt.IsZero() && !now.Before(t.SwitchedOnAt) && t.StepsBegun(now) < LastStep
}

// Resumed are the steps once someone continues them: the next one begins now, unless its day has yet to come.
func (t Tenant) Resumed(now time.Time) Steps {
	next := t.StepStart(t.StepsBegun(now) + 1)
	s := t.Steps
	if late := now.Sub(next); late > 0 {
		s.Delay += late
	}
	s.StoppedAt, s.ResumedAt = time.Time{}, now
	return s
}

// CountedFrom is since when sign-ins count for a stop: those before someone continued the steps do not.
func (t Tenant) CountedFrom() time.Time {
	if t.Steps.ResumedAt.After(t.SwitchedOnAt) {
		return t.Steps.ResumedAt
	}
	return t.SwitchedOnAt
}

// SetStepDays records how many days lie between the steps: 1 to MaxStepDays, or 0 to ask everyone at once. It
// forgets an earlier stop.
func SetStepDays(ctx context.Context, tx *db.Tx, days int) error {
	if days < 0 || days > MaxStepDays {
		return fault.New(fault.Invalid, "tenant.step_days")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET step_days = $1, steps_stopped_at = 0, steps_resumed_at = 0,
		steps_delay = 0, version = version + 1
		WHERE tenant_id = $2`, days, tx.Tenant))
}

// SetStepStop records above how many percent no further step begins: 1 to MaxStepStop, or 0 for no limit.
func SetStepStop(ctx context.Context, tx *db.Tx, percent int) error {
	if percent < 0 || percent > MaxStepStop {
		return fault.New(fault.Invalid, "tenant.step_stop")
	}
	return changed(tx.Exec(ctx, `UPDATE tenants SET step_stop = $1, version = version + 1
		WHERE tenant_id = $2`, percent, tx.Tenant))
}

// StopSteps keeps further steps from beginning. Of several callers only the first gets true; so does none if the
// company has started again, or continued, since t was read.
func StopSteps(ctx context.Context, tx *db.Tx, t Tenant) (first bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE tenants SET steps_stopped_at = $1, version = version + 1
		WHERE tenant_id = $2 AND steps_stopped_at = 0 AND step_days > 0 AND step_stop = $3 AND switched_on_at = $4
			AND steps_resumed_at = $5`, tx.Now, tx.Tenant, t.Steps.StopAt, t.SwitchedOnAt, t.Steps.ResumedAt)
	return n > 0, err
}

// ResumeSteps continues steps that were stopped. Conflict where they are not, or were stopped again meanwhile.
func ResumeSteps(ctx context.Context, tx *db.Tx, t Tenant) error {
	s := t.Resumed(tx.Now)
	n, err := tx.Exec(ctx, `UPDATE tenants SET steps_stopped_at = 0, steps_resumed_at = $1, steps_delay = $2,
		version = version + 1
		WHERE tenant_id = $3 AND steps_stopped_at = $4 AND steps_stopped_at > 0`,
		s.ResumedAt, s.Delay.Microseconds(), tx.Tenant, t.Steps.StoppedAt)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "tenant.steps_not_stopped")
	}
	return err
}

// WithSteps lists up to limit companies, after one by its id, that may have to be stopped: they turn on two-factor
// authentication in steps, have begun and have a limit.
func WithSteps(ctx context.Context, tx *db.Tx, after string, limit int) ([]Tenant, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+` FROM tenants
		WHERE tenant_id <> '' AND tenant_id > $1 AND step_days > 0 AND step_stop > 0 AND steps_stopped_at = 0
			AND switched_on_at > 0 AND switched_on_at <= $2 AND suspended_at = 0
		ORDER BY tenant_id LIMIT $3`, after, tx.Now, limit)
	return db.Collect(rows, err, scan)
}
