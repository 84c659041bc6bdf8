package ops_test

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/locale"
	"countersign/internal/ops"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// The sentences of policy explain are those of the decision that a sign-in gets.
func TestExplainSaysWhatHappens(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	mailbox := []authenticator.Kind{authenticator.Email}
	app := []authenticator.Kind{authenticator.Email, authenticator.TOTP}
	mandatory := tenant.Mandate{Mode: tenant.Mandatory}
	const protected = "A second factor protects the account, so a code by email does not open it."
	const remember = "They can then have the browser remembered for up to 30 days."
	for name, c := range map[string]struct {
		change func(*policy.Input)
		want   []string
	}{
		"nothing decided": {func(*policy.Input) {}, []string{"The password is enough."}},
		"mandate": {func(in *policy.Input) { in.Tenant.Mandate = mandatory },
			[]string{"After the password they confirm with a code by email.", remember}},
		"mandate to come": {func(in *policy.Input) {
			in.Tenant.Mandate = tenant.Mandate{Mode: tenant.Mandatory, From: now.AddDate(0, 0, 1)}
		}, []string{"The password is enough."}},
		"exempt app": {func(in *policy.Input) {
			in.Tenant.Mandate = mandatory
			in.AppExemptUntil = now.AddDate(0, 0,
				1)
		},
			[]string{"The password is enough."}},
		"mandate, authenticator app set up": {func(in *policy.Input) { in.Tenant.Mandate = mandatory; in.Has = app },
			[]string{"After the password they confirm with an authenticator app.", protected, remember}},
		"two methods": {func(in *policy.Input) {
			in.Tenant.Mandate = mandatory
			in.Has = append(app,
				authenticator.Passkey)
		},
			[]string{"After the password they confirm with a passkey or security key, or an authenticator app.",
				protected, remember}},
		"no mail allowed, nothing set up": {func(
			in *policy.Input) {
			in.Tenant.Mandate = mandatory
			in.Tenant.Methods = "totp"
		},
			[]string{
				"After the password they must confirm their mailbox with a code by email, then set up an authenticator app."}},
		"no mail allowed, until a date": {func(in *policy.Input) {
			in.Tenant.Mandate, in.Tenant.Methods, in.Tenant.SetUpBy = mandatory, "totp", now.AddDate(0, 0, 30)
		}, []string{"After the password they confirm with a code by email.", remember}},
		"only a method that is ruled out": {func(in *policy.Input) {
			in.Tenant.Mandate, in.Tenant.Methods,
				in.Has = mandatory, "passkey", app
		},
			[]string{
				"After the password they must confirm with an authenticator app, then set up a passkey or security key.",
				protected}},
		"the only method is disabled": {func(in *policy.Input) {
			in.Tenant.Mandate, in.Has, in.Lost = mandatory, mailbox, []authenticator.Kind{authenticator.TOTP}
		}, []string{
			"They cannot sign in: nothing that works is set up. An administrator can reset their methods, and then they set up a new one.",
			protected}},
		"an app that takes passkeys only": {func(in *policy.Input) {
			in.Want,
				in.Has = []policy.Level{policy.PhishingResistant}, app
		},
			[]string{
				"After the password they must confirm with an authenticator app, then set up a passkey or security key.",
				"The app accepts only methods that a phishing page cannot use, such as a passkey.", protected}},
		"an app that asks for an unknown level": {func(in *policy.Input) { in.Want = []policy.Level{"urn:other"} },
			[]string{"They cannot sign in here: nothing that they have, or could set up, is enough.",
				"The app asks for a level that Countersign does not have."}},
		"a reset by mail": {func(in *policy.Input) {
			in.Tenant.Mandate, in.Tenant.Methods, in.ResetAt = mandatory, "totp", now.Add(-time.Hour)
		},
			[]string{
				"They cannot sign in yet: their password was reset by email, and they can set up a method from 2 Mar 2027, 11:00 UTC."}},
	} {
		in := policy.Input{
			Now:              now,
			Vendor:           "Harbor",
			InstallationDays: 30,
			Tenant:           tenant.Tenant{Name: "Acme", RememberDays: tenant.InheritDays},
			AppName:          "Dashboard",
			Account:          policy.Account{Has: mailbox},
			Bindable:         []authenticator.Kind{authenticator.TOTP, authenticator.Passkey},
			Proofs:           []authenticator.Proof{{Kind: authenticator.Password, At: now}},
		}
		in.Installation.Mode = tenant.DefaultOff
		c.change(&in)
		d := policy.Evaluate(in)
		if got := ops.Explain(catalog.In("en"), d); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q, want\n%q\n%+v", name, got, c.want, d)
		}
		if len(ops.Reasons(catalog.In("en"), d)) == 0 && d.Outcome != policy.Allow {
			t.Errorf("%s: no reason", name)
		}
	}
}

// The reader is not the person: nothing says "you".
func TestReasonsAreAboutThePerson(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	d := policy.Decision{Because: []policy.Reason{{Key: "policy.own_choice"}}}
	if got := ops.Reasons(catalog.In("en"), d); !slices.Equal(got,
		[]string{"The person has turned it on for their account."}) {
		t.Error(got)
	}
}
