package acceptance

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"countersign/acceptance/rig"
)

const (
	emailField    = `input[name=email]`
	passwordField = `input[name=password]`
	codeField     = `input[name=code]`
	signIn        = `form[action="/signin/password"] button[type=submit], form[action="/signin/password"] button:not([type])`
	submitCode    = `form[action="/signin/code"] button[type=submit], form[action="/signin/code"] button:not([type])`
)

// through brings a browser to the code page and returns the mail.
func through(t *testing.T, w *rig.World, b *rig.Browser, app *rig.App, u *rig.User) rig.Mail {
	t.Helper()
	n := len(w.Sink.Codes(u.Email))
	b.Go(app.Visit().URL)
	b.Type(emailField, u.Email)
	b.Type(passwordField, u.Password)
	b.Click(signIn)
	b.See(codeField)
	return w.Sink.Code(t, u.Email, n+1)
}

func TestBrowser_SignInByCode(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		app := w.Dashboard(t)
		for _, scripts := range []bool{true, false} {
			u := w.Covered(t).User(t)
			b := chromium.Tab(t)
			if !scripts {
				b.WithoutScripts()
			}
			mail := through(t, w, b, app, u)
			remaining := map[bool]string{true: " left", false: "Valid until"}[scripts]
			if text := b.Text(); !strings.Contains(text, mail.Reference) || !strings.Contains(text, remaining) {
				t.Errorf("scripts %v: no reference or no remaining time: %s", scripts, text)
			}
			b.Type(codeField, wrongCode(mail.Code, 5))
			b.Click(submitCode)
			b.Await("not the code in the newest email")
			b.Type(codeField, mail.Code)
			b.Click(submitCode)
			b.AwaitAt(app.Redirect + "?")
		}
	})
}

func TestBrowser_SignInByLink(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		app := w.Dashboard(t)
		for _, scripts := range []bool{true, false} {
			u := w.Covered(t).User(t)
			here, elsewhere := chromium.Tab(t), chromium.Tab(t)
			if !scripts {
				here.WithoutScripts()
				elsewhere.WithoutScripts()
			}
			mail := through(t, w, here, app, u)
			elsewhere.Go(rig.PublicURL + mail.Link)
			if text := elsewhere.Text(); !strings.Contains(strings.ReplaceAll(text, " ", ""), mail.Code) ||
				elsewhere.Has(`form[action="/l"]`) {
				t.Errorf("another browser: %s", text)
			}
			here.Go(rig.PublicURL + mail.Link)
			here.Click(`form[action="/l"] button`)
			here.AwaitAt(app.Redirect + "?")
		}
	})
}

func TestBrowser_PasteAndKeyboardOnly(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		app := w.Dashboard(t)
		b := w.Chromium(t).Tab(t)
		b.Go(app.Visit().URL)
		b.See(emailField)
		if focus := rig.Eval[string](b,
			`document.activeElement.name || document.activeElement.tagName`); focus != "email" {
			t.Errorf("the page opens with the focus on %s", focus)
		}
		b.Keys(u.Email)
		b.Keys(kb.Tab)
		for i := 0; i < 4 && rig.Eval[string](b, `document.activeElement.name || ""`) != "password"; i++ {
			b.Keys(kb.Tab)
		}
		b.Keys(u.Password)
		b.Keys(kb.Enter)
		b.See(codeField)
		mail := w.Sink.Mail(t, u.Email, 1)
		if focus := rig.Eval[string](b,
			`document.activeElement.name || document.activeElement.tagName`); focus != "code" {
			t.Errorf("the code page opens with the focus on %s", focus)
		}
		b.Insert(mail.Code[:3] + " " + mail.Code[3:])
		b.Keys(kb.Enter)
		b.AwaitAt(app.Redirect + "?")
	})
}

func TestBrowser_LiveDelivery(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		w.Sink.Behave(u.Email, rig.Behaviour{Delay: 3500 * time.Millisecond})
		b := w.Chromium(t).Tab(t)
		b.Go(w.Dashboard(t).Visit().URL)
		b.Type(emailField, u.Email)
		b.Type(passwordField, u.Password)
		b.Click(signIn)
		b.See(codeField)
		b.Await("Sending the email")
		b.Await("Delivered to") // without a reload

		v := w.Covered(t).User(t)
		w.Sink.Behave(v.Email, rig.Behaviour{Refuse: true})
		c := w.Chromium(t).Tab(t).WithoutScripts()
		c.Go(w.Dashboard(t).Visit().URL)
		c.Type(emailField, v.Email)
		c.Type(passwordField, v.Password)
		c.Click(signIn)
		c.See(codeField)
		rig.Within(t, 10*time.Second, "the page without scripts tells after a reload", func() bool {
			c.Go(rig.PublicURL + rig.PathCode)
			return strings.Contains(c.Text(), "returned the email")
		})
	})
}

// TestBrowser_TheTabLeftOpen: the link in the mail was used in another tab.
func TestBrowser_TheTabLeftOpen(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		app := w.Dashboard(t)
		first := w.Chromium(t).Tab(t)
		first.Go(app.Visit().URL)
		first.Type(emailField, u.Email)
		first.Type(passwordField, u.Password)
		first.Click(signIn)
		first.See(codeField)
		second := first.Beside()
		second.Go(rig.PublicURL + w.Sink.Code(t, u.Email, 1).Link)
		second.Click("main button.button")
		second.AwaitAt(app.Redirect + "?")
		first.Await("You are signed in on this browser") // without a reload
		first.Click("main a.button")
		first.Await(u.Email)
	})
}

// The promise is 50 kB for the first page with everything it loads, nothing from elsewhere.
func TestBrowser_FirstPageWeight(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		b := w.Chromium(t).Tab(t)
		b.Loaded()
		b.Go(w.Dashboard(t).Visit().URL)
		b.See(emailField)
		time.Sleep(300 * time.Millisecond)
		total := 0.0
		for _, l := range b.Loaded() {
			total += l.Bytes
			if !strings.HasPrefix(l.URL, rig.PublicURL+"/") && !strings.HasPrefix(l.URL, "data:") {
				t.Errorf("loaded from elsewhere: %s", l.URL)
			}
		}
		p := w.Person(t)
		pg := p.Visit(w.Dashboard(t).Visit())
		plain := pg.Wire
		for _, source := range pg.Sources() {
			plain += p.Get(source).Wire
		}
		t.Logf("on the wire %.1f kB, unpacked %.1f kB", total/1000, float64(plain)/1000)
		if total > 50_000 || plain > 50_000 || total == 0 {
			t.Errorf("the first page weighs %.0f bytes on the wire, %d unpacked", total, plain)
		}
	})
}

// An app that wants its answer by form_post gets it from a page that the policy lets out.
func TestBrowser_FormPost(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		chromium := w.Chromium(t)
		app := w.Dashboard(t)
		for _, scripts := range []bool{true, false} {
			u := w.Covered(t).User(t)
			b := chromium.Tab(t)
			if !scripts {
				b.WithoutScripts()
			}
			n := len(w.Sink.Codes(u.Email))
			b.Go(app.Visit("response_mode", "form_post").URL)
			b.Type(emailField, u.Email)
			b.Type(passwordField, u.Password)
			b.Click(signIn)
			b.See(codeField)
			b.Type(codeField, w.Sink.Code(t, u.Email, n+1).Code)
			b.Click(submitCode)
			if !scripts {
				b.Click(`form[action="` + app.Redirect + `"] button`)
			}
			b.AwaitAt(app.Redirect)
		}
	})
}

// TestBrowser_AFormOnItsWayIsNotDropped: a code that was answered is gone for those who ask what became of
// its mail. While the answer of the form that took it is on its way, the page does not leave for another one.
func TestBrowser_AFormOnItsWayIsNotDropped(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		b := w.Chromium(t).Tab(t)
		b.Go(w.Dashboard(t).Visit().URL)
		b.Type(emailField, u.Email)
		b.Type(passwordField, u.Password)
		b.Click(signIn)
		b.See(codeField)
		rig.Eval[bool](b, `window.asked = 0, window.fetch = async () => { asked++; return new Response('', { status: 404 }) }, true`)
		rig.Eval[bool](b, `document.querySelector('`+codeField+`').form.
			dispatchEvent(new Event('submit', { bubbles: true }))`)
		rig.Within(t, 10*time.Second, "the page asks for the mail twice", func() bool {
			return rig.Eval[bool](b, `window.asked > 1`)
		})
		b.See(codeField)
	})
}
