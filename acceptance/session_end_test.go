package acceptance

import (
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: every proof makes a new token; the old one is closed
func TestATK078_SessionRotation(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		values := map[string]string{}
		note := func(when string) {
			for _, name := range []string{"flow", "session"} {
				if v := p.Cookie(name); v != "" {
					for before, old := range values {
						if old == v && name == "session" {
							t.Errorf("%s: the %s cookie is the one of %s", when, name, before)
						}
					}
					values[when+" "+name] = v
				}
			}
		}
		p.Visit(w.Dashboard(t).Visit())
		note("before")
		mail := p.ToCode(t, w.Dashboard(t), u)
		note("after the password")
		left(t, p.Code(mail.Code))
		current := p.Cookie("session")
		for when, value := range values {
			q := w.Person(t)
			q.SetCookie("session", value)
			q.SetCookie("flow", value)
			if q.SignedIn() || q.Get(rig.PathCode).Left != nil {
				t.Errorf("a cookie of %s is a session", when)
			}
		}
		if current == "" || !p.SignedIn() {
			t.Error("the last one is not a session")
		}
	})
}

// guard: sessions.idle_micros and expires_at
func TestATK079_Timeouts(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.SignIn(t, w.Dashboard(t), u)
		w.Advance(t, 59*time.Minute)
		if !p.SignedIn() {
			t.Error("ended after 59 minutes without use")
		}
		w.Advance(t, 61*time.Minute)
		atPassword(t, p.Visit(w.Dashboard(t).Visit()))

		q := w.Person(t)
		q.SignIn(t, w.Dashboard(t), u)
		for range 23 {
			w.Advance(t, 59*time.Minute)
			if !q.SignedIn() {
				t.Fatal("ended although it was used")
			}
		}
		w.Advance(t, 59*time.Minute)
		w.Advance(t, 30*time.Minute)
		if q.SignedIn() {
			t.Error("lives longer than 24 hours")
		}
	})
}

// guard: session.EndLine, and Session.ValidForBrowser looks at EndedAt
func TestATK080_LogoutIsFinal(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		tokens := p.SignIn(t, w.Dashboard(t), u)
		session := p.Cookie("session")
		p.Post(rig.PathSignOut, url.Values{})
		replay := w.Person(t)
		if w.Engine == "postgres" {
			replay.Via(w.Replica(t))
		}
		replay.SetCookie("session", session)
		if replay.SignedIn() {
			t.Error("the session lives after signing out")
		}
		if _, err := w.Dashboard(t).Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("the refresh token lives after signing out")
		}
		if status, _, _ := w.Dashboard(t).UserInfo(t, tokens.Raw.AccessToken); status != 401 {
			t.Errorf("userinfo answers %d after signing out", status)
		}
	})
}
