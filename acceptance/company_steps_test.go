package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathSteps = pathSecurity + "/steps"

// ofStep is an agent whom their company asks from a step on; the last letter but one of their id says so.
func ofStep(t *testing.T, w *rig.World, c *rig.Tenant, step int) *rig.User {
	t.Helper()
	letters := []string{"012", "3456789abcdef", "ghjkmnpqrstvwxyz"}[step-1]
	for {
		u := member(t, w, c, "Agnes", "agent")
		if id := userID(t, w, u); strings.Contains(letters, id[len(id)-2:len(id)-1]) {
			return u
		}
	}
}

// reaches is what someone sees after their password, and whether that is the code page. What they see instead may be
// the notice of what begins later.
func reaches(t *testing.T, w *rig.World, u *rig.User) (pg *rig.Page, asked bool) {
	t.Helper()
	p := w.Person(t)
	p.Visit(w.Dashboard(t).Visit())
	pg = p.Password(u.Email, u.Password)
	_, asked = pg.Form(rig.PathCode)
	if !asked && pg.Left == nil && pg.LinkSaying("Continue") == "" {
		t.Fatalf("%s is stopped (status %d): %s", u.Email, pg.Status, rig.Quietly(pg.Text()))
	}
	return pg, asked
}

// expectAsked compares who is asked for a code with who should be.
func expectAsked(t *testing.T, w *rig.World, when string, want map[*rig.User]bool) {
	t.Helper()
	for u, asked := range want {
		if _, got := reaches(t, w, u); got != asked {
			t.Errorf("%s: %s (%s) is asked: %v", when, u.Name, u.Role, got)
		}
	}
}

// lookAtSteps restarts the program, which runs its periodic work then, until the page says something.
func lookAtSteps(t *testing.T, w *rig.World, p *rig.Person, said string) {
	t.Helper()
	w.Restart(t, rig.Options{})
	p.Via(w.A)
	rig.Within(t, 20*time.Second, "the page says "+said, func() bool { return p.Get(pathSecurity).Says(said) })
}

// enableInSteps leads an owner through the wizard, three days between steps.
func enableInSteps(t *testing.T, w *rig.World, p *rig.Person, owner *rig.User) {
	t.Helper()
	mail := atActivationCode(t, w, p, owner)
	p.Submit(pathEnable+"/code", "code", mail.Code).Expect(t, 200, "Who starts first", "Everyone at once",
		"In three stages")
	form := url.Values{"method": {"email"}, "steps": {"three"}, "step_days": {"15"}, "step_stop": {"10"}}
	p.Post(pathEnable+"/choose", form).Expect(t, 422, "between 1 and 14 days")
	form.Set("step_days", "3")
	form.Set("step_stop", "101")
	p.Post(pathEnable+"/choose", form).Expect(t, 422, "between 1 and 100 percent")
	form.Set("step_stop", "10")
	at := w.Now().UTC()
	p.Post(pathEnable+"/choose", form).Expect(t, 200, "It starts in three stages",
		at.AddDate(0, 0, 3).Format("2 Jan 2006"), at.AddDate(0, 0, 6).Format("2 Jan 2006"), "more than 10 percent",
		"Everyone (9 users in all)")
	p.Submit(pathEnable+"/confirm").Expect(t, 200, "Two-factor authentication is on", "Start in stages",
		"Started on "+at.Format("2 Jan 2006"), "Starts on "+at.AddDate(0, 0, 3).Format("2 Jan 2006"))
}

// TestAIR11_TurnedOnInStepsAndStoppedWhenTooManyFail: the wizard asks owners, admins and some others first. Those who
// wait are told from when. When too many of those asked fail, no further step begins, and owners and admins are told
// once. They continue, and no one else can.
//
// guard: Input.waitsForStep, Tenant.stepBegun, Service.StopSteps
func TestAIR11_TurnedOnInStepsAndStoppedWhenTooManyFail(t *testing.T) {
	rig.EachFresh(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		var admins []*rig.User
		for range 5 {
			admins = append(admins, member(t, w, c, "Ada", "admin"))
		}
		first, second, last := ofStep(t, w, c, 1), ofStep(t, w, c, 2), ofStep(t, w, c, 3)
		w.Tamper(t, `UPDATE users SET disabled_at = 1, version = version + 1 WHERE tenant_id = $1 AND role = 'agent'
			AND email NOT IN ($2, $3, $4)`, c.ID, first.Email, second.Email, last.Email)
		enableInSteps(t, w, p, owner)
		began := w.Now().UTC()

		expectAsked(t, w, "at first", map[*rig.User]bool{
			owner:     true,
			admins[0]: true,
			first:     true,
			second:    false,
			last:      false,
		})
		pg, _ := reaches(t, w, last)
		pg.Expect(t, 200, began.AddDate(0, 0, 6).Format("2 Jan 2006"))
		p.Get(pathUsers+"/"+userID(t, w, last)).Expect(t, 200, "in stages", "Starts on "+
			began.AddDate(0, 0, 6).Format("2 Jan 2006"))
		disabled := p.Get(pathUsers+"?status=disabled").Expect(t, 200, second.Email, last.Email)
		if disabled.Says(first.Email) {
			t.Error("the list says that nothing is required of someone who is asked")
		}

		// Of those asked, five admins give up: more than ten percent.
		w.Advance(t, 16*time.Minute)
		for _, a := range admins {
			reaches(t, w, a)
		}
		w.Advance(t, 16*time.Minute)
		administer(t, w, p, owner, pathDisable)
		lookAtSteps(t, w, p, "Paused on")
		p.Get(pathSecurity).Expect(t, 200, "people were asked", "of them couldn’t sign in", "Continue")
		for _, u := range append(admins, owner) {
			if told := w.Sink.About(t, u.Email, "is paused").Text; !strings.Contains(told, "10 percent") {
				t.Errorf("%s is told: %s", u.Email, told)
			}
		}
		lookAtSteps(t, w, p, "Paused on")
		w.Drained(t)
		if n := strings.Count(mailsOf(w, owner), "is paused"); n != 1 {
			t.Errorf("the owner has %d mails", n)
		}

		w.Advance(t, 7*24*time.Hour)
		expectAsked(t, w, "stopped", map[*rig.User]bool{
			first:  true,
			second: false,
			last:   false,
		})
		othersCannotContinue(t, w, c, first)
		administer(t, w, p, owner, pathDisable)
		seen := p.Get(pathSecurity).Input("seen")
		if seen == nil {
			t.Fatal("the form says nothing of what it shows")
		}
		p.Post(pathSteps, url.Values{"do": {"continue"}, "seen": {"outdated"}}).
			Expect(t, 412, "Someone else changed this")
		p.Get(pathSecurity)
		p.Submit(pathSteps, "do", "continue").Expect(t, 200, "Continued.", "Start in stages")
		expectAsked(t, w, "continued", map[*rig.User]bool{
			second: true,
			last:   false,
		})
		w.Advance(t, 3*24*time.Hour)
		expectAsked(t, w, "the last step", map[*rig.User]bool{
			second: true,
			last:   true,
		})
		administer(t, w, p, owner, pathDisable)
		if pg := p.Get(pathSecurity); pg.Says("Start in stages") {
			t.Error("the page still shows stages")
		}
		if got := c.Events(t, "tenant.steps"); len(got) < 4 {
			t.Errorf("recorded: %s", got)
		}
	})
}

// othersCannotContinue: neither an agent of the company nor an owner of another one.
func othersCannotContinue(t *testing.T, w *rig.World, c *rig.Tenant, agent *rig.User) {
	t.Helper()
	before := w.Texts(t, `SELECT step_days || ' ' || steps_stopped_at FROM tenants WHERE tenant_id = $1`, c.ID)
	others := member(t, w, off(t, w), "Eve", "owner")
	for who, u := range map[string]*rig.User{"an agent": agent, "another company": others} {
		q := w.Person(t)
		administer(t, w, q, u, pathDisable)
		for _, do := range []string{"continue", "everyone", "nothing"} {
			pg := q.Post(pathSteps, url.Values{"do": {do}, "tenant": {c.ID}, "company": {c.ID}})
			if pg.Status < 400 {
				t.Errorf("%s, %s: %d %s", who, do, pg.Status, rig.Quietly(pg.Text()))
			}
		}
	}
	after := w.Texts(t, `SELECT step_days || ' ' || steps_stopped_at FROM tenants WHERE tenant_id = $1`, c.ID)
	if strings.Join(before, "") != strings.Join(after, "") {
		t.Errorf("%s, and then %s", before, after)
	}
}

// TestATKWaitingForAStepLowersNothing: who has turned it on is asked while they wait, whose account has an
// authenticator app is asked for it once asked at all, and a mandate asks everyone.
//
// guard: Input.decidesThemself, Input.waitsForStep
func TestATKWaitingForAStepLowersNothing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		u := ofStep(t, w, c, 3)
		w.CLI(t, "tenant", "set", c.ID, "--switch", "on", "--steps-days", "3", "--steps-stop", "10")
		if out := w.CLI(t, "tenant", "show", c.ID); !strings.Contains(out, "three, 3 days apart, 10 percent") {
			t.Error(out)
		}
		expectAsked(t, w, "who waits", map[*rig.User]bool{u: false})
		w.Tamper(t, `UPDATE users SET second_step_at = 1, version = version + 1 WHERE email = $1`, u.Email)
		expectAsked(t, w, "who has turned it on", map[*rig.User]bool{u: true})
		w.Tamper(t, `UPDATE users SET second_step_at = 0, password_flagged_at = 1, version = version + 1
			WHERE email = $1`, u.Email)
		expectAsked(t, w, "whose password was reported", map[*rig.User]bool{u: true})
		w.Tamper(t, `UPDATE users SET password_flagged_at = 0, version = version + 1 WHERE email = $1`, u.Email)
		expectAsked(t, w, "who waits again", map[*rig.User]bool{u: false})
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "mandatory")
		expectAsked(t, w, "under a mandate", map[*rig.User]bool{u: true})
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "default_off")
		if out, err := w.TryCLI("", "tenant", "set", c.ID, "--steps-days", "5"); err == nil {
			t.Errorf("steps in the middle: %s", out)
		}
		w.CLI(t, "tenant", "set", c.ID, "--steps-days", "0")
		expectAsked(t, w, "everyone now", map[*rig.User]bool{u: true})
	})
}
