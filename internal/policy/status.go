package policy

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// Status says what two-factor authentication is for one person of a company. It is worked out each time and stored
// nowhere.
type Status string

// The statuses, as administrators see them.
const (
	Pending   Status = "pending"   // a second step is required, and they have yet to set up a method for it
	Activated Status = "activated" // a second step is required, and they have a method for it
	Disabled  Status = "disabled"  // no second step is required of them
)

// PersonStatus is a person's status and what to show with it.
type PersonStatus struct {
	Status  Status
	Must    bool                 // a second step is required of them on our own pages
	Own     bool                 // they decide for themselves
	Waits   bool                 // Own, until the company asks them in a later step
	From    time.Time            // Waits: when that step begins; zero = the steps were stopped
	Can     []authenticator.Kind // what a sign-in may ask them for
	SetUpBy time.Time            // Pending: until when the mailbox is enough; zero = set-up comes first
	Overdue bool                 // Pending, and a deadline of theirs has passed
	Exempt  bool                 // Pending, and SetUpBy is the end of their exemption
	Stuck   bool                 // Pending, and only an administrator can help them
}

// StatusOf works out a person's status from the rules that apply to their next sign-in on our own pages.
func StatusOf(in Input) PersonStatus {
	in.OwnPages, in.AppExemptUntil = true, time.Time{}
	in.Proofs = []authenticator.Proof{{Kind: authenticator.Password, At: in.Now}}
	d := Evaluate(in)
	s := PersonStatus{
		Status: Pending,
		Must:   d.Required,
		Own:    d.Own,
		Can:    in.allowed().Usable(in.Has),
	}
	if s.Waits = d.Own && in.ofCompany(); s.Waits {
		s.From = in.stepStart()
	}
	switch {
	case !d.Required:
		s.Status = Disabled
	case in.hasMethod():
		s.Status = Activated
	default:
		s.SetUpBy, s.Exempt = d.SetUpBy, d.Exempt
		s.Stuck = d.Outcome == Deny && d.SetUpFrom.IsZero()
		s.Overdue = s.SetUpBy.IsZero() && (!in.Tenant.SetUpBy.IsZero() || !in.NewcomerUntil.IsZero())
	}
	return s
}

// hasMethod reports whether a method that is allowed and works is set up: a second factor where one protects the
// account, else the mailbox does where it is allowed.
func (in Input) hasMethod() bool {
	return slices.ContainsFunc(in.Has, func(k authenticator.Kind) bool {
		return in.allows(k) && (Factor(k) || k == authenticator.Email && in.Protection() == EmailConfirmed)
	})
}

// Rule is what a company requires of its people, whatever each of them has set up.
type Rule string

// The rules.
const (
	Off       Rule = "off"        // no second step is required
	OwnChoice Rule = "own_choice" // of those who switched it on for themselves
	Everyone  Rule = "everyone"   // of everyone, but for the roles that are LeftOut
)

// RuleOf says what a company requires now of its people on our own pages.
func RuleOf(t tenant.Tenant, i tenant.Installation, now time.Time) Rule {
	d := Evaluate(Input{
		Now:          now,
		Installation: i.Mandate,
		Methods:      i.Methods,
		Tenant:       t,
		OwnChoice:    true,
		OwnPages:     true,
	})
	switch {
	case !d.Required:
		return Off
	case d.Own:
		return OwnChoice
	}
	return Everyone
}
