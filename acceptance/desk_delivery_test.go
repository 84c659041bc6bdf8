package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

const pathDelivery = "/desk/delivery"

// TestTheDeskShowsWhereMailDoesNotArrive: domains of every company, the worst first, for the vendor's staff only, and
// nobody's address.
func TestTheDeskShowsWhereMailDoesNotArrive(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		s.support.Get(pathCompanies).Expect(t, 200, "All mail domains accept our mail.")
		one, other := s.Covered(t), s.NewTenant(t, "--mandate", "mandatory")
		for i, name := range []string{"ada", "bert", "cleo"} {
			c := []*rig.Tenant{one, other, one}[i]
			u := c.Person(t, name+"@refuses.example.test", "Pat Example", "agent")
			s.Sink.Behave(u.Email, rig.Behaviour{Refuse: true})
			p := s.Person(t)
			p.Visit(s.Dashboard(t).Visit())
			p.Password(u.Email, u.Password)
			s.Person(t).ToCode(t, s.Dashboard(t), c.Person(t, name+"@takes.example.test", "Pat Example", "agent"))
		}
		s.Drained(t)
		for _, p := range []*rig.Person{s.operator, s.support} {
			p.Get(pathCompanies).Expect(t, 200, "1 mail domain refuses or delays our mail.", "Show delivery")
			page := p.Get(pathDelivery).Expect(t, 200, "refuses.example.test", "Many failures", "3 sent", "3 failed",
				"The server refused the message", "takes.example.test", "No problems", "Half within 2 seconds",
				"No text messages have been sent")
			if text := page.Text(); strings.Index(text, "refuses.example") > strings.Index(text, "takes.example") {
				t.Error("the worst is not first")
			}
			for _, name := range []string{"ada", "bert", "cleo"} {
				if strings.Contains(page.Body, name) {
					t.Error("someone's address is shown")
				}
			}
		}
		if n := s.Number(t, `SELECT count(*) FROM delivery_hours
			WHERE destination LIKE '%@%' OR last_problem LIKE '%@%'`); n != 0 {
			t.Errorf("%d addresses are in the counts", n)
		}
		for _, role := range []string{"owner", "admin", "supervisor", "agent"} {
			u := member(t, s.World, s.NewTenant(t, "--mandate", "default_off"), "Olga", role)
			p := s.Person(t)
			administer(t, s.World, p, u, "/")
			if p.Get(pathDelivery).Expect(t, 403).Says("example.test") {
				t.Errorf("%s sees mail domains", role)
			}
		}
		if s.Person(t).Get(pathDelivery); s.Person(t).Get(pathDelivery).Says("refuses") {
			t.Error("a stranger sees mail domains")
		}
	})
}

// TestTextsCountByCountry, never by number.
func TestTextsCountByCountry(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u := w.Covered(t).User(t)
		to := u.Number(t)
		before := w.Number(t, `SELECT COALESCE(SUM(accepted + delivered), 0) FROM delivery_hours
			WHERE channel = 'sms' AND destination = 'DE'`)
		told(t, texted(t, w, u), "accepted")
		rows := w.Texts(t, `SELECT destination || ' ' || last_problem FROM delivery_hours WHERE channel = 'sms'`)
		after := w.Number(t, `SELECT COALESCE(SUM(accepted + delivered), 0) FROM delivery_hours
			WHERE channel = 'sms' AND destination = 'DE'`)
		if after <= before || strings.Contains(strings.Join(rows, "\n"), to[1:]) {
			t.Errorf("%d and then %d texts to Germany", before, after)
		}
	})
}
