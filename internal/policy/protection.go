package policy

import (
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// Account is what policy knows of one account, whatever the company's settings are.
type Account struct {
	Has           []authenticator.Kind // set up and in working order, whether allowed or not
	Lost          []authenticator.Kind // set up, and disabled after wrong answers or suspended after a report
	FirstFactorAt time.Time            // when it got its first second factor; never cleared
	ReleasedAt    time.Time            // when its owner, having shown a second factor, removed the last one
	RecoveryUntil time.Time            // until then people above the person let them set up again; zero = not
	SetUpBy       time.Time            // its own deadline for set-up; zero = none stored yet
	NewcomerUntil time.Time            // the end of its time as a newcomer, not after SetUpBy; zero = none stored
	Newcomer      bool                 // no sign-in of it has finished yet
	LatersUsed    int                  // how many sign-ins it has finished, under a limit, before a set-up
	ExemptUntil   time.Time            // until then an administrator lets it do without a method; zero = not
	// when its password was last set through a mailed reset link; zero = never, or people decided since
	ResetAt time.Time
}

// ResetWait is how long after a reset of the password by mail the mailbox opens no set-up:
// the reset link and the code come from the same mailbox and are one proof.
const ResetWait = 24 * time.Hour

// Protection is the protection level of the account: what a session needs where a second
// step applies, and what a change to the account always needs. No mailbox, date or setting
// lowers it. It is TwoFactor where a second factor is set up in any state (ruled out,
// disabled, suspended) or was lost other than by its owner's own removal; else Confirmed.
// A passkey does not raise it further.
func (a Account) Protection() Level {
	if a.holdsFactor() || a.orphaned() {
		return TwoFactor
	}
	return EmailConfirmed
}

// Factor reports whether a kind of authenticator protects an account. Backup codes stand in
// for such a method and are none.
func Factor(k authenticator.Kind) bool {
	return k != authenticator.Backup && authenticator.TraitsOf[k].Possession
}

// holdsFactor reports whether a second factor is set up, in whatever state.
func (a Account) holdsFactor() bool {
	return slices.ContainsFunc(a.Has, Factor) || slices.ContainsFunc(a.Lost, Factor)
}

// orphaned reports whether the account once had a second factor and lost it otherwise than by
// its owner's removal: a reset, an import, a restore. Only people open it again.
func (a Account) orphaned() bool {
	return !a.holdsFactor() && !a.FirstFactorAt.IsZero() && a.ReleasedAt.IsZero()
}

// SetUpFrom is when an account without a second factor may set one up, where that is not now:
// ResetWait after its password was reset by mail. It is zero for every other account, also
// for one that holds a factor, because the proof of that factor is asked for.
func (a Account) SetUpFrom(now time.Time) time.Time {
	from := a.ResetAt.Add(ResetWait)
	if a.ResetAt.IsZero() || a.holdsFactor() || !now.Before(from) {
		return time.Time{}
	}
	return from
}

// opens lists what opens the set-up of a method, and the level that must be reached with it:
// any second factor in working order, whether allowed or not; for an account that never had
// one the mailbox; for one that lost them the mailbox too, as long as people let it. Within
// ResetWait of a reset by mail the mailbox opens neither.
func (a Account) opens(now time.Time) ([]authenticator.Kind, Level) {
	switch {
	case a.holdsFactor():
		return slices.DeleteFunc(slices.Clone(authenticator.SecondSteps), func(k authenticator.Kind) bool {
			return !authenticator.TraitsOf[k].Possession || !slices.Contains(a.Has, k)
		}), TwoFactor
	case a.orphaned() && !now.Before(a.RecoveryUntil):
		return nil, TwoFactor
	case !a.SetUpFrom(now).IsZero():
		return nil, TwoFactor
	case slices.Contains(a.Has, authenticator.Email):
		return []authenticator.Kind{authenticator.Email}, EmailConfirmed
	}
	return nil, TwoFactor
}

// deadline is until when this account may do without an allowed method, by showing the
// mailbox: its time before a set-up, as long as no limit of sign-ins is used up, or the end of an
// exemption, and at most tenant.MaxSetUp ahead. It is for accounts that never had a second factor.
func (in Input) deadline() time.Time {
	if a := in.Account; a.holdsFactor() || !a.FirstFactorAt.IsZero() {
		return time.Time{}
	}
	by := in.setUpTime()
	if in.latersUsedUp() {
		by = time.Time{}
	}
	if in.ExemptUntil.After(by) {
		by = in.ExemptUntil
	}
	if latest := in.Now.Add(tenant.MaxSetUp); by.After(latest) {
		by = latest
	}
	if !in.Now.Before(by) {
		return time.Time{}
	}
	return by
}

// setUpTime is the later of the company's date, never later than what was stored for the person, and of the end of
// their own time as a newcomer.
func (in Input) setUpTime() time.Time {
	by := in.Tenant.SetUpBy
	if stored := in.Account.SetUpBy; !stored.IsZero() && stored.Before(by) {
		by = stored
	}
	if own := in.newcomerUntil(); own.After(by) {
		by = own
	}
	return by
}

// newcomerUntil is the end of a newcomer's own time: what was stored at their first sign-in, whatever the company says
// since, else the company's number of days from now. Someone for whom a date is stored already gets none.
func (in Input) newcomerUntil() time.Time {
	switch stored := in.Account.SetUpBy; {
	case !stored.IsZero() && in.NewcomerUntil.After(stored):
		return stored
	case !stored.IsZero():
		return in.NewcomerUntil
	case in.startsNewcomerTime():
		return in.Now.Add(time.Duration(min(in.Tenant.SetUpDays, tenant.MaxSetUpDays)) * 24 * time.Hour)
	}
	return time.Time{}
}

// startsNewcomerTime reports whether a sign-in now is the first of a newcomer whom the company gives time of their own.
func (in Input) startsNewcomerTime() bool {
	return in.Newcomer && in.Tenant.SetUpDays > 0 && in.Account.SetUpBy.IsZero()
}

// mustSetUp reports whether the company requires a method that someone without one has to set up.
func (in Input) mustSetUp() bool {
	return !in.decidesThemself() && !in.holdsFactor() && !in.allows(authenticator.Email)
}

// latersUsedUp reports whether the company limits how many sign-ins may finish before a set-up, and none is left. A
// session was counted when it was opened, so that the last one lives on.
func (in Input) latersUsedUp() bool { return in.limited() && !in.InSession && in.latersLeft() == 0 }

// limited reports whether the company limits how many sign-ins may finish before a set-up.
func (in Input) limited() bool { return in.Tenant.SetUpLaters > 0 }

func (in Input) latersLeft() int { return max(in.Tenant.SetUpLaters-in.LatersUsed, 0) }

// WithoutTimeToSetUp is the input where nothing postpones a set-up: no date, no time of a newcomer and no exemption.
func (in Input) WithoutTimeToSetUp() Input {
	in.Tenant.SetUpBy, in.Tenant.SetUpDays = time.Time{}, 0
	in.NewcomerUntil, in.ExemptUntil = time.Time{}, time.Time{}
	return in
}

// Alike is the account with its instants made coarse, so that all that policy treats alike at now are equal.
func (a Account) Alike(now time.Time) Account {
	coarse := func(at, edge time.Time) time.Time {
		switch {
		case at.IsZero():
			return at
		case at.After(edge):
			return edge.Add(time.Hour)
		}
		return edge
	}
	a.FirstFactorAt, a.ReleasedAt = coarse(a.FirstFactorAt, now), coarse(a.ReleasedAt, now)
	a.RecoveryUntil, a.SetUpBy = coarse(a.RecoveryUntil, now), coarse(a.SetUpBy, now)
	a.NewcomerUntil = coarse(a.NewcomerUntil, now)
	a.ResetAt, a.ExemptUntil = coarse(a.ResetAt, now.Add(-ResetWait)), coarse(a.ExemptUntil, now)
	return a
}
