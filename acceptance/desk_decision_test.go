package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathDecision = "/desk/decision"

var (
	offeredMethod = regexp.MustCompile(`name="method" value="(\w+)"( checked|>)`)
	chosenDays    = regexp.MustCompile(`<option value="(-?\d+)" selected`)
)

// review opens the form of a rule, and asks what a mode from a day would do; everything else stays.
func review(t *testing.T, p *rig.Person, path, mode, from string) *rig.Page {
	t.Helper()
	page := p.Get(path).Expect(t, 200, "Two-factor authentication is")
	form := url.Values{"mode": {mode}, "from": {from}, "days": {chosenDays.FindStringSubmatch(page.Body)[1]}}
	for _, m := range offeredMethod.FindAllStringSubmatch(page.Body, -1) {
		form.Add("method", m[1])
	}
	return p.Post(path, form)
}

// confirm does what the summary of a review says.
func confirm(t *testing.T, p *rig.Person, path string) *rig.Page {
	t.Helper()
	f, ok := p.Page.Form(path + "/confirm")
	if !ok {
		t.Fatalf("nothing to confirm: %s", rig.Quietly(p.Page.Text()))
	}
	f.Values.Del("method")
	for _, m := range offeredMethod.FindAllStringSubmatch(p.Page.Body, -1) {
		f.Values.Add("method", m[1])
	}
	return p.Post(f.Action, f.Values)
}

// TestALO1_TheDeskRequiresItOfAllCompaniesFromADay: set on the desk, announced to owners and users before the day, and
// met by the next sign-in of anyone after it.
func TestALO1_TheDeskRequiresItOfAllCompaniesFromADay(t *testing.T) {
	eachStaffed(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, s staff) {
		one, other := s.NewTenant(t), s.NewTenant(t)
		owner := member(t, s.World, one, "Olga", "owner")
		agents := []*rig.User{one.User(t), other.User(t)}
		own := s.NewTenant(t, "--mandate", "default_off")
		from := s.Now().UTC().AddDate(0, 0, 3)
		s.support.Get(pathDecision).Expect(t, 200, "not change it")
		form := url.Values{"mode": {"mandatory"}, "days": {"30"}, "method": {"email"}}
		s.support.Post(pathDecision+"/confirm", form).Expect(t, 403)

		s.operator.Get(pathDecision).Expect(t, 200, "All companies")
		review(t, s.operator, pathDecision, "mandatory", "2020-01-01").Expect(t, 422, "Choose today or a later date")
		review(t, s.operator, pathDecision, "mandatory", from.Format("2006-01-02")).
			Expect(t, 200, "It takes effect on "+from.Format("2 Jan 2006"), "starts at 2 companies",
				"1 company already has it", "1 company keeps its own rule")
		if n := s.Number(t, `SELECT count(*) FROM installation WHERE mandate = 'mandatory'`); n != 0 {
			t.Error("it holds without a confirmation")
		}
		confirm(t, s.operator, pathDecision).Expect(t, 200, "Announced.")

		letter := s.Sink.About(t, owner.Email, "two-factor authentication starts on "+from.Format("2 Jan 2006"))
		if !strings.Contains(letter.Text, "Vera Vendor") {
			t.Errorf("the mail does not say who decided: %s", letter.Text)
		}
		p := s.Person(t)
		administer(t, s.World, p, owner, pathSecurity).
			Expect(t, 200, "will require it from "+from.Format("2 Jan 2006"), "turn it on earlier")
		s.support.Get(pathCompanies+"/"+one.ID).Expect(t, 200, "You will require it from")
		before := s.Person(t)
		before.Visit(s.Dashboard(t).Visit())
		before.Password(agents[0].Email, agents[0].Password).
			Expect(t, 200, "signing in changes", from.Format("2 Jan 2006"))
		pass(t, before)
		s.Drained(t)
		if n := len(announcements(s, owner)); n != 1 || len(s.Sink.Mails(agents[0].Email)) > 0 {
			t.Errorf("%d announcements to the owner, %d mails to the agent", n, len(s.Sink.Mails(agents[0].Email)))
		}

		s.Advance(t, 4*24*time.Hour)
		for _, u := range agents {
			if tokens := s.Person(t).SignIn(t, s.Dashboard(t), u); tokens.Claims.ACR != rig.Level1e {
				t.Errorf("level %s after the day", tokens.Claims.ACR)
			}
		}
		late := s.Person(t)
		administer(t, s.World, late, owner, pathSecurity).
			Expect(t, 200, "has required it since", "You can’t turn it off")
		free, visit := own.User(t), s.Dashboard(t).Visit()
		q := s.Person(t)
		q.Visit(visit)
		tokens := s.Dashboard(t).Finish(t, visit, q.Password(free.Email, free.Password))
		if tokens.Claims.ACR != rig.Level1 {
			t.Errorf("a company with a rule of its own: level %s", tokens.Claims.ACR)
		}
	})
}

// announcements are the mails that tell someone of a mandate.
func announcements(s staff, u *rig.User) (out []rig.Mail) {
	for _, m := range s.Sink.Mails(u.Email) {
		if strings.Contains(m.Subject, "two-factor authentication") {
			out = append(out, m)
		}
	}
	return out
}

// TestTheDeskDecidesForOneCompany: it is told, keeps the control locked (ALO-7, VOI-5), and is refused where no owner
// could sign in any more.
func TestTheDeskDecidesForOneCompany(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		c := s.NewTenant(t)
		owner := member(t, s.World, c, "Olga", "owner")
		path := pathCompanies + "/" + c.ID + "/decision"
		s.support.Get(path).Expect(t, 403)
		s.operator.Get(path).Expect(t, 200, "As for all companies")
		review(t, s.operator, path, "mandatory", "").
			Expect(t, 200, "as soon as you confirm", "starts at 1 company", "1 user")
		confirm(t, s.operator, path).Expect(t, 200, "Saved.", "You have required it", "Required")
		s.Sink.About(t, owner.Email, "two-factor authentication is on")
		p := s.Person(t)
		administer(t, s.World, p, owner, pathSecurity).Expect(t, 200, "You can’t turn it off")

		// An owner who has lost their app, and whom no mailbox helps.
		lost := s.NewTenant(t, "--mandate", "default_off")
		_, holder, _, _ := equipped(t, s.World, lost, "Phone")
		holder.Set(t, "--role", "owner")
		s.Tamper(t, `UPDATE authenticators SET disabled_at = 1 WHERE tenant_id = $1 AND kind <> 'password'`, lost.ID)
		path = pathCompanies + "/" + lost.ID + "/decision"
		review(t, s.operator, path, "mandatory", "").
			Expect(t, 200, "1 owner will no longer be able to sign in", holder.Email, "no owner who can sign in",
				"Confirm anyway")
		confirm(t, s.operator, path).Expect(t, 409)
		if n := s.Number(t, `SELECT count(*) FROM tenants
			WHERE tenant_id = $1 AND mandate = 'mandatory'`, lost.ID); n != 0 {
			t.Error("the only owner is locked out")
		}
	})
}
