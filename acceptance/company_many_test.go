package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// TestAIR018_ManyPeopleAreCountedWhileNoOneWaits: in a company with more people than can be counted while someone
// waits, pages say that they are being counted and, a moment later, how many there are. Lists say how far they have
// searched.
func TestAIR018_ManyPeopleAreCountedWhileNoOneWaits(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		const crowd = 5001
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		c.Crowd(t, crowd)
		p := w.Person(t)
		administer(t, w, p, member(t, w, c, "Olga", "owner"), "/company/users/new")
		for path, said := range map[string]string{
			pathSecurity:                "5002 users have a method",
			pathSecurity + "/check":     "5002",
			pathSecurity + "/assurance": "of 5001",
		} {
			if pg := p.Get(path); pg.Status != 200 || !strings.Contains(pg.Text(), "We are counting everyone") {
				t.Errorf("%s at first: %d %s", path, pg.Status, rig.Quietly(pg.Text()))
			}
			rig.Within(t, 30*time.Second, path+" says how many there are", func() bool {
				text := p.Get(path).Text()
				return strings.Contains(text, said) && strings.Contains(text, "Counted:")
			})
		}
		searched := p.Get("/company/users?status=pending")
		searched.Expect(t, 200, "No one found yet", "Searched up to", "Search further")
		for range 2 { // a page looks at 2,000
			searched = p.Get(searched.LinkSaying("Search further"))
		}
		searched.Expect(t, 200, "No users match")

		everyone := "/company/users/bulk?scope=all&do=sign_out&status=activated"
		p.Get(everyone).Expect(t, 200, "Counting everyone")
		rig.Within(t, 30*time.Second, "the plan for everyone", func() bool {
			return !strings.Contains(p.Get(everyone).Text(), "Counting everyone")
		})
		methods := url.Values{"method": {"totp"}}
		p.Post(pathSecurity+"/methods", methods).Expect(t, 200, "Counting everyone")
	})
}
