package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// centre is a company whose people must have an authenticator app, from a date or at once.
func centre(t *testing.T, w *rig.World, more ...string) *rig.Tenant {
	t.Helper()
	return w.NewTenant(t, append([]string{"--mandate", "mandatory", "--methods", "totp,backup"}, more...)...)
}

// The set-up shows its secret as text, so that a browser extension or a program on the
// desktop does as well as a phone.
//
// guard: totp.Show
func TestVOI1_AnAppOrABrowserExtension(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := centre(t, w).User(t)
		app := w.Dashboard(t)
		p, visit := w.Person(t), app.Visit()
		p.Visit(visit)
		p.Password(u.Email, u.Password).Expect(t, 200, "Confirm your email address first")
		mailed(t, w, p, u, 1).Expect(t, 200, "or a browser extension")
		g := addApp(t, w, p, inFlow, "Browser extension")
		addCodes(t, p, inFlow)
		p.Page.Expect(t, 200, "You are protected", "Browser extension", "10 codes")
		tokens := app.Finish(t, visit, p.Get(p.Page.LinkSaying("Continue")))
		if tokens.Claims.ACR != "urn:countersign:acr:2" || strings.Join(tokens.Claims.AMR, " ") != "pwd email otp mfa" {
			t.Errorf("acr %s amr %v", tokens.Claims.ACR, tokens.Claims.AMR)
		}
		again := w.Person(t)
		again.Visit(app.Visit())
		atCode(t, again.Password(u.Email, u.Password))
		left(t, again.Code(g.code(t)))
	})
}

// guard: policy.Input.deadline
func TestVOI12_ANoticeWithACountdownThenSetUpFirst(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := centre(t, w, "--set-up-by", w.Now().Add(6*24*time.Hour).UTC().Format(time.RFC3339))
		u := c.User(t)
		app := w.Dashboard(t)
		p := w.Person(t)
		p.Visit(app.Visit())
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 1).Expect(t, 200, "6 days left to set up a sign-in method", "Set up now")
		left(t, p.Get(p.Page.LinkSaying("Continue")))
		for range 2 { // it comes back, and nothing dismisses it
			p.Get("/").Expect(t, 200, "6 days left")
			if f, ok := p.Page.Form("/profile/language"); ok || len(p.Page.Forms()) > 2 {
				t.Errorf("something could dismiss it: %v", f)
			}
		}
		w.Advance(t, 4*24*time.Hour)
		p = w.Person(t)
		p.Visit(app.Visit())
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 2).Expect(t, 200, "2 days left")
		w.CLI(
			t,
			"tenant",
			"set",
			c.ID,
			"--set-up-by",
			w.Now().Add(60*24*time.Hour).UTC().Format(time.RFC3339),
		) // a later date moves no one's own
		w.Advance(t, 2*24*time.Hour)
		p = w.Person(t)
		p.Visit(app.Visit())
		p.Password(u.Email, u.Password).Expect(t, 200, "Confirm your email address first")
		mailed(t, w, p, u, 3).Expect(t, 200, "Choose a sign-in method", "Step 1 of 3")
		if p.SignedIn() {
			t.Error("signed in without a method after the deadline")
		}
		for _, path := range []string{"/", "/profile", "/profile/add"} {
			if pg := p.Twin().Get(path); pg.Input("password") == nil {
				t.Errorf("%s opens before the set-up", path)
			}
		}
	})
}

// guard: next leads to the set-up before it completes; EnrollInFlow owns the flow
func TestVOI13_SetUpAtTheFirstSignIn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := centre(t, w).User(t)
		app := w.Dashboard(t)
		p, visit := w.Person(t), app.Visit()
		p.Visit(visit)
		p.Password(u.Email, u.Password)
		if pg := p.Twin().Get(inFlow); pg.Says("Choose a sign-in method") {
			t.Fatal("a password alone opens the set-up")
		}
		mailed(t, w, p, u, 1)
		// codes alone are no method, and the company allows no other
		for _, other := range []string{"backup", "sms", "passkey", "password", "nothing"} {
			if pg := p.Twin().Post(inFlow+"/"+other, url.Values{}); pg.Status != 404 {
				t.Errorf("%s can be set up: %d", other, pg.Status)
			}
		}
		pg := p.Post(inFlow+"/totp", url.Values{})
		g := scan(t, w, pg)
		// left and taken up again
		if other := scan(t, w, p.Get(inFlow+"/totp")); string(other.secret) != string(g.secret) {
			t.Error("another secret after a reload")
		}
		p.Submit(inFlow+"/totp/confirm", "code", g.wrong()).Expect(t, 422)
		p.Submit(inFlow+"/totp/confirm", "code", g.code(t)).Expect(t, 200, "Step 3 of 3")
		if p.SignedIn() {
			t.Error("signed in with a single way in")
		}
		addCodes(t, p, inFlow)
		p.Page.Expect(t, 200, "You are protected")
		app.Finish(t, visit, p.Get(p.Page.LinkSaying("Continue")))
		if pg := p.Get(inFlow); pg.Status == 200 && pg.Says("Choose a sign-in method") {
			t.Error("the set-up can be opened again after the sign-in")
		}
		rig.Within(t, wait, "the address is told",
			func() bool { return strings.Contains(mailsOf(w, u), "A sign-in method was added") })
	})
}
