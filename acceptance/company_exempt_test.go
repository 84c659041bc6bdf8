package acceptance

import (
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// requiringApps is a company that requires an app or a passkey at once.
func requiringApps(t *testing.T, w *rig.World) *rig.Tenant {
	return w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,passkey,backup")
}

func exemption(at time.Time, reason string) url.Values {
	return url.Values{"until": {at.UTC().Format(time.DateOnly)}, "reason": {reason}}
}

// toSetUp signs in as far as a person gets with the password and the mailbox, and reports whether they must set up a
// method then.
func toSetUp(t *testing.T, w *rig.World, p *rig.Person, u *rig.User) bool {
	t.Helper()
	n := len(w.Sink.Codes(u.Email))
	p.Visit(w.Dashboard(t).Visit())
	atCode(t, p.Password(u.Email, u.Password))
	pg := p.Code(w.Sink.Code(t, u.Email, n+1).Code)
	return !gotSession(pg)
}

// TestAnExemptionPostponesSetUpAndNothingElse: an administrator gives a person more time, with an end and a
// reason. The mailbox is still asked, the owners are told, and after the end set-up comes first.
func TestAnExemptionPostponesSetUpAndNothingElse(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := requiringApps(t, w)
		owner, u := member(t, w, c, "Owner", "owner"), member(t, w, c, "Newcomer", "agent")
		w.CLI(t, "user", "exempt", owner.Email, "--until", w.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
		if !toSetUp(t, w, w.Person(t), u) {
			t.Fatal("set-up does not come first")
		}
		path := "/company/users/" + w.Texts(t, `SELECT id FROM users WHERE email = $1`, u.Email)[0]
		p := w.Person(t)
		administer(t, w, p, owner, path).Expect(t, 200, "Give more time")
		p.Get(path+"/exempt").Expect(t, 200, "until the end of the day", "We’ll tell the owners")
		for says, form := range map[string]url.Values{
			"Enter a reason":                    exemption(w.Now().AddDate(0, 0, 5), " "),
			"Choose a date after today":         exemption(w.Now().AddDate(0, 0, -1), "Ill"),
			"Choose a date in the next 90 days": exemption(w.Now().AddDate(0, 0, 95), "Ill"),
		} {
			p.Post(path+"/exempt", form).Expect(t, 422, says)
			if p.Page.Input("until")["value"] != form.Get("until") {
				t.Error("what was typed is gone")
			}
		}
		p.Post(path+"/exempt", exemption(w.Now().AddDate(0, 0, 5), "Waits for a phone")).Expect(t, 200,
			"The user has more time", "Waits for a phone", "Owner")
		w.Sink.About(t, owner.Email, "given more time")
		p.Get("/company/activity?user="+path[len("/company/users/"):]).Expect(t, 200, "More time to set up a method")
		if toSetUp(t, w, w.Person(t), u) {
			t.Error("set-up comes first in spite of the exemption")
		}
		w.Advance(t, 6*24*time.Hour)
		if !toSetUp(t, w, w.Person(t), u) {
			t.Error("an exemption goes on after its end")
		}
	})
}

// TestATK177_WhatAnExemptionDoesNot: it opens no account that a second factor protects, is not for people above or
// beside the one who gives it, or of another company, and ends when it is taken back.
func TestATK177_WhatAnExemptionDoesNot(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := requiringApps(t, w)
		_, u, _, _ := equipped(t, w, w.NewTenant(t, "--mandate", "mandatory"), "Phone")
		until := w.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
		if out, err := w.TryCLI("", "user", "exempt", u.Email, "--until", until); err == nil {
			t.Errorf("an account with an app is exempted: %s", out)
		}
		newcomer := member(t, w, c, "Newcomer", "agent")
		w.CLI(t, "user", "exempt", newcomer.Email, "--until", until)
		if toSetUp(t, w, w.Person(t), newcomer) {
			t.Error("the exemption has no effect")
		}
		w.CLI(t, "user", "exempt", newcomer.Email, "--end")
		if !toSetUp(t, w, w.Person(t), newcomer) {
			t.Error("an exemption that was ended goes on")
		}
		if _, err := w.TryCLI("", "user", "exempt", newcomer.Email, "--end"); err == nil {
			t.Error("an exemption ends twice")
		}
	})
}
