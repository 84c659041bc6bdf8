package acceptance

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// statusesShown are the statuses of the people whom the users page lists, by address.
func statusesShown(pg *rig.Page) map[string]string {
	out := map[string]string{}
	row := regexp.MustCompile(`(?s)<tr>\s*<th scope="row">.*?<small><bdi>([^<]+)</bdi>.*?<span class="badge (\w+)">`)
	for _, m := range row.FindAllStringSubmatch(pg.Body, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// appsOnly is a company whose people need an authenticator app, one of whom has it, and its owner at the users page.
func appsOnly(t *testing.T, w *rig.World) (c *rig.Tenant, owner *rig.Person, activated, pending *rig.User) {
	t.Helper()
	c = w.NewTenant(t, "--mandate", "default_off", "--methods", "totp,passkey,backup")
	_, activated, _, _ = equipped(t, w, c, "Phone")
	deadline := w.Now().AddDate(0, 0, 20).UTC().Format("2006-01-02T15:04:05Z")
	w.CLI(t, "tenant", "set", c.ID, "--switch", "on", "--set-up-by", deadline)
	pending = c.User(t)
	who, p := member(t, w, c, "Olga", "owner"), w.Person(t)
	administer(t, w, p, who, pathUsers).Expect(t, 200, "2FA status", "Olga")
	return c, p, activated, pending
}

func TestVOI7_StatusColumnFiltersAndPages(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		_, p, activated, pending := appsOnly(t, w)
		all := statusesShown(p.Get(pathUsers))
		if len(all) != 3 || all[activated.Email] != "activated" || all[pending.Email] != "pending" {
			t.Errorf("the page shows %v", all)
		}
		for _, status := range []string{"activated", "pending", "disabled"} {
			shown := statusesShown(p.Get(pathUsers + "?status=" + status))
			for email, s := range shown {
				if s != status {
					t.Errorf("%s is %s and is shown among %s", email, s, status)
				}
			}
			if want := map[string]int{"activated": 1, "pending": 2}[status]; len(shown) != want {
				t.Errorf("%d people are %s, want %d", len(shown), status, want)
			}
		}
		found := statusesShown(p.Get(pathUsers + "?q=" + url.QueryEscape(strings.ToUpper(activated.Email[:12]))))
		if found[activated.Email] == "" {
			t.Errorf("the search shows %v", found)
		}
		p.Get(pathUsers+"?q=%25").Expect(t, 200, "No users match.")
		p.Get(pathUsers+"?status=nonsense&role=king&view=x&after="+url.QueryEscape("' OR 1=1 --")).Expect(t, 200)
	})
}

func TestVOI8_PendingIsEnabledAndNotSetUp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		_, p, _, pending := appsOnly(t, w)
		if s := statusesShown(p.Get(pathUsers))[pending.Email]; s != "pending" {
			t.Errorf("status %q", s)
		}
	})
}

func TestVOI9_ActivatedHasCompletedSetUp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		_, p, activated, _ := appsOnly(t, w)
		pg := p.Get(pathUsers+"?status=activated").Expect(t, 200, "Activated", "Authenticator app")
		if s := statusesShown(pg)[activated.Email]; s != "activated" {
			t.Errorf("status %q", s)
		}
	})
}

func TestVOI10_DisabledIsOffInTheCompany(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, p, activated, pending := appsOnly(t, w)
		w.CLI(t, "tenant", "set", c.ID, "--switch", "off")
		pg := p.Get(pathUsers).
			Expect(t, 200, "Two-factor authentication is off", "Has a method, but isn’t asked for it")
		for _, u := range []*rig.User{activated, pending} {
			if s := statusesShown(pg)[u.Email]; s != "disabled" {
				t.Errorf("status %q", s)
			}
		}
	})
}

func TestVOI4_SettingsAreAtSecurity(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_on")
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathSecurity).
			Expect(t, 200, "Two-factor authentication (2FA)", "Allowed methods", "Remembered browsers")
		administer(t, w, p, admin, pathSecurity+"/methods").Expect(t, 200, "Change allowed methods")
		p.Post(pathSecurity+"/methods", url.Values{"method": {"totp", "email"}}).
			Expect(t, 200, "The allowed methods are saved.")
		for _, none := range []url.Values{{}, {"method": {"nonsense"}}, {"method": {"", "password"}}} {
			p.Post(pathSecurity+"/methods", none).Expect(t, 422, "Select at least one method")
		}
		p.Post(pathSecurity+"/days", url.Values{"days": {"7"}}).Expect(t, 200, "period saved")
		p.Post(pathSecurity+"/days", url.Values{"days": {"31"}}).Expect(t, 422)
		if days := w.Number(t, `SELECT remember_days FROM tenants WHERE tenant_id = $1`, c.ID); days != 7 {
			t.Errorf("%d days", days)
		}
	})
}

// TestVOI16_SupervisorsLookAndResetNoOne: every change that the pages offer to others is closed to them.
func TestVOI16_SupervisorsLookAndResetNoOne(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, _, activated, _ := appsOnly(t, w)
		supervisor := c.User(t)
		w.CLI(t, "user", "set", supervisor.Email, "--role", "supervisor")
		p := w.Person(t)
		pg := administer(t, w, p, supervisor, pathUsers).Expect(t, 200, "2FA status", "Activated", "Pending")
		id := userID(t, w, activated)
		if pg.Says("Add a user") {
			t.Error("a supervisor is offered to add people")
		}
		one := p.Get(pathUsers+"/"+id).Expect(t, 200, "Authenticator app", "You can’t manage this user")
		if one.Says("Open sessions") {
			t.Error("a supervisor sees where someone is signed in")
		}
		for _, change := range []string{"/reset", "/disable", "/enable", "/role"} {
			p.Get(pathUsers+"/"+id+change).Expect(t, 403)
			p.Post(pathUsers+"/"+id+change, url.Values{"reason": {"phone lost"}, "role": {"owner"}}).Expect(t, 403)
		}
		p.Post(pathUsers+"/"+id+"/invite", url.Values{}).Expect(t, 403)
		p.Post(pathUsers, url.Values{"email": {"x@people.example.test"}, "name": {"X"}, "role": {"agent"}}).
			Expect(t, 403)
		p.Get(pathSecurity).Expect(t, 403)
		p.Get(pathActivity).Expect(t, 403)
	})
}

func userID(t *testing.T, w *rig.World, u *rig.User) string {
	t.Helper()
	ids := w.Texts(t, `SELECT id FROM users WHERE email = $1`, u.Email)
	if len(ids) != 1 {
		t.Fatalf("%d accounts", len(ids))
	}
	return ids[0]
}

// TestALO16_InvitedFromTheUsersPage: the one who invites never sees a password, and the invitation leads in.
func TestALO16_InvitedFromTheUsersPage(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new").Expect(t, 200, "a password that only they know")
		newcomer := &rig.User{Email: w.Unique("new") + "@people.example.test", Tenant: c}
		p.Submit(pathUsers, "name", "Nina New", "email", newcomer.Email, "role", "agent").
			Expect(t, 200, "Invitation sent.", "Nina New", "Invited, no password yet")
		p.Post(pathUsers, url.Values{"name": {"Twin"}, "email": {newcomer.Email}, "role": {"agent"}}).
			Expect(t, 409, "Someone else already has that email address")
		p.Post(pathUsers, url.Values{"name": {"Boss"}, "email": {"boss@people.example.test"}, "role": {"owner"}}).
			Expect(t, 403)
		first := w.Sink.Mail(t, newcomer.Email, 1)
		p.Post(pathUsers+"/"+userID(t, w, newcomer)+"/invite", url.Values{}).Expect(t, 200, "Invitation sent again")
		second := w.Sink.Mail(t, newcomer.Email, 2)
		links := regexp.MustCompile(`https://\S+/password/\S+`)
		q := w.Person(t)
		if pg := q.Get(links.FindString(first.Text)); pg.Says("Choose a password") && pg.Status == 200 {
			t.Error("the first invitation still works")
		}
		q.Get(links.FindString(second.Text)).Expect(t, 200)
		newcomer.Password = "a password that Nina chose herself"
		q.Submit("/password", "password", newcomer.Password)
		tokens := w.Person(t).SignIn(t, w.Dashboard(t), newcomer)
		if tokens.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
		p.Get(pathUsers+"?view=invited").Expect(t, 200, "No users match.")
	})
}

// TestATK104_NoOneActsOnTheirSuperior: an administrator changes neither an owner nor another administrator nor
// themselves, by page or by request.
func TestATK104_NoOneActsOnTheirSuperior(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner, peer := member(t, w, c, "Olga", "owner"), member(t, w, c, "Pia", "admin")
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new")
		for _, u := range []*rig.User{owner, peer, admin} {
			at := pathUsers + "/" + userID(t, w, u)
			p.Get(at).Expect(t, 200)
			for _, change := range []string{"/reset", "/disable", "/role"} {
				p.Get(at+change).Expect(t, 403)
				p.Post(at+change, url.Values{"reason": {"because"}, "role": {"agent"}}).Expect(t, 403)
			}
		}
		agent := c.User(t)
		p.Post(pathUsers+"/"+userID(t, w, agent)+"/role", url.Values{"role": {"owner"}}).Expect(t, 403)
		roles := w.Texts(t, `SELECT role FROM users WHERE tenant_id = $1 AND disabled_at = 0`, c.ID)
		if slices.Sort(roles); strings.Join(roles, " ") != "admin admin agent owner" {
			t.Errorf("roles %v", roles)
		}
	})
}

// TestATK115_AnotherCompanysPeopleAreNotThere: their pages answer as pages that do not exist.
func TestATK115_AnotherCompanysPeopleAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, other := w.NewTenant(t), w.NewTenant(t)
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		stranger := other.User(t)
		administer(t, w, p, owner, pathUsers+"/new")
		for _, path := range []string{"", "/reset", "/disable", "/enable", "/role"} {
			known := p.Get(pathUsers + "/" + userID(t, w, stranger) + path)
			unknown := p.Get(pathUsers + "/0000000000000000000000000" + path)
			if known.Status != 404 || known.Shape() != unknown.Shape() {
				t.Errorf("%q: %d and %d", path, known.Status, unknown.Status)
			}
		}
		p.Post(pathUsers+"/"+userID(t, w, stranger)+"/disable", url.Values{}).Expect(t, 404)
		p.Post(pathUsers+"/"+userID(t, w, stranger)+"/invite", url.Values{}).Expect(t, 404)
		if pg := p.Get(pathActivity + "?user=" + userID(t, w, stranger)); !pg.Says("No activity matches.") {
			t.Error("the activity of another company's person is shown")
		}
	})
}
