package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/internal/authenticator"
	"countersign/internal/tenant"
)

var (
	now      = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	past     = now.Add(-time.Hour)
	future   = now.Add(time.Hour)
	pwd      = []authenticator.Proof{{Kind: authenticator.Password, At: now}}
	pwdEmail = []authenticator.Proof{{Kind: authenticator.Password, At: now}, {Kind: authenticator.Email, At: now}}
	pwdApp   = []authenticator.Proof{{Kind: authenticator.Password, At: now}, {Kind: authenticator.TOTP, At: now}}
	both     = []authenticator.Kind{authenticator.Password, authenticator.Email}
)

func input(change func(*Input)) Input {
	in := Input{
		Now: now, Vendor: "Vendor", AppName: "App", InstallationDays: 30, Account: Account{Has: both}, Proofs: pwd,
		Bindable:     []authenticator.Kind{authenticator.TOTP, authenticator.Passkey, authenticator.SMS},
		Installation: tenant.Mandate{Mode: tenant.DefaultOff},
		Tenant:       tenant.Tenant{Name: "Company", RememberDays: tenant.InheritDays},
	}
	change(&in)
	return in
}

func TestEvaluate(t *testing.T) {
	mandatory := tenant.Mandate{Mode: tenant.Mandatory}
	table := []struct {
		name   string
		change func(*Input)
		want   Outcome
		key    string // a reason that must be given
	}{
		{"nothing decided", func(in *Input) {}, Allow, "policy.off"},
		{"mandate for all", func(in *Input) { in.Installation = mandatory }, Challenge, "policy.mandate_always"},
		{"mandate from the past", func(in *Input) { in.Installation = mandatory; in.Installation.From = past },
			Challenge, "policy.mandate"},
		{"mandate from this very instant", func(in *Input) { in.Installation = mandatory; in.Installation.From = now },
			Challenge, "policy.mandate"},
		{"mandate from the future", func(in *Input) { in.Installation = mandatory; in.Installation.From = future },
			Allow, "policy.announced"},
		{"mandate for the tenant", func(in *Input) { in.Tenant.Mandate = mandatory }, Challenge,
			"policy.mandate_always"},
		{"tenant spared from a mandate for all",
			func(in *Input) { in.Installation = mandatory; in.Tenant.Mandate.Mode = tenant.DefaultOff },
			Allow, "policy.off"},
		{"mandate met", func(in *Input) { in.Installation = mandatory; in.Proofs = pwdEmail }, Allow,
			"policy.mandate_always"},
		{"company switched on", func(in *Input) { in.Tenant.SwitchedOnAt = past }, Challenge,
			"policy.company_switched_on"},
		{"company adds to a mandate of the future", func(in *Input) {
			in.Installation = mandatory
			in.Installation.From = future
			in.Tenant.SwitchedOnAt = past
		}, Challenge, "policy.company_switched_on"},
		{"company cannot switch a mandate off",
			func(in *Input) { in.Installation = mandatory; in.Tenant.SwitchedOffAt = past }, Challenge,
			"policy.mandate_always"},
		{"on by default", func(in *Input) { in.Installation.Mode = tenant.DefaultOn }, Challenge,
			"policy.on_by_default"},
		{"on by default, switched off",
			func(in *Input) { in.Installation.Mode = tenant.DefaultOn; in.Tenant.SwitchedOffAt = past },
			Allow, "policy.off"},
		{"on by default, switched on from a later day",
			func(in *Input) { in.Installation.Mode = tenant.DefaultOn; in.Tenant.SwitchedOnAt = future },
			Allow, "policy.off"},
		{"on by default, switched on from now",
			func(in *Input) { in.Installation.Mode = tenant.DefaultOn; in.Tenant.SwitchedOnAt = now },
			Challenge, "policy.company_switched_on"},
		{"required, switched on from a later day",
			func(in *Input) { in.Installation = mandatory; in.Tenant.SwitchedOnAt = future },
			Challenge, "policy.mandate_always"},
		{"a mode of a newer version", func(in *Input) { in.Installation.Mode = "mandatory_for_owners" }, Challenge,
			"policy.mandate_always"},
		{"exempt for good", func(in *Input) { in.Installation = mandatory; in.AppExemptUntil = forever }, Allow,
			"policy.app_exempt"},
		{"exempt until later", func(in *Input) { in.Installation = mandatory; in.AppExemptUntil = future }, Allow,
			"policy.app_exempt_until"},
		{"exemption over at this instant", func(in *Input) { in.Installation = mandatory; in.AppExemptUntil = now },
			Challenge, "policy.mandate_always"},
		{"remembered", func(in *Input) {
			in.Installation = mandatory
			in.RememberedSince, in.RememberedUntil = past,
				future
		}, Allow, "policy.remembered"},
		{"memory over at this instant",
			func(in *Input) { in.Installation = mandatory; in.RememberedSince, in.RememberedUntil = past, now },
			Challenge, "policy.mandate_always"},
		{"remembered, forbidden since", func(in *Input) {
			in.Installation = mandatory
			in.RememberedSince, in.RememberedUntil = past, future
			in.Tenant.RememberDays = 0
		}, Challenge, "policy.mandate_always"},
		{"remembered longer than allowed since", func(in *Input) {
			in.Installation = mandatory
			in.RememberedSince, in.RememberedUntil = now.AddDate(0, 0, -8), future
			in.Tenant.RememberDays = 7
		}, Challenge, "policy.mandate_always"},
		{"password reported, app exempt", func(in *Input) { in.PasswordFlagged = true; in.AppExemptUntil = forever },
			Challenge, "policy.password_reported"},
		{"password reported, browser remembered", func(in *Input) {
			in.Installation = mandatory
			in.PasswordFlagged = true
			in.RememberedSince, in.RememberedUntil = past, future
		}, Challenge, "policy.password_reported"},
		{"no mailbox", func(in *Input) { in.Installation = mandatory; in.Has = both[:1] }, Deny,
			"policy.nothing_strong_enough"},
		{"client wants what email gives", func(in *Input) { in.Want = []Level{EmailConfirmed} }, Challenge,
			"policy.app_wants"},
		{"client wants more than may be", func(in *Input) { in.Want = []Level{TwoFactor}; in.Methods = "email" }, Deny,
			"policy.nothing_strong_enough"},
		{"client wants more than there is", func(in *Input) { in.Want = []Level{TwoFactor} }, Challenge,
			"policy.set_up_first"},
		{"client wants more than can be set up here",
			func(in *Input) { in.Want = []Level{TwoFactor}; in.Bindable = nil }, Deny, "policy.nothing_strong_enough"},
		{"client wants more, mailbox shown", func(in *Input) { in.Want = []Level{TwoFactor}; in.Proofs = pwdEmail },
			SetUp, "policy.set_up_first"},
		{"client wants more, no mailbox to show", func(in *Input) { in.Want = []Level{TwoFactor}; in.Has = both[:1] },
			Deny, "policy.nothing_strong_enough"},
		{"app only, nothing set up", func(in *Input) { in.Tenant.SwitchedOnAt = past; in.Tenant.Methods = "totp" },
			Challenge, "policy.set_up_first"},
		{"app only, mailbox shown", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Proofs = pwdEmail
		}, SetUp, "policy.set_up_first"},
		{"app only, before the deadline", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy = future
		}, Challenge, "policy.set_up_by"},
		{"app only, before the deadline, mailbox shown", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy = future
			in.Proofs = pwdEmail
		}, Allow, "policy.set_up_by"},
		{"app only, before the company's deadline and past one's own", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy, in.Account.SetUpBy = future, past
			in.Proofs = pwdEmail
		}, SetUp, "policy.set_up_first"},
		{"app only, before the deadline, once had a second factor", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy, in.FirstFactorAt, in.ReleasedAt = future, past, past
			in.Proofs = pwdEmail
		}, SetUp, "policy.set_up_first"},
		{"app only, before the deadline, a ruled-out phone", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy = future
			in.Has = append(both, authenticator.SMS)
			in.Proofs = pwdEmail
		}, Challenge, "policy.set_up_first"},
		{"reset, mailbox shown", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.FirstFactorAt, in.RecoveryUntil = past, past, future
			in.Proofs = pwdEmail
		}, SetUp, "policy.set_up_first"},
		{"reset, too late", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.FirstFactorAt, in.RecoveryUntil = past, past, now
			in.Proofs = pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"lost everything, no reset", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.FirstFactorAt = past, past
			in.Proofs = pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"removed the last one, mailbox shown", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.FirstFactorAt, in.ReleasedAt = past, past, past
			in.Proofs = pwdEmail
		}, Allow, "policy.company_switched_on"},
		{"app wants what an email gives, app set up", func(in *Input) {
			in.Want, in.Proofs, in.Has = []Level{EmailConfirmed}, pwdEmail, append(both, authenticator.TOTP)
		}, Challenge, "policy.app_wants"},
		{"app only, at the deadline", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy = now
		}, Challenge, "policy.set_up_first"},
		{"app only, nothing set up, own pages ask for the mailbox", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Choice = past, tenant.Optional
			in.Tenant.Methods = "totp"
			in.OwnPages, in.Want = true, []Level{EmailConfirmed}
		}, Challenge, "policy.app_wants"},
		{"app only, nothing set up, mailbox shown to own pages", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Choice = past, tenant.Optional
			in.Tenant.Methods = "totp"
			in.OwnPages, in.Want, in.Proofs = true, []Level{EmailConfirmed}, pwdEmail
		}, Allow, "policy.optional"},
		{"app only, set up, mailbox shown to own pages", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Choice = past, tenant.Optional
			in.Tenant.Methods = "totp"
			in.Has = append(both, authenticator.TOTP)
			in.OwnPages, in.Want, in.Proofs = true, []Level{EmailConfirmed}, pwdEmail
		}, Challenge, "policy.optional"},
		{"app only and required, mailbox shown to own pages", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.OwnPages, in.Want, in.Proofs = true, []Level{EmailConfirmed}, pwdEmail
		}, SetUp, "policy.set_up_first"},
		{"app only, set up, before the deadline", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Tenant.SetUpBy = future
			in.Has = append(both, authenticator.TOTP)
		}, Challenge, "policy.company_switched_on"},
		{"app only, mailbox no longer counts", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "totp"
			in.Has = append(both, authenticator.TOTP)
			in.Proofs = pwdEmail
		}, Challenge, "policy.company_switched_on"},
		{"app allowed, mailbox too, app set up", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Has = append(both, authenticator.TOTP)
			in.Proofs = pwdEmail
		}, Challenge, "policy.company_switched_on"},
		{"app switched off, mailbox shown", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Lost = []authenticator.Kind{authenticator.TOTP}
			in.Proofs = pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"app switched off, mailbox shown to own pages", func(in *Input) {
			in.Lost = []authenticator.Kind{authenticator.TOTP}
			in.OwnPages, in.Want, in.Proofs = true, []Level{TwoFactor}, pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"app switched off, backup codes", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Has = append(both, authenticator.Backup)
			in.Lost = []authenticator.Kind{authenticator.TOTP}
			in.Proofs = pwdEmail
		}, Challenge, "policy.company_switched_on"},
		{"app switched off and ruled out", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Methods = "email"
			in.Lost = []authenticator.Kind{authenticator.TOTP}
			in.Proofs = pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"app shown", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Has = append(both, authenticator.TOTP)
			in.Proofs = pwdApp
		}, Allow, "policy.company_switched_on"},
		{"the company allows what the vendor does not", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Methods = "email"
			in.Tenant.Methods = "sms"
			in.Proofs = pwdEmail
		}, Deny, "policy.nothing_strong_enough"},
		{"a method of a newer version", func(in *Input) { in.Tenant.SwitchedOnAt = past; in.Tenant.Methods = "iris" },
			Deny, "policy.nothing_strong_enough"},
		{"each user decides, not yet",
			func(in *Input) { in.Tenant.SwitchedOnAt = past; in.Tenant.Choice = tenant.Optional }, Allow,
			"policy.optional"},
		{"each user decides, on", func(in *Input) {
			in.Tenant.SwitchedOnAt = past
			in.Tenant.Choice = tenant.Optional
			in.OwnChoice = true
		}, Challenge, "policy.own_choice"},
		{"each user decides, but the vendor requires it",
			func(in *Input) { in.Installation = mandatory; in.Tenant.Choice = tenant.Optional }, Challenge,
			"policy.mandate_always"},
		{"each user decides, and the vendor will require it", func(in *Input) {
			in.Installation = tenant.Mandate{Mode: tenant.Mandatory, From: future}
			in.Tenant.SwitchedOnAt, in.Tenant.Choice = past, tenant.Optional
		}, Allow, "policy.optional"},
		{"required of other roles", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Roles = past, "owner admin"
			in.Role = "agent"
		}, Allow, "policy.role_optional"},
		{"required of other roles, on", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Roles = past, "owner admin"
			in.Role, in.OwnChoice = "agent", true
		}, Challenge, "policy.own_choice"},
		{"required of this role", func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Roles = past, "owner admin agent"
			in.Role = "agent"
		}, Challenge, "policy.company_switched_on"},
		{"required of other roles, but the vendor requires it", func(in *Input) {
			in.Installation, in.Tenant.Roles, in.Role = mandatory, "owner admin", "agent"
		}, Challenge, "policy.mandate_always"},
		{"a choice of a newer version", func(in *Input) { in.Tenant.SwitchedOnAt = past; in.Tenant.Choice = "by_role" },
			Challenge, "policy.company_switched_on"},
		{"the user alone, where the company is off",
			func(in *Input) { in.OwnChoice = true; in.Tenant.Choice = tenant.Optional }, Allow, "policy.off"},
		{"passkey alone, user checked", func(in *Input) {
			in.Installation = mandatory
			in.Proofs = []authenticator.Proof{{Kind: authenticator.Passkey + authenticator.UserVerified, At: now}}
		}, Allow, "policy.mandate_always"},
		{"passkey alone, touched only", func(in *Input) {
			in.Installation = mandatory
			in.Has = append(both, authenticator.Passkey)
			in.Proofs = []authenticator.Proof{{Kind: authenticator.Passkey, At: now}}
		}, Challenge, "policy.mandate_always"},
		{"password reported where only the app is allowed",
			func(in *Input) { in.PasswordFlagged = true; in.Tenant.Methods = "totp" }, Challenge,
			"policy.password_reported"},
		{"client takes either", func(in *Input) { in.Want = []Level{TwoFactor, EmailConfirmed} }, Challenge,
			"policy.app_wants"},
		{"client wants less than policy",
			func(in *Input) { in.Installation = mandatory; in.Want = []Level{PasswordOnly} }, Challenge,
			"policy.mandate_always"},
		{"client wants a level no one knows", func(in *Input) { in.Want = []Level{"urn:other"}; in.Proofs = pwdEmail },
			Deny, "policy.nothing_strong_enough"},
		{"no proof at all", func(in *Input) { in.Proofs = nil }, Challenge, "policy.off"},
	}
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			d := Evaluate(input(c.change))
			if d.Outcome != c.want {
				t.Errorf("%s, want %s; %v", d.Outcome, c.want, d.Because)
			}
			if !slices.ContainsFunc(d.Because, func(r Reason) bool { return r.Key == c.key }) {
				t.Errorf("%v does not say %s", d.Because, c.key)
			}
		})
	}
}

func TestSEC1_EmailIsNoSecondFactor(t *testing.T) {
	if l := Reached(pwdEmail); l != EmailConfirmed || l.AtLeast(TwoFactor) {
		t.Errorf("password and email reach %s", l)
	}
	if amr := AMR(pwdEmail); !slices.Equal(amr, []string{"pwd", "email"}) {
		t.Errorf("amr %v", amr)
	}
	if l := Reached([]authenticator.Proof{{Kind: authenticator.Email}}); l != None {
		t.Errorf("email alone reaches %s", l)
	}
}

func TestRememberDaysIsTheShortest(t *testing.T) {
	for _, c := range []struct{ vendor, company, want int }{{30, tenant.InheritDays, 30}, {30, 7, 7}, {7, 30, 7},
		{0, 30, 0}, {30, 0, 0}, {90, 60, 30}, {-5, 9, 0}} {
		d := Evaluate(input(func(in *Input) { in.InstallationDays, in.Tenant.RememberDays = c.vendor, c.company }))
		if d.RememberDays != c.want {
			t.Errorf("%+v: %d days", c, d.RememberDays)
		}
	}
}

// TestNeverMoreThanTheProofs: whatever the settings, the level that a decision reports is
// the level of the proofs, and Allow means that the need is met or a browser is remembered.
func TestNeverMoreThanTheProofs(t *testing.T) {
	modes := []tenant.Mode{tenant.Inherit, tenant.Mandatory, tenant.DefaultOn, tenant.DefaultOff, "unknown"}
	instants := []time.Time{{}, past, now, future, forever}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SampledFrom(instants)
		in := Input{
			Now: now, InstallationDays: rapid.IntRange(-1, 40).Draw(t, "days"),
			Account:      Account{Has: both[:rapid.IntRange(0, 2).Draw(t, "has")]},
			Installation: tenant.Mandate{Mode: rapid.SampledFrom(modes).Draw(t, "mode"), From: at.Draw(t, "from")},
			Tenant: tenant.Tenant{Mandate: tenant.Mandate{Mode: rapid.SampledFrom(modes).Draw(t, "own"),
				From: at.Draw(t, "ownFrom")}, SwitchedOnAt: at.Draw(t, "on"), SwitchedOffAt: at.Draw(t, "off"),
				RememberDays: rapid.IntRange(-1, 40).Draw(t, "ownDays")},
			AppExemptUntil: at.Draw(t, "exempt"), PasswordFlagged: rapid.Bool().Draw(t, "flagged"),
			Proofs: pwdEmail[:rapid.IntRange(0, 2).Draw(t, "proofs")],
			Want: rapid.SliceOfN(rapid.SampledFrom([]Level{PasswordOnly, EmailConfirmed, TwoFactor,
				"urn:other"}), 0, 2).Draw(t, "want"),
			RememberedSince: at.Draw(t, "since"), RememberedUntil: at.Draw(t, "until"),
		}
		d := Evaluate(in)
		if d.Level != Reached(in.Proofs) {
			t.Fatalf("level %s from %v", d.Level, in.Proofs)
		}
		if d.Outcome == Allow && !d.Level.AtLeast(PasswordOnly) {
			t.Fatal("allowed without a password")
		}
		if d.Outcome == Allow && in.PasswordFlagged && !d.Level.AtLeast(EmailConfirmed) {
			t.Fatal("a reported password alone was enough")
		}
		if d.Outcome == Allow && d.Required && !d.Level.AtLeast(EmailConfirmed) && !in.RememberedUntil.After(now) {
			t.Fatal("required, not shown, not remembered, and allowed")
		}
		if d.Outcome == Allow && len(in.Want) > 0 && !slices.ContainsFunc(in.Want, d.Level.AtLeast) {
			t.Fatal("the client's wish was lowered silently")
		}
		if d.RememberDays < 0 || d.RememberDays > 30 {
			t.Fatal(d.RememberDays)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	in := input(func(in *Input) { in.Installation.Mode = tenant.Mandatory })
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(in)
	}
}

// TestSEC6TheAssuranceTable holds every row of the table to its level and claims.
func TestSEC6TheAssuranceTable(t *testing.T) {
	uv := authenticator.UserVerified
	for _, c := range []struct {
		kinds []authenticator.Kind
		level Level
		amr   string
	}{
		{[]authenticator.Kind{authenticator.Password}, PasswordOnly, "pwd"},
		{[]authenticator.Kind{authenticator.Password, authenticator.Email}, EmailConfirmed, "pwd email"},
		{[]authenticator.Kind{authenticator.Password, authenticator.SMS}, TwoFactor, "pwd sms mfa"},
		{[]authenticator.Kind{authenticator.Password, authenticator.TOTP}, TwoFactor, "pwd otp mfa"},
		{[]authenticator.Kind{authenticator.Password, authenticator.Push}, TwoFactor, "pwd push mfa"},
		{[]authenticator.Kind{authenticator.Password, authenticator.Backup}, TwoFactor, "pwd backup mfa"},
		{[]authenticator.Kind{authenticator.Passkey + uv}, PhishingResistant, "swk user mfa"},
		{[]authenticator.Kind{authenticator.Password, authenticator.Passkey}, PhishingResistant, "pwd swk mfa"},
		{[]authenticator.Kind{authenticator.Passkey}, PasswordOnly, "swk"},
		{[]authenticator.Kind{authenticator.TOTP}, None, "otp"},
		{[]authenticator.Kind{authenticator.Email, authenticator.SMS}, None, "email sms"},
	} {
		var proofs []authenticator.Proof
		for _, k := range c.kinds {
			proofs = append(proofs, authenticator.Proof{Kind: k, At: now})
		}
		if l, amr := Reached(proofs), strings.Join(AMR(proofs), " "); l != c.level || amr != c.amr {
			t.Errorf("%v: %s %q, want %s %q", c.kinds, l, amr, c.level, c.amr)
		}
		if got := authenticator.KindsOfAMR(AMR(proofs)); !slices.Equal(got, c.kinds) {
			t.Errorf("%v is read back as %v", c.kinds, got)
		}
	}
}

// TestSEC039_WhatOpensASetUp: an app that wants a passkey leads to the set-up of one, and the
// way there is the strongest that the account has, newly shown.
func TestSEC039_WhatOpensASetUp(t *testing.T) {
	withApp := append(slices.Clone(both), authenticator.TOTP, authenticator.Backup)
	table := []struct {
		name   string
		change func(*Input)
		want   Outcome
		offer  []authenticator.Kind
	}{
		{"password only", func(in *Input) {}, Challenge,
			[]authenticator.Kind{authenticator.TOTP, authenticator.Backup}},
		{"mailbox shown", func(in *Input) { in.Proofs = pwdEmail }, Challenge,
			[]authenticator.Kind{authenticator.TOTP, authenticator.Backup}},
		{"app shown", func(in *Input) { in.Proofs = pwdApp }, SetUp, nil},
		{"app shown too long ago", func(in *Input) { in.Proofs, in.SetUpAfter = pwdApp, future }, Challenge,
			[]authenticator.Kind{authenticator.TOTP, authenticator.Backup}},
		{"nothing but the mailbox", func(in *Input) { in.Has = both }, Challenge, both[1:]},
		{"nothing but the mailbox, shown", func(in *Input) { in.Has, in.Proofs = both, pwdEmail }, SetUp, nil},
		{
			"nothing but the mailbox, shown too long ago",
			func(in *Input) { in.Has, in.Proofs, in.SetUpAfter = both, pwdEmail, future },
			Challenge,
			both[1:],
		},
		{
			"an app that is ruled out",
			func(in *Input) { in.Tenant.Methods = "passkey" },
			Challenge,
			[]authenticator.Kind{authenticator.TOTP, authenticator.Backup},
		},
		{
			"an app that is ruled out, shown",
			func(in *Input) { in.Tenant.Methods, in.Proofs = "passkey", pwdApp },
			SetUp,
			nil,
		},
		{
			"an app that is ruled out, mailbox shown",
			func(in *Input) { in.Tenant.Methods, in.Proofs = "passkey", pwdEmail },
			Challenge,
			[]authenticator.Kind{authenticator.TOTP, authenticator.Backup},
		},
	}
	for _, c := range table {
		d := Evaluate(input(func(in *Input) {
			in.Want, in.Has = []Level{PhishingResistant}, withApp
			c.change(in)
		}))
		if d.Outcome != c.want || !slices.Equal(d.Offer, c.offer) || d.ForSetUp != (c.want == Challenge) {
			t.Errorf("%s: %s %v", c.name, d.Outcome, d.Offer)
		}
	}
}

// TestATK051_ProofsOfWhatIsRuledOut: a proof of a kind that vendor or company have ruled out
// since is not counted, and nothing is said about the password beside it.
func TestATK051_ProofsOfWhatIsRuledOut(t *testing.T) {
	with := func(m tenant.Methods, wanted ...Level) Decision {
		return Evaluate(input(func(in *Input) {
			in.Tenant.SwitchedOnAt, in.Tenant.Methods, in.Want = past, m, wanted
			in.Has, in.Proofs = append(slices.Clone(both), authenticator.TOTP), pwdApp
		}))
	}
	if d := with("totp"); d.Outcome != Allow || d.Level != TwoFactor {
		t.Errorf("allowed: %s %s", d.Outcome, d.Level)
	}
	if d := with("email"); d.Outcome != Deny || !d.NeedsAdmin || d.Level != TwoFactor {
		t.Errorf("ruled out: %s %v %s", d.Outcome, d.Offer, d.Level)
	}
	if d := with("sms", TwoFactor); d.Outcome != SetUp {
		t.Errorf("another wanted: %s", d.Outcome)
	}
	passkey := []authenticator.Proof{{Kind: authenticator.Passkey + authenticator.UserVerified, At: now}}
	if d := Evaluate(input(func(in *Input) { in.Tenant.Methods, in.Proofs = "totp", passkey })); d.Outcome != Allow {
		t.Errorf("where no second step is asked: %s", d.Outcome)
	}
}

// TestAIR19: in a company that asks only where a sign-in is unusual, a remembered browser does as anywhere else, and
// counts for nothing where something is unusual. Each sign has a sentence.
func TestAIR19_ARememberedBrowserDoesNotCountInAnUnusualSignIn(t *testing.T) {
	in := input(func(in *Input) {
		in.Tenant.SwitchedOnAt, in.Tenant.Choice = past, tenant.Adaptive
		in.RememberedSince, in.RememberedUntil = past, future
	})
	if d := Evaluate(in); d.Outcome != Allow || !d.Required || !d.Adaptive {
		t.Errorf("a usual sign-in: %+v", d)
	}
	for _, u := range []Unusual{NewBrowser, NewCountry, TooFar, Failures, "of a later version"} {
		in.Unusual = []Unusual{u}
		d := Evaluate(in)
		said := slices.ContainsFunc(d.Because, func(r Reason) bool { return r.Key == "policy.unusual."+string(u) })
		if d.Outcome != Challenge || !said && unusualKeys[u] != "" {
			t.Errorf("%s: %+v", u, d)
		}
	}
	in.Unusual, in.RememberedUntil = nil, time.Time{}
	if d := Evaluate(in); d.Outcome != Challenge {
		t.Errorf("a browser that is not remembered: %+v", d)
	}
}
