package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// What the first operator sees leads on: to a company, a user and an app. It goes away once
// there is an app, and no one else sees it.
func TestTheOperatorsFirstPageLeadsOn(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		steps := []string{"countersign tenant create", "countersign user create", "countersign client create",
			"countersign doctor"}
		p := w.Person(t)
		u := &rig.User{Email: "vera@vendor.example.test", Password: "canary first operator of all"}
		token := w.A.Printed(t, printedToken)
		p.Get("/setup").Expect(t, 200)
		done := p.Post("/setup",
			form("token", token, "company", "Vendor", "name", "Vera Vendor", "email", u.Email, "password", u.Password))
		says(t, done.Text(), steps...)

		p.Get("/signin")
		p.Password(u.Email, u.Password)
		mailed(t, w, p, u, 1)
		says(t, p.Get("/").Text(), steps...)

		other := w.NewTenant(t).User(t)
		q := w.Person(t)
		q.Get("/signin")
		q.Password(other.Email, other.Password)
		if home := q.Get("/").Expect(t, 200).Text(); strings.Contains(home, "countersign tenant create") ||
			!strings.Contains(home, other.Email) {
			t.Errorf("an agent reads: %s", home)
		}
		w.CLI(t, "client", "create", "--id", "first", "--name", "First", "--redirect-uri",
			"https://first.example.test/callback")
		if home := p.Get("/").Expect(t, 200).Text(); strings.Contains(home, "countersign tenant create") ||
			!strings.Contains(home, u.Email) {
			t.Errorf("with an app the page says: %s", home)
		}
	})
}
