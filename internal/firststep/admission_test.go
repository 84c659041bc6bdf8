package firststep_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/firststep"
	"countersign/internal/message/email"
	"countersign/internal/secret"
)

// guard: UseAdmission
func TestATK12_ALinkLetsOneBrowserInOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.exhaust(maria)
		r.ask(maria)
		link := r.newestLink(maria)
		for range 3 { // as a scanner does
			if state, account, err := r.OpenAdmission(t.Context(), link); state != outofband.LinkReady ||
				account == "" || err != nil {
				t.Fatalf("%s %q %v", state, account, err)
			}
		}
		browser, err := r.UseAdmission(t.Context(), link, visitor)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.UseAdmission(t.Context(), link, visitor); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second use: %v", err)
		}
		if state, account, _ := r.OpenAdmission(t.Context(), link); state != outofband.LinkUsed || account != "" {
			t.Errorf("a used link: %s %q", state, account)
		}
		a := attempt(maria, rightPassword)
		a.Admission = browser
		if right, err := r.check(a); err != nil || !right {
			t.Fatalf("%t, %v", right, err)
		}
		if p := r.begun[len(r.begun)-1]; p.Proof.Kind != authenticator.Password || p.Browser.Device.ID != "" {
			t.Errorf("the link proves something: %+v", p) // it does not spare the second step
		}
		for what, forged := range map[string]secret.Reference{
			"the link itself": link,
			"another token": {
				Tenant: browser.Tenant,
				ID:     browser.ID,
				Token:  r.finished(owner, true).Token,
			},
			"another row":       {Tenant: browser.Tenant, ID: "0", Token: browser.Token},
			"the zero value":    {},
			"another's company": {Tenant: db.Installation, ID: browser.ID, Token: browser.Token},
		} {
			a.Admission = forged
			if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
				t.Errorf("%s lets in: %v", what, err)
			}
		}
		a.Admission = browser
		r.pass(firststep.AdmissionLife)
		r.exhaust(maria)
		if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("an hour later it still lets in: %v", err)
		}
	})
}

func TestATK12_ALinkIsForItsAccountAndItsPassword(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		theirs := r.admit(owner)
		r.exhaust(maria)
		a := attempt(maria, rightPassword)
		a.Admission = theirs
		if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("another person's link lets in: %v", err)
		}
		a.Admission = r.admit(maria)
		r.changePassword(maria)
		r.exhaust(maria)
		if _, err := r.check(a); !fault.Is(err, fault.RateLimited) {
			t.Errorf("a link from before the new password lets in: %v", err)
		}
	})
}

// TestATK12_ALinkThatRanOutStaysSo: also where the clock goes back (SEC-140).
func TestATK12_ALinkThatRanOutStaysSo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ask(maria)
		link := r.newestLink(maria)
		r.pass(firststep.AdmissionLife)
		if state, _, _ := r.OpenAdmission(t.Context(), link); state != outofband.LinkExpired {
			t.Errorf("it is %s", state)
		}
		for range 2 {
			if _, err := r.UseAdmission(t.Context(), link, visitor); !fault.Is(err, fault.NotFound) {
				t.Errorf("it was used: %v", err)
			}
			r.pass(-time.Minute)
		}
	})
}

// TestATK12_ThereIsAlwaysALink: however often someone asks, another mail can be sent or the
// mailbox has a link that is valid; and the mailbox is not filled.
func TestATK12_ThereIsAlwaysALink(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 3 * 24 * 4 { // every quarter of an hour for three days
			r.ask(maria)
			all := r.links(maria)
			if newest := all[len(all)-1]; !r.now().Before(newest.ExpiresAt) {
				t.Fatalf("at %s the newest link was over", r.now())
			}
			r.pass(15 * time.Minute)
		}
		if n := len(r.links(maria)); n > 30 {
			t.Errorf("%d mails in three days", n)
		}
		for range 12 { // anyone who uses a link may ask for another
			r.admit(maria)
		}
	})
}

// TestATK12_AskingTellsNothing: one job each, anyone who has the address; mail for open accounts only.
func TestATK12_AskingTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.closed("closed@company.test")
		var statements []int64
		for _, address := range []string{maria, "closed@company.test", "nobody@company.test",
			"no address at all", strings.Repeat("x", 5000)} {
			before := r.DB.Statements()
			if err := r.AskAdmission(t.Context(), address, visitor); err != nil {
				t.Fatalf("%.20s: %v", address, err)
			}
			statements = append(statements, r.DB.Statements()-before)
		}
		if len(slices.Compact(slices.Clone(statements))) != 1 {
			t.Errorf("statements for each address: %v", statements)
		}
		r.deliver()
		if mine, all := len(r.links(maria)), r.mailed(email.Template(email.Admission{})); mine != 1 || all != 1 {
			t.Errorf("%d mails to the open account, %d in all", mine, all)
		}
	})
}

// TestATK12_OneNetworkAsksOnlySoOften bounds what may be written.
func TestATK12_OneNetworkAsksOnlySoOften(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for i := range 300 {
			if err := r.AskAdmission(t.Context(), "nobody@company.test", visitor); err != nil {
				t.Fatalf("the %dth: %v", i+1, err)
			}
		}
		if err := r.AskAdmission(t.Context(), maria, visitor); !fault.Is(err, fault.RateLimited) {
			t.Errorf("one more: %v", err)
		}
		other := visitor
		other.IP = "198.51.100.7"
		if err := r.AskAdmission(t.Context(), maria, other); err != nil {
			t.Errorf("another network: %v", err)
		}
	})
}

// Anyone who reads a mailbox gets as many links to continue as they use. They get no more guesses
// at the password by that than one browser has.
//
// guard: byAdmission
func TestATK05_AMailboxGetsNoMoreGuessesAtThePassword(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		compared := 0
		for range 10 {
			a := attempt(maria, "a wrong password")
			a.Admission = r.admit(maria)
			for compared <= r.Limits.PasswordSlowFrom+1 {
				if _, err := r.check(a); err != nil {
					break
				}
				compared++
			}
		}
		if compared == 0 || compared > r.Limits.PasswordSlowFrom+1 {
			t.Errorf("%d passwords or more were compared at once", compared)
		}
		a := attempt(maria, rightPassword)
		a.Admission = r.admit(maria)
		r.pass(r.Limits.PasswordSlowMax)
		if right, err := r.check(a); err != nil || !right {
			t.Errorf("the owner, after the longest wait: %t, %v", right, err)
		}
	})
}

// A link to continue is for the account as it was when it was sent. Those of before a new
// password say so, and do not keep another from being mailed.
//
// guard: heldAdmissions
func TestATK12_LinksOfBeforeANewPasswordKeepNoOtherBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 5 { // someone uses up what may be mailed
			r.ask(maria)
		}
		before, old := len(r.links(maria)), r.newestLink(maria)
		r.changePassword(maria)
		if state, account, err := r.OpenAdmission(t.Context(), old); state != outofband.LinkExpired ||
			account != "" || err != nil {
			t.Errorf("a link from before the new password: %s %q %v", state, account, err)
		}
		r.exhaust(maria)
		r.ask(maria)
		if len(r.links(maria)) == before {
			t.Fatal("no other link is mailed")
		}
		if _, err := r.UseAdmission(t.Context(), old, visitor); !fault.Is(err, fault.NotFound) {
			t.Errorf("the old link was used: %v", err)
		}
		browser, err := r.UseAdmission(t.Context(), r.newestLink(maria), visitor)
		if err != nil {
			t.Fatal(err)
		}
		a := attempt(maria, rightPassword)
		a.Admission = browser
		if right, err := r.check(a); err != nil || !right {
			t.Errorf("the new link: %t, %v", right, err)
		}
	})
}

// guard: Sweep
func TestLinksToContinueAreSwept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ask(maria)
		link := r.newestLink(maria)
		for _, state := range []outofband.LinkState{outofband.LinkExpired, outofband.LinkUnknown} {
			r.pass(firststep.AdmissionLife + 12*time.Hour)
			if _, err := firststep.Sweep(t.Context(), r.DB); err != nil {
				t.Fatal(err)
			}
			if got, _, err := r.OpenAdmission(t.Context(), link); err != nil || got != state {
				t.Errorf("%s after the sweep: %s, %v", r.now(), got, err)
			}
		}
	})
}
