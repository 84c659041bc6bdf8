package acceptance

import (
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// someoneElse is what a page says to the second of two who changed the same thing.
var someoneElse = []string{"Someone else changed this", "Saved by someone else", "Your version"}

// second hires another operator, who is signed in.
func (s staff) second(t *testing.T) *rig.Person {
	t.Helper()
	u := &rig.User{Email: "oskar@vendor.example.test", Password: "canary third operator of all"}
	vendor := s.Texts(t, `SELECT tenant_id FROM tenants WHERE kind = 'vendor'`)[0]
	if out, err := s.TryCLI(u.Password+"\n", "user", "create", "--tenant", vendor, "--name", "Oskar Operator",
		"--email", u.Email, "--role", "operator", "--password-stdin"); err != nil {
		t.Fatalf("create an operator: %v %s", err, out)
	}
	p := s.Person(t)
	administer(t, s.World, p, u, pathDecision)
	return p
}

// decision is the form of a decision as the page shows it, with other values in it.
func decision(t *testing.T, p *rig.Person, path string, fields map[string]string) url.Values {
	t.Helper()
	f, shown := p.Get(path).Form(path)
	if !shown {
		t.Fatalf("%s has no form: %s", path, rig.Quietly(p.Page.Text()))
	}
	f.Values.Set("days", chosenDays.FindStringSubmatch(p.Page.Body)[1])
	for name, value := range fields {
		f.Values.Set(name, value)
	}
	return f.Values
}

// TestTwoOperatorsDoNotDecideOverEachOther: of two who decide about the same companies, the second is shown both
// decisions, at the summary and at its confirmation, and nothing of theirs is saved until they have seen both.
//
// guard: Decision.current
func TestTwoOperatorsDoNotDecideOverEachOther(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		c := s.NewTenant(t)
		both := [2]*rig.Person{s.operator, s.second(t)}
		t.Run("company", func(t *testing.T) {
			decideAtOnce(t, s, both, pathCompanies+"/"+c.ID+"/decision",
				`SELECT mandate FROM tenants WHERE tenant_id = '`+c.ID+`'`)
		})
		t.Run("all", func(t *testing.T) { decideAtOnce(t, s, both, pathDecision, `SELECT mandate FROM installation`) })
	})
}

func decideAtOnce(t *testing.T, s staff, both [2]*rig.Person, path, stored string) {
	day := s.Now().UTC().AddDate(0, 0, 30)
	on := map[string]string{"mode": "default_on", "from": day.Format("2006-01-02")}
	off := map[string]string{"mode": "default_off", "from": "", "days": "7"}
	first, second := decision(t, both[0], path, on), decision(t, both[1], path, off)
	both[0].Post(path, first).Expect(t, 200)
	both[1].Post(path, second).Expect(t, 200)
	both[0].Submit(path+"/confirm").Expect(t, 200, "Announced.")
	refused := func(page *rig.Page) *rig.Page {
		t.Helper()
		if now := s.Texts(t, stored)[0]; now != "default_on" {
			t.Fatalf("the second wrote over the first: %s", now)
		}
		return page.Expect(t, 412, someoneElse...).Expect(t, 412, "On by default.", "Start: "+day.Format("2 Jan 2006"),
			"Off by default.", "Remember browsers for at most: 7 days")
	}
	refused(both[1].Submit(path + "/confirm"))
	both[1].Submit(path, "days", "7").Expect(t, 200) // they have seen both, and want theirs
	both[1].Submit(path+"/confirm").Expect(t, 200, "Saved.")
	if now := s.Texts(t, stored)[0]; now != "default_off" {
		t.Errorf("who has seen both may not save: %s", now)
	}

	// Also where the first confirms before the second asks what their choice would do, and where the second comes back
	// from the summary.
	first, second = decision(t, both[0], path, on), decision(t, both[1], path, off)
	summary := both[1].Post(path, second).Expect(t, 200)
	back := both[1].Get(summary.LinkSaying("Change these settings"))
	both[0].Post(path, first).Expect(t, 200)
	both[0].Submit(path+"/confirm").Expect(t, 200, "Announced.")
	refused(both[1].Post(path, second))
	f, _ := back.Form(path)
	f.Values.Set("days", "7")
	refused(both[1].Post(path, f.Values))
}

// TestTwoOperatorsDoNotChangeAnAppOverEachOther: neither its addresses nor its exemption.
//
// guard: Changes.addresses and Exemption.save of apps
func TestTwoOperatorsDoNotChangeAnAppOverEachOther(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		s.CLI(t, "client", "create", "--id", "reports", "--name", "Reports", "--kind", "public",
			"--redirect-uri", "https://reports.example.test/callback")
		path := pathApps + "/reports"
		both := [2]*rig.Person{s.operator, s.second(t)}
		look := func() {
			for _, p := range both {
				p.Get(path).Expect(t, 200, "Reports")
			}
		}
		add := func(p *rig.Person, name string) *rig.Page {
			f, _ := p.Page.Form(path + "/addresses") // the one that removes the only address
			return p.Post(path+"/addresses", url.Values{"seen": f.Values["seen"], "change": {"add redirect"},
				"uri": {"https://reports.example.test/" + name}})
		}
		look()
		add(both[0], "one").Expect(t, 200, "Addresses saved")
		add(both[1], "two").Expect(t, 412, someoneElse...).
			Expect(t, 412, "https://reports.example.test/one", "Add: https://reports.example.test/two")
		add(both[1], "two").Expect(t, 200, "Addresses saved", "/one", "/two")
		look()
		add(both[0], "three").Expect(t, 200)
		both[1].Submit(path+"/addresses").Expect(t, 412, "Remove: https://reports.example.test/callback", "/three")

		day := func(n int) time.Time { return s.Now().UTC().AddDate(0, 0, n) }
		exempt := func(p *rig.Person, n int) *rig.Page {
			return p.Submit(path+"/exempt", "until", day(n).Format("2006-01-02"), "reason", "Until the new version")
		}
		look()
		exempt(both[0], 10).Expect(t, 200, "Exempt")
		exempt(both[1], 20).Expect(t, 412, someoneElse...).Expect(t, 412,
			"Until: "+day(10).Format("2 Jan 2006"), "Until: "+day(20).Format("2 Jan 2006"))
		both[1].Submit(path+"/exempt").Expect(t, 200, "until "+day(20).Format("2 Jan 2006"))
		look()
		both[0].Submit(path+"/require").Expect(t, 200, "Required")
		exempt(both[0], 5).Expect(t, 200, "Exempt")
		both[1].Submit(path+"/require").Expect(t, 412, someoneElse...).
			Expect(t, 412, "Until: "+day(5).Format("2 Jan 2006"), "Required")
		both[1].Submit(path+"/require").Expect(t, 200, "Required")
	})
}
