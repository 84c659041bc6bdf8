package acceptance

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// guard: web's check of where a form comes from; forms alone change anything
func TestATK084_NoOtherSiteChangesAMethod(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp", "passkey") // signed in, and fresh
		before := h.estate(t)
		from := map[string]func(r *http.Request){
			"another site": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				r.Header.Set("Origin", "https://evil.test")
			},
			"a sibling": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "same-site")
				r.Header.Set("Origin", "https://evil.example.test")
			},
			"a null origin": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site",
					"cross-site")
				r.Header.Set("Origin", "null")
			},
			"an old browser": func(r *http.Request) {
				r.Header.Del("Sec-Fetch-Site")
				r.Header.Set("Origin",
					"https://evil.test")
			},
			"text as JSON": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				r.Header.Set("Content-Type", "text/plain")
			},
			"an override": func(r *http.Request) {
				r.Method = http.MethodGet
				r.Header.Set("X-HTTP-Method-Override", "POST")
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			},
			"an image": func(r *http.Request) {
				r.Method = http.MethodGet
				r.Header.Set("Sec-Fetch-Dest", "image")
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			},
		}
		paths := append(changes[:len(changes):len(changes)], changes[0])
		for name, forge := range from {
			for i, c := range paths {
				id := h.bound(t, []string{"totp", "backup"}[i/(len(paths)-1)])[0]
				r := h.owner.Request(http.MethodPost, strings.ReplaceAll(c.path, "{id}", id), c.form)
				forge(r)
				if pg := h.owner.Send(r); r.Method == http.MethodPost && pg.Status != 403 {
					t.Errorf("%s: %s: status %d", name, c.path, pg.Status)
				}
			}
			for _, path := range []string{"/profile/sessions", "/profile/browsers", "/profile/language",
				rig.PathSignOut} {
				r := h.owner.Request(http.MethodPost, path, form("lang", "es"))
				forge(r)
				h.owner.Send(r)
			}
			if now := h.estate(t); now != before {
				t.Fatalf("%s changed\n%s\nto\n%s", name, before, now)
			}
		}
	})
}

// guard: chooseSecondStep asks for a new proof, and for a company that leaves it to people
func TestATK085_TestATK086_OnesOwnSwitch(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		mine := w.NewTenant(t, "--mandate", "default_on", "--choice", "optional")
		h, other := has(t, w, mine, "totp"), has(t, w, mine, "totp")
		required := has(t, w, w.Covered(t), "totp")
		const path = "/profile/second-step"
		ids := h.w.Texts(t, `SELECT user_id FROM directory WHERE email_key = $1`, h.Email)
		off := form("on", "off", "user", ids[0], "user_id", ids[0], "id", ids[0], "email", h.Email, "tenant", mine.ID)
		before := h.estate(t)
		for name, p := range map[string]*rig.Person{"someone else of the company": other.owner,
			"someone of another company": required.owner} {
			p.Post(path, off)
			if h.estate(t) != before {
				t.Errorf("%s switched it off", name)
			}
		}
		required.owner.Post(path, form("on", "off")).Expect(t, 409)
		w.Advance(t, freshFor)
		for _, p := range []*rig.Person{w.Person(t), h.begin(t, "totp"), h.owner} {
			p.Post(path, form("on", "off"))
		}
		if asked := h.begin(t, "totp"); asked.Page.Left != nil || h.estate(t) != before {
			t.Error("it is off")
		}
	})
}

// guard: totp.Show and lookup.Show read drafts only, and a draft is erased when it is bound
func TestATK099_NothingReadsASecretBack(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp", "sms", "push", "passkey")
		var seen strings.Builder
		for _, path := range []string{"", "/codes.txt"} { // in the session in which they were made
			seen.WriteString(h.owner.Twin().Get(inProfile + "/backup" + path).Body)
		}
		g := addApp(t, w.World, h.owner, inProfile, "Second")
		secrets := append([]string{base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(g.secret),
			g.at(g.last)}, h.codes...)
		for _, code := range h.codes {
			secrets = append(secrets, strings.ReplaceAll(code[strings.IndexByte(code, '-')+1:], "-", ""))
		}
		paths := []string{"/", "/profile", "/profile/activity", "/profile/protected", "/profile/password",
			"/profile/second-step", inProfile, inProfile + "/backup/codes.txt", "/signin", "/userinfo"}
		for _, kind := range kinds {
			paths = append(paths, inProfile+"/"+kind, inProfile+"/"+kind+"?again", inFlow+"/"+kind)
			for _, id := range h.bound(t, kind) {
				paths = append(paths, "/profile/methods/"+id, "/profile/methods/"+id+"/remove",
					"/profile/methods/"+id+"/x")
			}
		}
		for _, path := range paths {
			seen.WriteString(h.owner.Twin().Get(path).Body)
		}
		seen.WriteString(strings.Join(h.Tenant.Events(t), "\n") + w.A.Log() + mailsOf(w.World, h.User))
		for _, text := range []string{seen.String(), string(w.Dump(t))} {
			flat := strings.ReplaceAll(strings.ReplaceAll(text, " ", ""), "-", "")
			for i, s := range secrets {
				if i != 1 && strings.Contains(flat, strings.ReplaceAll(s, "-", "")) || i == 1 &&
					strings.Contains(seen.String(), ">"+s+"<") {
					t.Errorf("secret %d of %d can be read back", i, len(secrets))
				}
			}
		}
	})
}

// guard: Disown needs the token of the mail, once
func TestATK106_NotMeIsBelievedOnceAndTakesBackEveryMethod(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		u := w.Covered(t).Crowd(t, 1)[0]
		// reads the mail, too, for a while
		thief := &hoard{User: u, w: w, owner: w.Person(t), means: map[string]*means{}}
		enter(t, thief.owner, u, inProfile)
		mailed(t, w.World, thief.owner, u, 1)
		report := w.Sink.Code(t, u.Email, 1).NotMe
		for _, kind := range kinds {
			thief.add(t, thief.owner, inProfile, kind)
		}
		before := thief.estate(t)
		abuser := w.Person(t)
		good := report[strings.LastIndexByte(report, '/')+1:]
		for _, guess := range []string{"x", splitRef(good)[0] + "." + splitRef(good)[1] + ".AAAA",
			good[:len(good)-1], good + "A"} {
			abuser.Get("/not-me/"+guess).Expect(t, 404)
			abuser.Post("/not-me/"+guess, url.Values{}).Expect(t, 410)
		}
		abuser.Post("/not-me/"+good[:len(good)-12]+"AAAAAAAAAAAA", url.Values{}).Expect(t, 200)
		abuser.Get(report).Expect(t, 200)
		if thief.estate(t) != before {
			t.Fatal("a guess or a look was believed")
		}
		abuser.Post(report, url.Values{}).Expect(t, 200)
		for _, kind := range kinds {
			for _, id := range thief.bound(t, kind) {
				if n := w.Number(t, `SELECT count(*) FROM authenticators
					WHERE id = $1 AND suspended_at > 0 AND disabled_at > 0`, id); n != 1 {
					t.Errorf("the thief's %s still opens the account", kind)
				}
			}
		}
		if thief.owner.SignedIn() {
			t.Error("the thief is signed in")
		}
		stuck := w.Person(t)
		stuck.Visit(w.Dashboard(t).Visit())
		stuck.Password(u.Email, u.Password).Expect(t, 410, "Ask your administrator")
		w.CLI(t, "user", "methods", "reset", u.Email)

		p := w.Person(t) // the owner, who gets a new password after the proof of the mailbox
		next := p.ToCode(t, w.Dashboard(t), u)
		p.Code(next.Code)
		addApp(t, w.World, p, inFlow, "Owner's phone")
		atNewPassword(t, p.Get("/signin/code"))
		p.Post("/signin/new-password", form("password", "canary owner is back again"))
		addCodes(t, p, inFlow) // the new phone is the only way in
		left(t, p.Get(p.Page.LinkSaying("Continue")))
		abuser.Post(report, url.Values{}).Expect(t, 200) // and again
		if !p.SignedIn() {
			t.Error("a replay ends what came after")
		}
		if n := w.Number(t, `SELECT count(*) FROM users u JOIN directory d ON d.user_id = u.id
			WHERE d.email_key = $1 AND u.password_flagged_at > 0`, u.Email); n != 0 {
			t.Error("a replay asks for another password")
		}
	})
}

// guard: Input.mayUse: who has a second factor is not asked for the mailbox instead
func TestATK042_AMailboxIsNoWayAroundASecondFactor(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		if pg := p.Get("/signin/other"); pg.Says("•••@") {
			t.Errorf("the mailbox is offered: %s", rig.Quietly(pg.Text()))
		}
		emails := h.bound(t, "email")
		for _, choice := range []url.Values{form("kind", "email"), form("id", emails[0])} {
			if pg := p.Post("/signin/other", choice); pg.Status != 404 {
				t.Errorf("the mailbox is taken: status %d", pg.Status)
			}
		}
		h.w.Drained(t)
		if n := len(h.w.Sink.Codes(h.Email)); n != 1 {
			t.Errorf("%d codes were mailed, and one was asked for at the set-up", n)
		}
	})
}
