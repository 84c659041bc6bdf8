package firststep_test

import (
	"testing"
	"time"

	"countersign/internal/fault"
	"countersign/internal/secret"
)

// knownBy says whose budgets a sign-in with a right password spends.
func (r *rig) knownBy(devices ...secret.Reference) string {
	r.t.Helper()
	a := attempt(maria, rightPassword)
	a.Devices = devices
	if right, err := r.check(a); err != nil || !right {
		r.t.Fatalf("%t, %v", right, err)
	}
	return r.begun[len(r.begun)-1].Browser.KnownBy
}

func TestAMadeUpDeviceIsNone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		theirs, mine := r.finished(owner, true), r.finished(maria, true)
		token, _ := secret.NewToken()
		for range 6 {
			_, _ = r.check(attempt(maria, "wrong"))
			r.pass(time.Second)
		}
		a := attempt(maria, rightPassword)
		a.Devices = []secret.Reference{
			theirs,
			{Tenant: mine.Tenant, ID: mine.ID, Token: token},
			{Tenant: mine.Tenant, ID: mine.ID, Token: theirs.Token},
		}
		if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a made-up device was believed: %v", err)
		}
	})
}

// Only a browser with a finished second step has sign-ins, messages and second steps of its own;
// a later sign-in without one leaves it those, and a new password takes them.
//
// guard: deviceBySecondStep
func TestOnlyASecondStepMakesAKnownBrowser(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		byPassword, bySecondStep := r.finished(maria, false), r.finished(maria, true)
		if by := r.knownBy(byPassword); by != "" {
			t.Errorf("a password alone made a browser known: %q", by)
		}
		for _, devices := range [][]secret.Reference{{bySecondStep}, {byPassword, bySecondStep}} {
			if by := r.knownBy(devices...); by == "" {
				t.Error("the browser is not known")
			}
		}
		p := r.begun[len(r.begun)-1]
		if kept := r.NewDevice(nil, p.Facts, p.Browser, false); kept != bySecondStep {
			t.Errorf("a sign-in without a second step leaves the browser %+v", kept)
		}
		r.changePassword(maria)
		if by := r.knownBy(bySecondStep); by != "" {
			t.Errorf("known by what is from before the new password: %q", by)
		}
	})
}
