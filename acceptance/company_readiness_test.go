package acceptance

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathCheck = "/company/security/check"

// defective are people of one company, each with another reason why a sign-in stops or does not.
type defective struct{ plain, app, lost, waits, bounces *rig.User }

func (d defective) all() []*rig.User { return []*rig.User{d.plain, d.app, d.lost, d.waits, d.bounces} }

// appsCompany is a company whose people will need an authenticator app, with an owner and people of every kind.
func appsCompany(t *testing.T, w *rig.World) (c *rig.Tenant, owner *rig.User, d defective) {
	t.Helper()
	c = w.NewTenant(t, "--mandate", "default_off", "--methods", "totp,passkey,backup")
	_, d.app, _, _ = equipped(t, w, c, "Phone")
	d.plain, d.lost, d.waits, d.bounces = c.User(t), c.User(t), c.User(t), c.User(t)
	w.Tamper(t, `UPDATE users SET first_factor_at = 1 WHERE id = '`+userID(t, w, d.lost)+`'`)
	reset := w.Now().Add(-time.Hour).UnixMicro()
	w.Tamper(t, `UPDATE users SET password_reset_at = $1 WHERE id = '`+userID(t, w, d.waits)+`'`, reset)
	w.Sink.Behave(d.bounces.Email, rig.Behaviour{Refuse: true})
	w.CLI(t, "tenant", "set", c.ID, "--switch", "on")
	p := w.Person(t)
	p.Get(pathProfile)
	atCode(t, p.Password(d.bounces.Email, d.bounces.Password))
	rig.Within(t, 12*time.Second, "a bounce", func() bool { return delivery(p) == "bounced" })
	w.CLI(t, "tenant", "set", c.ID, "--switch", "off")
	return c, member(t, w, c, "Olga", "owner"), d
}

const pathProfile = "/profile"

// stoppedAtSignIn reports whether a person gets no further than their password.
func stoppedAtSignIn(t *testing.T, w *rig.World, u *rig.User) bool {
	t.Helper()
	p := w.Person(t)
	p.Get(pathProfile)
	n := len(w.Sink.Codes(u.Email))
	pg := p.Password(u.Email, u.Password)
	if _, asked := pg.Form(rig.PathCode); !asked {
		return true
	}
	if pg.Says("authenticator app") {
		return false
	}
	sent := ""
	rig.Within(t, 12*time.Second, "what became of the mail", func() bool {
		sent = delivery(p)
		return sent != "queued"
	})
	if sent == "bounced" {
		return true
	}
	p.Code(w.Sink.Code(t, u.Email, n+1).Code).Expect(t, 200, "Choose a sign-in method")
	return false
}

// TestAIR18_TheReportNamesWhomASignInStops: of one person of each kind, those whom the report names under "stopped" are
// those who are stopped once the owner has switched two-factor authentication on.
func TestAIR18_TheReportNamesWhomASignInStops(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, owner, d := appsCompany(t, w)
		p := w.Person(t)
		pg := administer(t, w, p, owner, pathCheck).Expect(t, 200, "Readiness report",
			"Two-factor authentication is off", "3 users would be stopped at sign-in", "Only one owner",
			"No way to sign in", "Must wait after a password reset", "Need a code, but email bounces")
		var named, stopped []string
		for _, part := range strings.Split(pg.Body, "<section")[1:] {
			for _, u := range d.all() {
				if strings.Contains(part, `class="badge failed"`) && strings.Contains(part, u.Email) {
					named = append(named, u.Email)
				}
			}
		}
		w.CLI(t, "tenant", "set", c.ID, "--switch", "on")
		for _, u := range d.all() {
			if stoppedAtSignIn(t, w, u) {
				stopped = append(stopped, u.Email)
			}
		}
		slices.Sort(named)
		slices.Sort(stopped)
		if !slices.Equal(named, stopped) || len(stopped) != 3 {
			t.Errorf("named %v, stopped %v", named, stopped)
		}
	})
}

// TestAIR18_RemediesAreAClickAway: 500 people are imported and not invited. The report counts them, names some, leads
// to the others and to an invitation, and an address can be corrected. Only owners and admins see it.
func TestAIR18_RemediesAreAClickAway(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		domain := c.ID + ".example.test"
		out, err := w.TryCLI(peopleFile(500, domain), "user", "import", "-", "--tenant", c.ID, "--no-invitation")
		if err != nil {
			t.Fatal(out, err)
		}
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new") // a recent proof
		p.Get(pathSecurity).Expect(t, 200, "Readiness report")
		pg := p.Get(pathCheck).Expect(t, 200, "501 users were checked", "No one would be stopped", "Not invited",
			"500 users.", "Show all of them", "Too few codes have been used")
		if n := strings.Count(pg.Body, "/invite\""); n != 20 {
			t.Errorf("%d invitations are offered", n)
		}
		p.Get(pathUsers+"?view=never_invited").Expect(t, 200, "Not invited", "p0@"+domain)
		first := w.Texts(t, `SELECT id FROM users WHERE email = $1`, "p7@"+domain)[0]
		p.Post(pathUsers+"/"+first+"/invite", url.Values{}).Expect(t, 200, "Invitation sent again")
		p.Get(pathCheck).Expect(t, 200, "499 users.")
		p.Get(pathUsers+"/"+first+"/address").Expect(t, 200, "New email address")
		p.Post(pathUsers+"/"+first+"/address", url.Values{"email": {"p8@" + domain}}).Expect(t, 409)
		p.Post(pathUsers+"/"+first+"/address", url.Values{"email": {"right-" + c.ID + "@example.test"}}).
			Expect(t, 200, "Email address changed", "right-"+c.ID+"@example.test")
		// with rules that the company only considers
		p.Get(pathCheck+"?methods=totp&choice=").Expect(t, 200, "about to confirm")
		p.Get(pathCheck+"?methods="+url.QueryEscape("' OR 1=1 --")).Expect(t, 200)
		p.Get(pathUsers+"?view=no_way_in&methods=totp&choice=optional").Expect(t, 200, "No way to sign in")

		supervisor, q := member(t, w, c, "Sue", "supervisor"), w.Person(t)
		administer(t, w, q, supervisor, pathUsers+"/remind") // a recent proof
		q.Get(pathCheck).Expect(t, 403)
		q.Get(pathUsers+"/"+first+"/address").Expect(t, 403)
		q.Post(pathUsers+"/"+first+"/address", url.Values{"email": {"x@example.test"}}).Expect(t, 403)
	})
}

// TestAIR18_TrialOfRules: an owner tries rules. Everyone signs in as before, and the report says whom the rules would
// have stopped.
func TestAIR18_TrialOfRules(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, owner, d := appsCompany(t, w)
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new")
		p.Get(pathCheck+"/trial").Expect(t, 403)
		p.Post(pathCheck+"/trial", url.Values{"method": {"totp"}, "until": {"2030-01-01"}}).Expect(t, 403)
		o := w.Person(t)
		administer(t, w, o, owner, pathCheck+"/trial").Expect(t, 200, "Nothing changes for your users")
		soon := w.Now().UTC().AddDate(0, 0, 2).Format("2006-01-02")
		form := func(until string) url.Values { return url.Values{"method": {"totp", "passkey"}, "until": {until}} }
		for until, why := range map[string]string{
			"": "Choose the last day", "2020-01-01": "isn’t in the past",
			"2999-01-01": "at most 90 days", "soon": "date",
		} {
			o.Post(pathCheck+"/trial", form(until)).Expect(t, 422, why)
		}
		o.Post(pathCheck+"/trial", form(soon)).Expect(t, 200, "Trial saved", "Nothing so far")
		for _, u := range d.all() {
			q := w.Person(t)
			q.Get(pathProfile)
			if pg := q.Password(u.Email, u.Password); !q.SignedIn() {
				t.Errorf("%s is asked for more: %s", u.Email, rig.Quietly(pg.Text()))
			}
		}
		pg := o.Get(pathCheck).Expect(t, 200, "Would have been stopped", "Would have had to set up a method")
		_, results, _ := strings.Cut(pg.Body, `id="trial"`)
		stopped, others, _ := strings.Cut(results, "Would have had to set up a method")
		for u, in := range map[*rig.User]string{d.lost: stopped, d.waits: stopped, d.plain: others, d.bounces: others,
			d.app: others} {
			if !strings.Contains(in, u.Email) {
				t.Errorf("%s is not where they belong: %s", u.Email, rig.Quietly(results))
			}
		}
		o.Get(pathUsers+"?view=trial_stopped").Expect(t, 200, d.lost.Email, d.waits.Email)
		if events := c.Events(t, "tenant.shadow", "\tok\t"); len(events) != 1 {
			t.Errorf("events %v", events)
		}
		o.Post(pathCheck+"/trial/end", url.Values{}).Expect(t, 200, "The trial has ended")
	})
}
