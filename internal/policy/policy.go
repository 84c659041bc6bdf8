// Package policy decides what a sign-in still needs, and says why. It is pure: facts in,
// decision out, no database, no clock, no HTTP. Whatever it does not know, it treats as
// the stricter of two readings.
package policy

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// Input is everything that a rule may look at.
type Input struct {
	Now              time.Time
	Vendor           string
	Installation     tenant.Mandate
	InstallationDays int            // ceiling for remembered browsers
	Methods          tenant.Methods // what the vendor allows
	Tenant           tenant.Tenant
	OwnChoice        bool // the user has switched their second step on
	OwnPages         bool // the client is Countersign itself, where people look after their account
	Administers      bool // is more than an agent
	Role             string
	UserID           string // says in which step a company asks them; empty: in the first
	Origin           Origin
	AppID, AppName   string
	AppExemptUntil   time.Time // by the vendor; zero = covered
	PasswordFlagged  bool      // the password was reported as known to someone else
	Want             []Level   // any one of these is enough for the client; empty = no wish
	Account
	Bindable        []authenticator.Kind // what people can set up by themselves here
	Proofs          []authenticator.Proof
	SetUpAfter      time.Time // older proofs than this open no set-up; the password's age does not matter
	RememberedUntil time.Time // this browser, this user, this client; zero = not remembered
	RememberedSince time.Time // its last real second step
	InSession       bool      // it is about a session that is open, and opens none
	Unusual         []Unusual // what is unusual about the sign-in, where the company asks about that
}

// Unusual is a property of a sign-in because of which a company asks for a second step even in a remembered browser.
type Unusual string

// What is unusual.
const (
	NewBrowser Unusual = "new_browser"       // no second step was shown in it lately
	NewCountry Unusual = "new_country"       // none was shown from this country lately
	TooFar     Unusual = "impossible_travel" // too far from the last sign-in, for the time between
	Failures   Unusual = "many_failures"     // many wrong passwords or codes for the account lately
)

// Outcome says what happens next.
type Outcome string

// The outcomes.
const (
	Allow     Outcome = "allow"
	Challenge Outcome = "challenge"
	SetUp     Outcome = "set_up" // a method must be set up first, and may be: the proofs are enough for that
	Deny      Outcome = "deny"   // nothing this user has can be enough
)

// Reason is one sentence of the explanation: a catalogue key and its arguments.
type Reason struct {
	Key  string
	Args []any
}

// Decision is the answer.
type Decision struct {
	Outcome  Outcome
	Required bool                 // a second step is required here, whether or not it was shown
	Offer    []authenticator.Kind // what may be used next, strongest first
	ForSetUp bool                 // the challenge only opens the set-up of a method
	SetUp    []authenticator.Kind // what may be set up, when nothing that the user has is enough
	SetUpBy  time.Time            // a method must be set up before that; zero = nothing to remind of
	Exempt   bool                 // SetUpBy is the end of the person's exemption
	// The end of a newcomer's own time, which their first sign-in stores, also one to an app that is exempt. Zero with
	// SetUpBy: only the company's date applies.
	NewcomerUntil time.Time
	// With SetUpBy: the company lets only so many sign-ins finish before a method is set up, this one included.
	Limited      bool
	LatersLeft   int
	Outside      bool      // with Deny: the company allows no sign-in from here
	NeedsAdmin   bool      // with Deny: only an administrator can open this account again
	SetUpFrom    time.Time // with Deny: a method may be set up from then on; zero = that would not help
	Level        Level     // reached so far
	Protection   Level     // what protects the account, whatever is asked here
	Need         Level     // what is missing, when Outcome is not Allow
	Own          bool      // each user decides for themself
	Adaptive     bool      // browsers are remembered unless the person says otherwise
	RememberDays int       // how long this browser may be remembered; 0 = not at all
	Announced    time.Time // a requirement that is not in force yet; zero = none
	AnnouncedBy  string
	Because      []Reason
	Unusual      []Reason // those that say what is unusual about the sign-in
}

// Evaluate answers one question: is this enough, and if not, what next?
func Evaluate(in Input) Decision {
	d := Decision{Level: Reached(in.Proofs), Protection: in.Protection(), RememberDays: rememberDays(in)}
	required := d.required(in)
	d.Required = required
	if in.outside() {
		d.Outcome, d.Outside = Deny, true
		d.because("policy.outside", "Company", in.Tenant.Name)
		return d
	}
	d.Adaptive = required && in.AsksUnusual()
	remembered := required && in.RememberedUntil.After(in.Now) && !in.PasswordFlagged && d.RememberDays > 0 &&
		len(in.Unusual) == 0 && in.Now.Before(in.RememberedSince.AddDate(0, 0, d.RememberDays))
	if remembered {
		d.because("policy.remembered", "Since", in.RememberedSince, "Until", in.RememberedUntil)
	}
	if d.Adaptive {
		d.unusual(in)
	}
	d.Need = need(in, in.floor(required && !remembered))
	if required && !remembered {
		d.remind(in)
	}
	if d.Level.AtLeast(d.Need) && (!d.Need.AtLeast(EmailConfirmed) || Reached(in.counted()).AtLeast(d.Need)) {
		d.Outcome, d.Need = Allow, None
		return d
	}
	return d.missing(in)
}

// unusual adds that the company asks when a sign-in is unusual, and what is unusual about this one.
func (d *Decision) unusual(in Input) {
	d.because("policy.adaptive", "Company", in.Tenant.Name)
	for _, u := range in.Unusual {
		if key := unusualKeys[u]; key != "" {
			d.Unusual = append(d.Unusual, Reason{Key: key})
		}
	}
	d.Because = append(d.Because, d.Unusual...)
}

// unusualKeys are the sentences about what is unusual.
var unusualKeys = map[Unusual]string{
	NewBrowser: "policy.unusual.new_browser",
	NewCountry: "policy.unusual.new_country",
	TooFar:     "policy.unusual.impossible_travel",
	Failures:   "policy.unusual.many_failures",
}

// remind says until when the mailbox is enough for an account although email is not allowed.
func (d *Decision) remind(in Input) {
	by := in.deadline()
	if by.IsZero() || d.Need != EmailConfirmed || in.PasswordFlagged || in.allows(authenticator.Email) {
		d.sayUsedUp(in)
		return
	}
	d.SetUpBy, d.Exempt = by, by.Equal(in.ExemptUntil)
	if d.Exempt {
		d.because("policy.exempt", "By", by)
		return
	}
	if own := in.newcomerUntil(); own.After(in.Now) {
		d.NewcomerUntil = own
	}
	switch {
	case !d.NewcomerUntil.Equal(by):
		d.because("policy.set_up_by", "Company", in.Tenant.Name, "By", by)
	case in.startsNewcomerTime():
		d.because("policy.newcomer_days", "Company", in.Tenant.Name, "Count", in.Tenant.SetUpDays)
	default:
		d.because("policy.newcomer", "Company", in.Tenant.Name, "By", by)
	}
	if d.Limited = in.limited(); d.Limited {
		d.LatersLeft = in.latersLeft()
		d.because("policy.laters_left", "Count", d.LatersLeft)
	}
}

// sayUsedUp says that a person has used up the sign-ins before set-up, if nothing else prevents another one.
func (d *Decision) sayUsedUp(in Input) {
	if d.Need == TwoFactor && in.Protection() == EmailConfirmed && in.latersUsedUp() && in.setUpTime().After(in.Now) {
		d.because("policy.laters_used", "Company", in.Tenant.Name, "Limit", in.Tenant.SetUpLaters)
	}
}

// counted are the proofs that still count: a method that the vendor or the company has ruled out since proves nothing
// any more, neither in a sign-in under way nor in a session.
func (in Input) counted() []authenticator.Proof {
	return slices.DeleteFunc(slices.Clone(in.Proofs), func(p authenticator.Proof) bool {
		return p.Kind != authenticator.Password && !in.mayUse(p.Kind.Base())
	})
}

// floor is the weakest level that the rules and the account's own protection allow.
func (in Input) floor(secondStep bool) Level {
	switch {
	case !secondStep:
		return PasswordOnly
	case in.Protection() == TwoFactor:
		return TwoFactor
	case in.allows(authenticator.Email), in.PasswordFlagged, !in.deadline().IsZero():
		return EmailConfirmed // the mailbox is the minimum, after a report even if email is not allowed
	}
	return TwoFactor
}

// allows reports whether vendor and company allow a kind as a second step.
func (in Input) allows(k authenticator.Kind) bool {
	return in.allowed().Allows(k)
}

func (in Input) allowed() Allowed {
	return Allowed{Vendor: in.Methods.And(in.Tenant.Ceiling.Methods), Company: in.Tenant.Methods}
}

// required says whether a second step applies, and why.
func (d *Decision) required(in Input) bool {
	on := d.switchedOn(in)
	d.unannounce(in)
	if on && in.appExempt(in.Now) {
		on = false
		if in.startsNewcomerTime() && in.mustSetUp() {
			d.NewcomerUntil = in.newcomerUntil()
		}
		if in.AppExemptUntil.Equal(forever) {
			d.because("policy.app_exempt", "App", in.AppName)
		} else {
			d.because("policy.app_exempt_until", "App", in.AppName, "Until", in.AppExemptUntil)
		}
	}
	if d.Own = in.decidesThemself(); on && d.Own {
		on = in.OwnChoice
		d.becauseOfOwnChoice(in)
		d.announceStep(in)
	}
	if in.PasswordFlagged {
		d.because("policy.password_reported")
		return true
	}
	return on
}

// mandated reports whether the vendor already requires a second step, which no company can turn off.
func (in Input) mandated() bool { return in.mandate().Locks(in.Now) }

// mandate is the vendor's decision: for this company, else for all.
func (in Input) mandate() tenant.Mandate { return in.Tenant.Mandate.OrInherited(in.Installation) }

var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// switchedOn applies the vendor's mandate first, then the company's own switch, which may add to the mandate but never
// take away from it.
func (d *Decision) switchedOn(in Input) bool {
	m, by := in.mandate(), in.Vendor
	begun := !in.Now.Before(m.From)
	own := !in.Tenant.SwitchedOnAt.IsZero() && !in.Now.Before(in.Tenant.SwitchedOnAt)
	off := !in.Tenant.SwitchedOffAt.IsZero() && !in.Now.Before(in.Tenant.SwitchedOffAt)
	planned := in.Tenant.SwitchedOnAt.After(in.Now) // the company starts later, and is off until then
	switch m.Mode {
	case tenant.DefaultOff:
	case tenant.DefaultOn:
		if begun && !off && !own && !planned {
			d.because("policy.on_by_default", "Vendor", by)
			return true
		}
	default: // mandatory, and any mode that this version does not know
		if begun {
			d.mandated(m, by)
			return true
		}
		d.Announced, d.AnnouncedBy = m.From, by
		d.because("policy.announced", "Vendor", by, "From", m.From)
	}
	if own {
		d.because("policy.company_switched_on", "Company", in.Tenant.Name, "Since", in.Tenant.SwitchedOnAt)
		return true
	}
	d.because("policy.off", "Company", in.Tenant.Name)
	return false
}

func (d *Decision) mandated(m tenant.Mandate, by string) {
	if m.From.IsZero() {
		d.because("policy.mandate_always", "Vendor", by)
		return
	}
	d.because("policy.mandate", "Vendor", by, "Since", m.From)
}

// need is the weakest level that is enough. Where an app asks for a second step, it gets no
// less than the account's protection level.
func need(in Input, floor Level) Level {
	if len(in.Want) == 0 {
		return floor
	}
	weakest := None
	for _, w := range in.Want {
		if w.Known() && (weakest == None || weakest.AtLeast(w)) {
			weakest = w
		}
	}
	if weakest == None { // only levels that no one can reach
		return in.Want[0]
	}
	if weakest.AtLeast(EmailConfirmed) && !weakest.AtLeast(in.Protection()) {
		weakest = in.Protection()
	}
	if weakest.AtLeast(floor) {
		return weakest
	}
	return floor
}

// missing offers what would be enough, asks for the set-up of a method, or denies.
func (d Decision) missing(in Input) Decision {
	shown := in.Proofs // what was ruled out still opens the set-up of something allowed
	in.Proofs = in.counted()
	d.Offer = in.enough(in.Has, d.Need)
	if len(d.Offer) > 0 {
		d.Outcome = Challenge
		if !d.Required {
			d.because("policy.app_wants", "App", in.AppName)
		}
		return d
	}
	if d.SetUp = in.enough(in.Bindable, d.Need); len(d.SetUp) > 0 {
		in.Proofs = shown
		return d.toSetUp(in)
	}
	return d.deny(in)
}

func (d Decision) deny(in Input) Decision {
	enrollable := len(d.SetUp) > 0
	d.Outcome, d.SetUp = Deny, nil
	d.because("policy.nothing_strong_enough")
	opens, _ := in.opens(in.Now)
	d.NeedsAdmin = in.Protection() == TwoFactor && (len(opens) == 0 || d.Need == TwoFactor)
	if enrollable && !d.NeedsAdmin {
		d.SetUpFrom = in.SetUpFrom(in.Now)
	}
	return d
}

// enough lists the kinds, strongest first, with which one more proof would reach need. Each kind counts with its best
// proof, such as a key that verifies its user.
func (in Input) enough(kinds []authenticator.Kind, need Level) (out []authenticator.Kind) {
	for _, k := range authenticator.SecondSteps {
		if !slices.Contains(kinds, k) || !in.mayUse(k) {
			continue
		}
		if Reached(append(slices.Clone(in.Proofs), best(k))).AtLeast(need) {
			out = append(out, k)
		}
	}
	return out
}

// mayUse is allows with one exception: the mailbox of an account that has nothing stronger may also be used after a
// report that someone knows the password, until a deadline for set-up, and before people change their own account.
func (in Input) mayUse(k authenticator.Kind) bool {
	return in.allows(k) || k == authenticator.Email && in.Protection() == EmailConfirmed &&
		(in.PasswordFlagged || in.OwnPages || !in.deadline().IsZero())
}

// toSetUp leads to the set-up of a method after a new proof at the account's protection
// level. A password alone never binds anything (SEC-40), and neither does a mailbox where there
// is a second factor in any state (SEC-39).
func (d Decision) toSetUp(in Input) Decision {
	in.Proofs = slices.DeleteFunc(slices.Clone(in.Proofs), func(p authenticator.Proof) bool {
		return p.Kind != authenticator.Password && p.At.Before(in.SetUpAfter)
	})
	opens, level := in.opens(in.Now)
	switch {
	case Reached(in.Proofs).AtLeast(level):
		d.Outcome = SetUp
	case len(opens) == 0:
		return d.deny(in)
	default:
		d.Outcome, d.Offer, d.ForSetUp = Challenge, opens, true
	}
	d.because("policy.set_up_first", "Company", in.Tenant.Name)
	return d
}

// rememberDays is the shorter of what vendor and company allow.
func rememberDays(in Input) int {
	days := in.Tenant.Ceiling.Days.Of(max(in.InstallationDays, 0))
	if in.Tenant.RememberDays != tenant.InheritDays {
		days = min(days, max(in.Tenant.RememberDays, 0))
	}
	return min(days, tenant.MaxRememberDays)
}

func (d *Decision) because(key string, args ...any) {
	d.Because = append(d.Because, Reason{Key: key, Args: args})
}
