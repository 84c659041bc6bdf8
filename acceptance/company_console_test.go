package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// The pages of a company's administrators.
const (
	pathUsers    = "/company/users"
	pathSecurity = "/company/security"
	pathActivity = "/company/activity"
	pathEnable   = "/company/security/enable"
	pathDisable  = "/company/security/disable"
)

// member is someone of a company with a role.
func member(t *testing.T, w *rig.World, c *rig.Tenant, name, role string) *rig.User {
	t.Helper()
	return c.Person(t, w.Unique(strings.ToLower(name))+"@people.example.test", name, role)
}

// administer signs someone in to a page for administrators, with a code where one is asked for.
func administer(t *testing.T, w *rig.World, p *rig.Person, u *rig.User, path string) *rig.Page {
	t.Helper()
	if p.Get(path); p.Page.URL.Path == path {
		return p.Page
	}
	n := len(w.Sink.Codes(u.Email))
	if _, asked := p.Page.Form(rig.PathPassword); asked {
		p.Password(u.Email, u.Password)
	}
	if _, more := p.Page.Form(rig.PathStepUp); more {
		p.StepUp()
	}
	if _, asked := p.Page.Form(rig.PathCode); asked {
		p.Code(w.Sink.Code(t, u.Email, n+1).Code)
	}
	return p.Get(path)
}

// off is a company that may switch two-factor authentication on and has not.
func off(t *testing.T, w *rig.World) *rig.Tenant {
	t.Helper()
	return w.NewTenant(t, "--mandate", "default_off")
}

// atActivationCode brings an owner to the code of the wizard, and returns the mail.
func atActivationCode(t *testing.T, w *rig.World, p *rig.Person, u *rig.User) rig.Mail {
	t.Helper()
	administer(t, w, p, u, pathDisable) // a recent proof
	p.Get(pathEnable).Expect(t, 200, "Step 1 of 4", u.Email)
	n := len(w.Sink.Codes(u.Email))
	p.Submit(pathEnable).Expect(t, 200, "Step 2 of 4", "Enter the code from your email")
	return w.Sink.Code(t, u.Email, n+1)
}

func TestAIR4_EnablingIsAtCompanySecurity(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, "/").Expect(t, 200, "Manage your company")
		p.Get("/company").Expect(t, 200, "Security", "Enable two-factor authentication", "password alone")
		agent, q := member(t, w, c, "Agnes", "agent"), w.Person(t)
		if pg := administer(t, w, q, agent, "/"); pg.Says("Manage your company") {
			t.Error("an agent is shown the company's pages")
		}
		for _, path := range []string{pathSecurity, pathUsers, pathActivity, pathEnable} {
			q.Get(path).Expect(t, 403)
		}
	})
}

func TestAIR5_TheWizardProvesThatMailReachesThePersonWhoEnables(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		owner, p := member(t, w, off(t, w), "Olga", "owner"), w.Person(t)
		mail := atActivationCode(t, w, p, owner)
		if !strings.Contains(mail.Text, "enabled for Company") {
			t.Errorf("the mail does not say what the code is for: %s", mail.Text)
		}
		// Without the code the next steps are closed.
		for _, path := range []string{pathEnable + "/choose"} {
			p.Get(path).Expect(t, 200, "Enter the code from your email")
		}
		p.Post(pathEnable+"/choose", url.Values{"method": {"email"}}).Expect(t, 200, "Enter the code from your email")
		p.Post(pathEnable+"/confirm", url.Values{"methods": {""}, "activation": {activationOf(t, w, owner)}})
		p.Get(pathSecurity).Expect(t, 200, "password alone")
	})
}

// activationOf is the id of someone's newest activation.
func activationOf(t *testing.T, w *rig.World, u *rig.User) string {
	t.Helper()
	ids := w.Texts(t, `SELECT a.id FROM activations a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		WHERE u.email = $1 ORDER BY a.begun_at DESC, a.id DESC`, u.Email)
	if len(ids) == 0 {
		t.Fatal("no activation")
	}
	return ids[0]
}

func TestAIR8_VerifiedIsNotYetEnabled(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		owner, p := member(t, w, off(t, w), "Olga", "owner"), w.Person(t)
		mail := atActivationCode(t, w, p, owner)
		p.Submit(pathEnable+"/code", "code", mail.Code).
			Expect(t, 200, "can now be enabled for all users", "isn’t on yet")
		p.Get(pathSecurity).Expect(t, 200, "password alone")
		if on := w.Number(t, `SELECT count(*) FROM tenants WHERE tenant_id = $1 AND switched_on_at > 0`,
			owner.Tenant.ID); on > 0 {
			t.Error("the code alone has switched it on")
		}
	})
}

func TestAIR9_WizardWrongAndExpiredCodes(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		owner, p := member(t, w, off(t, w), "Olga", "owner"), w.Person(t)
		mail := atActivationCode(t, w, p, owner)
		for left := 4; left > 0; left-- {
			p.Submit(pathEnable+"/code", "code", wrongCode(mail.Code, left)).Expect(t, 422, "That code isn’t right")
		}
		p.Submit(pathEnable+"/code", "code", wrongCode(mail.Code, 9)).Expect(t, 422, "Too many wrong codes")
		p.Post(pathEnable+"/code", url.Values{"activation": {activationOf(t, w, owner)}, "code": {mail.Code}}).
			Expect(t, 422, "Too many wrong codes")
		w.Advance(t, 31*time.Second)
		p.Submit(pathEnable + "/resend")
		late := w.Sink.Code(t, owner.Email, len(w.Sink.Codes(owner.Email)))
		w.Advance(t, 10*time.Minute+time.Second)
		p.Post(pathEnable+"/code", url.Values{"activation": {activationOf(t, w, owner)}, "code": {late.Code}}).
			Expect(t, 422, "expired", "Request a new one")
	})
}

func TestAIR10_WizardThreeNewCodesThenFromTheBeginning(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		w.CLI(t, "installation", "set", "--support-email", "help@vendor.example.test")
		owner, p := member(t, w, off(t, w), "Olga", "owner"), w.Person(t)
		first := atActivationCode(t, w, p, owner)
		p.Submit(pathEnable+"/resend").Expect(t, 429, "request a new code yet")
		n := len(w.Sink.Codes(owner.Email))
		for i := 1; i <= 3; i++ {
			w.Advance(t, 31*time.Second)
			p.Submit(pathEnable+"/resend").Expect(t, 200, "Step 2 of 4")
			w.Sink.Code(t, owner.Email, n+i)
		}
		if again := w.Sink.Code(t, owner.Email, n+3); again.Code != first.Code {
			p.Submit(pathEnable+"/code", "code", first.Code).Expect(t, 422, "That code isn’t right")
		}
		w.Advance(t, 31*time.Second)
		p.Post(pathEnable+"/resend", url.Values{}).
			Expect(t, 409, "Step 1 of 4", "Start again", "help@vendor.example.test")
		p.Get(pathEnable+"/code").Expect(t, 200, "Step 1 of 4")
	})
}

func TestAIR11_OneConfirmationSaysHowMany(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		var agents []*rig.User
		for range 3 {
			agents = append(agents, c.User(t))
		}
		w.Dashboard(t)
		w.PhoneApp(t)
		mail := atActivationCode(t, w, p, owner)
		p.Submit(pathEnable+"/code", "code", mail.Code)
		p.Post(pathEnable+"/choose", url.Values{"method": {"email"}}).
			Expect(t, 200, "Step 4 of 4", "4 users are asked for a second step", "Email code", "Enable for 4 users",
				"Users who are signed in")
		agent := w.Person(t)
		visit := w.Dashboard(t).Visit()
		agent.Visit(visit)
		before := w.Dashboard(t).Finish(t, visit, agent.Password(agents[0].Email, agents[0].Password))
		confirmed := p.Submit(pathEnable + "/confirm")
		confirmed.Expect(t, 200, "Two-factor authentication is on", "Everyone is asked")
		rig.Within(t, 5*time.Second, "the token of before is not enough", func() bool {
			status, _, _ := w.Dashboard(t).UserInfo(t, before.Raw.AccessToken)
			return status != 200
		})
		for _, u := range agents[1:] {
			if tokens := w.Person(t).SignIn(t, w.Dashboard(t), u); tokens.Claims.ACR != rig.Level1e {
				t.Errorf("level %s", tokens.Claims.ACR)
			}
		}
		// The proof is spent: the same confirmation again changes nothing.
		w.CLI(t, "tenant", "set", c.ID, "--switch", "off")
		form := url.Values{"activation": {activationOf(t, w, owner)}, "methods": {"email"}}
		p.Post(pathEnable+"/confirm", form)
		p.Get(pathSecurity).Expect(t, 200, "password alone")
	})
}

func TestAIR15_OnlyAnOwnerDisables(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		form := url.Values{"company": {"Company " + c.ID}}
		for _, role := range []string{"admin", "supervisor", "agent"} {
			u, p := member(t, w, c, "Ada", role), w.Person(t)
			pg := administer(t, w, p, u, pathSecurity)
			if pg.Says("Disable two-factor authentication") {
				t.Errorf("a page of %s offers it", role)
			}
			p.Get(pathDisable).Expect(t, 403)
			p.Post(pathDisable, form).Expect(t, 403)
		}
		if on := w.Number(t, `SELECT count(*) FROM tenants WHERE tenant_id = $1 AND switched_on_at > 0`, c.ID); on != 1 {
			t.Error("it was switched off")
		}
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathDisable).Expect(t, 200, "password alone")
		p.Submit(pathDisable, "company", "Company "+c.ID).Expect(t, 200, "Two-factor authentication is off")
	})
}

func TestAIR16_DisablingAsksForConfirmation(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		agent := c.User(t)
		administer(t, w, p, owner, pathDisable).Expect(t, 200, "Type", "to confirm", "2 users")
		for _, typed := range []string{"", "yes", "Company"} {
			p.Post(pathDisable, url.Values{"company": {typed}}).Expect(t, 422)
		}
		w.Person(t).SignIn(t, w.Dashboard(t), agent)
		p.Submit(pathDisable, "company", "Company "+c.ID).Expect(t, 200, "is off")
		q, visit := w.Person(t), w.Dashboard(t).Visit()
		q.Visit(visit)
		tokens := w.Dashboard(t).Finish(t, visit, q.Password(agent.Email, agent.Password))
		if tokens.Claims.ACR != rig.Level1 {
			t.Errorf("level %s after it was disabled", tokens.Claims.ACR)
		}
	})
}

func TestAIR3_OwnersSearchTheActivity(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		agent := member(t, w, c, "Agnes", "agent")
		failing := w.Person(t)
		failing.Visit(w.Dashboard(t).Visit())
		failing.Password(agent.Email, "not her password")
		other := w.Covered(t).User(t)
		w.Person(t).SignIn(t, w.Dashboard(t), other)
		administer(t, w, p, owner, pathActivity).Expect(t, 200, "Password checked", "Agnes", "Olga", "Signed in")
		only := p.Get(pathActivity+"?kind=sign_ins&result=failed").Expect(t, 200, "Agnes", "Failed", failing.IP)
		if only.Says("Signed in") || only.Says("User added") {
			t.Error("the filter shows more than failed sign-ins")
		}
		p.Get(pathActivity+"?ip="+failing.IP).Expect(t, 200, "Agnes")
		p.Get(pathActivity+"?ip=192.0.2.1").Expect(t, 200, "No activity matches.")
		p.Get(pathActivity+"?result=%27%20OR%201=1&kind=x&days=999").Expect(t, 200)
		if pg := p.Get(pathActivity); strings.Contains(pg.Body, other.Email) || pg.Says(other.Tenant.ID) {
			t.Error("the activity of another company is shown")
		}
	})
}

func TestALO7_NoOptOut(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--mandate-from", "2023-09-05T00:00:00Z")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		pg := administer(t, w, p, owner, pathSecurity).
			Expect(t, 200, "has required it since 5 Sep 2023", "You can’t turn it off")
		if pg.Says("Disable two-factor authentication") {
			t.Error("the control is not locked")
		}
		p.Get(pathDisable)
		p.Post(pathDisable, url.Values{"company": {"Company " + c.ID}})
		if off := w.Number(t, `SELECT count(*) FROM tenants WHERE tenant_id = $1 AND switched_off_at > 0`, c.ID); off > 0 {
			t.Error("an owner switched off what the vendor requires")
		}
		agent := c.User(t)
		if tokens := w.Person(t).SignIn(t, w.Dashboard(t), agent); tokens.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
	})
}

func TestVOI5_MandatoryIsOnAndLocked(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathSecurity).Expect(t, 200, "On", "requires it. You can’t turn it off.")
		p.Post(pathDisable, url.Values{"company": {"Company " + c.ID}}).Expect(t, 403)
	})
}

func TestVOI6_DefaultOnIsOnToBeginWith(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_on")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathSecurity).
			Expect(t, 200, "turns it on by default", "Disable two-factor authentication")
		administer(t, w, p, owner, pathDisable)
		p.Submit(pathDisable, "company", "Company "+c.ID).Expect(t, 200, "is off", "Enable two-factor authentication")
	})
}
