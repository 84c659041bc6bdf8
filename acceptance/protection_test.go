package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// The tests in this file hold the protection level of an account from outside: no mailbox, date
// or setting opens an account below what its own methods demand.

// guard: a report suspends, and removes nothing
func TestProtection_AReportByMailOpensNothing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		_, u, _, _ := equipped(t, w, c, "Phone")
		mail := w.Sink.Code(t, u.Email, 1) // of the sign-in in which the app was set up
		thief := w.Person(t)
		thief.Get(mail.NotMe)
		thief.Submit(mail.NotMe)

		thief = w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		thief.Password(u.Email, u.Password).Expect(t, 410, "Ask your administrator to help you sign in")
		if thief.SignedIn() {
			t.Fatal("a report and the password open the account")
		}
		list := w.CLI(t, "user", "methods", "list", u.Email)
		if strings.Count(list, "suspended") != 2 { // the app and the codes
			t.Fatalf("not suspended: %s", list)
		}

		app := regexp.MustCompile(`(?m)^(\S+)\s+totp`).FindStringSubmatch(list)
		w.CLI(t, "user", "methods", "restore", u.Email, app[1])
		owner := w.Person(t)
		owner.Visit(w.Dashboard(t).Visit())
		atCode(t, owner.Password(u.Email, u.Password)).Expect(t, 200, "authenticator app")
		rig.Within(
			t,
			wait,
			"the person is told",
			func() bool { return strings.Contains(mailsOf(w, u), "can be used again") },
		)
	})
}

// guard: showRestore and restoreMethod ask for a proof of something undisputed
func TestProtection_TheOwnerRestoresAMethod(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		_, u, g, _ := equipped(t, w, c, "Phone")
		w.Advance(t, time.Minute)
		p := w.Person(t)
		enter(t, p, u, inProfile)
		atCode(t, p.Page)
		p.Code(g.code(t)).Expect(t, 200, "Choose a sign-in method")
		addApp(t, w, p, inProfile, "Tablet")
		report := letterSaying(t, w, u.Email, "Tablet").NotMe
		reader := w.Person(t)
		reader.Get(report)
		reader.Submit(report)
		list := w.CLI(t, "user", "methods", "list", u.Email)
		tablet := regexp.MustCompile(`(?m)^(\S+)\s+totp\s+suspended.*Tablet`).FindStringSubmatch(list)
		if tablet == nil || strings.Count(list, "suspended") != 1 {
			t.Fatalf("not the one method of the reported sign-in: %s", list)
		}
		at := "/profile/methods/" + tablet[1]
		if pg := p.Post(at+"/restore", nil); pg.Status == 303 && strings.Contains(pg.Header.Get("Location"), "done") {
			t.Fatal("the reported session restores its own method")
		}

		w.Advance(t, time.Minute)
		owner := w.Person(t)
		enter(t, owner, u, "/profile")
		atCode(t, owner.Page)
		atNewPassword(t, owner.Code(g.code(t)))
		owner.Submit("/signin/new-password", "password", "canary of the true owner")
		owner.Get(at).Expect(t, 200, "Suspended")
		owner.Submit(at+"/restore").Expect(t, 200, "can be used again", "Restored: Authenticator app")
		if list := w.CLI(t, "user", "methods", "list", u.Email); strings.Contains(list, "suspended") {
			t.Errorf("still suspended: %s", list)
		}
		w.Advance(t, freshFor)
		other := owner.Twin()
		if pg := other.Get(at + "/restore"); pg.Says("Authenticator app") {
			t.Error("an old proof is enough to restore a method")
		}
	})
}

// guard: the profile shows suspended backup codes, and restoreMethod takes them like any method
func TestProtection_TheOwnerRestoresBackupCodes(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		p, u, g, _ := equipped(t, w, w.NewTenant(t, "--mandate", "mandatory"), "Phone")
		addApp(t, w, p, inProfile, "Tablet")
		w.Advance(t, time.Minute)
		p = w.Person(t)
		enter(t, p, u, "/profile")
		atCode(t, p.Page)
		p.Code(g.code(t))
		addCodes(t, p, inProfile)
		w.Drained(t)
		mails := w.Sink.Mails(u.Email)
		report := mails[len(mails)-1].NotMe
		reader := w.Person(t)
		reader.Get(report)
		reader.Submit(report)
		codes := regexp.MustCompile(`(?m)^(\S+)\s+backup\s+suspended`).FindStringSubmatch(w.CLI(t, "user", "methods",
			"list", u.Email))
		if codes == nil {
			t.Fatal("the codes are not suspended")
		}

		w.Advance(t, time.Minute)
		owner := w.Person(t)
		enter(t, owner, u, "/profile")
		atCode(t, owner.Page)
		atNewPassword(t, owner.Code(g.code(t)))
		owner.Submit("/signin/new-password", "password", "canary of the true owner")
		owner.Get("/profile").Expect(t, 200, "Backup codes", "Suspended")
		owner.Submit("/profile/methods/"+codes[1]+"/restore").Expect(t, 200, "can be used again")
		if list := w.CLI(t, "user", "methods", "list", u.Email); strings.Contains(list, "suspended") {
			t.Errorf("still suspended: %s", list)
		}
	})
}

// guard: what was ruled out goes on protecting; it opens the set-up of what is allowed
func TestProtection_NarrowingTheMethodsOpensNothing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		u, owner := c.User(t), w.Person(t)
		enter(t, owner, u, inProfile)
		mailed(t, w, owner, u, 1)
		g := addApp(t, w, owner, inProfile, "Phone")
		w.CLI(
			t,
			"tenant",
			"set",
			c.ID,
			"--methods",
			"passkey",
			"--set-up-by",
			w.Now().Add(30*24*time.Hour).UTC().Format(time.RFC3339),
		)
		w.Drained(t)
		mails := len(w.Sink.Codes(u.Email))
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.Password(u.Email, u.Password)).Expect(t, 200, "authenticator app")
		w.Drained(t)
		if n := len(w.Sink.Codes(u.Email)); n != mails {
			t.Error("the mailbox is asked instead")
		}
		w.Advance(t, time.Minute)
		p.Code(g.code(t)).Expect(t, 200, "Choose a sign-in method")
		if p.SignedIn() {
			t.Error("a method that was ruled out signs in")
		}
		w.CLI(t, "tenant", "set", c.ID, "--methods", "email")
		thief := w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		thief.Password(u.Email, u.Password).Expect(t, 410, "Ask your administrator")
		if thief.SignedIn() {
			t.Error("the mailbox opens an account that has an app")
		}
	})
}

// guard: confirmStranding, before the change
func TestProtection_NarrowingSaysWhomItStrands(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		_, u, _, _ := equipped(t, w, c, "Phone")
		for methods, what := range map[string]string{"passkey,email": "set up another",
			"email": "reset their methods"} {
			said, code := w.Command(t, rig.Options{}, "tenant", "set", c.ID, "--methods", methods, "--yes=false")
			if code != 2 || !strings.Contains(said, u.Email) || !strings.Contains(said, what) {
				t.Errorf("%s: %d %s", methods, code, said)
			}
		}
		if said, code := w.Command(t, rig.Options{}, "installation", "set", "--methods", "email",
			"--yes=false"); code != 2 ||
			!strings.Contains(said, u.Email) {
			t.Errorf("installation: %d %s", code, said)
		}
		if shown := w.CLI(t, "tenant", "show", c.ID); !regexp.MustCompile(`methods +all`).MatchString(shown) {
			t.Errorf("changed without a yes: %s", shown)
		}
		if said, code := w.Command(t, rig.Options{}, "tenant", "set", c.ID, "--methods", "totp"); code != 0 {
			t.Errorf("what strands no one: %d %s", code, said)
		}
		if said, code := w.Command(t, rig.Options{}, "tenant", "set", c.ID, "--set-up-by", "2099-01-01"); code == 0 ||
			!strings.Contains(said, "90 days") {
			t.Errorf("a date without a ceiling: %d %s", code, said)
		}
	})
}

// guard: a deadline needs the mailbox, and is no more than 90 days ahead
func TestProtection_ADeadlineIsNoWayIn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(
			t,
			"--mandate",
			"mandatory",
			"--methods",
			"totp",
			"--set-up-by",
			w.Now().Add(6*24*time.Hour).UTC().Format(time.RFC3339),
		)
		u := c.User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.Password(u.Email, u.Password))
		if p.SignedIn() {
			t.Fatal("a password alone opens the account before the deadline")
		}
		w.Tamper(
			t,
			`UPDATE tenants SET set_up_by = $1 WHERE tenant_id = $2`,
			w.Now().AddDate(73, 0, 0).UnixMicro(),
			c.ID,
		) // as an older version took it
		mailed(t, w, p, u, 1).Expect(t, 200, "left to set up a sign-in method")
		w.Advance(t, 91*24*time.Hour)
		p = w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 2).Expect(t, 200, "Choose a sign-in method")
	})
}

// guard: a reset opens a set-up once, for a day, and nothing else
func TestProtection_AResetOpensOneSetUp(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		_, u, _, _ := equipped(t, w, c, "Phone")
		w.CLI(t, "user", "methods", "reset", u.Email)
		begin := func(n int) *rig.Person {
			p := w.Person(t)
			p.Visit(w.Dashboard(t).Visit())
			p.Password(u.Email, u.Password)
			mailed(t, w, p, u, n).Expect(t, 200, "Choose a sign-in method")
			if p.SignedIn() {
				t.Fatal("a reset lets the mailbox sign in")
			}
			return p
		}
		first, second := begin(2), begin(3)
		addApp(t, w, first, inFlow, "New phone")
		for _, path := range []string{inFlow, inFlow + "/totp"} {
			if pg := second.Twin().Get(path); pg.Says("Choose a sign-in method") ||
				strings.Contains(pg.Body, "otpauth") {
				t.Errorf("a second set-up is opened by the same reset: %s", rig.Quietly(pg.Text()))
			}
		}
		if pg := second.Twin().Post(inFlow+"/totp", url.Values{}); strings.Contains(pg.Body, "otpauth") {
			t.Error("a second set-up begins by the same reset")
		}
		third := w.Person(t)
		third.Visit(w.Dashboard(t).Visit())
		atCode(t, third.Password(u.Email, u.Password)).Expect(t, 200, "authenticator app")
	})
}
