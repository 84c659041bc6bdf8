package acceptance

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const forgotPath = "/signin/forgot"

var passwordLink = regexp.MustCompile(`https://[^\s<>"']+(/password/[^\s<>"']+)`)

// passwordLinks are the paths of the links for a password that went to an address, in order.
func passwordLinks(w *rig.World, address string) (out []string) {
	for _, m := range w.Sink.Mails(address) {
		if found := passwordLink.FindStringSubmatch(m.Text); found != nil {
			out = append(out, found[1])
		}
	}
	return out
}

// linkFor waits for the n-th (from 1) of them.
func linkFor(t *testing.T, w *rig.World, address string, n int) string {
	t.Helper()
	rig.Within(t, wait, "a link for a password", func() bool { return len(passwordLinks(w, address)) >= n })
	return passwordLinks(w, address)[n-1]
}

// forget asks for a link from the sign-in page that the person has open, as they do by its button.
func forget(t *testing.T, p *rig.Person, address string) *rig.Page {
	t.Helper()
	form, ok := p.Page.Form(rig.PathPassword)
	if !ok {
		t.Fatalf("not at the sign-in page: %s", rig.Quietly(p.Page.Text()))
	}
	form.Values.Set("email", address)
	form.Values.Set("password", "what was tried before")
	p.Post(forgotPath, form.Values).Expect(t, 200, "Reset your password")
	if got := p.Page.Input("email")["value"]; got != address {
		t.Errorf("the address that was typed is %q on the next page", got)
	}
	return p.Submit(forgotPath)
}

// reset chooses a new password for u with a link that goes to their mailbox.
func reset(t *testing.T, w *rig.World, u *rig.User, n int) *rig.Person {
	t.Helper()
	p := w.Person(t)
	p.Get(rig.PathSignIn)
	forget(t, p, u.Email).Expect(t, 200, "Check your email")
	link := linkFor(t, w, u.Email, n)
	p.Get(link).Expect(t, 200, "Choose a new password", u.Email)
	u.Password = "canary reset battery " + w.Unique("staple")
	p.Submit(link, "password", u.Password).Expect(t, 200, "Your password is changed", "Sign in")
	return p
}

// guard: passwordlink.Service.redeem ends everything that the old password opened
func TestSEC043_AResetEndsEverythingAndSignsNoOneIn(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		old := u.Password
		kept := w.Person(t)
		tokens := kept.SignInRemembered(t, w.Dashboard(t), u)
		waits := w.Person(t)
		stale := waits.ToCode(t, w.Dashboard(t), u)

		p := w.Person(t)
		visit := w.Dashboard(t).Visit()
		p.Visit(visit)
		forget(t, p, u.Email).Expect(t, 200, "Check your email")
		link := linkFor(t, w, u.Email, 1)
		reader := w.Person(t)
		for range 3 { // a mail scanner
			reader.Get(link).Expect(t, 200, "Choose a new password")
		}
		if !kept.SignedIn() {
			t.Fatal("asking for a link, or looking at it, ended a session")
		}
		p.Get(link)
		if token := link[strings.LastIndex(link, ".")+1:]; strings.Contains(p.Page.URL.String()+p.Page.Body, token) {
			t.Error("the token stays in the address or on the page")
		}
		p.Submit(link, "password", "short").Expect(t, 422, "too short")
		u.Password = "canary reset battery " + w.Unique("staple")
		pg := p.Submit(link, "password", u.Password).Expect(t, 200, "Your password is changed",
			"Sign in to The dashboard")
		if pg.GaveSession() || p.SignedIn() || p.Cookie("flow") != "" {
			t.Error("the link signs in")
		}
		if got := pg.Input("email")["value"]; got != u.Email {
			t.Errorf("the address on the sign-in page is %q", got)
		}

		if kept.SignedIn() {
			t.Error("a session outlived the reset")
		}
		if _, err := w.Dashboard(t).Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("a refresh token outlived the reset")
		}
		waits.Code(stale.Code)
		if waits.SignedIn() {
			t.Error("a sign-in that was under way outlived the reset")
		}
		other := w.Person(t)
		other.Get(rig.PathSignIn)
		other.Password(u.Email, old).Expect(t, 401)
		kept.Visit(w.Dashboard(t).Visit())
		kept.Password(u.Email, u.Password)
		if _, asked := kept.Page.Form(rig.PathCode); !asked {
			t.Error("a remembered browser outlived the reset")
		}

		w.Sink.Code(t, u.Email, 3) // of the browser that is not remembered any more
		p.Password(u.Email, u.Password)
		pg = p.Code(w.Sink.Code(t, u.Email, 4).Code)
		w.Dashboard(t).Finish(t, visit, pg) // back in the app that was waiting
		letterSaying(t, w, u.Email, "with a link that we emailed to you")
		if len(w.Covered(t).Events(t, "password.replaced", "reset", "ok")) == 0 {
			t.Error("no record of the reset")
		}
	})
}

// guard: passwordlink.Service.RequestReset answers before anyone looks the address up
func TestSEC086_ForgotTellsNothingAboutAnAddress(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		known, disabled := c.User(t), c.User(t)
		disabled.Set(t, "--disable")
		unknown := &rig.User{Email: w.Unique("nobody") + "@people.example.test"}
		var said []string
		for _, u := range []*rig.User{known, disabled, unknown} {
			p := w.Person(t)
			p.Get(rig.PathSignIn)
			for range 4 { // more than are sent
				p.Get(forgotPath)
				pg := p.Submit(forgotPath, "email", u.Email).Expect(t, 200, "Check your email")
				pg.Body = strings.ReplaceAll(pg.Body, u.Email, "ADDRESS")
				said = append(said, pg.Shape())
			}
		}
		for _, body := range said {
			if body != said[0] {
				t.Fatalf("the answers differ:\n%s\n%s", body, said[0])
			}
		}
		rig.Within(t, wait, "two links for the one who exists",
			func() bool { return len(passwordLinks(w, known.Email)) == 2 })
		rig.Within(t, wait, "records", func() bool {
			return len(c.Events(t, "password.asked", "account_or_app_closed")) == 2 &&
				len(c.Events(t, "password.asked", "ok")) == 2
		})
		if n := len(w.Sink.Mails(disabled.Email)) - 1; n > 0 { // but for the notice that they were disabled
			t.Errorf("%d mails to someone who is disabled", n)
		}
		if n := len(w.Sink.Mails(unknown.Email)); n > 0 {
			t.Errorf("%d mails to no one", n)
		}
		if strings.Contains(string(w.Dump(t)), unknown.Email) {
			t.Error("an address that no one has is kept")
		}
		p := w.Person(t)
		for i := range 2 { // both are good, so that a stranger who asks keeps no one out
			p.Get(passwordLinks(w, known.Email)[i]).Expect(t, 200, "Choose a new password")
		}
	})
}

// guard: PasswordSetByMail and the close of the link, one guarded write each
func TestSEC052_OneLinkOnce(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		for n := range 2 {
			p.Get(rig.PathSignIn)
			forget(t, p, u.Email).Expect(t, 200, "Check your email")
			linkFor(t, w, u.Email, n+1)
		}
		links := passwordLinks(w, u.Email)
		words := make([]string, 20)
		shots := make([]rig.Shot, 20)
		for i := range shots {
			words[i] = "canary of tab number " + rig.Digits(i, 2)
			shots[i] = rig.Shot{Person: w.Person(t), Path: links[i%2], Form: url.Values{"password": {words[i]}}}
		}
		set := 0
		for i, pg := range rig.Volley(t, shots) {
			if pg.Says("Your password is changed") {
				set++
				u.Password = words[i]
				continue
			}
			pg.Expect(t, http.StatusGone)
		}
		if set != 1 {
			t.Fatalf("%d of 20 set a password", set)
		}
		for _, link := range links {
			p.Get(link).Expect(t, http.StatusGone, "Get a new link")
			p.Post(link, url.Values{"password": {"canary of a second use"}}).Expect(t, http.StatusGone)
		}
		w.Person(t).SignIn(t, w.Dashboard(t), u)
		if n := len(w.Covered(t).Events(t, "password.replaced", "reset", "ok")); n < 1 {
			t.Errorf("%d records", n)
		}
	})
}

// guard: a link is bound to the account as it was
func TestSEC052_WhatMakesALinkVoid(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		asked := func() (*rig.User, string) {
			u, p := c.User(t), w.Person(t)
			p.Get(rig.PathSignIn)
			forget(t, p, u.Email).Expect(t, 200, "Check your email")
			return u, linkFor(t, w, u.Email, 1)
		}
		for _, void := range []func(*rig.User){
			func(u *rig.User) { u.NewPassword(t) },
			func(u *rig.User) { u.Set(t, "--new-email", w.Unique("moved")+"@people.example.test") },
			func(u *rig.User) { u.Set(t, "--disable") },
			func(*rig.User) { w.Advance(t, 30*time.Minute) },
		} {
			u, link := asked()
			void(u)
			p := w.Person(t)
			p.Get(link)
			p.Page.Expect(t, http.StatusGone, "This link has expired", "Get a new link")
			p.Post(link, url.Values{"password": {"canary of a void link"}}).Expect(t, http.StatusGone)
		}
		w.Person(t).Get("/password/nothing").Expect(t, http.StatusNotFound, "does not work", "Get a new link")
	})
}

// guard: a reset opens nothing that asks for a second factor (ATK-041)
func TestATK041_AResetLeavesTheMethods(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		_, u, g, _ := equipped(t, w, c, "Phone")
		before := w.CLI(t, "user", "methods", "list", u.Email)
		p := reset(t, w, u, 1)
		if now := w.CLI(t, "user", "methods", "list", u.Email); stateOf(now) != stateOf(before) {
			t.Errorf("the reset touched the methods:\n%s\n%s", before, now)
		}
		atCode(t, p.Password(u.Email, u.Password)).Expect(t, 200, "authenticator app")
		if p.SignedIn() {
			t.Fatal("a mailbox opens an account with an app")
		}
		w.Advance(t, time.Minute)
		p.Code(g.code(t)).Expect(t, 200)
		if !p.SignedIn() {
			t.Error("the app does not finish the sign-in")
		}
		p.Get(inProfile).Expect(t, 200, "Choose a sign-in method") // with another factor there is no wait
	})
}

// stateOf leaves out what a sign-in changes.
func stateOf(list string) string {
	return strings.Join(regexp.MustCompile(`\S+  (totp|backup|email|password)\s+\w+`).FindAllString(list, -1), "\n")
}

// guard: policy's SetUpFrom
func TestATK042_AResetAndACodeByMailAreOneProof(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,passkey")
		u := c.User(t)
		p := reset(t, w, u, 1)
		p.Password(u.Email, u.Password).
			Expect(t, 410, "You can’t set up a sign-in method yet", "ask your administrator",
				w.Now().Add(24*time.Hour).UTC().Format("2 Jan 2006"))
		if p.SignedIn() || len(w.Sink.Codes(u.Email)) > 0 {
			t.Fatal("a code is sent, or a session opens below what the company asks for")
		}
		w.CLI(t, "user", "methods", "reset", u.Email) // people know who it is
		p = w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		p.Password(u.Email, u.Password).Expect(t, 200)
		mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")

		open := w.Covered(t).User(t) // where a code by mail is enough, it goes on being enough
		p = reset(t, w, open, 1)
		p.Password(open.Email, open.Password)
		mailed(t, w, p, open, 1)
		if !p.SignedIn() {
			t.Fatalf("not signed in: %s", rig.Quietly(p.Page.Text()))
		}
		p.Get(inProfile).Expect(t, 403, "You can’t set up a sign-in method yet")
		p.Post(inProfile+"/totp", url.Values{}).Expect(t, 403, "You can’t set up a sign-in method yet")
		w.Advance(t, 24*time.Hour)
		p = w.Person(t)
		enter(t, p, open, inProfile)
		mailed(t, w, p, open, 2).Expect(t, 200, "Choose a sign-in method")
	})
}

// Anyone who reads a mailbox resets the password, and does so again after the owner has reported it.
// The report goes on asking for the app, also in an application that asks for no second step.
//
// guard: PasswordSetByMail, replacedByMail, SettleReport
func TestATK041_AMailboxSettlesNoReport(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		_, u, g, _ := equipped(t, w, w.NewTenant(t, "--mandate", "mandatory"), "Phone")
		reset(t, w, u, 1)
		reader := w.Person(t)
		report := letterSaying(t, w, u.Email, "with a link that we emailed to you").NotMe
		reader.Get(report)
		reader.Submit(report).Expect(t, 200, "Thank you")
		reset(t, w, u, 2)
		p := w.Person(t)
		p.Visit(w.PhoneApp(t).Visit())
		atCode(t, p.Password(u.Email, u.Password)).Expect(t, 200, "authenticator app")
		if p.SignedIn() {
			t.Fatal("a mailbox opens an account with an app that was reported")
		}
		w.Advance(t, time.Minute)
		left(t, p.Code(g.code(t))) // the password is a new one already
		p = w.Person(t)
		p.Visit(w.PhoneApp(t).Visit())
		left(t, p.Password(u.Email, u.Password)) // and the report is settled
	})
}

// guard: links are made with public_url
func TestATK065_AHostHeaderChangesNoPasswordLink(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Extra.Set("X-Forwarded-Host", "evil.example.test")
		p.Extra.Set("Forwarded", "host=evil.example.test")
		p.Get(rig.PathSignIn)
		forget(t, p, u.Email).Expect(t, 200, "Check your email")
		linkFor(t, w, u.Email, 1)
		for _, m := range w.Sink.Mails(u.Email) {
			for _, link := range m.Links() {
				if !strings.HasPrefix(link, rig.PublicURL+"/") {
					t.Errorf("a link to %s", link)
				}
			}
		}
	})
}

// guard: a report of a reset flags the password and tells the administrators
func TestSEC046_AResetCanBeReported(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner := c.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
		u := c.User(t)
		p := reset(t, w, u, 1)
		report := letterSaying(t, w, u.Email, "with a link that we emailed to you").NotMe
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 1)
		reader := w.Person(t)
		reader.Get(report)
		reader.Submit(report)
		if p.SignedIn() {
			t.Error("a session outlived the report")
		}
		letterSaying(t, w, owner.Email, "was not theirs")
	})
}

// invited adds a person without a password.
func invited(t *testing.T, w *rig.World, c *rig.Tenant) *rig.User {
	t.Helper()
	u := &rig.User{Email: w.Unique("invited") + "@people.example.test", Name: "Ines Invited", Role: "agent", Tenant: c}
	out := w.CLI(t, "user", "create", "--tenant", c.ID, "--email", u.Email, "--name", u.Name, "--role", u.Role)
	if !strings.Contains(out, "invitation") {
		t.Errorf("the command does not say so: %s", out)
	}
	return u
}

// guard: a person without a password is invited, and no one else sees the password (ALO-16)
func TestALO16_AnInvitationIsAWayIn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,email")
		u := invited(t, w, c)
		link := linkFor(t, w, u.Email, 1)
		p := w.Person(t)
		for range 3 {
			p.Get(link).Expect(t, 200, "Welcome", u.Email)
		}
		u.Password = "canary of the invited " + w.Unique("staple")
		pg := p.Submit(link, "password", u.Password).Expect(t, 200, "Your password is set", "Sign in")
		if pg.GaveSession() || p.SignedIn() || pg.Input("email")["value"] != u.Email {
			t.Error("the invitation signs in, or forgets the address")
		}
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 1)
		if !p.SignedIn() {
			t.Fatal("not signed in")
		}
		p.Get(inProfile).Expect(t, 200, "Choose a sign-in method") // an invitation is no reset
		w.Person(t).Get(link).Expect(t, http.StatusGone, "already used")
		if out, err := w.TryCLI("", "user", "invite", u.Email); err == nil ||
			!strings.Contains(err.Error(), "password already") {
			t.Errorf("a person with a password was invited: %v %s", err, out)
		}

		again := invited(t, w, c)
		first := linkFor(t, w, again.Email, 1)
		w.CLI(t, "user", "invite", again.Email)
		second := linkFor(t, w, again.Email, 2)
		p.Get(first).Expect(t, http.StatusGone, "no longer works")
		p.Get(second).Expect(t, 200, "Welcome")
		w.Advance(t, 5*24*time.Hour)
		p.Get(second).Expect(t, http.StatusGone, "expired", "administrator")
		p.Post(second, url.Values{"password": {"canary of a late guest"}}).Expect(t, http.StatusGone)
		if len(c.Events(t, "user.invited", "ok")) != 3 {
			t.Errorf("records: %v", c.Events(t, "user.invited"))
		}

		p = w.Person(t) // anyone who reads the mailbox may ask for another
		p.Get(rig.PathSignIn)
		forget(t, p, again.Email).Expect(t, 200, "Check your email")
		third := linkFor(t, w, again.Email, 3)
		p.Get(third).Expect(t, 200, "Welcome", again.Email)
		p.Submit(third, "password", "canary of a late guest").Expect(t, 200, "Your password is set")
	})
}
