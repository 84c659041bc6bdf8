package policy

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

// shown are all proofs that someone can give.
var shown = append(slices.Clone(authenticator.SecondSteps),
	authenticator.Password, authenticator.Passkey+authenticator.UserVerified)

// randomInput draws rules and an account.
func randomInput(t *rapid.T) Input {
	at := rapid.SampledFrom([]time.Time{{}, now.Add(-time.Minute), now, now.Add(time.Minute)})
	modes := []tenant.Mode{tenant.Inherit, tenant.DefaultOff, tenant.DefaultOn, tenant.Mandatory}
	mode := rapid.SampledFrom(modes)
	some := func(name string) []authenticator.Kind {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(authenticator.SecondSteps), 0, 3, rapid.ID).Draw(t, name)
	}
	methods := func(name string) (m tenant.Methods) {
		for _, k := range some(name) {
			m += tenant.Methods(k) + " "
		}
		if m, err := m.Clean(); err == nil {
			return m
		}
		return "" // backup codes alone are not allowed
	}
	in := Input{
		Now:              now,
		InstallationDays: rapid.IntRange(-1, 3).Draw(t, "days"),
		Installation:     tenant.Mandate{Mode: mode.Draw(t, "mode"), From: at.Draw(t, "from")},
		Methods:          methods("vendor's"),
		OwnChoice:        rapid.Bool().Draw(t, "chosen"),
		OwnPages:         rapid.Bool().Draw(t, "own pages"),
		AppExemptUntil:   at.Draw(t, "exempt"),
		PasswordFlagged:  rapid.Bool().Draw(t, "flagged"),
		Bindable:         some("bindable"),
		Role:             rapid.SampledFrom([]string{"owner", "supervisor", "agent", "newer"}).Draw(t, "role"),
		Tenant: tenant.Tenant{
			Mandate:       tenant.Mandate{Mode: mode.Draw(t, "own"), From: at.Draw(t, "own from")},
			SwitchedOnAt:  at.Draw(t, "on"),
			SwitchedOffAt: at.Draw(t, "off"),
			RememberDays:  rapid.IntRange(-1, 3).Draw(t, "own days"),
			Methods:       methods("company's"),
			SetUpBy:       at.Draw(t, "set up by"),
			SetUpDays:     rapid.IntRange(0, 2).Draw(t, "days for newcomers"),
			SetUpLaters:   rapid.IntRange(0, 2).Draw(t, "limit"),
			Choice:        rapid.SampledFrom([]tenant.Choice{tenant.Required, tenant.Optional}).Draw(t, "choice"),
			Roles: rapid.SampledFrom([]tenant.Roles{"", "owner admin", "owner admin agent", "newer",
				"owner admin newer", "owner admin supervisor"}).Draw(t, "roles"),
		},
		Account: Account{
			Has:           append(some("has"), authenticator.Password),
			Lost:          some("lost"),
			FirstFactorAt: at.Draw(t, "first"),
			ReleasedAt:    at.Draw(t, "released"),
			RecoveryUntil: at.Draw(t, "recovery"),
			SetUpBy:       at.Draw(t, "own deadline"),
			NewcomerUntil: at.Draw(t, "newcomer's time"),
			Newcomer:      rapid.Bool().Draw(t, "newcomer"),
			LatersUsed:    rapid.IntRange(0, 2).Draw(t, "used"),
			ResetAt:       at.Draw(t, "reset"),
		},
	}
	return in
}

// TestWeakestIsTheWeakest compares the search with a simulation of every sign-in of up to four proofs.
func TestWeakestIsTheWeakest(t *testing.T) {
	opened, denied := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		lowest, some := simulate(in)
		got, found := Weakest(in)
		if found != some || got.Level != lowest {
			t.Fatalf("found %v %+v, simulated %v %q", found, got, some, lowest)
		}
		if !found {
			denied++
			return
		}
		opened++
		if level, ok := signIn(in, got.Proofs, got.Remembered); !ok || level != got.Level {
			t.Fatalf("%+v leads to %q, %v", got, level, ok)
		}
	})
	if opened == 0 || denied == 0 {
		t.Errorf("%d accounts open, %d do not: the policies are not varied", opened, denied)
	}
}

// simulate tries every order of up to four proofs.
func simulate(in Input) (lowest Level, some bool) {
	var try func(proofs []authenticator.Kind)
	try = func(proofs []authenticator.Kind) {
		for _, remembered := range []bool{false, true} {
			level, ok := signIn(in, proofs, remembered)
			if ok && (!some || lowest.AtLeast(level)) {
				lowest, some = level, true
			}
		}
		for _, k := range shown {
			if len(proofs) < 4 && !slices.Contains(proofs, k) {
				try(append(slices.Clone(proofs), k))
			}
		}
	}
	try(nil)
	return lowest, some
}

// signIn gives proofs to a sign-in one by one, and reports the level of the session that it ends in, if it does. A
// browser is remembered only where a company lets it.
func signIn(in Input, proofs []authenticator.Kind, remembered bool) (Level, bool) {
	in.Proofs, in.Want = nil, nil
	if in.RememberedUntil = (time.Time{}); remembered {
		if Evaluate(in).RememberDays == 0 {
			return None, false
		}
		in.RememberedUntil, in.RememberedSince = now.Add(time.Second), now
	}
	setUp := false
	for i, k := range proofs {
		d := Evaluate(in)
		switch {
		case i == 0 && k == authenticator.Password:
		case i == 0 && k == authenticator.Passkey+authenticator.UserVerified && slices.Contains(in.Has, k.Base()):
		case i > 0 && d.Outcome == Challenge && slices.Contains(d.Offer, k.Base()):
		case i > 0 && d.Outcome == SetUp && slices.Contains(d.SetUp, k.Base()) && k == best(k.Base()).Kind && !setUp:
			setUp = true
			in.Has = append(slices.Clone(in.Has), k.Base())
			if Factor(k.Base()) && in.FirstFactorAt.IsZero() {
				in.FirstFactorAt = now
			}
		default:
			return None, false
		}
		in.Proofs = append(slices.Clone(in.Proofs), authenticator.Proof{Kind: k, At: now})
	}
	d := Evaluate(in)
	return d.Level, len(proofs) > 0 && d.Outcome == Allow
}

func TestWeakestInWords(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*Input)
		proofs  []authenticator.Kind
		mailbox bool
		setUp   authenticator.Kind
		level   Level
	}{
		{"off", func(*Input) {}, []authenticator.Kind{authenticator.Password}, true, "", PasswordOnly},
		{"required, mailbox only", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.InstallationDays = past, 0
		}, both, true, "", EmailConfirmed},
		{"required, with an app", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.InstallationDays = past, 0
			in.Has = append(slices.Clone(both), authenticator.TOTP)
		}, []authenticator.Kind{authenticator.Password, authenticator.TOTP}, false, "", TwoFactor},
		{"a method stronger than mail is set up through the mailbox", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.InstallationDays, in.Tenant.Methods = past, 0, "totp"
		}, append(slices.Clone(both), authenticator.TOTP), true, authenticator.TOTP, TwoFactor},
	} {
		p, found := Weakest(input(tc.change))
		if !found || !slices.Equal(p.Proofs, tc.proofs) || p.MailboxAlone() != tc.mailbox || p.Level != tc.level ||
			p.SetUp != tc.setUp {
			t.Errorf("%s: %+v, mailbox alone %v", tc.name, p, p.MailboxAlone())
		}
	}
	remembered, found := Weakest(input(func(in *Input) {
		in.Tenant.SwitchedOnAt = past
		in.Has = append(slices.Clone(both), authenticator.TOTP)
	}))
	if !found || !remembered.Remembered || remembered.Level != PasswordOnly || remembered.MailboxAlone() {
		t.Errorf("a remembered browser: %+v", remembered)
	}
}

// TestAlikeAccountsAreTreatedAlike whatever the instants in them are.
func TestAlikeAccountsAreTreatedAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		in.ResetAt = rapid.SampledFrom([]time.Time{
			{},
			now.Add(-ResetWait - time.Second),
			now.Add(-ResetWait),
			now.Add(-ResetWait + time.Second),
			now,
		}).Draw(t, "reset")
		want, found := Weakest(in)
		in.Account = in.Account.Alike(now)
		if got, still := Weakest(in); still != found || got.Level != want.Level || got.Remembered != want.Remembered {
			t.Fatalf("%+v, coarse %+v", want, got)
		}
	})
}
