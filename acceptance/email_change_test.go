package acceptance

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

const (
	emailPath   = "/profile/email"
	confirmPath = emailPath + "/confirm"
)

// atEmail brings someone who is signed in with all they have to the page that asks for a new
// address. n is the mail with their code.
func atEmail(t *testing.T, w *rig.World, u *rig.User, n int) *rig.Person {
	t.Helper()
	p := w.Person(t)
	enter(t, p, u, emailPath)
	mailed(t, w, p, u, n).Expect(t, 200, "Change your email address")
	return p
}

// wish asks for a new address and returns the mail that went there.
func wish(t *testing.T, w *rig.World, p *rig.Person, to string, n int) rig.Mail {
	t.Helper()
	p.Post(emailPath, url.Values{"email": {to}}).Expect(t, 200, "Confirm the new address", to)
	return w.Sink.Mail(t, to, n)
}

// letterSaying waits for a mail to address that says something, however its lines are broken.
func letterSaying(t *testing.T, w *rig.World, address, words string) rig.Mail {
	t.Helper()
	for n := 1; ; n++ {
		if m := w.Sink.Mail(t, address, n); strings.Contains(strings.Join(strings.Fields(m.Text), " "), words) {
			return m
		}
	}
}

var undoLink = regexp.MustCompile(`/undo/[^\s<>"']+`)

// undoOf is the path that undoes a change, from the mail about it.
func undoOf(t *testing.T, w *rig.World, address string) string {
	t.Helper()
	path := undoLink.FindString(letterSaying(t, w, address, "no longer uses this address").Text)
	if path == "" {
		t.Fatalf("nothing to undo the change with in the mail to %s", address)
	}
	return path
}

// guard: an address is changed by the code that went to the new one, and everything that the
// old one had opened ends, but for the session in which it is done
func TestSEC042_ANewAddressByItsCode(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		other := w.Person(t)
		tokens := other.SignInRemembered(t, w.Dashboard(t), u)
		waits := w.Person(t)
		stale := waits.ToCode(t, w.Dashboard(t), u)
		p := atEmail(t, w, u, 3)
		p.Page.Expect(t, 200, u.Email, "We send a code to the new address",
			"Every other browser is signed out", "72 hours")

		to := w.Unique("moved") + "@people.example.test"
		mail := wish(t, w, p, to, 1)
		if mail.Code == "" || mail.Link != "" || strings.Contains(mail.Text+mail.HTML, rig.Host) {
			t.Errorf("a mail to a new address with more than a code: %s", mail.Text)
		}
		wrong := rig.Digits(7, 6)
		if wrong == mail.Code {
			wrong = rig.Digits(8, 6)
		}
		p.Submit(confirmPath, "code", wrong).Expect(t, 422, "That is not the code", "4")
		p.Get("/profile").Expect(t, 200, u.Email)
		p.Get(emailPath).Expect(t, 200, "Confirm the new address")
		p.Submit(confirmPath, "code", mail.Code).Expect(t, 200, "Your address is changed", to)

		if other.SignedIn() {
			t.Error("another browser is still signed in")
		}
		if _, err := w.Dashboard(t).Refresh(tokens.Raw.RefreshToken); err == nil {
			t.Error("SEC-64: a refresh token outlived the address")
		}
		waits.Code(stale.Code)
		if waits.SignedIn() {
			t.Error("a code to the old address was taken")
		}
		if pg := w.Person(t); pg.Get("/signin") != nil && pg.Password(u.Email, u.Password).Status != 401 {
			t.Errorf("the old address signs in: %d", pg.Page.Status)
		}
		letterSaying(t, w, to, "now uses this address")
		undoOf(t, w, u.Email)

		moved := *u
		moved.Email = to
		p.Post("/profile/password",
			url.Values{"current": {u.Password}, "password": {"canary of a new address"}}).Expect(t, 200,
			"password is changed")
		moved.Password = "canary of a new address"
		for _, address := range []string{to, u.Email} {
			letterSaying(t, w, address, "The password of your") // SEC-46: every address
		}
		w.Person(t).SignIn(t, w.Dashboard(t), &moved)
	})
}

// guard: someone who reads the old mailbox brings the account back with one press, and once
func TestSEC046_TheOldAddressUndoesIt(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner := c.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
		u := c.User(t)
		thief := atEmail(t, w, u, 1)
		to := w.Unique("thief") + "@elsewhere.example.test"
		mail := wish(t, w, thief, to, 1)
		thief.Submit(confirmPath, "code", mail.Code).Expect(t, 200, "Your address is changed")
		addApp(t, w, thief, inProfile, "Thief's phone")
		link := undoOf(t, w, u.Email)

		reader := w.Person(t)
		reader.Get(link).Expect(t, 200, "Change the old email address back")
		if !thief.SignedIn() {
			t.Fatal("looking at the link did something")
		}
		pressed, _ := reader.Page.Form(link) // as a scanner does, without the word
		reader.Send(reader.Request(http.MethodPost, "/undo", pressed.Values)).Expect(t, 422, "Nothing has changed yet")
		if !thief.SignedIn() {
			t.Fatal("a press without the word did something")
		}
		forged := strings.TrimSuffix(link, link[len(link)-6:]) + "AAAAAA"
		reader.Post(forged, url.Values{}).Expect(t, 200, "Thank you")
		if !thief.SignedIn() {
			t.Fatal("a forged link did something")
		}
		reader.Post(link, url.Values{}).Expect(t, 200, "Thank you")
		if thief.SignedIn() {
			t.Error("the thief is still signed in")
		}
		letterSaying(t, w, u.Email, "uses this address again")
		letterSaying(t, w, to, "no longer uses this address")
		letterSaying(t, w, u.Email, "in a sign-in that was reported")
		letterSaying(t, w, owner.Email, "someone who reads the old mailbox")

		back := w.Person(t)
		back.Visit(w.Dashboard(t).Visit())
		back.Password(u.Email, u.Password).
			Expect(t, 410, "Ask your administrator")
			// what the thief set up is suspended, and protects
		w.CLI(t, "user", "methods", "reset", u.Email)
		back = w.Person(t)
		back.Visit(w.Dashboard(t).Visit())
		back.Password(u.Email, u.Password).Expect(t, 200)
		back.Code(w.Sink.Code(t, u.Email, 2).Code)
		addApp(t, w, back, inFlow, "Owner's phone")
		back.Get("/signin/code").Expect(t, 200, "Choose a new password")
		back.Submit("/signin/new-password", "password", "canary that no thief knows")
		addCodes(t, back, inFlow) // the new phone is the only way in
		reader.Post(link, url.Values{}).Expect(t, 200, "Thank you")
		if !back.SignedIn() {
			t.Error("the link works twice")
		}
		if pg := w.Person(t); pg.Get("/signin") != nil && pg.Password(to, u.Password).Status != 401 {
			t.Error("the thief's address still signs in")
		}
	})
}

// TestATK092_AStaleChange: withdrawn, after a new password, after a change by hand, and too
// late.
func TestATK092_AStaleChange(t *testing.T) {
	rig.EachTimed(t, func(t *testing.T, w *rig.World) {
		for name, since := range map[string]func(t *testing.T, p *rig.Person, u *rig.User){
			"withdrawn": func(t *testing.T, p *rig.Person, _ *rig.User) {
				p.Get(emailPath)
				p.Submit(emailPath+"/withdraw").Expect(t, 200, "stays as it is")
			},
			"a new password": func(t *testing.T, p *rig.Person, u *rig.User) {
				p.Post("/profile/password",
					url.Values{"current": {u.Password}, "password": {"canary newer than the change"}}).Expect(t, 200,
					"password is changed")
			},
			"another change": func(t *testing.T, p *rig.Person, _ *rig.User) {
				wish(t, w, p, w.Unique("second")+"@people.example.test", 1)
			},
			"by hand": func(t *testing.T, _ *rig.Person, u *rig.User) {
				u.Set(t, "--new-email", w.Unique("hand")+"@people.example.test")
			},
			"ten minutes": func(t *testing.T, _ *rig.Person, _ *rig.User) { w.Advance(t, 10*time.Minute) },
		} {
			t.Run(name, func(t *testing.T) {
				u := w.Covered(t).User(t)
				p := atEmail(t, w, u, 1)
				to := w.Unique("stale") + "@people.example.test"
				mail := wish(t, w, p, to, 1)
				form, ok := p.Page.Form(confirmPath)
				if !ok {
					t.Fatal("no form")
				}
				since(t, p, u)
				form.Values.Set("code", mail.Code)
				p.Post(confirmPath, form.Values)
				if n := w.Number(t, `SELECT COUNT(*) FROM users WHERE email = $1`, to); n != 0 {
					t.Errorf("the account moved (%d): %s", p.Page.Status, rig.Quietly(p.Page.Text()))
				}
			})
		}
	})
}

// TestATK093_WhereAMailGoes: what is not one address is refused, and what is someone's in
// another spelling is written to as we know it, with the same page as any other.
func TestATK093_WhereAMailGoes(t *testing.T) {
	rig.Each(t, func(t *testing.T, w *rig.World) {
		c := w.Covered(t)
		victim, me := c.User(t), c.User(t)
		p := atEmail(t, w, me, 1)
		before := len(w.Sink.All())
		thief := w.Unique("thief") + "@elsewhere.example.test"
		for _, form := range []url.Values{
			{"email": {victim.Email, thief}}, {"email[]": {thief}}, {"email": {victim.Email + "," + thief}},
			{"email": {victim.Email + "\r\nCc: " + thief}},
			{"email": {victim.Email + " " + thief}}, {"email": {"Pat <" + thief + ">"}}, {"email": {""}},
			{"email": {"nobody"}}, {"email": {`"` + thief + `"`}}, {"email": {me.Email}},
			{"email": {strings.ToUpper(me.Email)}},
		} {
			if pg := p.Post(emailPath, form); pg.Status < 400 || pg.Status > 422 {
				t.Errorf("%v: %d", form, pg.Status)
			}
		}
		free := strings.Replace(strings.ToUpper(victim.Email[:1])+victim.Email[1:], "person", "Free", 1)
		wish(t, w, p, free, 1)
		unknown := p.Page
		taken := strings.ToUpper(victim.Email[:1]) + victim.Email[1:]
		p.Post(emailPath, url.Values{"email": {taken}}).Expect(t, 200, "Confirm the new address")
		shape := func(pg *rig.Page, typed string) string { return strings.ReplaceAll(pg.Shape(), typed, "~") }
		reference := regexp.MustCompile(`<b class="ref">[^<]*</b>|value="[^"]*"`)
		if a, b := reference.ReplaceAllString(shape(unknown, free), ""),
			reference.ReplaceAllString(shape(p.Page, taken), ""); a != b {
			t.Errorf("an address that someone has is answered otherwise:\n%s\n%s", a, b)
		}
		news := letterSaying(t, w, victim.Email, "Someone tried to use your address")
		if news.Code != "" || strings.Contains(news.Text, me.Email) {
			t.Errorf("the victim was sent %s", news.Text)
		}
		for _, m := range w.Sink.All()[before:] {
			if m.To != victim.Email && m.To != free && m.To != me.Email && strings.Contains(m.To, "thief") {
				t.Errorf("a mail to %s", m.To)
			}
			if m.To == taken {
				t.Error("a mail to the typed spelling of someone's address")
			}
		}
	})
}

// guard: a password alone does not change the address, and a proof of a while ago neither
func TestSEC042_AFreshProofFirst(t *testing.T) {
	rig.EachTimed(t, func(t *testing.T, w *rig.World) {
		u := w.Open(t).User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile")
		p.Page.Expect(t, 200, "My profile")
		to := w.Unique("unproved") + "@people.example.test"
		p.Post(emailPath, url.Values{"email": {to}})
		if _, more := p.Page.Form(rig.PathStepUp); !more {
			t.Fatalf("%d: %s", p.Page.Status, rig.Quietly(p.Page.Text()))
		}
		p.StepUp()
		mailed(t, w, p, u, 1).Expect(t, 200, "Change your email address")
		w.Advance(t, freshFor)
		p.Post(emailPath, url.Values{"email": {to}})
		w.Drained(t)
		if n := len(w.Sink.Mails(to)); n != 0 || w.Number(t, `SELECT COUNT(*) FROM email_changes
			WHERE to_email = $1`, to) != 0 {
			t.Errorf("a change was begun with an old proof; %d mails", n)
		}
	})
}
