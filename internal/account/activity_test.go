package account

import (
	"testing"

	"countersign/internal/audit"
	"countersign/internal/locale"
)

// TestActivityTellsOfEverySignIn: what someone else could have done must not be missing from the list.
func TestActivityTellsOfEverySignIn(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	text := eventText{Printer: catalog.In("en"), apps: map[string]string{"dashboard": "Dashboard"}}
	for _, c := range []struct {
		event    audit.Event
		alarming bool
	}{
		{audit.Event{Action: audit.SignInCompleted, Result: audit.OK, ClientID: "dashboard"}, false},
		{audit.Event{Action: audit.SignInPassword, Result: audit.Failed, ClientID: "dashboard"}, true},
		{audit.Event{Action: audit.SignInSecondFactor, Result: audit.OK, Method: "totp"}, false},
		{audit.Event{Action: audit.SignInSecondFactor, Result: audit.Failed, Method: "email"}, true},
		{audit.Event{Action: audit.SignInPasskey, Result: audit.Failed, Method: "passkey"}, true},
		{audit.Event{Action: audit.PasswordReplaced, Result: audit.OK, Reason: "reset"}, true},
		{audit.Event{Action: audit.MethodSuspended, Result: audit.OK, Method: "totp"}, true},
	} {
		got, alarming := text.describe(audit.Row{Event: c.event})
		if got == "" || alarming != c.alarming {
			t.Errorf("%s %s: %q, alarming %v", c.event.Action, c.event.Result, got, alarming)
		}
	}
}

// TestActivityTellsOfNothingThatWasRefused to an administrator: nothing happened to the account.
func TestActivityTellsOfNothingThatWasRefused(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	text := eventText{Printer: catalog.In("en")}
	for _, action := range []audit.Action{audit.UserInvited, audit.MethodRestored, audit.MethodsReset, audit.UserRole,
		audit.UserAddress, audit.UserDisabled, audit.UserEnabled, audit.PasswordSet} {
		row := audit.Row{Event: audit.Event{Action: action, Result: audit.Refused, Reason: "access.role"}}
		if got, _ := text.describe(row); got != "" {
			t.Errorf("%s: %q", action, got)
		}
	}
}
