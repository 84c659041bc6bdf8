package acceptance

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// copies is another browser that holds the present value of one cookie of someone's, and
// nothing else.
func copies(t *testing.T, w *rig.World, p *rig.Person, name string) *rig.Person {
	t.Helper()
	thief := w.Person(t)
	thief.SetCookie(name, p.Cookie(name))
	return thief
}

// unbegun fails unless a browser is told nothing of a set-up that began elsewhere: its pages
// offer to begin.
func unbegun(t *testing.T, thief *rig.Person, base, kind string) {
	t.Helper()
	pg := thief.Get(base+"/"+kind).Expect(t, 200)
	secret, _ := pg.Scanned()
	f, _ := pg.Form(base + "/" + kind + "/confirm") // which the page of a passkey always has
	picture := kind == "totp" && strings.Contains(pg.Body, `class="qr"`)
	if len(secret)+len(pg.Printed()) > 0 || picture ||
		f.Values.Get("draft")+pg.PasskeyOptions("create")+pg.Reference() != "" {
		t.Errorf("a copied cookie shows the %s that is being set up: %s", kind, rig.Quietly(pg.Text()))
	}
	if pg := thief.Get(base + "/backup/codes.txt"); pg.Status != 404 {
		t.Errorf("the file of the codes is given: status %d", pg.Status)
	}
}

// unfinished fails unless the right answer, from a browser that did not begin, binds nothing,
// costs no try, and leaves the draft to the person who began it.
func unfinished(t *testing.T, w *rig.World, thief *rig.Person, base, kind, draft string, answer url.Values) {
	t.Helper()
	given := url.Values{"draft": {draft}}
	for name, values := range answer {
		given[name] = values
	}
	if pg := thief.Post(base+"/"+kind+"/confirm", given); pg.Status != 410 || gotSession(pg) {
		t.Errorf("a copied cookie answers for a %s: status %d: %s", kind, pg.Status, rig.Quietly(pg.Text()))
	}
	if n := w.Number(t, `SELECT count(*) FROM authenticators WHERE id = $1`, draft); n != 0 {
		t.Errorf("a copied cookie sets a %s up", kind)
	}
	if n := w.Number(t, `SELECT tries_left FROM drafts WHERE id = $1 AND closed_at = 0`, draft); n != 5 {
		t.Errorf("%d tries are left", n)
	}
}

// draftOn is the set-up that a page is about.
func draftOn(t *testing.T, pg *rig.Page, base, kind string) string {
	t.Helper()
	f, asks := pg.Form(base + "/" + kind + "/confirm")
	if !asks || f.Values.Get("draft") == "" {
		t.Fatalf("no set-up of %s (status %d): %s", kind, pg.Status, rig.Quietly(pg.Text()))
	}
	return f.Values.Get("draft")
}

// guard: Enrollee.Held: Waiting, take and Name ask for the reference that was given when it began
func TestCopiedCookie_OfASessionOpensNoSetUpThatBeganLater(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		thief := copies(t, h.w.World, h.owner, "session")
		thief.Get("/profile").Expect(t, 200, h.Email) // it is a good one
		answer := h.pending(t, kind).answer
		draft := draftOn(t, h.owner.Page, inProfile, kind)
		unbegun(t, thief, inProfile, kind)
		unfinished(t, h.w.World, thief, inProfile, kind, draft, answer)
		if again := draftOn(t, h.owner.Get(inProfile+"/"+kind), inProfile, kind); again != draft {
			t.Errorf("a reload shows another set-up")
		}
		h.owner.Submit(inProfile+"/"+kind+"/confirm", "code", answer.Get("code"), "assertion", answer.Get("assertion"))
		if !slices.Contains(h.bound(t, kind), draft) {
			t.Errorf("its owner cannot finish (status %d): %s", h.owner.Page.Status, rig.Quietly(h.owner.Page.Text()))
		}
	})
}

// guard: as above, in a sign-in
func TestCopiedCookie_OfASignInOpensNoSetUpThatBeganLater(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		u := centre(t, w.World).Crowd(t, 1)[0]
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		p.Password(u.Email, u.Password)
		mailed(t, w.World, p, u, 1).Expect(t, 200, "Choose a sign-in method")
		for _, kind := range []string{"totp", "backup"} {
			thief := copies(t, w.World, p, "flow")
			thief.Get(inFlow).Expect(t, 200)
			var answer url.Values
			if pg := p.Post(inFlow+"/"+kind, url.Values{}); kind == "totp" {
				answer = rig.Typed(scan(t, w.World, pg).code(t))
			} else {
				answer = rig.Typed(pg.Printed()[3])
			}
			draft := draftOn(t, p.Page, inFlow, kind)
			unbegun(t, thief, inFlow, kind)
			unfinished(t, w.World, thief, inFlow, kind, draft, answer)
			p.Get(p.Page.URL.RequestURI())
			p.Submit(inFlow+"/"+kind+"/confirm", "code", answer.Get("code"))
			if n := w.Number(t, `SELECT count(*) FROM authenticators WHERE id = $1`, draft); n != 1 {
				t.Fatalf("its owner cannot finish (status %d): %s", p.Page.Status, rig.Quietly(p.Page.Text()))
			}
		}
	})
}

// Two set-ups and a change of address may be open at once; who lost the cookie begins again,
// and what they had begun is over.
func TestCopiedCookie_OneBrowserHoldsSeveralAndBeginsAgain(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "totp")
		codes := draftOn(t, h.owner.Post(inProfile+"/backup", url.Values{}), inProfile, "backup")
		wish(t, w.World, h.owner, w.Unique("moved")+"@people.example.test", 1)
		first := draftOn(t, h.owner.Twin().Post(inProfile+"/totp", url.Values{}), inProfile, "totp")
		if draftOn(t, h.owner.Get(inProfile+"/backup"), inProfile, "backup") != codes {
			t.Error("a second set-up hides the first")
		}
		h.owner.Post("/language", form("lang", "es", "back", inProfile+"/totp")).Expect(t, 200)
		if draftOn(t, h.owner.Page, inProfile, "totp") != first {
			t.Error("another language hides it")
		}
		h.owner.Get(emailPath)
		if _, asks := h.owner.Page.Form(confirmPath); !asks {
			t.Error("a set-up hides a change of address")
		}

		h.owner.SetCookie("set-up", "")
		unbegun(t, h.owner, inProfile, "totp")
		second := draftOn(t, h.owner.Post(inProfile+"/totp", url.Values{}), inProfile, "totp")
		if n := w.Number(t, `SELECT count(*) FROM drafts WHERE id = $1 AND closed_because = 'replaced'
			AND sealed IS NULL`, first); n != 1 || second == first {
			t.Error("what was begun before is still open")
		}
	})
}

// guard: PendingChange and TryChange ask for the reference that was given when it began
func TestCopiedCookie_OfASessionConfirmsNoAddress(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := atEmail(t, w, u, 1)
		thief := copies(t, w, p, "session")
		thief.Get("/profile").Expect(t, 200, u.Email)
		to := w.Unique("moved") + "@people.example.test"
		mail := wish(t, w, p, to, 1)
		f, _ := p.Page.Form(confirmPath)
		for _, path := range []string{emailPath, emailPath + "?again", "/profile"} {
			if pg := thief.Get(path); pg.Status != 200 || pg.Says(to) || pg.Says(mail.Reference) {
				t.Errorf("%s tells of the change (status %d): %s", path, pg.Status, rig.Quietly(pg.Text()))
			}
		}
		for _, code := range []string{mail.Code, wrongCode(mail.Code, 3)} {
			if pg := thief.Post(confirmPath, form("change", f.Values.Get("change"), "code", code)); pg.Status != 410 ||
				pg.Says(to) {
				t.Errorf("a copied cookie answers for an address: status %d", pg.Status)
			}
		}
		thief.Post(emailPath+"/withdraw", url.Values{})
		if n := w.Number(t, `SELECT tries_left FROM email_changes
			WHERE id = $1 AND closed_at = 0`, f.Values.Get("change")); n != 5 {
			t.Errorf("%d tries are left", n)
		}
		p.Get(emailPath).Expect(t, 200, "Confirm the new address", to)
		p.Submit(confirmPath, "code", mail.Code).Expect(t, 200, "Your address is changed", to)
	})
}
