package acceptance

import (
	"net/url"
	"regexp"
	"testing"

	"countersign/acceptance/rig"
)

const pathApps = "/desk/apps"

var shownSecret = regexp.MustCompile(`<output id="secret">([^<]+)</output>`)

// TestTheDeskRegistersApps: the secret is shown once, addresses are added and removed, and an exemption has an end and
// a reason.
func TestTheDeskRegistersApps(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		form := url.Values{
			"id": {"reports"}, "name": {"Reports"}, "kind": {"confidential"}, "home": {"https://reports.example.test/"},
			"redirect": {"https://reports.example.test/callback"},
		}
		s.support.Post(pathApps+"/new", form).Expect(t, 403)
		s.operator.Get(pathApps).Expect(t, 200, "No apps yet")
		bad := url.Values{"id": {"x"}, "name": {"X"}, "kind": {"confidential"}, "redirect": {"http://x.example.test/"}}
		s.operator.Post(pathApps+"/new", bad).Expect(t, 422)
		made := s.operator.Post(pathApps+"/new", form).Expect(t, 200, "We can’t show it again")
		first := shownSecret.FindStringSubmatch(made.Body)
		if first == nil {
			t.Fatal("no secret is shown")
		}
		path := pathApps + "/reports"
		page := s.operator.Get(path).Expect(t, 200, "Reports", "https://reports.example.test/callback", "Required")
		if page.Says(first[1]) {
			t.Error("the secret is shown again")
		}
		s.operator.Post(path+"/addresses", url.Values{"change": {"add redirect"}, "uri": {"javascript:alert(1)"}}).
			Expect(t, 422)
		next := url.Values{"change": {"add redirect"}, "uri": {"https://reports.example.test/next"}}
		s.operator.Post(path+"/addresses", next).Expect(t, 200, "Addresses saved", "/next")
		next.Set("change", "remove redirect")
		s.operator.Post(path+"/addresses", next).Expect(t, 200, "Addresses saved")

		until := s.Now().UTC().AddDate(0, 0, 10)
		exempt := url.Values{"until": {until.Format("2006-01-02")}}
		s.operator.Post(path+"/exempt", exempt).Expect(t, 422)
		exempt.Set("reason", "Until the new version")
		s.support.Post(path+"/exempt", exempt).Expect(t, 403)
		s.operator.Post(path+"/exempt", url.Values{"until": {"2020-01-01"}, "reason": {"Late"}}).Expect(t, 422)
		s.operator.Post(path+"/exempt", exempt).Expect(t, 200, "Exempt", "until "+until.Format("2 Jan 2006"))
		if n := s.Number(t, `SELECT count(*) FROM audit_events WHERE action = 'client.exempted'
			AND reason LIKE '%Until the new version'`); n != 1 {
			t.Errorf("%d exemptions are recorded with the reason", n)
		}
		s.support.Get(pathApps).Expect(t, 200, "Reports", "Exempt")
		s.operator.Post(path+"/require", url.Values{}).Expect(t, 200, "asks for a second step again", "Required")
		again := shownSecret.FindStringSubmatch(s.operator.Post(path+"/secret", url.Values{}).Expect(t, 200).Body)
		if again == nil || again[1] == first[1] {
			t.Error("the secret is not replaced")
		}
	})
}
