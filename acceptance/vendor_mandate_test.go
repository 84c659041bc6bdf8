package acceptance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: policy.Evaluate compares the mandate's instant with the clock
func TestALO1_AllCompaniesFromAnInstant(t *testing.T) {
	rig.EachFresh(t, rig.Options{Flavour: rig.Rigged}, func(t *testing.T, w *rig.World) {
		u := w.NewTenant(t, "--mandate", "inherit").User(t)
		other := w.NewTenant(t, "--mandate", "inherit").User(t)
		from := w.Now().Add(3 * 24 * time.Hour).UTC()
		w.CLI(t, "installation", "set", "--mandate", "mandatory", "--mandate-from", from.Format(time.RFC3339))

		before := w.Person(t)
		announced := before.Visit(w.Dashboard(t).Visit())
		announced.Expect(t, 200, "Two-factor authentication starts in 3 days")
		before.Password(u.Email, u.Password)
		w.Drained(t)
		if len(w.Sink.Mails(u.Email)) > 0 {
			t.Fatal("a code was sent before the date")
		}
		pass(t, before)

		w.Advance(t, 3*24*time.Hour+time.Minute)
		for _, someone := range []*rig.User{u, other} {
			after := w.Person(t)
			tokens := after.SignIn(t, w.Dashboard(t), someone)
			if tokens.Claims.ACR != rig.Level1e {
				t.Errorf("level %s after the date", tokens.Claims.ACR)
			}
		}
	})
}

// pass goes on past a page that only announces something.
func pass(t *testing.T, p *rig.Person) {
	t.Helper()
	if p.Page.Left != nil {
		return
	}
	onward := p.Page.LinkSaying("Continue")
	if onward == "" {
		t.Fatalf("no way on: %s", rig.Quietly(p.Page.Text()))
	}
	left(t, p.Get(onward))
}

// guard: gate.CheckSession asks policy for the app that is asking now
func TestALO2_OneAppDoesNotOpenAnotherAtALowerLevel(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		phone := w.PhoneApp(t)
		visit := phone.Visit()
		p.Visit(visit)
		low := phone.Finish(t, visit, p.Password(u.Email, u.Password))
		if low.Claims.ACR != rig.Level1 {
			t.Fatalf("phone app: %s", low.Claims.ACR)
		}
		for _, app := range []*rig.App{w.Dashboard(t), w.Console(t)} {
			if pg := p.Visit(app.Visit()); pg.Left != nil {
				t.Errorf("%s opened with only a password: %s", app, pg.Left)
			}
		}
		atCode(t, p.StepUp())
		left(t, p.Code(codeMail(t, w, u, 1).Code))
		again := w.Console(t).Visit()
		high := w.Console(t).Finish(t, again, p.Visit(again))
		if high.Claims.ACR != rig.Level1e {
			t.Errorf("the console got %s", high.Claims.ACR)
		}
	})
}

// guard: signin.next issues a session only on Allow
func TestALO3_ARightPasswordAloneIsNoSession(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.Password(u.Email, u.Password).Expect(t, 200))
		if p.Cookie("session") != "" || p.SignedIn() || sessions(t, w, u) != 0 {
			t.Error("the password alone made a session")
		}
		atPassword(t, p.Get("/"))
	})
}

func TestALO4_TheCodeGoesToTheUsersAddress(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		to, err := mail.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != u.Email {
			t.Errorf("To: %v %v", to, err)
		}
		if mail.Code == "" || mail.Reference == "" {
			t.Errorf("no code or no reference in: %s", mail.Text)
		}
		p.Page.Expect(t, 200, mail.Reference)
	})
}

// guard: authenticator.Canonical strips spaces and hyphens
func TestALO5_TheCodeIsBoldAndMayBePastedUntidily(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		for _, form := range []string{"%s %s", "%s-%s", "  %s%s "} {
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			if bold := regexp.MustCompile(`<strong[^>]*>\s*` + mail.Code +
				`\s*</strong>`); !bold.MatchString(mail.HTML) {
				t.Errorf("the code is not bold: %s", mail.HTML)
			}
			pasted := strings.Replace(strings.Replace(form, "%s", mail.Code[:3], 1), "%s", mail.Code[3:], 1)
			if pg := p.Code(pasted); pg.Left == nil {
				t.Errorf("%q is refused: %s", pasted, rig.Quietly(pg.Text()))
			}
		}
	})
}

func TestALO6_TheRightCodeSignsIn(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		tokens := p.SignIn(t, w.Dashboard(t), u)
		if tokens.Claims.ACR != rig.Level1e || strings.Join(tokens.Claims.AMR, " ") != "pwd email" {
			t.Errorf("acr %s amr %v", tokens.Claims.ACR, tokens.Claims.AMR)
		}
		if !p.SignedIn() {
			t.Error("no session")
		}
	})
}

// guard: session.Recall compares the remembered browser's expiry
func TestALO8_RememberedUpToThirtyDaysAbsolute(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		p.Password(u.Email, u.Password)
		if box := p.Page.Input("remember"); box == nil || box["checked"] != "" {
			t.Fatalf("the remember box is missing or ticked: %v", box)
		}
		if _, ticked := p.Page.Input("remember")["checked"]; ticked {
			t.Fatal("the remember box is ticked")
		}
		left(t, p.CodeRemembered(w.Sink.Mail(t, u.Email, 1).Code))
		const day = 24 * time.Hour
		for _, step := range []struct {
			after time.Duration
			asked bool
		}{{10 * day, false}, {19*day + 23*time.Hour, false}, {2 * time.Hour, true}} {
			w.Advance(t, step.after)
			p.Post(rig.PathSignOut, url.Values{})
			p.Visit(w.Dashboard(t).Visit())
			pg := p.Password(u.Email, u.Password)
			if asked := pg.Left == nil; asked != step.asked {
				t.Fatalf("%s later: asked for a code %v, want %v: %s", step.after, asked, step.asked,
					rig.Quietly(pg.Text()))
			}
		}
	})
}

func TestALO8_AStayedSessionEndsAfterThirtyDays(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.SignInRemembered(t, w.Dashboard(t), u)
		p.Post(rig.PathSignOut, url.Values{})
		p.Visit(w.Dashboard(t).Visit())
		left(t, p.Password(u.Email, u.Password)) // from here a remembered session: at most 30 days
		w.Advance(t, 30*24*time.Hour+time.Minute)
		atPassword(t, p.Visit(w.Dashboard(t).Visit()))
		atCode(t, p.Password(u.Email, u.Password))
	})
}

func TestALO9_TheMailTellsWhoAsks(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t).From(rig.TrustedProxy)
		p.Extra.Set("X-Forwarded-For", rig.LisbonIP)
		mail := p.ToCode(t, w.Dashboard(t), u)
		zone, err := time.LoadLocation("Europe/Lisbon")
		if err != nil {
			t.Fatal(err)
		}
		there := time.Now().In(zone)
		for _, part := range []string{mail.Text, mail.HTML} {
			for _, fact := range []string{rig.LisbonIP, "Lisbon", "Chrome", "macOS", there.Format("2 Jan 2006"),
				there.Format(" MST (UTC")} {
				if !strings.Contains(part, fact) {
					t.Errorf("the mail does not say %q: %s", fact, rig.Quietly(part))
				}
			}
		}
	})
}

// guard: flow.NotMe closes the flow and flags the password
func TestALO10_ThisWasNotMe(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "mandatory")
		owner := company.Person(t, w.Unique("owner")+"@people.example.test", "Olga Owner", "owner")
		u := company.User(t)
		attacker, victim := w.Person(t), w.Person(t)
		mail := attacker.ToCode(t, w.Dashboard(t), u)

		victim.Get(mail.NotMe).Expect(t, 200)
		if atCode(t, attacker.Get(rig.PathCode)); attacker.Page.Status != 200 {
			t.Fatal("opening the page already ended the sign-in")
		}
		done := victim.Submit(mail.NotMe).Expect(t, 200)
		if strings.Contains(done.Body, u.Email) || done.Says(u.Name) {
			t.Error("the page reveals the account")
		}
		if pg := attacker.Code(mail.Code); pg.Left != nil || attacker.SignedIn() {
			t.Fatal("the right code still signs in")
		}
		w.Sink.About(t, owner.Email, "reported a sign-in")
		next := w.Person(t)
		asked := next.ToCode(t, w.Dashboard(t), u)
		atNewPassword(t, next.Code(asked.Code))
	})
}

// guard: the link's token is a MAC over the sign-in
func TestALO10_AForgedReportChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p, mallory := w.Person(t), w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		other := w.Person(t).ToCode(t, w.Dashboard(t), w.Covered(t).User(t))
		token := lastPart(mail.NotMe)
		prefix := strings.TrimSuffix(mail.NotMe, token)
		for _, forged := range []string{prefix + flip(token), prefix + lastPart(other.NotMe),
			prefix + lastPart(mail.Link), prefix, "/not-me/x"} {
			if pg := mallory.Post(forged, url.Values{}); pg.Status >= 500 {
				t.Errorf("%.30s: status %d", forged, pg.Status)
			}
		}
		if p.Get(rig.PathCode); len(w.Texts(t, `SELECT id FROM users
			WHERE email = $1 AND password_flagged_at = 0`, u.Email)) != 1 {
			t.Error("a forged report flagged the password")
		}
		left(t, p.Code(mail.Code))
	})
}

func TestALO10_IgnoringTheMailIsSafe(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		attacker := w.Person(t)
		attacker.ToCode(t, w.Dashboard(t), u)
		w.Advance(t, 16*time.Minute)
		if attacker.SignedIn() || sessions(t, w, u) != 0 {
			t.Fatal("someone is signed in")
		}
		w.Person(t).SignIn(t, w.Dashboard(t), u)
	})
}

// guard: signin.OpenLink compares the flow cookie
func TestALO11_TheLinkSignsInWhereItBegan(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		here, elsewhere := w.Person(t), w.Person(t)
		app := w.Dashboard(t)
		visit := app.Visit()
		here.Visit(visit)
		here.Password(u.Email, u.Password)
		mail := w.Sink.Mail(t, u.Email, 1)

		elsewhere.Get(mail.Link).Expect(t, 200, mail.Code)
		if _, button := elsewhere.Page.Form(mail.Link); button {
			t.Error("another browser gets a button")
		}
		elsewhere.Post(mail.Link, url.Values{})
		if elsewhere.SignedIn() || here.SignedIn() || sessions(t, w, u) != 0 {
			t.Fatal("the link signed someone in from another browser")
		}
		here.Get(mail.Link).Expect(t, 200)
		if sessions(t, w, u) != 0 {
			t.Fatal("opening the link changed something")
		}
		tokens := app.Finish(t, visit, here.PressLink(mail.Link))
		if tokens.Claims.ACR != rig.Level1e {
			t.Errorf("level %s", tokens.Claims.ACR)
		}
	})
}

// guard: client.Covered compares the exemption's end
func TestALO13_AnExemptionEndsAtItsDate(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		app := w.NewApp(t, w.Unique("mobile"), "public")
		w.CLI(t, "client", "exempt", app.ID, "--until", w.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
		p := w.Person(t)
		visit := app.Visit()
		p.Visit(visit)
		tokens := app.Finish(t, visit, p.Password(u.Email, u.Password))
		if tokens.Claims.ACR != rig.Level1 || strings.Join(tokens.Claims.AMR, " ") != "pwd" {
			t.Fatalf("acr %s amr %v", tokens.Claims.ACR, tokens.Claims.AMR)
		}
		if life := time.Until(tokens.Raw.Expiry); life > 11*time.Minute {
			t.Errorf("the exempt app's token lives %s", life)
		}
		w.Advance(t, 49*time.Hour)
		late := w.Person(t)
		late.Visit(app.Visit())
		atCode(t, late.Password(u.Email, u.Password))
	})
}

func TestALO13_AnExemptAppIsStillThrottledAndAnnounced(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		visit := w.PhoneApp(t).Visit()
		p.Visit(visit)
		w.PhoneApp(t).Finish(t, visit, p.Password(u.Email, u.Password))
		elsewhere := w.Person(t)
		elsewhere.UserAgent = rig.Firefox
		elsewhere.Visit(w.PhoneApp(t).Visit())
		left(t, elsewhere.Password(u.Email, u.Password))
		w.Sink.About(t, u.Email, "New sign-in")

		guesser := w.Person(t)
		slowed := false
		for i := 0; i < 7 && !slowed; i++ {
			guesser.Visit(w.PhoneApp(t).Visit())
			slowed = guesser.Password(u.Email, "wrong password "+rig.Digits(i, 3)).Status == 429
		}
		if !slowed {
			t.Error("guessing through the exempt app is not slowed down")
		}
	})
}

func TestALO15_PeopleCanReadWhyInTheVendorsWords(t *testing.T) {
	rig.EachFresh(t, rig.Options{}, func(t *testing.T, w *rig.World) {
		w.CLI(t, "installation", "set", "--why", "Because Example Telecom cares.", "--language", "en")
		w.CLI(t, "installation", "set", "--why", "Porque a Example Telecom le importa.", "--language", "es")
		u := w.Covered(t).User(t)
		for language, words := range map[string]string{"en": "Because Example Telecom cares.",
			"es-MX,es;q=0.9": "Porque a Example Telecom le importa."} {
			p := w.Person(t)
			p.Language = language
			p.ToCode(t, w.Dashboard(t), u)
			p.Page.Expect(t, 200, words)
			p.Get("/why").Expect(t, 200, words)
		}
	})
}
