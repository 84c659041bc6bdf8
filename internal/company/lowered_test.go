package company

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/message/email"
	"countersign/internal/tenant"
)

func TestWhatIsLessStrict(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	soon := now.Add(time.Hour)
	r := rules{
		installation: tenant.Installation{Mandate: tenant.Mandate{Mode: tenant.DefaultOff}},
		days:         14,
		now:          now,
	}
	on := func(t tenant.Tenant) tenant.Tenant { t.SwitchedOnAt = now.Add(-time.Hour); return t }
	from := func(at time.Time) tenant.Tenant { return tenant.Tenant{SwitchedOnAt: at} }
	mandate := func(m tenant.Mode, from time.Time) tenant.Tenant {
		return tenant.Tenant{Mandate: tenant.Mandate{Mode: m, From: from}}
	}
	for name, c := range map[string]struct {
		was, is tenant.Tenant
		want    []email.Setting
	}{
		"nothing":              {on(tenant.Tenant{}), on(tenant.Tenant{}), nil},
		"off":                  {on(tenant.Tenant{}), tenant.Tenant{}, []email.Setting{email.SettingSwitch}},
		"off where it was off": {tenant.Tenant{}, tenant.Tenant{SwitchedOffAt: now}, nil},
		"off under a mandate":  {on(mandate("mandatory", now)), mandate("mandatory", now), nil},
		"optional": {on(tenant.Tenant{}), on(tenant.Tenant{Choice: "optional"}),
			[]email.Setting{email.SettingChoice}},
		"optional where it was off": {tenant.Tenant{}, tenant.Tenant{Choice: "optional"}, nil},
		"switched on as optional":   {tenant.Tenant{}, on(tenant.Tenant{Choice: "optional"}), nil},
		"required":                  {on(tenant.Tenant{Choice: "optional"}), on(tenant.Tenant{}), nil},
		"a deadline": {on(tenant.Tenant{}), on(tenant.Tenant{SetUpBy: soon}),
			[]email.Setting{email.SettingDeadline}},
		"more days for newcomers": {on(tenant.Tenant{SetUpDays: 3}), on(tenant.Tenant{SetUpDays: 7}),
			[]email.Setting{email.SettingSetUpDays}},
		"fewer days for newcomers": {on(tenant.Tenant{SetUpDays: 7}), on(tenant.Tenant{}), nil},
		"more sign-ins before set-up": {on(tenant.Tenant{SetUpLaters: 2}), on(tenant.Tenant{SetUpLaters: 3}),
			[]email.Setting{email.SettingSetUpLaters}},
		"no limit of sign-ins before set-up": {on(tenant.Tenant{SetUpLaters: 2}), on(tenant.Tenant{}),
			[]email.Setting{email.SettingSetUpLaters}},
		"a limit of sign-ins before set-up": {on(tenant.Tenant{}), on(tenant.Tenant{SetUpLaters: 1}), nil},
		"switched on with a deadline":       {tenant.Tenant{}, on(tenant.Tenant{SetUpBy: soon}), nil},
		"a start that is called off": {from(soon), tenant.Tenant{SwitchedOffAt: now},
			[]email.Setting{email.SettingSwitch}},
		"a start that is put off": {from(soon), from(soon.Add(1)), []email.Setting{email.SettingSwitch}},
		"an earlier start":        {from(soon.Add(1)), from(soon), nil},
		"at once, not later":      {from(soon), from(now), nil},
		"a start":                 {tenant.Tenant{}, from(soon), nil},
		"a start that is called off under a mandate": {
			tenant.Tenant{SwitchedOnAt: soon, Mandate: tenant.Mandate{Mode: "mandatory"}},
			mandate("mandatory", time.Time{}),
			nil,
		},
		"an announced mandate that is called off": {mandate("mandatory", soon), mandate("default_off", soon),
			[]email.Setting{email.SettingMandate}},
		"an announced mandate that is put off": {mandate("mandatory", soon), mandate("mandatory", soon.Add(1)),
			[]email.Setting{email.SettingMandate}},
		"days beyond the most": {tenant.Tenant{RememberDays: 14}, tenant.Tenant{RememberDays: 20}, nil},
		"the installation's": {tenant.Tenant{RememberDays: 7}, tenant.Tenant{RememberDays: -1},
			[]email.Setting{email.SettingRememberDays}},
		"a deadline that passed": {on(tenant.Tenant{}), on(tenant.Tenant{SetUpBy: now}), nil},
		"no mandate any more": {mandate("mandatory", now), mandate("", now),
			[]email.Setting{email.SettingSwitch, email.SettingMandate}},
		"a mandate that the company may leave": {mandate("mandatory", now), mandate("default_on", now),
			[]email.Setting{email.SettingMandate}},
		"an unknown mode": {mandate("default_on", now), mandate("other", now), nil},
		"a later mandate": {on(mandate("mandatory", now)), on(mandate("mandatory", soon)),
			[]email.Setting{email.SettingMandate}},
		"an earlier one":    {mandate("mandatory", soon), mandate("mandatory", now), nil},
		"a date of nothing": {mandate("default_off", now), mandate("default_off", soon), nil},
	} {
		var got []email.Setting
		for _, s := range sameRules(r, c.was, c.is).lowered() {
			got = append(got, s.Setting)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v instead of %v", name, got, c.want)
		}
	}
}

func TestWeakerMethods(t *testing.T) {
	r := rules{installation: tenant.Installation{Methods: "passkey totp sms email backup"}}
	for was, all := range map[tenant.Methods]map[tenant.Methods]bool{
		"email":         {"email totp": false, "": false, "passkey": false},
		"totp":          {"totp passkey": false, "totp sms": true, "": true, "email": true, "push": false},
		"passkey email": {"passkey email totp": true, "email": false},
		"":              {"passkey totp push sms email backup": false, "totp": false},
	} {
		for is, want := range all {
			got := weaker(r.allowed(tenant.Tenant{Methods: was}), r.allowed(tenant.Tenant{Methods: is}))
			if got != want {
				t.Errorf("%q to %q: %v", was, is, got)
			}
		}
	}
	if len(authenticator.SecondSteps) != 6 {
		t.Error("a new method: is its place right?")
	}
}
