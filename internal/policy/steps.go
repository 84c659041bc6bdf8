package policy

import (
	"strings"
	"time"

	"countersign/internal/tenant"
)

// Where a company turns on two-factor authentication in steps, the random part of a person's id says in which one they
// are asked: its last letter but one is any of 32. Both databases can read that with the same SQL, so that lists and
// counts select the same people as Evaluate does, and nothing is stored for each person.
const (
	earlyLetters  = "012"           // about one in ten
	secondLetters = "3456789abcdef" // with the others half of everyone; see db.Tx.NewID for the alphabet
)

// StepOf is the step with which a company begins to ask a person, from tenant.FirstStep to tenant.LastStep. Owners,
// admins, and roles that this version does not know are in the first.
func StepOf(role, userID string) int {
	if tenant.Shortest.Include(role) || userID == "" {
		return tenant.FirstStep
	}
	switch letter := letterOf(userID); {
	case strings.Contains(earlyLetters, letter):
		return tenant.FirstStep
	case strings.Contains(secondLetters, letter):
		return tenant.FirstStep + 1
	}
	return tenant.LastStep
}

// letterOf is the letter of an id that decides; an id that is too short has the first.
func letterOf(id string) string {
	if len(id) < 2 {
		return earlyLetters[:1]
	}
	return id[len(id)-2 : len(id)-1]
}

// UpToStep is the condition that StepOf a person is at most a step; role and id are their columns.
func UpToStep(step int, role, id string) string {
	if step >= tenant.LastStep {
		return "TRUE"
	}
	letters := earlyLetters
	if step > tenant.FirstStep {
		letters += secondLetters
	}
	optional := "('" + strings.Join(tenant.OptionalRoles(), "', '") + "')"
	letter := "substr(" + id + ", length(" + id + ") - 1, 1)"
	return "(" + role + " NOT IN " + optional + " OR " + letter + " IN ('" +
		strings.Join(strings.Split(letters, ""), "', '") + "'))"
}

// StepsBegun is how many of its steps a company has begun to ask people in. It is tenant.LastStep where there are no
// steps, or none apply: the vendor requires it of everyone by now.
func StepsBegun(t tenant.Tenant, i tenant.Installation, now time.Time) int {
	in := Input{Now: now, Installation: i.Mandate, Tenant: t}
	if in.mandated() || !t.InSteps(now) {
		return tenant.LastStep
	}
	return t.StepsBegun(now)
}

// waitsForStep reports whether the company has begun to ask people for a second step, but not this one.
func (in Input) waitsForStep() bool {
	return in.Tenant.InSteps(in.Now) && StepOf(in.Role, in.UserID) > in.Tenant.StepsBegun(in.Now)
}

// stepStart is from when the person is asked; zero where the steps were stopped.
func (in Input) stepStart() time.Time {
	if !in.Tenant.Steps.StoppedAt.IsZero() {
		return time.Time{}
	}
	return in.Tenant.StepStart(StepOf(in.Role, in.UserID))
}

// becauseOfStep says that the person waits for a step.
func (d *Decision) becauseOfStep(in Input) {
	if from := in.stepStart(); !from.IsZero() {
		d.because("policy.step_later", "Company", in.Tenant.Name, "From", from)
		return
	}
	d.because("policy.step_stopped", "Company", in.Tenant.Name)
}

// announceStep says from when the person is asked, where no decision of the vendor asks them before.
func (d *Decision) announceStep(in Input) {
	from := in.stepStart()
	if !in.ofCompany() || !in.waitsForStep() || from.IsZero() {
		return
	}
	if d.Announced.IsZero() || from.Before(d.Announced) {
		d.Announced, d.AnnouncedBy = from, in.Tenant.Name
	}
}
