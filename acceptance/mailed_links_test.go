package acceptance

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// everyLink is one link of each kind that is mailed.
func everyLink(t *testing.T, w *rig.World) map[string]string {
	t.Helper()
	u := w.Covered(t).User(t)
	mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
	p := w.Person(t)
	p.Get(rig.PathSignIn)
	forget(t, p, u.Email)
	p.Post(pathAskLink, form("email", u.Email)).Expect(t, 200)
	return map[string]string{
		"/l":        mail.Link,
		"/not-me":   mail.NotMe,
		"/undo":     "/undo/" + mail.NotMe[len("/not-me/"):],
		"/password": linkFor(t, w, u.Email, 1),
		"/continue": continueLink(t, w, u),
	}
}

// The token leaves the address with the first answer, and no page of the link shows it again.
//
// guard: takeLink redirects
func TestMailedLinks_TheTokenLeavesTheAddress(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for path, link := range everyLink(t, w) {
			p := w.Person(t)
			first := p.Send(p.Request(http.MethodGet, link, nil))
			to := first.Header.Get("Location")
			if first.Status != 303 || !strings.HasPrefix(to, path+"?id=") || strings.Contains(to, lastPart(link)) {
				t.Errorf("%s: %d to %s", path, first.Status, rig.Quietly(to))
			}
			if first.Header.Get("Cache-Control") != "no-store" || strings.Contains(first.Body, lastPart(link)) {
				t.Errorf("%s: the answer may be kept", path)
			}
			heldBriefly(t, path, first)
			pg := p.Get(link).Expect(t, 200)
			if strings.Contains(pg.URL.String(), lastPart(link)) || pg.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: the page is at %s", path, rig.Quietly(pg.URL.String()))
			}
			for _, f := range pg.Forms() {
				if strings.Contains(f.Action+f.Values.Encode(), lastPart(link)) {
					t.Errorf("%s: the form for %s carries the token", path, f.Action)
				}
			}
			p.Get(pg.URL.RequestURI()).Expect(t, 200) // a reload
			w.Person(t).Get(pg.URL.RequestURI()).Expect(t, 410, "Open the link again")
		}
	})
}

// heldBriefly fails unless the cookie of a link is closed to scripts and lives for ten minutes at most.
func heldBriefly(t *testing.T, path string, pg *rig.Page) {
	t.Helper()
	if len(pg.Given) != 1 {
		t.Fatalf("%s: %d cookies", path, len(pg.Given))
	}
	c, err := http.ParseSetCookie(pg.Given[0])
	if err != nil || !strings.HasPrefix(c.Name, "__Host-") || !c.HttpOnly || !c.Secure ||
		c.SameSite != http.SameSiteLaxMode ||
		c.MaxAge <= 0 || c.MaxAge > 600 {
		t.Errorf("%s: %s, %v", path, rig.Quietly(pg.Given[0]), err)
	}
}

// The cookie of a link is good for ten minutes, whatever the browser keeps.
func TestMailedLinks_AnOldPageAsksForTheLink(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
		p := w.Person(t)
		p.Get(mail.NotMe).Expect(t, 200)
		w.Advance(t, 10*time.Minute+time.Second)
		f, _ := p.Page.Form("/not-me")
		pressed := p.Send(p.Request(http.MethodPost, "/not-me", f.Values)).Expect(t, 410, "Nothing has changed")
		if pressed.LinkSaying("again") != "" {
			t.Error("the page offers what it cannot do")
		}
		if n := len(w.Texts(t, `SELECT id FROM users WHERE email = $1 AND password_flagged_at = 0`, u.Email)); n != 1 {
			t.Error("an old page reported the sign-in")
		}
		p.Get(mail.NotMe).Expect(t, 200)
		p.Submit(mail.NotMe).Expect(t, 200)
		if n := len(w.Texts(t, `SELECT id FROM users WHERE email = $1 AND password_flagged_at > 0`, u.Email)); n != 1 {
			t.Error("the link, opened again, does nothing")
		}
	})
}

// Links that are open in two tabs act each for itself.
func TestMailedLinks_TwoTabs(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		one, two := twoTabs(t, w, w.Covered(t).User(t))
		first, second := one.Twin(), two.Twin()
		first.Get(one.mail.Link).Expect(t, 200, "The dashboard")
		second.Get(two.mail.Link).Expect(t, 200, "The console")
		one.finish(t, first.Submit("/l"))
		two.finish(t, second.Submit("/l"))

		u, v := w.Covered(t).User(t), w.Covered(t).User(t)
		p := w.Person(t)
		for _, who := range []*rig.User{u, v} {
			p.Get(w.Person(t).ToCode(t, w.Dashboard(t), who).NotMe).Expect(t, 200)
			if who == u {
				p = p.Twin()
			}
		}
		p.Submit("/not-me").Expect(t, 200)
		if n := len(w.Texts(t, `SELECT id FROM users WHERE email = $1 AND password_flagged_at > 0`, v.Email)); n != 1 {
			t.Error("the link of this tab was not used")
		}
		if n := len(w.Texts(t, `SELECT id FROM users WHERE email = $1 AND password_flagged_at = 0`, u.Email)); n != 1 {
			t.Error("the link of the other tab was used")
		}
	})
}

// Neither the address bar nor the history of a real browser keeps the token.
func TestBrowser_TheTokenIsInNoHistory(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for path, link := range everyLink(t, w) {
			b := w.Chromium(t).Tab(t).WithoutScripts()
			b.Go(rig.PublicURL + "/why")
			b.Go(rig.PublicURL + link)
			b.See("h1")
			for _, at := range b.History() {
				if strings.Contains(at, lastPart(link)) {
					t.Errorf("%s: the history has %s", path, rig.Quietly(at))
				}
			}
			if at := b.Where(); !strings.HasPrefix(at, rig.PublicURL+path+"?id=") {
				t.Errorf("%s: the address bar shows %s", path, rig.Quietly(at))
			}
		}
	})
}

// A mail scanner with a browser presses every button that it finds, and fills in nothing, or anything.
//
// guard: confirmed
func TestMailedLinks_AScannerThatPressesEverything(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		owner := w.Person(t)
		mail := owner.ToCode(t, w.Dashboard(t), u)
		for path, link := range map[string]string{"/not-me": mail.NotMe,
			"/undo": "/undo/" + mail.NotMe[len("/not-me/"):]} {
			scanner := w.Person(t)
			f, ok := scanner.Get(link).Expect(t, 200).Form(path)
			if !ok || scanner.Page.Input("word") == nil {
				t.Fatalf("%s: no word is asked for", path)
			}
			for _, word := range []string{"", " ", "yes", "on", "test@example.test", f.Values.Get("id")} {
				f.Values.Set("word", word)
				pg := scanner.Send(scanner.Request(http.MethodPost, path, f.Values)).Expect(t, 422,
					"Nothing has changed yet")
				if in := pg.Input("word"); in == nil || in["aria-invalid"] != "true" ||
					!strings.Contains(in["aria-describedby"], "problem") {
					t.Errorf("%s: the field does not say what is wrong: %v", path, in)
				}
			}
			f.Values.Del("word")
			scanner.Send(scanner.Request(http.MethodPost, path, f.Values)).Expect(t, 422)
		}
		left(t, owner.Code(mail.Code)) // nothing was stopped
	})
}

// People type the word as their phone and their language let them.
func TestMailedLinks_TheWordAsPeopleTypeIt(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for _, word := range []string{"stop", "STOP", " Stop. ", "“stop”", "ｓｔｏｐ", "\u200estop", "parar"} {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			p.Get(w.Person(t).ToCode(t, w.Dashboard(t), u).NotMe).Expect(t, 200)
			p.Submit("/not-me", "word", word).Expect(t, 200, "Thank you")
			if n := len(w.Texts(t, `SELECT id FROM users
				WHERE email = $1 AND password_flagged_at > 0`, u.Email)); n != 1 {
				t.Errorf("%q was not understood", word)
			}
		}
	})
}
