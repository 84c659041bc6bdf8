package acceptance

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// selfService is a company whose people each decide for themselves, by text message or app.
func selfService(t *testing.T, w *rig.World) *rig.Tenant {
	t.Helper()
	return w.NewTenant(t, "--mandate", "default_on", "--choice", "optional", "--methods", "sms,totp,backup")
}

// toAdding signs someone in to where methods are added.
func toAdding(t *testing.T, w *rig.World, u *rig.User) *rig.Person {
	t.Helper()
	p := w.Person(t)
	enter(t, p, u, inProfile)
	mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
	return p
}

// number is a mobile number that no one else here has, as people in Germany write it.
func number(w *rig.World) (typed, e164 string) {
	serial, _ := strconv.Atoi(strings.TrimPrefix(w.Unique("number"), "number"))
	digits := fmt.Sprintf("1512%07d", 3_000_000+1_000*serial) // each in a range of its own
	return "0" + digits[:4] + " " + digits[4:], "+49" + digits
}

// guard: policy asks nothing of someone who has not chosen, where it is theirs to choose
func TestPAR1_PAR2_RecommendedAndSwitchedOnByOneself(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := selfService(t, w)
		u, app := c.User(t), w.Dashboard(t)
		p := w.Person(t)
		p.Visit(app.Visit())
		left(t, p.Password(u.Email, u.Password))
		p.Get("/profile").Expect(t, 200, "We don’t ask for two-factor authentication",
			"Turn on two-factor authentication")
		p.Get(p.Page.LinkSaying("Turn on two-factor authentication")).Expect(t, 200, "and recommends turning it on")
		p.Get(p.Page.LinkSaying("Add a method"))
		p.StepUp()
		mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
		g := addApp(t, w, p, inProfile, "Phone")
		addCodes(t, p, inProfile)
		again := w.Person(t)
		again.Visit(app.Visit())
		atCode(t, again.Password(u.Email, u.Password))
		left(t, again.Code(g.code(t)))
		p.Get("/profile/second-step").Expect(t, 200, "It’s on")
		p.Submit("/profile/second-step", "on", "off").Expect(t, 200, "Two-factor authentication is off")
		last := w.Person(t)
		last.Visit(app.Visit())
		left(t, last.Password(u.Email, u.Password))
		last.Post("/profile/second-step", url.Values{"on": {"on"}})
		another := w.Person(t)
		another.Visit(app.Visit())
		left(t, another.Password(u.Email, u.Password)) // still off: a session of the password alone changes nothing
		w.Advance(t, time.Minute)
		last.Post("/profile/second-step", url.Values{"on": {"on"}})
		last.StepUp()
		atCode(t, last.Page)
		last.Code(g.code(t))
		last.Get("/profile/second-step")
		last.Submit("/profile/second-step", "on", "on").Expect(t, 200, "Two-factor authentication is on")
		rig.Within(t, wait, "the switch is told",
			func() bool { return strings.Contains(mailsOf(w, u), "can now be opened with the password alone") })
	})
}

// guard: phone.Parse, and the code that goes to the number before it counts
func TestPAR3_PAR4_ANumberIsProvedBeforeItCounts(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u := selfService(t, w.World).User(t)
		p := toAdding(t, w.World, u)
		p.Get("/profile/add/sms").Expect(t, 200, "Country", "Germany (+49)", "Text messages are less secure",
			"Choose another method instead")
		try := func(country, number string) *rig.Page {
			return p.Submit("/profile/add/sms", "country", country, "number", number)
		}
		for _, bad := range []struct{ country, number, words string }{
			{"DE", "030 123456", "not a mobile number"}, {"DE", "0900 1 234567", "can’t be used here"},
			{"DE", "12", "too short"},
			{"", "0151 23456789", "choose the country"},
			{"GB", "07400 123456", "Numbers from this country can’t be used"},
			{"DE", "+34 612 345 678", "belongs to another country"},
		} {
			if pg := try(bad.country, bad.number); pg.Status != 422 || !pg.Says(bad.words) ||
				pg.Input("number")["value"] != bad.number {
				t.Errorf("%s %s: %d %s", bad.country, bad.number, pg.Status, rig.Quietly(pg.Text()))
			}
		}
		typed, to := number(w.World)
		try("DE", typed).Expect(t, 200, "Enter the code from the text message", "+49 1512")
		code := rig.CodeIn(t, w.Text(t, to, 1))
		p.Submit("/profile/add/sms/confirm", "code", wrongCode(code, 0)).Expect(t, 422,
			"not the code in the newest message")
		if n := w.Number(t, `SELECT count(*) FROM outofband_addresses WHERE address = $1`, to); n != 0 {
			t.Error("the number counts before it is proved")
		}
		p.Submit("/profile/add/sms/confirm", "code", code).Expect(t, 200, "backup codes")
		if n := w.Number(t, `SELECT count(*) FROM outofband_addresses WHERE address = $1`, to); n != 1 {
			t.Error("the number is not stored in its one form")
		}
		addCodes(t, p, inProfile)
		p.Page.Expect(t, 200, "You are protected", "Text message")

		other := w.Person(t) // from then on a text comes by itself
		other.Visit(w.Dashboard(t).Visit())
		atCode(t, other.Password(u.Email, u.Password)).Expect(t, 200, "Check your phone")
		left(t, other.Code(rig.CodeIn(t, w.Text(t, to, 2))))
	})
}

// guard: Verify takes any of the person's apps and names it
func TestPAR7_PAR8_PAR9_PAR10_SeveralAppsEachWithItsOwnSecret(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		p, u, mobile, _ := equipped(t, w, selfService(t, w), "Mobile")
		desktop := addApp(t, w, p, inProfile, "Desktop at work")
		p.Page.Expect(t, 200, "Mobile", "Desktop at work")
		if string(mobile.secret) == string(desktop.secret) {
			t.Fatal("two apps share a secret")
		}
		for _, g := range []*gadget{mobile, desktop} {
			other := w.Person(t)
			other.Visit(w.Dashboard(t).Visit())
			atCode(t, other.Password(u.Email, u.Password))
			left(t, other.Code(g.code(t)))
		}
		p.Get("/profile/activity").Expect(t, 200, "Confirmed with: Authenticator app “Mobile”",
			"Confirmed with: Authenticator app “Desktop at work”")
		ways := w.Person(t)
		ways.Visit(w.Dashboard(t).Visit())
		atCode(t, ways.Password(u.Email, u.Password))
		ways.Get("/signin/other").Expect(t, 200, "Mobile", "Desktop at work", "Backup codes")
	})
}

// guard: before asks for codes where there is a single way in
func TestPAR11_OneDeviceLostIsNoAccountLost(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u, app := selfService(t, w).User(t), w.Dashboard(t)
		p := toAdding(t, w, u)
		g := addApp(t, w, p, inProfile, "Phone")
		p.Page.Expect(t, 200, "If your device is lost or broken") // and is left without codes
		next, visit := w.Person(t), app.Visit()
		next.Visit(visit)
		atCode(t, next.Password(u.Email, u.Password))
		next.Code(g.code(t)).Expect(t, 200, "Your backup codes", "Step 3 of 3")
		if next.SignedIn() {
			t.Fatal("signed in with a single way in")
		}
		codes := addCodes(t, next, inFlow)
		next.Page.Expect(t, 200, "You are protected")
		app.Finish(t, visit, next.Get(next.Page.LinkSaying("Continue")))

		lost := w.Person(t) // the phone is gone
		lost.Visit(app.Visit())
		atCode(t, lost.Password(u.Email, u.Password))
		lost.Submit("/signin/other", "kind", "backup")
		lost.Code(codes[3]).Expect(t, 200, "9 left")
		left(t, lost.Get(lost.Page.LinkSaying("Continue")))
		fresh := addApp(t, w, lost, inProfile, "New phone")
		lost.Get("/profile").Expect(t, 200, "New phone")
		old := w.Texts(t, `SELECT id FROM authenticators WHERE tenant_id = $1 AND label = 'Phone'`, u.Tenant.ID)
		lost.Get("/profile/methods/" + old[0] + "/remove")
		lost.Submit("/profile/methods/"+old[0]+"/remove").Expect(t, 200, "Removed")
		last := w.Person(t)
		last.Visit(app.Visit())
		atCode(t, last.Password(u.Email, u.Password))
		last.Code(g.code(t)).Expect(t, 401)
		left(t, last.Code(fresh.code(t)))
	})
}

// guard: session.OpenOf and profile name one user
func TestProfile_SessionsBrowsersAndPassword(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		u, stranger := c.User(t), c.User(t)
		app := w.Dashboard(t)
		away := w.Person(t)
		away.SignInRemembered(t, app, u)
		thief := w.Person(t)
		thief.SignIn(t, app, stranger)
		p := w.Person(t)
		enter(t, p, u, "/profile/password")
		mailed(t, w, p, u, 2).Expect(t, 200, "Change your password")
		p.Get("/profile").Expect(t, 200, "this browser", "Remembered browsers", "Forget all of them")
		theirs := w.Texts(t, `SELECT s.id FROM sessions s JOIN directory d ON d.user_id = s.user_id
			WHERE d.email_key = $1 AND s.ended_at = 0`, u.Email)
		remembered := w.Texts(t, `SELECT r.id FROM remembered_browsers r JOIN directory d ON d.user_id = r.user_id
			WHERE d.email_key = $1 AND r.ended_at = 0`, u.Email)
		for _, id := range theirs {
			thief.Post("/profile/sessions", url.Values{"id": {id}}).Expect(t, 404)
		}
		thief.Post("/profile/browsers", url.Values{"id": {remembered[0]}}).Expect(t, 404)
		if !away.SignedIn() {
			t.Fatal("someone else's session was ended")
		}
		p.Post("/profile/browsers", url.Values{"id": {remembered[0]}}).Expect(t, 200, "Forgotten")
		p.Post("/profile/sessions", url.Values{}).Expect(t, 200, "Signed out there")
		if away.SignedIn() || !p.SignedIn() || !thief.SignedIn() {
			t.Error("not the other sessions, and only they, were ended")
		}
		away.Visit(app.Visit())
		atCode(t, away.Password(u.Email, u.Password)) // no longer remembered
		away.Code(w.Sink.Code(t, u.Email, 3).Code)

		p.Get("/profile/password")
		p.Submit("/profile/password", "current", "not the password", "password", "canary new battery staple").Expect(t,
			422, "not your current password")
		p.Submit("/profile/password", "current", u.Password, "password", "short").Expect(t, 422, "too short")
		p.Submit("/profile/password", "current", u.Password, "password", "canary new battery staple").Expect(t, 200,
			"Your password is changed")
		if away.SignedIn() || !p.SignedIn() {
			t.Error("the other browser is still signed in, or this one is not")
		}
		next := w.Person(t)
		next.Visit(app.Visit())
		next.Password(u.Email, u.Password).Expect(t, 401)
		atCode(t, next.Password(u.Email, "canary new battery staple"))
		rig.Within(t, wait, "the change is told",
			func() bool { return strings.Contains(mailsOf(w, u), "Your password was changed") })
	})
}
