package acceptance

import (
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// twoTabs brings two tabs of one browser to the code pages of two apps.
func twoTabs(t *testing.T, w *rig.World, u *rig.User) (one, two *sideBySide) {
	t.Helper()
	p := w.Person(t)
	one = &sideBySide{Person: p, app: w.Dashboard(t)}
	two = &sideBySide{Person: p.Twin(), app: w.Console(t)}
	for _, tab := range []*sideBySide{one, two} {
		n := len(w.Sink.Codes(u.Email))
		tab.visit = tab.app.Visit()
		tab.Visit(tab.visit)
		atCode(t, tab.Password(u.Email, u.Password))
		tab.mail = w.Sink.Code(t, u.Email, n+1)
	}
	return one, two
}

// sideBySide is a tab with a sign-in of its own.
type sideBySide struct {
	*rig.Person
	app   *rig.App
	visit *rig.Visit
	mail  rig.Mail
}

func (s *sideBySide) finish(t *testing.T, pg *rig.Page) {
	t.Helper()
	s.app.Finish(t, s.visit, left(t, pg))
}

// guard: flowOf takes the sign-in that the form names
func TestTwoTabs_EachFormActsOnItsOwnSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one, two := twoTabs(t, w, u)
		one.Submit(rig.PathCode, "code", wrongCode(one.mail.Code, 5)).Expect(t, 401, "4 tries")
		two.Submit(rig.PathCode, "code", one.mail.Code).Expect(t, 401, "4 tries")
		one.Get(one.Page.LinkSaying("Check again")).Expect(t, 200, one.mail.Reference)
		two.Get(two.Page.LinkSaying("Check again")).Expect(t, 200, two.mail.Reference)
		one.finish(t, one.Submit(rig.PathCode, "code", one.mail.Code))
		two.finish(t, two.Submit(rig.PathCode, "code", two.mail.Code))
	})
}

func TestTwoTabs_TheNewerFinishesFirst(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one, two := twoTabs(t, w, u)
		two.finish(t, two.Submit(rig.PathCode, "code", two.mail.Code))
		one.finish(t, one.Submit(rig.PathCode, "code", one.mail.Code))
	})
}

func TestTwoTabs_CancelAndLinkActOnOne(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one, two := twoTabs(t, w, u)
		one.Submit(rig.PathCancel).Expect(t, 200, "Sign-in cancelled")
		two.finish(t, two.Submit(rig.PathCode, "code", two.mail.Code))

		one, two = twoTabs(t, w, w.Covered(t).User(t))
		link := one.Twin()
		link.OpenLink(one.mail.Link).Expect(t, 200, "Finish signing in")
		one.finish(t, link.PressLink(one.mail.Link))
		two.finish(t, two.Submit(rig.PathCode, "code", two.mail.Code))
	})
}

// A form names a sign-in in vain where another browser began it.
func TestTwoTabs_AForeignNameDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		mine, theirs := w.Covered(t).User(t), w.Covered(t).User(t)
		one, _ := twoTabs(t, w, mine)
		other, _ := twoTabs(t, w, theirs)
		f, _ := other.Page.Form(rig.PathCode)
		foreign := f.Values.Get("flow")
		for _, name := range []string{foreign, "", "x", rig.Digits(1, 26)} {
			for _, path := range []string{rig.PathCode, rig.PathNewCode, rig.PathCancel, "/signin/other",
				"/signin/new-password"} {
				pg := one.Twin().Post(path,
					form("flow", name, "code", one.mail.Code, "kind", "email", "password", "canary nobody"))
				if pg.Status != 410 || pg.Left != nil || gotSession(pg) {
					t.Errorf("%s of the sign-in %q: status %d", path, name, pg.Status)
				}
			}
			one.Twin().Get(rig.PathCode+"?flow="+name).Expect(t, 410)
		}
		if judged(t, w, mine)+judged(t, w, theirs) != 0 {
			t.Error("a try is gone")
		}
		one.finish(t, one.Submit(rig.PathCode, "code", one.mail.Code))
		other.finish(t, other.Submit(rig.PathCode, "code", other.mail.Code))
	})
}

// Whose sign-in was begun too long ago is told so, and loses nothing.
func TestTwoTabs_TooManySignIns(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one, two := twoTabs(t, w, u)
		for range 7 {
			later := w.Covered(t).User(t)
			one.Twin().ToCode(t, w.Dashboard(t), later)
		}
		pg := one.Submit(rig.PathCode, "code", one.mail.Code).Expect(t, 410, "A newer sign-in replaced this one")
		if pg.LinkSaying("newer sign-in") != rig.PathCode || pg.LinkSaying("again") == "" {
			t.Errorf("no way on: %s", rig.Quietly(pg.Text()))
		}
		if judged(t, w, u) != 0 {
			t.Error("a try is gone")
		}
		two.finish(t, two.Submit(rig.PathCode, "code", two.mail.Code))
	})
}

// The last page of a tab that was overtaken leads to its app with the session that there is.
func TestTwoTabs_AnOvertakenTabLeadsOn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one := w.Person(t)
		one.Visit(w.Dashboard(t).Visit())
		atCode(t, one.Password(u.Email, u.Password))
		w.Advance(t, 16*time.Minute)
		one.Twin().SignIn(t, w.Console(t), u)
		pg := one.Submit(rig.PathCode, "code", "000000").Expect(t, 200, "You are signed in on this browser")
		if to := pg.LinkSaying("Continue to "); to != w.Dashboard(t).Home {
			t.Errorf("the way on leads to %q: %s", to, rig.Quietly(pg.Text()))
		}
	})
}

func TestBrowser_TwoTabsTwoApps(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		one := w.Chromium(t).Tab(t)
		two := one.Beside()
		first, second := through(t, w, one, w.Dashboard(t), u), through(t, w, two, w.Console(t), u)
		two.Type(codeField, first.Code)
		two.Click(submitCode)
		two.Await("4 tries left")
		one.Type(codeField, first.Code)
		one.Click(submitCode)
		one.AwaitAt(w.Dashboard(t).Redirect + "?")
		two.Type(codeField, second.Code)
		two.Click(submitCode)
		two.AwaitAt(w.Console(t).Redirect + "?")
	})
}
