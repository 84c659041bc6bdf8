package policy_test

import (
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/tenant"
)

// TestMethodsAreSecondSteps: each that there is may be stored, and no other word.
func TestMethodsAreSecondSteps(t *testing.T) {
	for _, k := range authenticator.SecondSteps {
		m := tenant.Methods("email " + k)
		if clean, err := m.Clean(); err != nil || !clean.Allow(string(k)) {
			t.Errorf("%s: %q, %v", m, clean, err)
		}
	}
	for m, want := range map[tenant.Methods]string{
		" ": "tenant.no_method", "\t\n": "tenant.no_method", "backup": "tenant.no_method",
		" backup  backup": "tenant.no_method", "password": "tenant.unknown_method", "totp,sms": "tenant.unknown_method",
		"TOTP": "tenant.unknown_method", "totp other": "tenant.unknown_method",
	} {
		if clean, err := m.Clean(); !fault.Is(err, fault.Invalid) || fault.Of(err).Message != want {
			t.Errorf("%q: %q, %v", m, clean, err)
		}
	}
	same := map[tenant.Methods]tenant.Methods{"": "", " totp  sms totp ": "sms totp", "passkey": "passkey"}
	for m, want := range same {
		if clean, err := m.Clean(); err != nil || clean != want {
			t.Errorf("%q: %q, %v", m, clean, err)
		}
	}
	if m, err := policy.ParseMethods("backup"); !fault.Is(err, fault.Invalid) {
		t.Errorf("typed: %q, %v", m, err)
	}
}
