package acceptance

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const pathBulk = pathUsers + "/bulk"

// sessionsOpen counts the open sessions of someone.
func sessionsOpen(t *testing.T, w *rig.World, u *rig.User) int64 {
	t.Helper()
	return w.Number(t, `SELECT count(*) FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
		WHERE u.tenant_id = $1 AND u.email = $2 AND s.ended_at = 0`, u.Tenant.ID, u.Email)
}

// chosen is the address of what would happen to those who are chosen.
func chosen(do string, ids ...string) string {
	return pathBulk + "?" + url.Values{"do": {do}, "scope": {"chosen"}, "id": ids}.Encode()
}

// TestVOI7_ChosenUsersAreSignedOut: the page says what will happen to whom before it does, keeps the choice where it is
// given up, and says what became of it.
func TestVOI7_ChosenUsersAreSignedOut(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		ann, bob := c.User(t), c.User(t)
		q := w.Person(t)
		administer(t, w, q, ann, "/profile")
		administer(t, w, p, owner, pathBulk+"?do=sign_out&scope=chosen&id="+userID(t, w, ann)+"&id="+userID(t, w, bob))
		pg := p.Get(chosen("sign_out", userID(t, w, ann), userID(t, w, bob), userID(t, w, owner))).
			Expect(t, 200, "1 user will be signed out", ann.Email, "can’t be undone", "isn’t signed in anywhere",
				"You: use the pages")
		if sessionsOpen(t, w, ann) == 0 {
			t.Fatal("the look at what would happen has done it")
		}
		back := p.Get(pg.LinkSaying("Cancel"))
		if n := strings.Count(back.Expect(t, 200).Body, `" checked> `); n != 3 {
			t.Errorf("%d users are still chosen", n)
		}
		p.Get(chosen("sign_out", userID(t, w, ann), userID(t, w, bob)))
		p.Submit(pathBulk).Expect(t, 200, "1 user was signed out", "isn’t signed in anywhere")
		if n := sessionsOpen(t, w, ann); n != 0 {
			t.Errorf("%d sessions are open", n)
		}
		if q.Get("/profile").URL.Path == "/profile" {
			t.Error("they still see their profile")
		}
		p.Get(pathUsers).Expect(t, 200, "Recent actions", "finished")
		p.Get(pathActivity+"?q=signed+out+by").
			Expect(t, 200, "Signed out by an administrator", "covers the last 90 days")
	})
}

// TestVOI7_EveryoneWhoMatchesIsInvitedAgain, and where more match meanwhile, the page says so and does nothing.
func TestVOI7_EveryoneWhoMatchesIsInvitedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		add := func(name string) *rig.User {
			p.Get(pathUsers + "/new")
			u := &rig.User{Email: w.Unique(name) + "@people.example.test"}
			p.Submit(pathUsers, "name", name, "email", u.Email, "role", "agent").Expect(t, 200)
			return u
		}
		first, second := add("nina"), add("nils")
		all := pathBulk + "?do=invite&scope=all&view=invited"
		p.Get(all).Expect(t, 200, "2 users will get a new invitation", first.Email, second.Email)
		form, _ := p.Page.Form(pathBulk)
		add("nora")
		p.Post(pathBulk, form.Values).Expect(t, 409, "More users match now", "3 instead of 2", "Invite 3 users")
		p.Submit(pathBulk).Expect(t, 200, "3 users were invited")
		for _, u := range []*rig.User{first, second} {
			w.Sink.Mail(t, u.Email, 2)
		}
	})
}

// TestVOI16_SupervisorsOnlyRemindMany.
func TestVOI16_SupervisorsOnlyRemindMany(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, _, _, pending := appsOnly(t, w)
		sue, p := member(t, w, c, "Sue", "supervisor"), w.Person(t)
		administer(t, w, p, sue, pathUsers)
		pg := p.Get(pathUsers).Expect(t, 200, "Send a reminder")
		if strings.Contains(pg.Body, `value="sign_out"`) || strings.Contains(pg.Body, `value="invite"`) {
			t.Error("a supervisor is offered more than reminders")
		}
		for _, do := range []string{"sign_out", "invite"} {
			p.Get(chosen(do, userID(t, w, pending))).Expect(t, 403)
			p.Post(pathBulk, url.Values{"do": {do}, "id": {userID(t, w, pending)}, "digest": {"x"}}).Expect(t, 403)
		}
		p.Get(chosen("remind", userID(t, w, pending))).Expect(t, 200, "1 user will get an email")
		p.Submit(pathBulk).Expect(t, 200, "1 user was reminded")
		p.Get(chosen("remind", userID(t, w, pending))).
			Expect(t, 200, "in the last 24 hours", "wouldn’t change anything")
	})
}

// TestATKBulkForms: ids of another company, a forged digest, another origin and what makes no sense change nothing.
func TestATKBulkForms(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, other := w.NewTenant(t, "--mandate", "default_off"), w.NewTenant(t, "--mandate", "default_off")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		boss, victim := member(t, w, c, "Bess", "owner"), other.User(t)
		q := w.Person(t)
		administer(t, w, q, victim, "/profile")
		administer(t, w, w.Person(t), boss, "/profile")
		administer(t, w, p, owner, pathUsers+"/new")
		theirs := userID(t, w, victim)
		p.Get(chosen("sign_out", theirs)).Expect(t, 200, "You haven’t selected any users")
		if strings.Contains(p.Page.Body, victim.Email) {
			t.Error("the page names someone of another company")
		}
		for _, form := range []url.Values{
			{"do": {"sign_out"}, "id": {theirs}, "digest": {""}},
			{"do": {"sign_out"}, "id": {userID(t, w, boss)}, "digest": {"AAAA"}, "matched": {"1"}},
			{"do": {"sign_out"}, "scope": {"all"}, "digest": {"AAAA"}, "matched": {"-1"}},
		} {
			p.Post(pathBulk, form).Expect(t, 409)
		}
		p.Get(chosen("sign_out", userID(t, w, boss), theirs)).Expect(t, 200, "1 user will be signed out")
		form, _ := p.Page.Form(pathBulk)
		foreign := p.Request("POST", pathBulk, form.Values)
		foreign.Header.Set("Origin", "https://evil.example")
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		if pg := p.Send(foreign); pg.Status != 403 {
			t.Errorf("from another origin: %d", pg.Status)
		}
		p.Post(pathBulk, url.Values{"do": {"nonsense"}, "id": {theirs}, "digest": {"x"}}).Expect(t, 403)
		for _, id := range []string{"nothing", "'", strings.Repeat("x", 3000)} {
			p.Get("/company/bulk/"+url.PathEscape(id)).Expect(t, 404)
		}
		if sessionsOpen(t, w, victim) != 1 || sessionsOpen(t, w, boss) == 0 {
			t.Error("someone was signed out")
		}
		p.Post(pathBulk, form.Values).Expect(t, 200, "1 user was signed out")
		if sessionsOpen(t, w, victim) != 1 || sessionsOpen(t, w, boss) != 0 {
			t.Error("the wrong ones were signed out")
		}
		mine := p.Page.URL.Path
		r, head := w.Person(t), member(t, w, other, "Otto", "owner")
		administer(t, w, r, head, pathUsers)
		r.Get(mine).Expect(t, 404)
		r.Get(mine+"/progress").Expect(t, 404)
	})
}

// TestVOI7_ManyUsersAreReachedInTheBackground, and the page says how far it is.
func TestVOI7_ManyUsersAreReachedInTheBackground(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--methods", "totp,passkey,backup")
		deadline := w.Now().AddDate(0, 0, 20).UTC().Format(time.RFC3339)
		w.CLI(t, "tenant", "set", c.ID, "--switch", "on", "--set-up-by", deadline)
		c.Crowd(t, 230)
		sue, p := member(t, w, c, "Sue", "supervisor"), w.Person(t)
		administer(t, w, p, sue, pathUsers)
		p.Get(pathBulk+"?do=remind&scope=all&role=agent").Expect(t, 200, "230 users will get an email", "and 210 more")
		p.Submit(pathBulk)
		if p.Page.Status != 200 || !strings.HasPrefix(p.Page.URL.Path, "/company/bulk/") {
			t.Fatalf("status %d at %s", p.Page.Status, p.Page.URL)
		}
		at := p.Page.URL.Path
		rig.Within(t, 60*time.Second, "everyone is reminded", func() bool {
			return p.Get(at).Says("230 users were reminded")
		})
		if n := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = 'user.reminded'`,
			c.ID); n != 230 {
			t.Errorf("%d are recorded", n)
		}
	})
}
