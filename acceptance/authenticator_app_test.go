package acceptance

import (
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// people is a company whose people each decide for themselves, by authenticator app.
func people(t *testing.T, w *rig.World) *rig.Tenant {
	t.Helper()
	return w.NewTenant(t, "--mandate", "default_on", "--choice", "optional", "--methods", "totp,backup")
}

// guard: next asks policy, and policy sees what the person has
func TestALP1_AStolenPasswordAloneOpensNothing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		_, u, g, _ := equipped(t, w, people(t, w), "Phone")
		thief := w.Person(t)
		thief.Visit(w.Dashboard(t).Visit())
		atCode(t, thief.Password(u.Email, u.Password)).Expect(t, 200, "Open your authenticator app")
		if thief.SignedIn() {
			t.Fatal("signed in with the password alone")
		}
		thief.Code(g.wrong()).Expect(t, 401, "not the code that your app shows now")
		if thief.SignedIn() {
			t.Fatal("signed in with a wrong code")
		}
	})
}

// guard: totp.Show; what is shown is what is judged
func TestALP2_ALP3_ALP4_ALP5_FromTheQRCodeToTheSecondStep(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := people(t, w).User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile/add")
		mailed(t, w, p, u, 1).Expect(t, 200, "Authenticator app")
		pg := p.Post("/profile/add/totp", url.Values{})
		pg.Expect(t, 200, "scan this", "Type the key instead", u.Email)
		if !strings.Contains(pg.Body, `<svg xmlns="http://www.w3.org/2000/svg"`) ||
			!strings.Contains(pg.Body, "<title>QR code") {
			t.Error("no picture with a name")
		}
		g := scan(t, w, pg)
		p.Submit("/profile/add/totp/confirm", "code", g.wrong()).Expect(t, 422, "4 tries left")
		if again := scan(t, w, p.Get("/profile/add/totp")); string(again.secret) != string(g.secret) {
			t.Error("coming back begins another set-up")
		}
		used := g.code(t)
		p.Submit("/profile/add/totp/confirm", "code", used, "name", "Work phone").Expect(t, 200, "backup codes")
		app := w.Dashboard(t)
		other, visit := w.Person(t), app.Visit()
		other.Visit(visit)
		atCode(t, other.Password(u.Email, u.Password))
		other.Code(used).Expect(t, 401)
		if pg := other.Code(g.code(t)); pg.Left == nil { // no codes yet: they come first
			pg.Expect(t, 200, "backup codes")
			addCodes(t, other, inFlow)
			other.Page.Expect(t, 200, "You are protected", "Work phone")
		} else {
			t.Error("a single way in was enough")
		}
		tokens := app.Finish(t, visit, other.Get(other.Page.LinkSaying("Continue")))
		if tokens.Claims.ACR != "urn:countersign:acr:2" || strings.Join(tokens.Claims.AMR, " ") != "pwd otp mfa" {
			t.Errorf("acr %s amr %v", tokens.Claims.ACR, tokens.Claims.AMR)
		}
	})
}

// guard: lookup.Show only reads a draft
func TestALP6_BackupCodesAreShownOnceToBeKept(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := people(t, w).User(t)
		p := w.Person(t)
		enter(t, p, u, inProfile)
		mailed(t, w, p, u, 1)
		addApp(t, w, p, inProfile, "")
		p.Page.Expect(t, 200, "If your device is lost")
		pg := p.Post("/profile/add/backup", url.Values{})
		found := sheetLine.FindAllStringSubmatch(pg.Body, -1)
		if len(found) != 10 {
			t.Fatalf("%d codes", len(found))
		}
		file := p.Twin().Get("/profile/add/backup/codes.txt")
		if file.Status != 200 || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") ||
			!strings.Contains(file.Body, found[9][1]) || !strings.Contains(file.Body, u.Email) {
			t.Errorf("the file: %d %s", file.Status, file.Header.Get("Content-Disposition"))
		}
		p.Submit("/profile/add/backup/confirm", "code", "3-AAAA-AAAA-AAAAA").Expect(t, 422, "tries left")
		p.Submit("/profile/add/backup/confirm", "code", strings.ToLower(found[2][1])).Expect(t, 200,
			"You are protected", "10 codes")
		if pg := p.Get("/profile/add/backup"); len(sheetLine.FindAllString(pg.Body, -1)) != 0 {
			t.Error("the codes are shown a second time")
		}
		if pg := p.Twin().Get("/profile/add/backup/codes.txt"); pg.Status == 200 {
			t.Error("the file is given a second time")
		}
	})
}

// guard: none; the page leads there
func TestALP7_ReachedFromOnesOwnPages(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := people(t, w).User(t)
		p := w.Person(t)
		p.Get("/signin")
		p.Password(u.Email, u.Password).Expect(t, 200, "My profile")
		p.Get(p.Page.LinkSaying("My profile")).Expect(t, 200, "Only your password protects this account",
			"Sign-in methods", "Turn on two-factor authentication")
		p.Get(p.Page.LinkSaying("Turn on two-factor authentication")).Expect(t, 200,
			"a stolen password alone isn’t enough")
		p.Get(p.Page.LinkSaying("Add a method")).Expect(t, 200, "Confirm it’s you to continue")
	})
}

// guard: user.ChooseSecondStep names one user
func TestALP8_PerPersonAndNotPerCompany(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := people(t, w)
		_, u, _, _ := equipped(t, w, c, "Phone")
		other := c.User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		left(t, p.Password(other.Email, other.Password))
		p = w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.Password(u.Email, u.Password))
	})
}

// guard: lookup spends one code by a guarded write, and no other method
func TestALP9_ABackupCodeWhenTheDeviceIsAway(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		_, u, g, codes := equipped(t, w, people(t, w), "Phone")
		app := w.Dashboard(t)
		byCode := func(code string) *rig.Person {
			p := w.Person(t)
			p.Visit(app.Visit())
			atCode(t, p.Password(u.Email, u.Password)).Expect(t, 200, "Can’t use your device?")
			atCode(t, p.Submit("/signin/other", "kind", "backup")).Expect(t, 200, "Use a backup code")
			p.Code(code)
			return p
		}
		p := byCode(codes[0])
		p.Page.Expect(t, 200, "9 left")
		left(t, p.Get(p.Page.LinkSaying("Continue")))
		byCode(codes[0]).Page.Expect(t, 401, "not one of your unused backup codes")
		for _, code := range codes[1:8] {
			p = byCode(code)
			p.Page.Expect(t, 200, "backup code")
		}
		p.Page.Expect(t, 200, "only 2 left", "Make a new set")
		p = w.Person(t)
		p.Visit(app.Visit())
		p.Password(u.Email, u.Password).Expect(t, 200, "Open your authenticator app")
		left(t, p.Code(g.code(t)))
	})
}

// guard: a removal asks for a fresh proof, and StillEnough looks at what is left
func TestALP10_RemovingAsksForPasswordAndProof(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup")
		u := c.User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile")
		mailed(t, w, p, u, 1).Expect(t, 200, "Choose a sign-in method")
		g := addApp(t, w, p, inFlow, "Phone")
		addCodes(t, p, inFlow)
		p.Get("/profile").Expect(t, 200, "Phone")
		page := p.Page.LinkSaying("Change")
		w.Advance(t, freshFor)
		if p.Get(page+"/remove").Input("password") == nil {
			t.Fatalf("an old proof is enough: %s", rig.Quietly(p.Page.Text()))
		}
		p.Password(u.Email, u.Password)
		atCode(t, p.Page)
		p.Code(g.code(t)).Expect(t, 200, "Remove this method?")
		p.Submit(page+"/remove").Expect(t, 409, "You need at least one of the methods")
		second := addApp(t, w, p, inProfile, "Tablet")
		p.Get(page + "/remove")
		p.Submit(page+"/remove").Expect(t, 200, "Removed", "Tablet")
		if p.Page.Says("Phone Added") {
			t.Error("the app is still listed")
		}
		other := w.Person(t)
		other.Visit(w.Dashboard(t).Visit())
		atCode(t, other.Password(u.Email, u.Password))
		other.Code(g.code(t)).Expect(t, 401)
		left(t, other.Code(second.code(t)))
		rig.Within(t, wait, "the removal is told", func() bool {
			return strings.Contains(mailsOf(w, u), "A sign-in method was removed")
		})
	})
}
