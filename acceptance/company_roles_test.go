package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathRoles = pathSecurity + "/roles"

// ticked is the form with the roles that are ticked; owners and admins can't be.
func ticked(roles ...string) url.Values { return url.Values{"role": roles} }

// passwordIsEnough reports whether someone gets to an app with the password alone; otherwise a code must be asked for.
func passwordIsEnough(t *testing.T, w *rig.World, u *rig.User) bool {
	t.Helper()
	p := w.Person(t)
	p.Visit(w.Dashboard(t).Visit())
	pg := p.Password(u.Email, u.Password)
	if pg.Left == nil {
		atCode(t, pg)
	}
	return pg.Left != nil
}

// TestRolesThatAreLeftOutDecideForThemselves: agents sign in with the password alone. Owners, admins and supervisors
// are asked, and so is an agent who has switched it on. The vendor's mandate asks everyone.
//
// guard: Input.decidesThemself
func TestRolesThatAreLeftOutDecideForThemselves(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--roles", "owner,admin,supervisor")
		byRole := map[string]*rig.User{}
		for _, role := range []string{"owner", "admin", "supervisor", "agent"} {
			byRole[role] = member(t, w, c, role, role)
		}
		ask := func(when string, roles ...string) {
			t.Helper()
			for role, u := range byRole {
				want := !strings.Contains(strings.Join(roles, " "), role)
				if got := passwordIsEnough(t, w, u); got != want {
					t.Errorf("%s: the password alone is enough for an %s: %v", when, role, got)
				}
			}
			w.Advance(t, time.Hour)
		}
		ask("without agents", "owner", "admin", "supervisor")
		_, own, g, _ := equipped(t, w, c, "Phone")
		again := w.Person(t)
		again.Visit(w.Dashboard(t).Visit())
		atCode(t, again.Password(own.Email, own.Password))
		w.Advance(t, time.Minute)
		left(t, again.Code(g.code(t)))

		w.CLI(t, "tenant", "set", c.ID, "--mandate", "mandatory")
		ask("under a mandate", "owner", "admin", "supervisor", "agent")
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "default_off", "--roles", "admin,owner")
		ask("without supervisors", "owner", "admin")
		w.CLI(t, "tenant", "set", c.ID, "--roles", "all")
		ask("everyone", "owner", "admin", "supervisor", "agent")
		if out := w.CLI(t, "tenant", "show", c.ID); !strings.Contains(out, "roles         all") {
			t.Error(out)
		}
	})
}

// TestATKGettingAroundTheRoles: a list that this version does not understand asks everyone, a session of the password
// alone is not enough once its person's role is asked, and a higher role ends it.
//
// guard: tenant.Roles.Include
func TestATKGettingAroundTheRoles(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--roles", "owner,admin")
		agent, rising, app := member(t, w, c, "Agnes", "agent"), member(t, w, c, "Rita", "agent"), w.Dashboard(t)
		open, other := w.Person(t), w.Person(t)
		for p, u := range map[*rig.Person]*rig.User{open: agent, other: rising} {
			p.Visit(app.Visit())
			left(t, p.Password(u.Email, u.Password))
		}
		for _, list := range []string{"agent", "owner", " ", "owner admin newer", "owner,admin"} {
			w.Tamper(t, `UPDATE tenants SET roles = $1, version = version + 1 WHERE tenant_id = $2`, list, c.ID)
			if passwordIsEnough(t, w, agent) {
				t.Errorf("%q leaves out agents", list)
			}
			w.Advance(t, time.Hour)
		}
		w.CLI(t, "tenant", "set", c.ID, "--roles", "owner,admin")
		tokens, begun := open.Again(t, app), w.Person(t)
		begun.Visit(app.Visit())
		renewed, err := app.Refresh(tokens.Raw.RefreshToken)
		if err != nil {
			t.Fatal("the tokens of someone who is left out:", err)
		}
		w.CLI(t, "tenant", "set", c.ID, "--roles", "owner,admin,agent")
		if pg := open.Visit(app.Visit()); pg.Left != nil {
			t.Error("a session of the password alone is enough for a role that is asked now")
		}
		if _, err := app.Refresh(renewed.RefreshToken); err == nil {
			t.Error("and so are its tokens")
		}
		atCode(t, begun.Password(agent.Email, agent.Password)) // in a sign-in that began before
		w.CLI(t, "tenant", "set", c.ID, "--roles", "owner,admin")
		open.Again(t, app)

		w.CLI(t, "user", "set", rising.Email, "--role", "admin")
		if other.SignedIn() {
			t.Error("the session outlives the role")
		}
		if passwordIsEnough(t, w, rising) {
			t.Error("an admin who was an agent is not asked")
		}
		w.Tamper(t, `UPDATE users SET role = $1, version = version + 1 WHERE email = $2`, "newer", agent.Email)
		if passwordIsEnough(t, w, agent) {
			t.Error("a role that no one knows is left out")
		}
	})
}

// TestATKARoleThatIsLeftOutKeepsItsLevel: where nothing is asked of someone who has an authenticator app, the password
// alone changes nothing about the account, and a role that is asked needs the app: the mailbox is not enough.
//
// guard: policy.Account.Protection, whatever the roles are
func TestATKARoleThatIsLeftOutKeepsItsLevel(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--roles", "owner,admin")
		p, u, g, _ := equipped(t, w, c, "Phone")
		w.Advance(t, time.Minute)
		p.Get("/profile/second-step").Expect(t, 200, "It’s on")
		p.Submit("/profile/second-step", "on", "off").Expect(t, 200, "Two-factor authentication is off")
		if !passwordIsEnough(t, w, u) {
			t.Fatal("someone who has switched it off is asked")
		}
		thief := w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		left(t, thief.Password(u.Email, u.Password))
		before := w.Number(t, `SELECT count(*) FROM authenticators a JOIN users u ON u.tenant_id = a.tenant_id
			AND u.id = a.user_id WHERE u.email = $1`, u.Email)
		for _, path := range []string{"/profile/add/totp", "/profile/add/backup", "/profile/password"} {
			thief.Post(path, url.Values{}).Expect(t, 200, "Confirm it’s you")
		}
		thief.StepUp()
		if pg := atCode(t, thief.Page); len(w.Sink.Codes(u.Email)) > 1 || pg.Says("email") {
			t.Errorf("a mailed code opens the account: %s", rig.Quietly(pg.Text()))
		}
		if n := w.Number(t, `SELECT count(*) FROM authenticators a JOIN users u ON u.tenant_id = a.tenant_id
			AND u.id = a.user_id WHERE u.email = $1`, u.Email); n != before {
			t.Errorf("%d methods, not %d", n, before)
		}
		w.CLI(t, "user", "set", u.Email, "--role", "admin")
		risen := w.Person(t)
		risen.Visit(w.Dashboard(t).Visit())
		atCode(t, risen.Password(u.Email, u.Password))
		left(t, risen.Code(g.code(t)))
		if n := len(w.Sink.Codes(u.Email)); n > 1 {
			t.Errorf("%d codes were mailed", n)
		}
	})
}

// TestAnOwnerChoosesWhoIsAsked: they see whom a shorter list leaves out and what it opens before it is saved. Owners
// and admins are told, and no one else may choose.
//
// guard: access.SetRoles, Console.setRoles
func TestAnOwnerChoosesWhoIsAsked(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--remember-days", "0")
		owner, admin := member(t, w, c, "Olga", "owner"), member(t, w, c, "Ada", "admin")
		supervisor, agent := member(t, w, c, "Sue", "supervisor"), member(t, w, c, "Agnes", "agent")
		p := w.Person(t)
		administer(t, w, p, owner, pathSecurity+"/methods") // a recent proof
		p.Get(pathSecurity).Expect(t, 200, "Who is asked", "Always asked", "Everyone is asked for a second step")

		p.Post(pathRoles, ticked("supervisor", "agent")).Expect(t, 200, "Saved. It applies from the next sign-in.")
		pg := p.Post(pathRoles, ticked("supervisor"))
		pg.Expect(t, 200, "will no longer have to use", "Agent: 1 user", "This opens a weaker way", "Password only")
		if pg.Says("Supervisor: ") || passwordIsEnough(t, w, agent) {
			t.Errorf("saved before it is confirmed: %s", rig.Quietly(pg.Text()))
		}
		p.Submit(pathRoles).Expect(t, 200, "Saved.", "Some roles are asked for a second step",
			"1 user decides for themselves")
		for _, u := range []*rig.User{owner, admin} {
			told := w.Sink.About(t, u.Email, "lowered its").Text
			const list = "Owner, Administrator, Supervisor"
			if !strings.Contains(told, "Required roles") || !strings.Contains(told, list) {
				t.Errorf("%s is told: %s", u.Email, told)
			}
		}
		p.Get(pathUsers+"?status=disabled").Expect(t, 200, "Agnes", "Hasn’t turned it on")
		p.Get(pathUsers+"/"+userID(t, w, agent)).Expect(t, 200, "of other roles only")
		if !passwordIsEnough(t, w, agent) || passwordIsEnough(t, w, supervisor) {
			t.Error("saved, and not as it was confirmed")
		}
		for _, wrong := range []string{"operator", "everyone", "Agent"} {
			p.Post(pathRoles, ticked(wrong)).Expect(t, 422, "Unknown role")
		}
		w.Advance(t, time.Minute)
		for who, u := range map[string]*rig.User{"an admin": admin, "a supervisor": supervisor, "an agent": agent} {
			q := w.Person(t)
			administer(t, w, q, u, "/company")
			for _, form := range []url.Values{ticked(), ticked("agent", "supervisor"), {"sure": {"yes"}}} {
				if pg := q.Post(pathRoles, form); pg.Status != 403 && !pg.Says("Confirm it’s you") {
					t.Errorf("%s chooses: status %d", who, pg.Status)
				}
			}
			if q.Get(pathSecurity); u == admin {
				if _, form := q.Page.Form(pathRoles); form || !q.Page.Says("Who is asked") {
					t.Errorf("an admin sees: %s", rig.Quietly(q.Page.Text()))
				}
			}
		}
		if out := w.CLI(t, "tenant", "show", c.ID); !strings.Contains(out, "owner admin supervisor") {
			t.Error(out)
		}
		w.CLI(t, "tenant", "set", c.ID, "--mandate", "mandatory")
		if pg := p.Get(pathSecurity); pg.Says("Who is asked") {
			t.Error("it can be chosen although the vendor has decided")
		}
	})
}

// TestAdaptiveAsksTheRolesOnly: where only unusual sign-ins are asked, those of a role that is left out are never.
//
// guard: Input.AsksUnusual
func TestAdaptiveAsksTheRolesOnly(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--choice", "adaptive",
			"--roles", "owner,admin,supervisor")
		supervisor, agent := member(t, w, c, "Sue", "supervisor"), member(t, w, c, "Agnes", "agent")
		mustBeAsked(t, w.Person(t), w, supervisor).Expect(t, 200, "this sign-in is unusual")
		if !passwordIsEnough(t, w, agent) {
			t.Error("an agent is asked in a new browser")
		}
		_, own, _, _ := equipped(t, w, c, "Phone")
		pg := mustBeAsked(t, w.Person(t), w, own)
		if _, box := pg.Input("remember")["checked"]; box || pg.Says("unusual") {
			t.Errorf("an agent who chose it is asked as in an adaptive company: %s", rig.Quietly(pg.Text()))
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events e JOIN users u ON u.tenant_id = e.tenant_id
			AND u.id = e.user_id WHERE u.email = $1 AND e.action = 'signin.unusual'`, agent.Email); n != 0 {
			t.Errorf("%d unusual sign-ins of an agent are recorded", n)
		}
	})
}

// TestTheWizardAsksForTheRoles: the summary says which, and to whom it applies; an admin keeps what is stored.
//
// guard: chosenRoles, Choices.permit
func TestTheWizardAsksForTheRoles(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, agent := member(t, w, c, "Olga", "owner"), member(t, w, c, "Agnes", "agent")
		p := w.Person(t)
		mail := atActivationCode(t, w, p, owner)
		pg := p.Submit(pathEnable+"/code", "code", mail.Code)
		pg.Expect(t, 200, "Which roles must use it?", "Always asked")
		form, _ := pg.Form(pathEnable + "/choose")
		form.Values["role"] = []string{"supervisor", "agent"}
		if pg = p.Post(form.Action, form.Values).Expect(t, 200, "Enable for 2 users"); pg.Says("Required for:") {
			t.Error("every role is named")
		}
		p.Get(pathEnable + "/choose")
		form.Values["role"] = []string{"supervisor"}
		pg = p.Post(form.Action, form.Values)
		pg.Expect(t, 200, "1 user is asked for a second step", "Required for: Owner , Administrator , Supervisor",
			"1 user decides for themselves", "Enable for 1 user")
		p.Get(pg.LinkSaying("Check")).Expect(t, 200)
		p.Get(pathEnable + "/choose")
		form.Values["role"] = []string{"operator"}
		p.Post(form.Action, form.Values).Expect(t, 422, "Unknown role")
		form.Values["role"] = []string{"supervisor"}
		p.Post(form.Action, form.Values)
		p.Submit(pathEnable+"/confirm").Expect(t, 200, "Some roles are asked for a second step")
		if !passwordIsEnough(t, w, agent) {
			t.Error("an agent is asked")
		}

		w.CLI(t, "tenant", "set", c.ID, "--switch", "off")
		admin, q := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, q, admin, pathSecurity+"/methods") // a recent proof
		q.Get(pathEnable)
		n := len(w.Sink.Codes(admin.Email))
		q.Submit(pathEnable)
		pg = q.Submit(pathEnable+"/code", "code", w.Sink.Code(t, admin.Email, n+1).Code)
		if pg.Says("Which roles must use it?") {
			t.Error("an admin is asked for the roles")
		}
		form, _ = pg.Form(pathEnable + "/choose")
		more := url.Values{"choose_roles": {"yes"}, "role": {"supervisor", "agent"}}
		for k, v := range form.Values {
			more[k] = v
		}
		q.Post(form.Action, more).Expect(t, 403, "Only an owner can decide")
		q.Get(pathEnable + "/choose")
		pg = q.Post(form.Action, form.Values).Expect(t, 200, "Required for: Owner , Administrator , Supervisor")
		confirm, _ := pg.Form(pathEnable + "/confirm")
		confirm.Values.Set("roles", "")
		q.Post(confirm.Action, confirm.Values).Expect(t, 403, "Only an owner can decide")
		confirm.Values.Set("roles", "owner admin supervisor")
		q.Post(confirm.Action, confirm.Values).Expect(t, 200, "Some roles are asked for a second step")
	})
}
