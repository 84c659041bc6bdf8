package acceptance

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// signOut ends the person's session; a remembered browser stays remembered.
func signOut(p *rig.Person) { p.Post(rig.PathSignOut, url.Values{}) }

// remembered returns someone whose browser is remembered for the dashboard, signed out.
func remembered(t *testing.T, w *rig.World, u *rig.User) *rig.Person {
	t.Helper()
	p := w.Person(t)
	p.SignInRemembered(t, w.Dashboard(t), u)
	signOut(p)
	if p.Cookie("browser") == "" {
		t.Fatal("the browser is not remembered")
	}
	return p
}

// asked signs in with the password and reports whether a code is asked for.
func asked(t *testing.T, p *rig.Person, app *rig.App, u *rig.User) bool {
	t.Helper()
	p.Visit(app.Visit())
	pg := p.Password(u.Email, u.Password)
	if pg.Left != nil {
		signOut(p)
		return false
	}
	atCode(t, pg)
	return true
}

// guard: session.Recall compares the user
func TestATK069_OtherAccountInARememberedBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		mallory, victim := w.Covered(t).User(t), w.Covered(t).User(t)
		p := remembered(t, w, mallory)
		if !asked(t, p, w.Dashboard(t), victim) {
			t.Error("the victim's account is not asked for a code")
		}
		denied(t, w, victim, "foreign remembered browser")
	})
}

// guard: remembered browsers are found by token_hash
func TestATK070_ForgedAndEditedCookie(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		real := remembered(t, w, u).Cookie("browser")
		parts := splitRef(real)
		random := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
		forged := []string{
			random, parts[0] + "." + parts[1] + "." + random, real + "x", real[:len(real)-1],
			"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZXhwIjo5OTk5OTk5OTk5fQ.", parts[0] + ".." + parts[2], "%00",
		}
		for _, c := range forged {
			p := w.Person(t)
			p.SetCookie("browser", c)
			p.Visit(w.Dashboard(t).Visit())
			if pg := p.Password(u.Email, u.Password); pg.Left != nil || pg.Status != 200 {
				t.Errorf("%.30q: status %d, left %v", c, pg.Status, pg.Left)
			}
		}
		if n := sessions(t, w, u); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// guard: expiry is kept by the server and does not slide
func TestATK071_ServerSideExpiry(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := remembered(t, w, u)
		const day = 24 * time.Hour
		for _, step := range []time.Duration{9 * day, 10 * day, 10 * day, day - 2*time.Minute} {
			w.Advance(t, step)
			p.SetCookie("browser", p.Cookie("browser")) // a browser that never forgets
			if asked(t, p, w.Dashboard(t), u) {
				t.Fatalf("asked %s after the step before", step)
			}
		}
		w.Advance(t, 3*time.Minute)
		if !asked(t, p, w.Dashboard(t), u) {
			t.Error("the thirty days slide with use")
		}
	})
}

// guard: security_version and the tenant's remember_days are compared at every use
func TestATK072_RevocationTriggers(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		triggers := map[string]func(*rig.Tenant, *rig.User){
			"password changed":  func(_ *rig.Tenant, u *rig.User) { u.NewPassword(t) },
			"disabled, enabled": func(_ *rig.Tenant, u *rig.User) { u.Set(t, "--disable"); u.Set(t, "--enable") },
			"no remembering": func(c *rig.Tenant,
				_ *rig.User) {
				w.CLI(t, "tenant", "set", c.ID, "--remember-days", "0")
			},
			"this was not me": func(_ *rig.Tenant, u *rig.User) {
				attacker := w.Person(t)
				mail := attacker.ToCode(t, w.Dashboard(t), u)
				w.Person(t).Post(mail.NotMe, url.Values{})
			},
		}
		for name, pull := range triggers {
			company := w.NewTenant(t, "--mandate", "mandatory")
			u := company.User(t)
			p := remembered(t, w, u)
			pull(company, u)
			if !asked(t, p, w.Dashboard(t), u) {
				t.Errorf("%s: the browser is still remembered", name)
			}
		}
	})
}

// guard: a remembered browser is bound to its client
func TestATK074_CrossTenantAndApp(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := remembered(t, w, u)
		if !asked(t, p, w.Console(t), u) {
			t.Error("remembered for the dashboard, and the console believes it")
		}
		foreign := w.NewTenant(t, "--mandate", "mandatory").User(t)
		q := remembered(t, w, u)
		if !asked(t, q, w.Dashboard(t), foreign) {
			t.Error("another company's account believes it")
		}
	})
}

// guard: the browser cookie is read beside a right password only
func TestATK075_TokenWithoutPassword(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := remembered(t, w, u)
		for _, path := range append(everything, rig.PathCode, w.Dashboard(t).Visit().URL,
			w.Dashboard(t).Visit("prompt", "none").URL) {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				pg := p.Send(p.Request(method, path, url.Values{}))
				if gotSession(pg) || pg.Status >= 500 {
					t.Errorf("%s %.30s: status %d", method, path, pg.Status)
				}
			}
		}
		if n := sessions(t, w, u); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// guard: policy.Evaluate cuts the age of the last real second step to the company's days
func TestATK077_OwnerLimits(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "mandatory")
		u := company.User(t)
		p := remembered(t, w, u)
		w.Advance(t, 10*24*time.Hour)
		w.CLI(t, "tenant", "set", company.ID, "--remember-days", "7")
		if !asked(t, p, w.Dashboard(t), u) {
			t.Error("a browser remembered ten days ago is believed although seven are allowed")
		}
		w.CLI(t, "tenant", "set", company.ID, "--remember-days", "0")
		strict := w.Person(t)
		mail := strict.ToCode(t, w.Dashboard(t), u)
		if strict.Page.Input("remember") != nil {
			t.Error("the box is offered although remembering is forbidden")
		}
		strict.CodeRemembered(mail.Code)
		if strict.Cookie("browser") != "" {
			t.Error("remembered although it is forbidden")
		}
	})
}

// guard: session.Rotate ends the line when an older token comes back (SEC-68)
func TestATK077_ACopiedRememberedBrowserEndsTheLine(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := remembered(t, w, u)
		thief := w.Person(t)
		thief.SetCookie("browser", p.Cookie("browser"))
		if asked(t, p, w.Dashboard(t), u) {
			t.Fatal("the browser was not remembered")
		}
		w.Advance(t, time.Hour)
		if !asked(t, thief, w.Dashboard(t), u) {
			t.Error("the copied token works after the original was used")
		}
		w.Sink.About(t, u.Email, "remembered browser was copied")
		if !asked(t, p, w.Dashboard(t), u) {
			t.Error("the line is still believed after a copy was seen")
		}
	})
}
