package acceptance

import (
	"bytes"
	"image"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

var germany = regexp.MustCompile(`<option value="DE"[^>]* selected>`)

// What was typed comes back after a step-up, in the hands of the person who typed it alone.
// guard: KeepTyped and Typed in internal/pages
func TestPAR3_ATypedNumberOutlivesTheStepUp(t *testing.T) {
	rig.EachGateway(t, rig.Rigged, 100, func(t *testing.T, w *rig.Texting) {
		c := selfService(t, w.World)
		u := c.User(t)
		p := toAdding(t, w.World, u)
		w.Advance(t, freshFor)
		typed, _ := number(w.World)
		pg := p.Post(addNumber, form("country", "DE", "number", typed))
		if pg.Input("password") == nil {
			t.Fatalf("an old proof is enough: %s", rig.Quietly(pg.Text()))
		}
		pg = mailedAfterPassword(t, w.World, p, u, 2)
		if pg.URL.Path != addNumber || pg.Input("number")["value"] != typed || !germany.MatchString(pg.Body) {
			t.Fatalf("%s asks for %q, not %q in Germany", pg.URL.Path, pg.Input("number")["value"], typed)
		}
		if strings.Contains(pg.URL.String(), strings.ReplaceAll(typed, " ", "")) ||
			strings.Contains(pg.URL.String(), url.QueryEscape(typed)) {
			t.Errorf("the number stands in the address %s", pg.URL)
		}
		link := pg.URL.RequestURI()
		sent := p.Submit(addNumber, "country", "DE")
		sent.Expect(t, 200, "Enter the code from the text message to +49 1")
		if shown := strings.ReplaceAll(sent.Text(), " ", ""); !strings.Contains(shown,
			strings.TrimLeft(strings.ReplaceAll(typed, " ", ""), "0")) {
			t.Error("what was just typed is masked")
		}
		other := toAdding(t, w.World, c.User(t))
		if pg := other.Get(link); pg.Input("number") == nil || pg.Input("number")["value"] != "" {
			t.Error("a link of someone else's fills in a number")
		}
	})
}

// mailedAfterPassword answers the page that asks for the password, and the code after it.
func mailedAfterPassword(t *testing.T, w *rig.World, p *rig.Person, u *rig.User, n int) *rig.Page {
	t.Helper()
	p.Password(u.Email, u.Password)
	return mailed(t, w, p, u, n)
}

// guard: KeepTyped in internal/pages
func TestSEC042_ATypedAddressOutlivesTheStepUp(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := atEmail(t, w, u, 1)
		w.Advance(t, freshFor)
		p.Post(emailPath, url.Values{"email": {"moved@people.example.test"}}).Expect(t, 200, "Confirm it’s you",
			"Enter your password again")
		pg := mailedAfterPassword(t, w, p, u, 2)
		if pg.URL.Path != emailPath || pg.Input("email")["value"] != "moved@people.example.test" {
			t.Errorf("%s asks for %q", pg.URL.Path, pg.Input("email")["value"])
		}
	})
}

// A step-up confirms; it is no place to be asked less from then on.
// guard: activeFlow.rememberDays in internal/signin, Portal.isForChange
func TestAStepUpConfirmsAndRemembersNothing(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := people(t, w).User(t)
		p := w.Person(t)
		p.Get("/signin")
		p.Password(u.Email, u.Password).Expect(t, 200, "My profile")
		p.Get(inProfile).Expect(t, 200, "Confirm it’s you", "Confirm it’s you to continue")
		pg := atCode(t, p.StepUp())
		pg.Expect(t, 200, "Enter the 6-digit code we sent to", "Confirm", u.Email[:1]+"•••@people.example.test")
		if pg.Input("remember") != nil || pg.Says("Sign in") || pg.Says("two steps") {
			t.Errorf("a step-up looks like a sign-in: %s", rig.Quietly(pg.Text()))
		}
		p.CodeRemembered(w.Sink.Code(t, u.Email, 1).Code).Expect(t, 200, "Choose a sign-in method")
		if n := w.Number(t, `SELECT count(*) FROM remembered_browsers r
			JOIN directory d ON d.tenant_id = r.tenant_id AND d.user_id = r.user_id
				WHERE d.email_key = $1`, u.Email); n != 0 {
			t.Errorf("%d browsers are remembered by a step-up", n)
		}
	})
}

// The box is enough, without scripts too; neither box nor code costs no try.
// guard: confirm in internal/enrollpages, lookup.Confirm
func TestALP6_SayingThatTheCodesAreSavedIsEnough(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup")
		u := c.User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile")
		mailed(t, w, p, u, 1)
		addApp(t, w, p, inFlow, "Phone")
		p.Post(inFlow+"/backup", url.Values{}).Expect(t, 200, "I’ve saved my backup codes")
		codes := p.Page.Printed()
		for range 7 {
			p.Submit(inFlow+"/backup/confirm").Expect(t, 422, "Tick the box")
		}
		if p.SignedIn() || len(codes) != 10 {
			t.Fatal("signed in before the codes are saved")
		}
		p.Submit(inFlow+"/backup/confirm", "saved", "on").Expect(t, 200, "You are protected", "10 codes")
		other := w.Person(t)
		other.Visit(w.Dashboard(t).Visit())
		other.Password(u.Email, u.Password)
		other.Submit("/signin/other", "kind", "backup")
		other.Submit(rig.PathCode, "saved", "on").Expect(t, 401)
		if other.SignedIn() {
			t.Fatal("a ticked box signs in")
		}
		other.Code(codes[4]).Expect(t, 200, "9 left")
	})
}

// guard: data-after-saving in app.js
func TestBrowser_TheBoxOpensOnceTheCodesAreSaved(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.NewTenant(t, "--mandate", "mandatory", "--methods", "totp,backup").User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile")
		mailed(t, w, p, u, 1)
		p.Post(inFlow+"/totp", url.Values{})
		g, err := p.Page.Scanned()
		if err != nil {
			t.Fatal(err)
		}
		p.Submit(inFlow+"/totp/confirm", "code", (&gadget{secret: g, w: w}).code(t))
		p.Post(inFlow+"/backup", url.Values{}).Expect(t, 200, "I’ve saved my backup codes")
		b := w.Chromium(t).Tab(t)
		b.Become(p)
		b.Go(rig.PublicURL + inFlow + "/backup")
		b.Await("Download, copy or print them first.")
		if !rig.Eval[bool](b, `document.querySelector('input[name=saved]').disabled`) {
			t.Error("the box is open before anything was saved")
		}
		b.Click(`[data-copy]`)
		if rig.Eval[bool](b, `document.querySelector('input[name=saved]').disabled`) {
			t.Error("the box stays closed")
		}
		b.Click(`input[name=saved]`)
		b.Click(`form[action$="/backup/confirm"] > button`)
		b.Await("You are protected")
	})
}

// guard: data-begin in passkey.js, beganPasskey in internal/enrollpages
func TestBrowser_APasskeyIsSetUpOnOnePage(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.NewTenant(t, "--mandate", "default_on", "--choice", "optional", "--methods",
			"passkey,totp,backup").User(t)
		p := w.Person(t)
		enter(t, p, u, inProfile)
		mailed(t, w, p, u, 1)
		pg := p.Get(inProfile + "/passkey")
		if pg.URL.Path != inProfile+"/passkey" || pg.Input("name") == nil || !strings.Contains(pg.Body, "data-start") {
			t.Fatalf("not yet the page that makes a passkey: %s", rig.Quietly(pg.Text()))
		}
		if n := w.Number(t, `SELECT count(*) FROM drafts d JOIN directory p ON p.tenant_id = d.tenant_id
			AND p.user_id = d.user_id WHERE p.email_key = $1`, u.Email); n != 0 {
			t.Errorf("looking at the page began %d set-ups", n)
		}
		b := w.Chromium(t).Tab(t)
		b.Become(p)
		b.Plug(t, rig.Phone)
		b.Go(rig.PublicURL + inProfile + "/passkey")
		b.Type("#name", "Laptop")
		b.Click("[data-start]")
		b.Await("Your backup codes")
		b.Go(rig.PublicURL + "/profile")
		b.Await("Laptop")
		w.Advance(t, freshFor)
		b.Go(rig.PublicURL + inProfile + "/passkey")
		b.Click("[data-start]")
		b.AwaitAt(rig.PublicURL + "/signin")
	})
}

// guard: .Why in layout.html, whyPage.What
func TestTheReasonsFitTheMethod(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		_, u, _, _ := equipped(t, w, people(t, w), "Phone")
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.Password(u.Email, u.Password))
		pg := p.Get(p.Page.LinkSaying("Why two-factor authentication?"))
		pg.Expect(t, 200, "Your authenticator app shows a code")
		if pg.Says("mailbox") {
			t.Error("an app's page speaks of email")
		}
		for asked, says := range map[string]string{
			"": "a device, an app or a mailbox", "?method=email": "open the mailbox",
			"?method=sms":     "taken over at the phone company",
			"?method=passkey": "only works on this site", "?method=password": "a device, an app or a mailbox",
			"?method=<b>": "a device, an app or a mailbox",
		} {
			p.Get("/why"+asked).Expect(t, 200, says)
		}
	})
}

// guard: code.html
func TestBrowser_TheCodePageShowsFourThings(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		b := w.Chromium(t).Tab(t).Phone(1, false)
		through(t, w, b, w.Dashboard(t), u)
		shown := rig.Eval[string](b,
			`[...document.querySelectorAll("main :is(input:not([type=hidden]), button, a, summary)")].filter((e) => e.checkVisibility()).map((e) => e.name || e.textContent.replace(/\d.*/, "").trim()).join("|")`)
		if shown != "code|remember|Sign in|Send a new code in|Didn’t get the email?" &&
			shown != "code|remember|Sign in|Send a new code|Didn’t get the email?" {
			t.Errorf("the page shows %s", shown)
		}
		b.Click("summary")
		for _, words := range []string{"spam folder", "Cancel this sign-in", "Why do we ask?"} {
			b.Await(words)
		}
	})
}

// guard: profilePage.Asks and NoticesOnly
func TestAMailboxThatNoSignInAsksForIsForNotifications(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.NewTenant(t, "--mandate", "mandatory", "--methods", "email,totp,backup").User(t)
		p := w.Person(t)
		enter(t, p, u, "/profile")
		pg := mailed(t, w, p, u, 1)
		if !pg.Says("Email code") || pg.Says("Notifications") {
			t.Errorf("the method that is asked for is not listed: %s", rig.Quietly(pg.Text()))
		}
		addApp(t, w, p, inProfile, "Phone")
		pg = p.Get("/profile")
		pg.Expect(t, 200, "Notifications We email security notices to "+u.Email, "Email codes aren’t used")
		if methods, _, _ := strings.Cut(pg.Text(), "Backup codes"); strings.Contains(methods, "mail code") {
			t.Errorf("a mailbox that is not asked for is listed as a method: %s", rig.Quietly(pg.Text()))
		}
	})
}

// guard: CleanLogo and CleanAccent in internal/tenant, NewBrand in internal/web
func TestTheVendorsOwnLogoAndAccent(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		draw := func(width, height int) string {
			img := image.NewNRGBA(image.Rect(0, 0, width, height))
			for i := range img.Pix {
				img.Pix[i] = byte(i % 251)
			}
			file := filepath.Join(t.TempDir(), "logo.png")
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			b.WriteString("<script>behind the end</script>")
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			return file
		}
		script := filepath.Join(t.TempDir(), "logo.svg")
		if err := os.WriteFile(script, []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
			0o600); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]string{{"--logo", script}, {"--logo", draw(8, 8)}, {"--logo", draw(1025, 20)},
			{"--accent", "red"}, {"--accent", "#fff"}, {"--accent", "#000000}body{display:none"}} {
			if said, code := w.Command(t, rig.Options{},
				append([]string{"installation", "set"}, bad...)...); code == 0 {
				t.Errorf("%v: %s", bad, said)
			}
		}
		w.CLI(t, "installation", "set", "--logo", draw(300, 64), "--accent", "#FFCC00")
		if shown := w.CLI(t, "installation", "show"); !strings.Contains(shown, "#ffcc00 (#") {
			t.Errorf("the accent is not shown: %s", shown)
		}
		p := w.Person(t)
		var logo, style string
		rig.Within(t, wait, "the pages have the vendor's colours", func() bool {
			body := p.Get("/signin").Body
			logo, style = brandLogo.FindString(body), brandStyle.FindString(body)
			return logo != "" && style != ""
		})
		if got := p.Get(style); got.Status != 200 || got.Header.Get("Content-Type") != "text/css; charset=utf-8" ||
			!strings.Contains(got.Body, "#ffcc00") || strings.Contains(got.Body, "--act:#ffcc00") {
			t.Errorf("%d %s: yellow on white: %s", got.Status, got.Header.Get("Content-Type"), got.Body)
		}
		got := p.Get(logo)
		if got.Status != 200 || got.Header.Get("Content-Type") != "image/png" ||
			!strings.Contains(got.Header.Get("Cache-Control"), "immutable") || strings.Contains(got.Body, "script") {
			t.Errorf("the logo: %d %v", got.Status, got.Header)
		}
		b := w.Chromium(t).Tab(t)
		b.Go(rig.PublicURL + "/signin")
		if px := rig.Eval[float64](b, `document.querySelector("img.logo").naturalWidth`); px != 300 {
			t.Errorf("the logo is %v pixels wide", px)
		}
		if used := rig.Eval[string](b,
			`getComputedStyle(document.documentElement).getPropertyValue("--act")`); !strings.Contains(used,
			"#ffcc00") {
			t.Errorf("the accent is %s", used)
		}
		u := w.Covered(t).User(t)
		mail := w.Person(t).ToCode(t, w.Dashboard(t), u)
		if !strings.Contains(mail.HTML, "#ffcc00") || strings.Contains(mail.HTML, "#0a6b50") {
			t.Error("the mail does not have the vendor's colours")
		}
		w.CLI(t, "installation", "set", "--logo", "none", "--accent", "none")
		rig.Within(t, wait, "ours are back", func() bool {
			body := p.Get("/signin").Body
			return !brandLogo.MatchString(body) && !brandStyle.MatchString(body) &&
				strings.Contains(body, `class="mark"`)
		})
	})
}

var (
	brandLogo  = regexp.MustCompile(`/assets/[0-9a-f]{12}/logo\.png`)
	brandStyle = regexp.MustCompile(`/assets/[0-9a-f]{12}/accent\.css`)
)

// guard: time elements in app.js, rich and ago in internal/web
func TestBrowser_TimesAreInTheReadersZone(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := people(t, w).User(t)
		p := w.Person(t)
		p.Get("/signin")
		p.Password(u.Email, u.Password).Expect(t, 200, "My profile")
		p.Get("/profile").Expect(t, 200, "UTC")
		b := w.Chromium(t).Tab(t).In("Asia/Kolkata")
		b.Become(p)
		b.Go(rig.PublicURL + "/profile")
		b.Await("Recent activity")
		b.Await("this minute")
		if text := b.Text(); strings.Contains(text, "UTC") {
			t.Errorf("a time is not the reader's: %s", rig.Quietly(text))
		}
		want := time.Now().In(time.FixedZone("IST", 5*3600+1800)).Format("2006")
		if seen := rig.Eval[string](b,
			`document.querySelector("time[data-ago]").title`); !strings.Contains(seen, want) {
			t.Errorf("the whole time is %q", seen)
		}
		b = w.Chromium(t).Tab(t).In("Asia/Kolkata")
		through(t, w, b, w.Dashboard(t), w.Covered(t).User(t))
		b.Await("Delivered to 127.0.0.1 at ")
		if text := b.Text(); strings.Contains(text, "UTC") {
			t.Errorf("a time on the code page is not the reader's: %s", rig.Quietly(text))
		}
	})
}
