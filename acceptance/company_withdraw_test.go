package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const withdrawEnd = "/withdraw-invitation"

// TestALO16_AnInvitationIsWithdrawn: by the one who sent it, right after it was sent or later. Its link stops at once,
// the mailbox gets no other one, and the person can be invited again.
//
// guard: Service.Withdraw and Service.heldBack of passwordlink
func TestALO16_AnInvitationIsWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		admin, p := member(t, w, c, "Ada", "admin"), w.Person(t)
		administer(t, w, p, admin, pathUsers+"/new")
		u := &rig.User{Email: w.Unique("nina") + "@people.example.test", Tenant: c}
		sent := p.Submit(pathUsers, "name", "Nina New", "email", u.Email, "role", "agent").
			Expect(t, 200, "Invitation sent.", "Withdraw it")
		first := linkFor(t, w, u.Email, 1)
		q := w.Person(t)
		q.Get(first).Expect(t, 200, "Welcome")
		at := pathUsers + "/" + userID(t, w, u)
		p.Get(sent.LinkSaying("Withdraw it")).
			Expect(t, 200, "Withdraw the invitation of Nina New?", "stops working at once")
		p.Submit(at+withdrawEnd).Expect(t, 200, "Invitation withdrawn.", "Not invited", "Send an invitation")
		q.Submit(first, "password", "canary of a guest who is late").Expect(t, http.StatusGone, "was withdrawn")
		gone := w.Person(t).Get(first).Expect(t, http.StatusGone, "This invitation was withdrawn", "administrator")
		if gone.Says("Get a new link") || gone.Says(u.Email) {
			t.Error("the page of a withdrawn invitation offers another one, or names the person")
		}
		p.Get(pathUsers).Expect(t, 200, "Nina New", "Not invited")
		p.Get(pathUsers+"?view=invited").Expect(t, 200, "No users match.")
		p.Get(chosen("invite", userID(t, w, u))).Expect(t, 200, "The invitation of 1 user was withdrawn")
		p.Post(at+withdrawEnd, url.Values{}).Expect(t, 409, "no invitation that could be withdrawn")

		q.Get(rig.PathSignIn) // anyone who reads the mailbox may ask for a link
		forget(t, q, u.Email).Expect(t, 200, "Check your email")
		rig.Within(t, wait, "the answer to that", func() bool { return len(c.Events(t, "password.asked")) > 0 })
		w.Drained(t)
		if n := len(w.Sink.Mails(u.Email)); n != 1 {
			t.Errorf("%d mails to a person whose invitation was withdrawn", n)
		}
		if n := len(c.Events(t, "user.invitation_withdrawn", "ok")); n != 1 {
			t.Errorf("%d withdrawals are recorded", n)
		}

		p.Get(at)
		again := p.Submit(at+"/invite").Expect(t, 200, "Invitation sent again.", "Invited, no password yet")
		second := linkFor(t, w, u.Email, 2)
		w.Person(t).Get(first).Expect(t, http.StatusGone)
		p.Get(again.LinkSaying("Withdraw it")).Expect(t, 200)
		page := w.Person(t)
		page.Get(second).Expect(t, 200, "Welcome", u.Email)
		page.Submit(second, "password", "canary of a guest in time").Expect(t, 200, "Your password is set")
		p.Submit(at+withdrawEnd).Expect(t, 409, "has a password already")
		if p.Get(at).Says("Withdraw invitation") {
			t.Error("an accepted invitation can be withdrawn")
		}
	})
}

// TestALO16_TheCommandLineWithdraws: with the same rules, and says what to do next.
func TestALO16_TheCommandLineWithdraws(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		u := invited(t, w, c)
		link := linkFor(t, w, u.Email, 1)
		if out := w.CLI(t, "user", "withdraw-invitation", u.Email); !strings.Contains(out, "user invite "+u.Email) {
			t.Errorf("the command says %s", out)
		}
		w.Person(t).Get(link).Expect(t, http.StatusGone, "was withdrawn")
		for _, address := range []string{u.Email, c.User(t).Email} {
			if _, err := w.TryCLI("", "user", "withdraw-invitation", address); err == nil {
				t.Errorf("the invitation of %s was withdrawn", address)
			}
		}
		w.CLI(t, "user", "invite", u.Email)
		w.Person(t).Get(linkFor(t, w, u.Email, 2)).Expect(t, 200, "Welcome")
	})
}

// TestATK_WithdrawingIsForThoseWhoInvite: supervisors, other companies and other origins withdraw nothing.
func TestATK_WithdrawingIsForThoseWhoInvite(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c, other := w.NewTenant(t, "--mandate", "default_off"), w.NewTenant(t, "--mandate", "default_off")
		u := invited(t, w, c)
		at := pathUsers + "/" + userID(t, w, u) + withdrawEnd
		for _, one := range []struct {
			of     *rig.Tenant
			role   string
			status int
		}{{c, "supervisor", 403}, {c, "agent", 403}, {other, "owner", 404}} {
			p := w.Person(t)
			administer(t, w, p, member(t, w, one.of, "Otto", one.role), at)
			if s := p.Page.Status; s != one.status && !(one.role == "agent" && s == 404) {
				t.Errorf("%s of another company %v: %d", one.role, one.of != c, s)
			}
			p.Post(at, url.Values{})
			if s := p.Page.Status; s != one.status && !(one.role == "agent" && s == 404) {
				t.Errorf("%s of another company %v withdraws: %d", one.role, one.of != c, s)
			}
		}
		if n := w.Number(t, `SELECT count(*) FROM password_links
			WHERE tenant_id = $1 AND closed_at = 0`, c.ID); n != 1 {
			t.Errorf("%d links are open", n)
		}
	})
}

// TestALO16_OneOfAcceptingAndWithdrawingWins: at the same moment, either the password is set or the invitation is gone.
//
// guard: Service.redeem and Service.Withdraw of passwordlink
func TestALO16_OneOfAcceptingAndWithdrawingWins(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		for n := range 8 {
			u := invited(t, w, c)
			link, at := linkFor(t, w, u.Email, 1), pathUsers+"/"+userID(t, w, u)
			q := w.Person(t)
			f, _ := q.Get(link).Form("/password")
			f.Values.Set("password", "canary of a quick guest 77")
			var accepting sync.WaitGroup
			accepting.Go(func() { rig.Volley(t, []rig.Shot{{Person: q, Path: "/password", Form: f.Values}}) })
			time.Sleep(time.Duration(n) * 30 * time.Millisecond) // a password takes its time to be hashed
			rig.Volley(t, []rig.Shot{{Person: p, Path: at + withdrawEnd, Form: url.Values{}}})
			accepting.Wait()
			accepted := w.Number(t, `SELECT count(*) FROM passwords WHERE tenant_id = $1 AND user_id = $2`,
				c.ID, userID(t, w, u))
			withdrawn := w.Number(t, `SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND user_id = $2
				AND action = 'user.invitation_withdrawn' AND result = 'ok'`, c.ID, userID(t, w, u))
			if accepted+withdrawn != 1 {
				t.Errorf("accepted %d times and withdrawn %d times", accepted, withdrawn)
			}
		}
	})
}
