package acceptance

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// TestAIR19_AStepUpIsJudgedAsUnusual: in a company that asks only where a sign-in is unusual, someone with the password
// and a copy of the cookies, far away, is asked for a code also where they begin at an app that is exempt.
//
// guard: judgeUnusual in a step-up
func TestAIR19_AStepUpIsJudgedAsUnusual(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u, p := adaptive(t, w)
		w.Advance(t, time.Minute)
		thief := from(p.Twin(), rig.TokyoIP)
		thief.Visit(w.PhoneApp(t).Visit())
		left(t, thief.Password(u.Email, u.Password)) // the phone app is exempt
		thief.Visit(w.Dashboard(t).Visit())
		if _, more := thief.Page.Form(rig.PathStepUp); more {
			thief.StepUp()
		}
		if thief.Page.Left != nil {
			t.Fatal("a step-up from another country gets into the covered app without a code")
		}
		atCode(t, thief.Page)
	})
}

// TestSupervisorsDoNotReadTheReport: the report's lists are for those who may see the report.
func TestSupervisorsDoNotReadTheReport(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		p := w.Person(t)
		administer(t, w, p, member(t, w, c, "Sue", "supervisor"), pathUsers).Expect(t, 200)
		for _, q := range []string{"view=mail_unproved", "view=accepted_never_signed_in", "view=shared_mailbox",
			"view=no_way_in&methods=passkey", "methods=passkey", "view=trial_stopped", "view=mail_bounces"} {
			p.Get(pathUsers+"?"+q).Expect(t, 403)
		}
		p.Get(pathUsers+"?view=never_signed_in").Expect(t, 200)
	})
}

// TestASignOutEndsASignInThatFinishes: of a right code and an administrator who signs the person out everywhere at the
// same moment, no session is left where the sign-out succeeded.
//
// guard: signOut of people closes flows first
func TestASignOutEndsASignInThatFinishes(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new").Expect(t, 200)
		for i, u := range c.Crowd(t, 16) {
			q := w.Person(t)
			code := q.ToCode(t, w.Dashboard(t), u).Code
			out := pathUsers + "/" + userID(t, w, u) + "/sign-out"
			var both sync.WaitGroup
			var answer, ended *rig.Page
			both.Go(func() {
				time.Sleep(time.Duration(i%8) * 2 * time.Millisecond)
				answer, _ = q.Try(q.Request(http.MethodPost, rig.PathCode, url.Values{"code": {code}}))
			})
			both.Go(func() { ended, _ = p.Try(p.Request(http.MethodPost, out, url.Values{})) })
			both.Wait()
			if answer == nil || ended == nil {
				t.Fatal("no answer")
			}
			signedOut := ended.Status == 303 && strings.Contains(ended.Header.Get("Location"), "done=signed_out")
			if answer.GaveSession() && signedOut && sessionsOpen(t, w, u) > 0 {
				t.Errorf("round %d: a session outlives the sign-out: the profile answers %s", i, q.Get("/profile").URL.Path)
			}
		}
	})
}

// TestAnAdminCannotLeaveAnAccountToItsMailbox: who narrows the methods, resets someone, and allows everything again
// does not make the mailbox open that account from then on (product rule: only an owner does).
//
// guard: LeaveToEmail in openRecovery
func TestAnAdminCannotLeaveAnAccountToItsMailbox(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_on")
		_, agent, _, _ := equipped(t, w, c, "Phone")
		owner, admin := member(t, w, c, "Olga", "owner"), member(t, w, c, "Ada", "admin")
		p, o := w.Person(t), w.Person(t)
		administer(t, w, p, admin, pathSecurity+"/methods").Expect(t, 200)
		p.Post(pathSecurity+"/methods", url.Values{"method": {"email"}, "sure": {"yes"}}).Expect(t, 200)
		reset := pathUsers + "/" + userID(t, w, agent) + "/reset"
		why := url.Values{"reason": {"lost"}}
		p.Post(reset, why).Expect(t, 403, "email alone would protect their account", "Only an owner")
		if n := w.Number(t, `SELECT count(*) FROM users WHERE tenant_id = $1 AND released_at > 0`, c.ID); n > 0 {
			t.Error("an admin has left an account to its mailbox")
		}
		all := url.Values{"method": {"email", "totp", "sms", "passkey", "push"}, "sure": {"yes"}}
		p.Post(pathSecurity+"/methods", all).Expect(t, 200)
		p.Post(reset, why).Expect(t, 200) // as usual
		administer(t, w, o, owner, pathSecurity+"/methods").Expect(t, 200)
	})
}

// TestAnImportOfManyBadRowsIsOneUnitOfWork: rows that cannot be added are told one by one, and the others are kept.
func TestAnImportOfManyBadRowsIsOneUnitOfWork(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		p := w.Person(t)
		administer(t, w, p, member(t, w, c, "Olga", "owner"), pathUsers+"/import").Expect(t, 200)
		var rows strings.Builder
		for i := range 100 {
			fmt.Fprintf(&rows, "A%d\t%s@people.example.test\n", i, w.Unique("good"))
			fmt.Fprintf(&rows, "B\t%s%03d@people.example.test\n", strings.Repeat("x", 62), i)
		}
		pg := p.Post(pathUsers+"/import", url.Values{"rows": {rows.String()}})
		pg.Expect(t, 200, "100 users can be added", "100 lines can’t be added", "at most 64 bytes")
	})
}

// TestWhatTheVendorAllowsOneCompanyIsItsLimit: an admin may not allow again what the vendor has ruled out for their
// company, nor remember browsers for longer; the vendor's "no longer" leaves what the company had chosen.
//
// guard: Ceiling in Input.allowed and rememberDays
func TestWhatTheVendorAllowsOneCompanyIsItsLimit(t *testing.T) {
	eachStaffed(t, rig.Options{}, func(t *testing.T, s staff) {
		c := s.NewTenant(t, "--mandate", "mandatory", "--remember-days", "14")
		admin, p := member(t, s.World, c, "Ada", "admin"), s.Person(t)
		path := pathCompanies + "/" + c.ID + "/decision"
		decide := func(days string, methods ...string) {
			form := url.Values{"mode": {"mandatory"}, "from": {""}, "days": {days}, "method": methods}
			s.operator.Post(path, form).Expect(t, 200)
			s.operator.Post(path+"/confirm", form).Expect(t, 200)
		}
		decide("0", "email", "totp")
		administer(t, s.World, p, admin, pathSecurity+"/methods").Expect(t, 200)
		p.Post(pathSecurity+"/methods", url.Values{"method": {"email", "totp", "sms", "passkey"}, "sure": {"yes"}})
		p.Post(pathSecurity+"/days", url.Values{"days": {"30"}, "sure": {"yes"}})
		pg := p.Get(pathSecurity)
		pg.Expect(t, 200, "Passkey or security key Not allowed by", "Never")
		u := c.User(t)
		q := s.Person(t)
		mail := q.ToCode(t, s.Dashboard(t), u)
		if _, offered := q.Page.Input("remember")["name"]; offered {
			t.Error("a browser may be remembered although the vendor has ruled that out")
		}
		left(t, q.Code(mail.Code))
		decide("-1", "email", "totp", "sms", "passkey", "push")
		own := s.Texts(t, `SELECT methods FROM tenants WHERE tenant_id = $1`, c.ID)[0]
		if own != "email passkey totp" {
			t.Errorf("the company's own choice is %q", own)
		}
	})
}
