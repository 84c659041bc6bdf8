package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathExemptApps = pathSecurity + "/apps"

// asksIn reports whether an app asks someone for a code after the password.
func asksIn(t *testing.T, w *rig.World, app *rig.App, u *rig.User) bool {
	t.Helper()
	w.Advance(t, time.Minute)
	p := w.Person(t)
	p.Visit(app.Visit())
	pg := p.Password(u.Email, u.Password)
	if pg.Left == nil {
		atCode(t, pg)
	}
	return pg.Left == nil
}

// TestAIR2_ACompanyRequiresItInAnExemptApp: an owner sees what a tick does before it is saved. Then the app asks the
// company's people, in sessions and tokens that are open as well, and no one else's. Taking it back is a loosening,
// which owners and admins are told.
//
// guard: Input.appExempt, access.SetApps
func TestAIR2_ACompanyRequiresItInAnExemptApp(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		w.Dashboard(t)
		phone := w.PhoneApp(t)
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--remember-days", "0")
		owner, admin, agent := member(t, w, c, "Olga", "owner"), member(t, w, c, "Ada", "admin"), c.User(t)
		stranger := w.NewTenant(t, "--mandate", "default_off", "--switch", "on").User(t)
		open := w.Person(t)
		open.Visit(phone.Visit())
		left(t, open.Password(agent.Email, agent.Password))
		tokens := open.Again(t, phone)

		p := w.Person(t)
		administer(t, w, p, owner, pathSecurity+"/methods") // a recent proof
		p.Get(pathSecurity).Expect(t, 200, "Which apps ask", "The phone", "Always asks", "Exempted by")
		p.Post(pathExemptApps, url.Values{"app": {"phone"}}).
			Expect(t, 200, "these apps ask for two-factor authentication too", "The phone")
		if asksIn(t, w, phone, agent) {
			t.Error("saved before it is confirmed")
		}
		p.Submit(pathExemptApps).Expect(t, 200, "Saved. It applies from the next sign-in.")
		if !asksIn(t, w, phone, agent) || asksIn(t, w, phone, stranger) {
			t.Error("it applies to someone else, or not to the company's people")
		}
		if pg := open.Visit(phone.Visit()); pg.Left != nil {
			t.Error("a session of the password alone is still enough")
		}
		if _, err := phone.Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("and so are its tokens")
		}
		if out := w.CLI(t, "tenant", "show", c.ID); !strings.Contains(out, "covers        phone") {
			t.Error(out)
		}

		p.Post(pathExemptApps, url.Values{}).
			Expect(t, 200, "will no longer ask", "This opens a weaker way", "Password only")
		p.Submit(pathExemptApps).Expect(t, 200, "Saved.")
		if asksIn(t, w, phone, agent) {
			t.Error("the vendor's exemption does not hold again")
		}
		for _, u := range []*rig.User{owner, admin} {
			if told := w.Sink.About(t, u.Email, "lowered its").Text; !strings.Contains(told, "The phone") {
				t.Errorf("%s is told: %s", u.Email, told)
			}
		}
		p.Post(pathExemptApps, url.Values{"app": {"no-such-app"}, "sure": {"yes"}}).
			Expect(t, 422, "There is no such app")
		for who, u := range map[string]*rig.User{"an admin": admin, "an agent": agent} {
			q := w.Person(t)
			administer(t, w, q, u, "/company")
			for _, form := range []url.Values{{"app": {"phone"}}, {"sure": {"yes"}}} {
				if pg := q.Post(pathExemptApps, form); pg.Status != 403 && !pg.Says("Confirm it’s you") {
					t.Errorf("%s chooses: status %d", who, pg.Status)
				}
			}
		}
	})
}

// TestAIR5_TheWizardAsksInWhichApps: what is ticked comes through the summary, and back to the choices.
//
// guard: choiceForm.Apps
func TestAIR5_TheWizardAsksInWhichApps(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		phone := w.PhoneApp(t)
		c := w.NewTenant(t, "--mandate", "default_off")
		owner, agent := member(t, w, c, "Olga", "owner"), c.User(t)
		p := w.Person(t)
		administer(t, w, p, owner, pathSecurity+"/methods")
		n := len(w.Sink.Mails(owner.Email))
		p.Get(pathEnable)
		p.Submit(pathEnable)
		mail := w.Sink.Mail(t, owner.Email, n+1)
		p.Submit(pathEnable+"/code", "code", mail.Code).Expect(t, 200, "Which apps ask for it?", "The phone")
		shown, _ := p.Page.Form(pathEnable + "/choose")
		shown.Values["app"] = []string{"phone"}
		pg := p.Post(pathEnable+"/choose", shown.Values)
		if pg.Expect(t, 200, "These apps ask for it:"); !strings.Contains(pg.Text(), "The phone") ||
			pg.Says("The phone doesn’t ask for it") {
			t.Errorf("the summary: %s", rig.Quietly(pg.Text()))
		}
		p.Submit(pathEnable+"/confirm").Expect(t, 200)
		if !asksIn(t, w, phone, agent) {
			t.Error("the app that was ticked does not ask")
		}
	})
}
