package acceptance

import (
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathSetUpTime = pathSecurity + "/set-up-time"

func setUpTime(days, laters string) url.Values { return url.Values{"days": {days}, "laters": {laters}} }

// entered signs in with the password and the mailbox, and returns the page that follows.
func entered(t *testing.T, w *rig.World, p *rig.Person, u *rig.User) *rig.Page {
	t.Helper()
	n := len(w.Sink.Codes(u.Email))
	p.Visit(w.Dashboard(t).Visit())
	atCode(t, p.Password(u.Email, u.Password))
	return p.Code(w.Sink.Code(t, u.Email, n+1).Code)
}

// setUpFirst fails where a sign-in opens a session before a method is set up.
func setUpFirst(t *testing.T, w *rig.World, u *rig.User, what string) {
	t.Helper()
	if pg := entered(t, w, w.Person(t), u); gotSession(pg) || !pg.Says("Choose a sign-in method") {
		t.Errorf("%s: set-up does not come first: %s", what, rig.Quietly(pg.Text()))
	}
}

// TestNewcomersHaveTimeFromTheirFirstSignIn, as the company's administrators decide; those who were there before have
// none of it, and what a newcomer has never moves.
//
// guard: policy.Input.newcomerUntil
func TestNewcomersHaveTimeFromTheirFirstSignIn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--methods", "totp,backup")
		admin, old, started := member(t, w, c, "Ada", "admin"), member(t, w, c, "Old", "agent"), c.User(t)
		p := w.Person(t)
		administer(t, w, p, admin, pathSecurity+"/methods") // a recent proof
		p.Get(pathSecurity).Expect(t, 200, "Time to set up", "No extra time", "No limit")
		administer(t, w, w.Person(t), old, "/profile")
		for says, form := range map[string]url.Values{
			"between 0 and 90 days":     setUpTime("91", "0"),
			"between 0 and 10 sign-ins": setUpTime("14", "11"),
		} {
			p.Post(pathSetUpTime, form).Expect(t, 422, says)
		}
		p.Post(pathSetUpTime, setUpTime("14", "0")).Expect(t, 200, "Time to set up saved", "14 days")
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "mandatory")
		setUpFirst(t, w, old, "someone who was there before")
		entered(t, w, w.Person(t), started).Expect(t, 200, "14 days left to set up a sign-in method")
		w.Advance(t, 5*24*time.Hour)
		w.CLI(t, "tenant", "set", c.ID, "--set-up-days", "90")
		entered(t, w, w.Person(t), started).Expect(t, 200, "9 days left")
		late := c.User(t)
		entered(t, w, w.Person(t), late).Expect(t, 200, "90 days left")
		w.CLI(t, "tenant", "set", c.ID, "--set-up-days", "0")
		entered(t, w, w.Person(t), started).Expect(t, 200, "9 days left")
		setUpFirst(t, w, c.User(t), "a newcomer where newcomers have no time")
		w.CLI(t, "tenant", "set", c.ID, "--set-up-days", "90")
		w.Advance(t, 10*24*time.Hour)
		setUpFirst(t, w, started, "a newcomer whose time is over")
		w.Advance(t, 81*24*time.Hour)
		setUpFirst(t, w, late, "another one")
	})
}

// TestATKNewcomersAreNewOnce: a date that was stored for the company, a sign-in of long ago, a method that was reset
// and a row that was tampered with give no one a newcomer's time.
//
// guard: facts.isNewcomer
func TestATKNewcomersAreNewOnce(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--methods", "totp,backup")
		gone, app := c.User(t), w.Dashboard(t)
		p := w.Person(t)
		p.Visit(app.Visit())
		left(t, p.Password(gone.Email, gone.Password))
		w.Advance(t, 200*24*time.Hour)
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "mandatory")
		reset, has := c.User(t), w.Person(t)
		entered(t, w, has, reset).Expect(t, 200, "Choose a sign-in method")
		addApp(t, w, has, inFlow, "Phone")
		w.CLI(t, "user", "methods", "reset", reset.Email)
		w.CLI(t, "tenant", "set", c.ID, "--set-up-by", w.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
		begun := c.User(t) // shows the password only, so that the company's date is stored
		q := w.Person(t)
		q.Visit(app.Visit())
		atCode(t, q.Password(begun.Email, begun.Password))
		w.Advance(t, 72*time.Hour)
		w.CLI(t, "tenant", "set", c.ID, "--set-up-days", "30")
		setUpFirst(t, w, gone, "someone who signed in long ago")
		setUpFirst(t, w, begun, "someone for whom the company's date is stored")
		w.CLI(t, "user", "methods", "reset", reset.Email)
		setUpFirst(t, w, reset, "someone whose methods were reset")
		w.Tamper(t, `UPDATE users SET newcomer_until = $1 WHERE email = $2`,
			w.Now().AddDate(0, 0, 60).UnixMicro(), begun.Email)
		setUpFirst(t, w, begun, "someone whose time was made longer than their date")
	})
}

// TestSignInsBeforeSetUpAreCounted: the person reads how many are left before they choose, the last one still opens a
// session that lives on, and then set-up comes first, whatever is done to renew them.
//
// guard: user.CountLater
func TestSignInsBeforeSetUpAreCounted(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		deadline := w.Now().Add(60 * 24 * time.Hour).UTC().Format(time.RFC3339)
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup", "--set-up-by", deadline,
			"--set-up-laters", "2")
		u, app := c.User(t), w.Dashboard(t)
		p := w.Person(t)
		p.Visit(app.Visit())
		atCode(t, p.Password(u.Email, u.Password)).Expect(t, 200, "You can sign in 2 more times", "This sign-in counts")
		mailed(t, w, p, u, 1).Expect(t, 200, "60 days left", "You can sign in 1 more time before")
		p.Get("/").Expect(t, 200, "You can sign in 1 more time before")
		last := w.Person(t)
		entered(t, w, last, u).Expect(t, 200, "60 days left", "The next time you sign in")
		for _, open := range []*rig.Person{p, last} {
			open.Get("/").Expect(t, 200, "60 days left", "The next time you sign in")
			open.Get("/profile").Expect(t, 200, "The next time you sign in")
		}
		setUpFirst(t, w, u, "two sign-ins later")
		for _, again := range [][]string{
			{"--set-up-laters", "0", "--set-up-laters", "2"}, {"--methods", "totp"}, {"--set-up-days", "30"},
			{"--mandate", "default_off"}, {"--mandate", "mandatory"}, {"--set-up-laters", "1"},
		} {
			for i := 0; i < len(again); i += 2 {
				w.CLI(t, "tenant", "set", c.ID, again[i], again[i+1])
			}
			w.Advance(t, 25*time.Hour) // an account gets no more mails in a day
			if again[1] != "default_off" {
				setUpFirst(t, w, u, "after "+again[0]+" "+again[1])
			}
		}
		w.CLI(t, "user", "exempt", u.Email, "--until", w.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
		if toSetUp(t, w, w.Person(t), u) {
			t.Error("an exemption needs a sign-in of those that are counted")
		}
		w.CLI(t, "user", "exempt", u.Email, "--end")
		w.Advance(t, 25*time.Hour)
		setUpFirst(t, w, u, "after an exemption")
		w.CLI(t, "tenant", "set", c.ID, "--set-up-laters", "3")
		if toSetUp(t, w, w.Person(t), u) {
			t.Error("a higher limit has no effect")
		}
		setUpFirst(t, w, u, "after the third of three")
		if n := w.Number(t, `SELECT set_up_laters_used FROM users WHERE email = $1`, u.Email); n != 3 {
			t.Errorf("%d are counted", n)
		}
	})
}

// TestATKTheLastSignInBeforeSetUpOpensOneSession, of several browsers that finish at the same moment.
//
// guard: user.CountLater, and the step that runs again where it counts nothing
func TestATKTheLastSignInBeforeSetUpOpensOneSession(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range *rounds {
			c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup", "--set-up-days", "30",
				"--set-up-laters", "1")
			u, app := c.User(t), w.Dashboard(t)
			shots := make([]rig.Shot, 3)
			for i := range shots {
				p := w.Person(t)
				code := p.ToCode(t, app, u).Code
				form, _ := p.Page.Form(rig.PathCode)
				form.Values.Set("code", code)
				shots[i] = rig.Shot{Person: p, Path: rig.PathCode, Form: form.Values}
			}
			opened := 0
			for _, pg := range rig.Volley(t, shots) {
				if gotSession(pg) {
					opened++
				}
			}
			if n := sessions(t, w, u); opened != 1 || n != 1 {
				t.Errorf("%d browsers got a session, %d are stored", opened, n)
			}
			if n := w.Number(t, `SELECT set_up_laters_used FROM users WHERE email = $1`, u.Email); n != 1 {
				t.Errorf("%d are counted", n)
			}
		}
	})
}

// TestATKAStepUpIsASignInBeforeSetUp: an app that is exempt opens sessions with the password alone; a step-up from one
// to an app that is not counts, too.
//
// guard: signin.activeFlow.countLater counts step-ups
func TestATKAStepUpIsASignInBeforeSetUp(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup", "--set-up-days", "30",
			"--set-up-laters", "1")
		u, covered := c.User(t), w.Dashboard(t)
		exempt := w.NewApp(t, w.Unique("phone"), "public")
		w.CLI(t, "client", "exempt", exempt.ID, "--until", "forever")
		through := func() *rig.Page {
			p := w.Person(t)
			p.Visit(exempt.Visit())
			left(t, p.Password(u.Email, u.Password))
			n := len(w.Sink.Codes(u.Email))
			p.Visit(covered.Visit())
			if _, asked := p.Page.Form(rig.PathStepUp); asked {
				p.StepUp()
			}
			return mailed(t, w, p, u, n+1)
		}
		if pg := through(); !gotSession(pg) {
			t.Fatalf("the first one: %s", rig.Quietly(pg.Text()))
		}
		if pg := through(); gotSession(pg) || !pg.Says("Choose a sign-in method") {
			t.Errorf("a step-up is not counted: %s", rig.Quietly(pg.Text()))
		}
	})
}
