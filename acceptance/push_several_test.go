package acceptance

import (
	"strings"
	"testing"

	"countersign/acceptance/rig"
	"countersign/internal/message/push/pushtest"
)

// livePush is what the code page says of the newest push.
func livePush(p *rig.Person) string { return p.Twin().Get(rig.PathDelivery).Body }

// TestPAR6_SeveralReceivers: one code goes to each of them, each can fail by itself, and pages
// say which one is gone and how far the code has come.
func TestPAR6_SeveralReceivers(t *testing.T) {
	pushed(t, func(t *testing.T, w *rig.World, s *pushtest.Service) {
		u, kitchen := w.Covered(t).User(t), w.Person(t)
		first := receives(t, w, s, kitchen, u)
		desk := w.Person(t) // the second one is set up with a code that the first one gets
		desk.Get(pathReceiver)
		atCode(t, desk.Password(u.Email, u.Password))
		pg := desk.Code(arrived(t, first.Wait(t, 2)).Code)
		second := s.Subscribe()
		if second.Key = keyOn(pg); second.Key == "" {
			t.Fatalf("at %s: %s", pg.URL, rig.Quietly(pg.Text()))
		}
		desk.Submit(pathReceiver, "subscription", second.JSON()).Expect(t, 200)
		desk.Submit(pathReceiver+"/confirm", "code", arrived(t, second.Wait(t, 1)).Code, "name",
			"Desk tablet").Expect(t, 200, "You are protected")

		app := w.Dashboard(t)
		p := w.Person(t)
		p.Visit(app.Visit())
		atCode(t, p.Password(u.Email, u.Password))
		one, two := arrived(t, first.Wait(t, 3)), arrived(t, second.Wait(t, 2))
		if one.Code != two.Code || one.Reference != two.Reference || one.Ack == two.Ack || one.Ack == "" {
			t.Error("the two pushes are not of one code, or not told apart")
		}
		told(t, p, "accepted")
		if said := livePush(p); !strings.Contains(said, "Handed to your phone’s push service at") ||
			strings.Contains(said, "mail") {
			t.Error(said)
		}
		if ways := p.Twin().Get("/signin/other"); !ways.Says("Kitchen phone, Desk tablet") {
			t.Errorf("the ways are %s", rig.Quietly(ways.Text()))
		}
		stranger := w.Person(t)
		for _, forged := range []string{one.Ack[:len(one.Ack)-1] + map[bool]string{true: "1",
			false: "0"}[strings.HasSuffix(one.Ack, "0")], "x", one.Reference} {
			stranger.Post("/receiver/shown/"+forged, nil).Expect(t, 404)
		}
		told(t, p, "accepted")
		for range 2 {
			stranger.Post("/receiver/shown/"+two.Ack, nil).Expect(t, 204)
		}
		told(t, p, "delivered")
		if said := livePush(p); !strings.Contains(said, "Shown on your code receiver at") {
			t.Error(said)
		}
		left(t, p.Code(two.Code))

		first.Leave() // one is gone, and the other goes on
		q := w.Person(t)
		q.Visit(app.Visit())
		atCode(t, q.Password(u.Email, u.Password))
		next := arrived(t, second.Wait(t, 3))
		toldOf(t, w, u, "no longer receives codes")
		told(t, q, "accepted")
		left(t, q.Code(next.Code))
		desk.Get("/profile").Expect(t, 200, "Kitchen phone", "No longer reachable since", "Desk tablet")
		desk.Language = "es"
		desk.Get("/profile").Expect(t, 200, "No se puede llegar a él desde el")

		second.Leave() // now there is none
		r := w.Person(t)
		r.Visit(app.Visit())
		atCode(t, r.Password(u.Email, u.Password))
		told(t, r, "bounced")
		r.Get(rig.PathCode).Expect(t, 200, "your code receiver can no longer be reached. Use another method.")
	})
}
