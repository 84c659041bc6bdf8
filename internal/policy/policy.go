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
	InstallationDays int // ceiling for remembered browsers
	Tenant           tenant.Tenant
	AppName          string
	AppExemptUntil   time.Time // zero = covered
	PasswordFlagged  bool      // somebody else is said to know the password
	Want             []Level   // any one of these is enough for the client; empty = no wish
	Has              []authenticator.Kind
	Proofs           []authenticator.Proof
	RememberedUntil  time.Time // this browser, this user, this client; zero = not remembered
	RememberedSince  time.Time // its last real second step
}

// Outcome says what happens next.
type Outcome string

// The outcomes.
const (
	Allow     Outcome = "allow"
	Challenge Outcome = "challenge"
	Deny      Outcome = "deny" // nothing this user has can be enough
)

// Reason is one sentence of the explanation: a catalogue key and its arguments.
type Reason struct {
	Key  string
	Args []any
}

// Decision is the answer.
type Decision struct {
	Outcome      Outcome
	Required     bool                 // a second step is required here, whether or not it was shown
	Offer        []authenticator.Kind // what may be used next
	Level        Level                // reached so far
	Need         Level                // what is missing, when Outcome is not Allow
	RememberDays int                  // how long this browser may be remembered; 0 = not at all
	Announced    time.Time            // a requirement that is not in force yet; zero = none
	AnnouncedBy  string
	Because      []Reason
}

// Evaluate answers one question: is this enough, and if not, what next?
func Evaluate(in Input) Decision {
	d := Decision{Level: Reached(in.Proofs), RememberDays: rememberDays(in)}
	required := d.required(in)
	d.Required = required
	remembered := required && in.RememberedUntil.After(in.Now) && !in.PasswordFlagged && d.RememberDays > 0 &&
		in.Now.Before(in.RememberedSince.AddDate(0, 0, d.RememberDays))
	if remembered {
		d.because("policy.remembered", "Since", in.RememberedSince, "Until", in.RememberedUntil)
	}
	d.Need = need(in, required && !remembered)
	if d.Level.AtLeast(d.Need) {
		d.Outcome, d.Need = Allow, None
		return d
	}
	return d.missing(in)
}

// required says whether a second step applies, and why.
func (d *Decision) required(in Input) bool {
	on := d.switchedOn(in)
	if on && in.AppExemptUntil.After(in.Now) {
		on = false
		if in.AppExemptUntil.Equal(forever) {
			d.because("policy.app_exempt", "App", in.AppName)
		} else {
			d.because("policy.app_exempt_until", "App", in.AppName, "Until", in.AppExemptUntil)
		}
	}
	if in.PasswordFlagged {
		d.because("policy.password_reported")
		return true
	}
	return on
}

var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// switchedOn walks the authority ladder: the vendor's mandate first, then the company's
// own switch, which may add to it and never take away.
func (d *Decision) switchedOn(in Input) bool {
	m, by := in.Installation, in.Vendor
	if in.Tenant.Mandate.Mode != tenant.Inherit {
		m = in.Tenant.Mandate
	}
	begun := !in.Now.Before(m.From)
	own := !in.Tenant.SwitchedOnAt.IsZero() && !in.Now.Before(in.Tenant.SwitchedOnAt)
	off := !in.Tenant.SwitchedOffAt.IsZero() && !in.Now.Before(in.Tenant.SwitchedOffAt)
	switch m.Mode {
	case tenant.DefaultOff:
	case tenant.DefaultOn:
		if begun && !off && !own {
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

// need is the weakest level that is enough.
func need(in Input, secondStep bool) Level {
	floor := PasswordOnly
	if secondStep {
		floor = Confirmed
	}
	if len(in.Want) == 0 {
		return floor
	}
	weakest := None
	for _, w := range in.Want {
		if w.Known() && (weakest == None || weakest.AtLeast(w)) {
			weakest = w
		}
	}
	if weakest == None { // only levels that nobody can reach
		return in.Want[0]
	}
	if weakest.AtLeast(floor) {
		return weakest
	}
	return floor
}

// missing offers what would be enough, or denies.
func (d Decision) missing(in Input) Decision {
	for _, k := range in.Has {
		with := append(slices.Clone(in.Proofs), authenticator.Proof{Kind: k})
		if Reached(with).AtLeast(d.Need) && !slices.Contains(d.Offer, k) {
			d.Offer = append(d.Offer, k)
		}
	}
	if len(d.Offer) == 0 {
		d.Outcome = Deny
		d.because("policy.nothing_strong_enough", "Level", string(d.Need))
		return d
	}
	d.Outcome = Challenge
	if !d.Required {
		d.because("policy.app_wants", "App", in.AppName, "Level", string(d.Need))
	}
	return d
}

// rememberDays is the shorter of what vendor and company allow.
func rememberDays(in Input) int {
	days := max(in.InstallationDays, 0)
	if in.Tenant.RememberDays != tenant.InheritDays {
		days = min(days, max(in.Tenant.RememberDays, 0))
	}
	return min(days, tenant.MaxRememberDays)
}

func (d *Decision) because(key string, args ...any) {
	d.Because = append(d.Because, Reason{Key: key, Args: args})
}
