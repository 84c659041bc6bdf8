package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// moreTime is the form that confirms what the page showed, with a last day and a reason.
func moreTime(t *testing.T, p *rig.Person, at time.Time, reason string) url.Values {
	t.Helper()
	form, _ := p.Page.Form(pathBulk)
	for name, values := range exemption(at, reason) {
		form.Values[name] = values
	}
	return form.Values
}

// TestVOI7_ManyHaveMoreTimeAndAreAskedFromNowOn: the page says who, asks until when and why, and each person's activity
// shows it. Asking from now on ends it.
func TestVOI7_ManyHaveMoreTimeAndAreAskedFromNowOn(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := requiringApps(t, w)
		owner, ann, bob := member(t, w, c, "Olga", "owner"), c.User(t), c.User(t)
		w.CLI(t, "user", "exempt", owner.Email, "--until", w.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
		p := w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		both := chosen("exempt", userID(t, w, ann), userID(t, w, bob), userID(t, w, owner))
		p.Get(both).Expect(t, 200, "2 users will have until the end of the day", ann.Email, "You: use the pages",
			"We’ll tell the owners")
		for says, form := range map[string]url.Values{
			"Enter a reason":                    moreTime(t, p, w.Now().AddDate(0, 0, 5), " "),
			"Choose a date after today":         moreTime(t, p, w.Now().AddDate(0, 0, -1), "Phones"),
			"Choose a date in the next 90 days": moreTime(t, p, w.Now().AddDate(0, 0, 95), "Phones"),
		} {
			p.Post(pathBulk, form).Expect(t, 422, says)
			if p.Page.Input("until")["value"] != form.Get("until") {
				t.Error("what was typed is gone")
			}
			p.Get(both)
		}
		if !toSetUp(t, w, w.Person(t), ann) {
			t.Fatal("the look at what would happen has done it")
		}
		p.Post(pathBulk, moreTime(t, p, w.Now().AddDate(0, 0, 5), "Phones come in May")).Expect(t, 200,
			"2 users have more time")
		w.Sink.About(t, owner.Email, "were given more time")
		for _, u := range []*rig.User{ann, bob} {
			p.Get("/company/activity?user="+userID(t, w, u)).Expect(t, 200, "More time to set up a method")
			if toSetUp(t, w, w.Person(t), u) {
				t.Errorf("set-up comes first for %s", u.Email)
			}
		}
		if n := len(w.Texts(t, `SELECT id FROM audit_events WHERE tenant_id = $1 AND action = 'user.exempted'
			AND reason LIKE '%Phones come in May%'`, c.ID)); n != 2 {
			t.Errorf("%d are recorded", n)
		}
		p.Get(chosen("require", userID(t, w, ann), userID(t, w, bob))).
			Expect(t, 200, "2 users will lose the extra time")
		p.Submit(pathBulk).Expect(t, 200, "2 users have no extra time any more")
		if !toSetUp(t, w, w.Person(t), ann) {
			t.Error("the extra time goes on")
		}
		p.Get(chosen("require", userID(t, w, ann))).Expect(t, 200, "1 user has no extra time",
			"wouldn’t change anything")
	})
}

// TestATKMoreTimeForMany: neither people above, nor those of another company, nor an account that a method protects
// gets any, a supervisor gives none, and a form that was changed does no more than the page allows.
func TestATKMoreTimeForMany(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c, other := requiringApps(t, w), requiringApps(t, w)
		boss, u, theirs := member(t, w, c, "Bess", "owner"), c.User(t), other.User(t)
		admin, sue := member(t, w, c, "Ada", "admin"), member(t, w, c, "Sue", "supervisor")
		has, keeper := w.Person(t), c.User(t)
		entered(t, w, has, keeper)
		addApp(t, w, has, inFlow, "Phone")
		for _, who := range []*rig.User{admin, sue} {
			w.CLI(t, "user", "exempt", who.Email, "--until", w.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
		}
		p := w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new")
		all := []string{userID(t, w, boss), userID(t, w, u), userID(t, w, theirs), userID(t, w, keeper)}
		p.Get(chosen("exempt", all...)).Expect(t, 200, "1 user will have until", "has, or had, a method")
		if strings.Contains(p.Page.Body, theirs.Email) {
			t.Error("the page names someone of another company")
		}
		form := moreTime(t, p, w.Now().AddDate(0, 0, 5), "Ill")
		form["id"] = []string{all[0], all[2], all[3]}
		p.Post(pathBulk, form).Expect(t, 409)
		form["do"] = []string{"require"}
		p.Post(pathBulk, form).Expect(t, 409)
		q := w.Person(t)
		administer(t, w, q, sue, pathUsers)
		q.Get(chosen("exempt", all[1])).Expect(t, 403)
		q.Post(pathBulk, form).Expect(t, 403)
		if n := w.Number(t, `SELECT count(*) FROM users WHERE exempt_until > 0 AND email IN ($1, $2, $3, $4)`,
			boss.Email, u.Email, theirs.Email, keeper.Email); n != 0 {
			t.Errorf("%d have more time", n)
		}
		p.Get(chosen("exempt", all...))
		p.Post(pathBulk, moreTime(t, p, w.Now().AddDate(0, 0, 5), "Ill")).Expect(t, 200, "1 user has more time")
		if n := w.Number(t, `SELECT count(*) FROM users WHERE exempt_until > 0 AND email IN ($1, $2, $3)`,
			boss.Email, theirs.Email, keeper.Email); n != 0 {
			t.Errorf("%d others have more time", n)
		}
	})
}

// TestAPersonIsSignedOutFromTheirPage after a page that says what ends, and for whom; not someone above.
func TestAPersonIsSignedOutFromTheirPage(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		boss, admin, u := member(t, w, c, "Bess", "owner"), member(t, w, c, "Ada", "admin"), c.User(t)
		p, q := w.Person(t), w.Person(t)
		administer(t, w, q, u, "/profile")
		administer(t, w, w.Person(t), boss, "/profile")
		administer(t, w, p, admin, pathUsers+"/new")
		path := pathUsers + "/" + userID(t, w, u)
		pg := p.Get(path).Expect(t, 200, "Sign out everywhere")
		p.Get(pg.LinkSaying("Sign out everywhere")).Expect(t, 200, u.Email, "in every app and browser",
			"remembered browsers are forgotten", "can’t be undone")
		if sessionsOpen(t, w, u) != 1 {
			t.Fatal("the look at what would happen has done it")
		}
		p.Submit(path+"/sign-out").Expect(t, 200, "signed out everywhere", "Signed out by an administrator")
		if sessionsOpen(t, w, u) != 0 || q.Get("/profile").URL.Path == "/profile" {
			t.Error("they are still signed in")
		}
		p.Get(path + "/sign-out")
		p.Submit(path+"/sign-out").Expect(t, 409)
		above := pathUsers + "/" + userID(t, w, boss) + "/sign-out"
		if p.Get(above); p.Page.Status != 403 {
			t.Errorf("an admin is offered to sign out an owner: %d", p.Page.Status)
		}
		p.Post(above, url.Values{}).Expect(t, 403)
		if sessionsOpen(t, w, boss) != 1 {
			t.Error("an admin signed out an owner")
		}
	})
}
