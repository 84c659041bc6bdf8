package rig

import (
	"net/url"
	"strings"
	"testing"
)

// The paths that people meet.
const (
	PathSignIn   = "/signin"
	PathPassword = "/signin/password"
	PathCode     = "/signin/code"
	PathNewCode  = "/signin/code/new"
	PathCancel   = "/signin/cancel"
	PathDelivery = "/signin/delivery"
	PathSignOut  = "/signout"
	PathStepUp   = "/signin/step-up"
)

// Visit sends the person to an app's sign-in, as the app would.
func (p *Person) Visit(v *Visit) *Page {
	p.t.Helper()
	return p.Get(v.URL)
}

// Password answers the first page: who they are, and the password.
func (p *Person) Password(email, password string) *Page {
	p.t.Helper()
	return p.Submit(PathPassword, "email", email, "password", password)
}

// Code answers the code page.
func (p *Person) Code(code string) *Page {
	p.t.Helper()
	return p.Post(PathCode, url.Values{"code": {code}})
}

// CodeRemembered answers the code page and ticks the box.
func (p *Person) CodeRemembered(code string) *Page {
	p.t.Helper()
	return p.Post(PathCode, url.Values{"code": {code}, "remember": {"on"}})
}

// NewCode asks for another code.
func (p *Person) NewCode() *Page {
	p.t.Helper()
	return p.Post(PathNewCode, url.Values{})
}

// StepUp presses the button of the page that asks a signed-in person for more.
func (p *Person) StepUp() *Page {
	p.t.Helper()
	return p.Submit(PathStepUp)
}

// OpenLink opens the mail's link and, when remember or not, presses its button.
func (p *Person) OpenLink(link string) *Page {
	p.t.Helper()
	return p.Get(link)
}

// words are what a person types on the page of a link before its button does anything.
var words = map[string]string{"/not-me": "stop", "/undo": "undo"}

// Pressed is where the form of a mailed link's page leads, and what it sends. Another path stays as it is.
func Pressed(link string) (path string, fields url.Values) {
	for _, kind := range []string{"/l", "/not-me", "/undo", "/password", "/continue"} {
		token, mailed := strings.CutPrefix(strings.TrimPrefix(link, PublicURL), kind+"/")
		if !mailed {
			continue
		}
		id := ""
		if parts := strings.Split(token, "."); len(parts) == 3 {
			id = parts[1]
		}
		fields = url.Values{"id": {id}}
		if word := words[kind]; word != "" {
			fields.Set("word", word)
		}
		return kind, fields
	}
	return link, url.Values{}
}

// PressLink presses the button of the link's page.
func (p *Person) PressLink(link string) *Page {
	p.t.Helper()
	return p.Submit(link)
}

// ToCode brings the person to the code page of an app and returns the mail.
func (p *Person) ToCode(t testing.TB, app *App, u *User) Mail {
	t.Helper()
	n := len(p.world.Sink.Codes(u.Email))
	p.Visit(app.Visit())
	p.Password(u.Email, u.Password).Expect(t, 200)
	if _, ok := p.Page.Form(PathCode); !ok {
		t.Fatalf("not at the code page: %s", Quietly(p.Page.Text()))
	}
	mail := p.world.Sink.Code(t, u.Email, n+1)
	if mail.Link == "" || mail.NotMe == "" {
		t.Fatalf("a mail without link or \"not me\": %s: %s", mail.Subject, Quietly(mail.Text))
	}
	return mail
}

// SignIn goes the whole way to an app with an emailed code, and returns the tokens.
func (p *Person) SignIn(t testing.TB, app *App, u *User) *Tokens {
	t.Helper()
	return p.signIn(t, app, u, p.Code)
}

// SignInRemembered is SignIn with the box ticked.
func (p *Person) SignInRemembered(t testing.TB, app *App, u *User) *Tokens {
	t.Helper()
	return p.signIn(t, app, u, p.CodeRemembered)
}

func (p *Person) signIn(t testing.TB, app *App, u *User, answer func(string) *Page) *Tokens {
	t.Helper()
	n := len(p.world.Sink.Codes(u.Email))
	visit := app.Visit()
	p.Visit(visit)
	p.Password(u.Email, u.Password)
	mail := p.world.Sink.Code(t, u.Email, n+1)
	return app.Finish(t, visit, answer(mail.Code))
}

// SignedIn reports whether the person has a session: the home page is theirs.
func (p *Person) SignedIn() bool {
	p.t.Helper()
	pg := p.Twin().Get("/")
	_, ok := pg.Form(PathSignOut)
	return pg.Status == 200 && ok
}

// Again goes to an app again in a session that is enough, and returns the tokens.
func (p *Person) Again(t testing.TB, app *App) *Tokens {
	t.Helper()
	visit := app.Visit()
	return app.Finish(t, visit, p.Visit(visit))
}
