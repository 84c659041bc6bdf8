package acceptance

import (
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathSharing = "/company/sharing"

// TestALO14_SharedAccountsAreShownToOwnersWithEvidence: two people, far from each other, sign in with one account and
// read its mailbox. The owner sees it, and nothing is blocked. Someone with one browser is not listed.
func TestALO14_SharedAccountsAreShownToOwnersWithEvidence(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		shared := c.Person(t, w.Unique("desk")+"@people.example.test", "Front desk", "agent")
		alone := c.Person(t, w.Unique("alone")+"@people.example.test", "Only Me", "agent")
		app := w.Dashboard(t)
		for n, later := range []time.Duration{0, time.Hour, time.Hour, 25 * time.Hour, time.Hour} {
			w.Advance(t, later)
			p := w.Person(t).From(rig.TrustedProxy)
			p.UserAgent = []string{rig.Chrome, rig.Firefox}[n%2]
			p.Extra.Set("X-Forwarded-For", []string{rig.LisbonIP, rig.TokyoIP}[n%2])
			p.SignIn(t, app, shared)
		}
		w.Person(t).SignIn(t, app, alone)
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		pg := administer(t, w, p, owner, pathSharing).Expect(t, 200, "Account sharing", "Front desk", shared.Email,
			"Likely shared", "places too far apart", rig.LisbonIP, "Lisbon, Portugal", rig.TokyoIP, "Tokyo, Japan",
			"Firefox, Linux", "Chrome, macOS", "km apart", "Add these people as users", "Nothing is blocked")
		if pg.Says("Only Me") || pg.Says(alone.Email) {
			t.Error("someone with one browser in one place is listed")
		}
		w.Person(t).SignIn(t, app, shared) // never locked out
		p.Get(pg.LinkSaying("Add these people as users")).Expect(t, 200)
		supervisor, q := member(t, w, c, "Vera", "supervisor"), w.Person(t)
		administer(t, w, q, supervisor, pathSharing).Expect(t, 403)
		other, o := member(t, w, w.NewTenant(t), "Otto", "owner"), w.Person(t)
		pg = administer(t, w, o, other, pathSharing).Expect(t, 200, "No account looks shared")
		if pg.Says(shared.Email) {
			t.Error("another company's owner sees the account")
		}
		o.Get("/profile").Expect(t, 200, "Your account is for you alone")
	})
}

// TestALO14_OneAppSecretWithTwoClocks: how early or late the clock of an app was is kept with each right code.
func TestALO14_OneAppSecretWithTwoClocks(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := people(t, w)
		_, u, g, _ := equipped(t, w, c, "Phone")
		for n := range 6 {
			w.Advance(t, 5*time.Minute)
			q := w.Person(t)
			q.Visit(w.Dashboard(t).Visit())
			atCode(t, q.Password(u.Email, u.Password))
			off := int64(1 - n%2*2) // by turns a step early and a step late
			if q.Code(g.at(w.Now().Unix()/30 + off)); q.Page.Left == nil {
				t.Fatalf("a code of step %+d: %s", off, rig.Quietly(q.Page.Text()))
			}
		}
		owner, o := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, o, owner, pathSharing).Expect(t, 200, u.Email,
			"Codes from one authenticator app on two clocks", "seconds early", "seconds late")
	})
}
