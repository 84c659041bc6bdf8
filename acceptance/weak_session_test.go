package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// written counts what a set-up leaves behind: drafts, and methods beside password and mailbox.
func (h *hoard) written(t *testing.T) int64 {
	t.Helper()
	return h.w.Number(t, `SELECT (SELECT count(*) FROM drafts x
		WHERE x.tenant_id = d.tenant_id AND x.user_id = d.user_id) +
		(SELECT count(*) FROM authenticators a WHERE a.tenant_id = d.tenant_id AND a.user_id = d.user_id
			AND a.kind NOT IN ('password', 'email')) FROM directory d WHERE d.email_key = $1`, h.Email)
}

// bindsNothing reports it when a browser can begin or finish a set-up anywhere.
func (h *hoard) bindsNothing(t *testing.T, p *rig.Person, what string) {
	t.Helper()
	before := h.written(t)
	b := h.w.Push.Subscribe()
	for _, base := range []string{inFlow, inProfile} {
		for _, kind := range kinds {
			for _, at := range []string{"/" + kind, "/" + kind + "/confirm"} {
				pg := p.Twin().Post(base+at,
					form("code", "000000", "country", "DE", "number", "0151 23456789", "subscription", b.JSON(),
						"assertion", "{}", "name", "Mine"))
				if len(pg.Printed()) > 0 || pg.PasskeyOptions("create") != "" {
					t.Errorf("%s: %s%s shows a set-up", what, base, at)
				}
			}
			if pg := p.Twin().Get(base + "/" + kind); len(pg.Printed()) > 0 || strings.Contains(pg.Body, "otpauth:") {
				t.Errorf("%s: %s/%s shows a secret", what, base, kind)
			}
		}
		if pg := p.Twin().Get(base + "/backup/codes.txt"); strings.HasPrefix(pg.Header.Get("Content-Disposition"),
			"attachment") {
			t.Errorf("%s: a file of codes", what)
		}
	}
	if n := h.written(t) - before; n != 0 {
		t.Errorf("%s: %d things were written", what, n)
	}
}

// guard: EnrollmentFor and member; a flow that waits for a second step waits for no set-up
func TestATK049_APendingSignInBindsNothing(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp")
		thief := h.begin(t, "totp")
		h.bindsNothing(t, thief, "a password alone")
		thief.SetCookie("session", thief.Cookie("flow"))
		h.bindsNothing(t, thief, "a flow's cookie as a session")
	})
}

// guard: policy.toSetUp: what opens a set-up is the strongest that there is, and new
func TestATK049_AnAppsWishForMoreOpensNoSetUpToAMailbox(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp")
		visit := func() *rig.Visit { return w.Dashboard(t).Visit("acr_values", "phr") }
		thief := w.Person(t) // has the password and reads the mail
		thief.Visit(visit())
		atCode(t, thief.Password(h.Email, h.Password)).Expect(t, 200, "Open your authenticator app")
		if pg := thief.Get("/signin/other"); pg.Says(h.Email[:1]+"•••") ||
			thief.Post("/signin/other", form("kind", "email")).Status == 200 {
			t.Errorf("the mailbox is a way to a set-up: %s", rig.Quietly(pg.Text()))
		}
		h.bindsNothing(t, thief, "password and mailbox")

		w.Advance(t, freshFor)
		copied := w.Person(t) // has a cookie, five minutes old
		copied.SetCookie("session", h.owner.Cookie("session"))
		copied.Visit(visit())
		atCode(t, copied.StepUp()).Expect(t, 200, "Open your authenticator app")
		h.bindsNothing(t, copied, "an old session")
		copied.Post(rig.PathCode, h.means["totp"].right(t, copied)).Expect(t, 200, "Choose a sign-in method")
		h.add(t, copied, inFlow, "passkey") // with a new proof it is what the app asked for
	})
}

// guard: as above, for an account that has nothing but its mailbox
func TestATK049_AnOldSessionByMailOpensNoSetUp(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := &hoard{User: w.Covered(t).Crowd(t, 1)[0], w: w, owner: w.Person(t)}
		h.owner.SignIn(t, w.Dashboard(t), h.User)
		w.Advance(t, freshFor)
		h.owner.Visit(w.Dashboard(t).Visit("acr_values", "urn:countersign:acr:2"))
		atCode(t, h.owner.StepUp())
		h.bindsNothing(t, h.owner, "an old session by mail")
		mailed(t, w.World, h.owner, h.User, 2).Expect(t, 200, "Choose a sign-in method")
	})
}

// guard: policy.toSetUp asks for the mailbox before the first set-up
func TestATK050_AFirstEnrolmentNeedsMoreThanThePassword(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := &hoard{User: centre(t, w.World).Crowd(t, 1)[0], w: w, owner: w.Person(t), means: map[string]*means{}}
		thief := w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		atCode(t, thief.Password(h.Email, h.Password)).Expect(t, 200, "Confirm your email address first")
		h.bindsNothing(t, thief, "a password alone")
		h.owner.Visit(w.Dashboard(t).Visit())
		h.owner.Password(h.Email, h.Password)
		mailed(t, w.World, h.owner, h.User, 2).Expect(t, 200, "Choose a sign-in method")
		h.add(t, h.owner, inFlow, "totp")
		toldOf(t, w.World, h.User, "sign-in method was added")
	})
}

// changes are the requests that a thief would make first. {id} is a method of the victim's.
var changes = []struct {
	path string
	form url.Values
}{
	{"/profile/methods/{id}/remove", url.Values{}},
	{"/profile/add/totp", url.Values{}}, {"/profile/add/passkey", url.Values{}}, {"/profile/add/backup", url.Values{}},
	{"/profile/add/sms", form("country", "DE", "number", "0151 23456789")},
	{"/profile/password", form("current", "canary crowd horse battery staple", "password",
		"canary taken over by a thief")},
	{"/profile/second-step", form("on", "off")},
}

// estate is what changes would change.
func (h *hoard) estate(t *testing.T) string {
	t.Helper()
	return strings.Join(h.w.Texts(t, `
		SELECT 'version ' || u.security_version || ' ' || u.second_step_at FROM users u
			JOIN directory d ON d.tenant_id = u.tenant_id AND d.user_id = u.id WHERE d.email_key = $1 UNION ALL
		SELECT 'method ' || a.id FROM authenticators a JOIN directory d ON d.tenant_id = a.tenant_id
			AND d.user_id = a.user_id WHERE d.email_key = $1 UNION ALL
		SELECT 'draft ' || x.id FROM drafts x JOIN directory d ON d.tenant_id = x.tenant_id
			AND d.user_id = x.user_id WHERE d.email_key = $1 UNION ALL
		SELECT 'open ' || s.id FROM sessions s JOIN directory d ON d.tenant_id = s.tenant_id
			AND d.user_id = s.user_id WHERE d.email_key = $1 AND s.ended_at = 0 UNION ALL
		SELECT 'remembered ' || r.id FROM remembered_browsers r JOIN directory d ON d.tenant_id = r.tenant_id
			AND d.user_id = r.user_id WHERE d.email_key = $1 AND r.ended_at = 0 ORDER BY 1`, h.Email), "\n")
}

// changesNothing reports it when a browser can make one of the changes.
func (h *hoard) changesNothing(t *testing.T, p *rig.Person, what string) {
	t.Helper()
	before := h.estate(t)
	for _, kind := range []string{"totp", "passkey", "backup"} {
		for _, id := range h.bound(t, kind) {
			for _, c := range changes {
				for _, method := range []string{http.MethodPost, http.MethodGet} {
					path := strings.ReplaceAll(c.path, "{id}", id)
					pg := p.Twin().Open(p.Request(method, path, c.form))
					if pg.Status >= 500 || pg.Says("Removed") || len(pg.Printed()) > 0 ||
						strings.Contains(pg.Body, "otpauth:") {
						t.Errorf("%s: %s %s: status %d: %s", what, method, c.path, pg.Status, rig.Quietly(pg.Text()))
					}
				}
				if now := h.estate(t); now != before {
					t.Fatalf("%s: %s changed\n%s\nto\n%s", what, c.path, before, now)
				}
			}
		}
	}
}

// guard: member asks for the highest level and for proofs that are new
func TestATK055_TestATK081_TestATK085_TestATK090_WeakAndOldSessionsChangeNothing(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp", "passkey")
		low := w.Person(t)
		low.Visit(w.PhoneApp(t).Visit())
		left(t, low.Password(h.Email, h.Password))
		h.changesNothing(t, low, "a session by password")

		p := h.begin(t, "totp")
		left(t, p.Post(rig.PathCode, url.Values{"code": h.means["totp"].right(t, p)["code"], "remember": {"on"}}))
		signOut(p)
		p.Visit(w.Dashboard(t).Visit())
		left(t, p.Password(h.Email, h.Password))
		h.changesNothing(t, p, "a session by a remembered browser")

		w.Advance(t, freshFor)
		h.changesNothing(t, h.owner, "a full session, five minutes old")
		for _, cookie := range []string{"deadbeef", h.owner.Cookie("session") + "x", h.owner.Cookie("device")} {
			forged := w.Person(t)
			forged.SetCookie("session", cookie)
			h.changesNothing(t, forged, "a forged cookie")
		}
		stranger := has(t, w, w.Covered(t), "totp") // a fresh and full session, of someone else
		for _, id := range append(h.bound(t, "totp"), h.bound(t, "passkey")...) {
			for _, path := range []string{"/profile/methods/" + id, "/profile/methods/" + id + "/remove"} {
				stranger.owner.Twin().Get(path).Expect(t, 404)
				stranger.owner.Twin().Post(path, form("name", "Mine")).Expect(t, 404)
			}
		}
		if len(h.bound(t, "totp")) != 1 || len(h.bound(t, "passkey")) != 1 {
			t.Error("someone else removed a method")
		}
	})
}

// guard: ChangePassword compares the present one; EndOthers ends what it opened
func TestATK081_APasswordChangeNeedsTheOldOne(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp")
		away, visit := h.begin(t, "totp"), w.Dashboard(t).Visit()
		left(t, away.Post(rig.PathCode, url.Values{"code": h.means["totp"].right(t, away)["code"], "remember": {"on"}}))
		away.Visit(visit)
		tokens := w.Dashboard(t).Finish(t, visit, away.Page)
		const path, next = "/profile/password", "canary entirely new battery staple"
		h.owner.Get(path)
		before := h.estate(t)
		for _, current := range []string{"", "not the present password", next} {
			h.owner.Post(path, form("current", current, "password", next)).Expect(t, 422)
		}
		if h.estate(t) != before {
			t.Error("a wrong password changed something")
		}
		h.owner.Post(path, form("current", h.Password, "password", next)).Expect(t, 200, "Your password is changed")
		if away.SignedIn() || !h.owner.SignedIn() {
			t.Error("the other browser is still signed in, or this one is not")
		}
		if _, err := w.Dashboard(t).Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("a refresh token outlives the password")
		}
		away.Visit(w.Dashboard(t).Visit())
		if pg := away.Password(h.Email, next); pg.Left != nil {
			t.Error("a remembered browser outlives the password")
		}
	})
}

// guard: StillEnough, and the account's row that is held before it looks
func TestATK089_TheLastMethodStays(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		for range *rounds {
			h := &hoard{User: w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,passkey").Crowd(t, 1)[0],
				w: w, owner: w.Person(t), means: map[string]*means{}}
			enter(t, h.owner, h.User, "/profile")
			mailed(t, w.World, h.owner, h.User, 1).Expect(t, 200, "Choose a sign-in method")
			h.add(t, h.owner, inFlow, "totp")
			h.add(t, h.owner, inFlow, "backup")
			only := "/profile/methods/" + h.bound(t, "totp")[0] + "/remove"
			h.owner.Get(only)
			h.owner.Submit(only).Expect(t, 409, "You need at least one of the methods")
			h.add(t, h.owner, inProfile, "passkey")
			second := "/profile/methods/" + h.bound(t, "passkey")[0] + "/remove"
			there := h.owner.Twin().Via(w.Other(t))
			pages := rig.Volley(t,
				[]rig.Shot{{Person: h.owner, Path: only, Form: url.Values{}},
					{Person: there, Path: second, Form: url.Values{}}})
			if n := len(h.bound(t, "totp")) + len(h.bound(t, "passkey")); n != 1 {
				t.Errorf("%d methods are left of two: %v", n, rig.Count(pages))
			}
		}
	})
}

// guard: a draft's number is no method; Ways lists methods
func TestATK094_APendingNumberReceivesNoSignIn(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "sms")
		typed, to := number(w.World)
		h.owner.Post(inProfile+"/sms", form("country", "DE", "number", typed)).Expect(t, 200)
		h.text(t, to, h.owner.Page)
		p := h.begin(t, "sms")
		h.means["sms"].right(t, p)
		if pg := p.Get("/signin/other"); pg.Status != 200 || strings.Count(pg.Text(), "+49") != 1 {
			t.Errorf("a pending number is a way: %s", rig.Quietly(pg.Text()))
		}
		w.Drained(t)
		if n := len(w.Received(to)); n != 1 {
			t.Errorf("%d texts to a number that is not proved", n)
		}
	})
}
