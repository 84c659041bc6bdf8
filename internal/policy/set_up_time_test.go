package policy

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// beforeSetUp is what is decided of someone who has shown password and mailbox, and whose company allows an app only.
func beforeSetUp(change func(*Input)) Decision {
	return Evaluate(input(func(in *Input) {
		in.Tenant.SwitchedOnAt, in.Tenant.Methods = past, "totp"
		in.Proofs = pwdEmail
		change(in)
	}))
}

// TestNewcomersHaveTimeOfTheirOwn from their first sign-in: what is stored then is never moved, and the company's date
// serves them as well as everyone else.
func TestNewcomersHaveTimeOfTheirOwn(t *testing.T) {
	days := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	newcomer := func(in *Input) { in.Tenant.SetUpDays, in.Newcomer = 14, true }
	stored := func(at time.Time, tenantDays int) func(*Input) {
		return func(in *Input) {
			in.Tenant.SetUpDays, in.Account.SetUpBy, in.NewcomerUntil = tenantDays, at, at
		}
	}
	for _, c := range []struct {
		name   string
		change func(*Input)
		by     time.Time
		reason string
	}{
		{"at the first sign-in", newcomer, days(14), "policy.newcomer_days"},
		{"was there before", func(in *Input) { in.Tenant.SetUpDays = 14 }, time.Time{}, "policy.set_up_first"},
		{"no days", func(in *Input) { in.Newcomer = true }, time.Time{}, "policy.set_up_first"},
		{"stored", stored(days(5), 14), days(5), "policy.newcomer"},
		{"stored, and the days were raised", stored(days(5), 90), days(5), "policy.newcomer"},
		{"stored, and the days were lowered", stored(days(5), 1), days(5), "policy.newcomer"},
		{"stored, and newcomers have no time any more", stored(days(5), 0), days(5), "policy.newcomer"},
		{"stored and over", stored(past, 14), time.Time{}, "policy.set_up_first"},
		{"stored and over, and counted as a newcomer", func(in *Input) { stored(past, 14)(in); newcomer(in) },
			time.Time{}, "policy.set_up_first"},
		{"stored by the company's date, which is gone", func(in *Input) {
			newcomer(in)
			in.Account.SetUpBy = days(5)
		}, time.Time{}, "policy.set_up_first"},
		{"the company's date is later", func(in *Input) { newcomer(in); in.Tenant.SetUpBy = days(20) },
			days(20), "policy.set_up_by"},
		{"the company's date is earlier", func(in *Input) { newcomer(in); in.Tenant.SetUpBy = days(2) },
			days(14), "policy.newcomer_days"},
		{"more days than there may be", func(in *Input) { newcomer(in); in.Tenant.SetUpDays = 4000 },
			now.Add(tenant.MaxSetUp), "policy.newcomer_days"},
		{"had a method once", func(in *Input) { newcomer(in); in.FirstFactorAt, in.ReleasedAt = past, past },
			time.Time{}, "policy.set_up_first"},
		{"has a ruled-out method", func(in *Input) {
			newcomer(in)
			in.Has = append(slices.Clone(both), authenticator.SMS)
		}, time.Time{}, "policy.set_up_first"},
	} {
		d := beforeSetUp(c.change)
		if !d.SetUpBy.Equal(c.by) || (d.Outcome == Allow) != !c.by.IsZero() ||
			!slices.ContainsFunc(d.Because, func(r Reason) bool { return r.Key == c.reason }) {
			t.Errorf("%s: %s until %s, %+v; want %s", c.name, d.Outcome, d.SetUpBy, d.Because, c.by)
		}
		c := c
		alone := beforeSetUp(func(in *Input) { c.change(in); in.Proofs = pwd })
		if alone.Outcome == Allow {
			t.Errorf("%s: the password alone opens", c.name)
		}
	}
}

// TestSignInsBeforeSetUpAreLimited: when they are used up, set-up comes first even before the date. A session that is
// open goes on, and an exemption is no sign-in of these.
func TestSignInsBeforeSetUpAreLimited(t *testing.T) {
	limited := func(used int) func(*Input) {
		return func(in *Input) { in.Tenant.SetUpBy, in.Tenant.SetUpLaters, in.LatersUsed = future, 2, used }
	}
	for _, c := range []struct {
		name   string
		change func(*Input)
		opens  bool
		left   int
	}{
		{"two left", limited(0), true, 2},
		{"one left", limited(1), true, 1},
		{"none left", limited(2), false, 0},
		{"more used than the limit is now", limited(9), false, 0},
		{"none left, in an open session", func(in *Input) { limited(2)(in); in.InSession = true }, true, 0},
		{"none left, in a session after the date", func(in *Input) {
			limited(2)(in)
			in.InSession, in.Tenant.SetUpBy = true, past
		}, false, 0},
	} {
		d := beforeSetUp(c.change)
		if (d.Outcome == Allow) != c.opens || d.Limited != c.opens || d.LatersLeft != c.left {
			t.Errorf("%s: %s, %d left, limited %t, %+v", c.name, d.Outcome, d.LatersLeft, d.Limited, d.Because)
		}
	}
	if d := beforeSetUp(limited(2)); d.Outcome != SetUp ||
		!slices.ContainsFunc(d.Because, func(r Reason) bool { return r.Key == "policy.laters_used" }) {
		t.Errorf("used up: %+v", d)
	}
	exempt := beforeSetUp(func(in *Input) { limited(2)(in); in.ExemptUntil = future.Add(time.Hour) })
	if exempt.Outcome != Allow || !exempt.Exempt || exempt.Limited {
		t.Errorf("an exemption: %+v", exempt)
	}
	newcomer := beforeSetUp(func(in *Input) {
		in.Tenant.SetUpDays, in.Newcomer, in.Tenant.SetUpLaters, in.LatersUsed = 7, true, 2, 2
	})
	if newcomer.Outcome == Allow {
		t.Errorf("a newcomer's time is renewed by nothing: %+v", newcomer)
	}
}
