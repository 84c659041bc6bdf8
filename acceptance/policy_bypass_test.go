package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// everything is the inventory of pages and forms that must stay shut to a stranger. The
// sign-in's own steps are not in it.
var everything = []string{
	"/", "/signout", "/userinfo", "/token", "/logout", "/authorize/resume", "/admin", "/api", "/console", "/setup",
	"/signin/new-password", "/profile", "/sessions", "/v1/me", "/metrics", "/debug/pprof/",
}

// guard: only the session cookie opens pages; the flow cookie is another object
func TestATK038_ForcedBrowsingWithTheFlowCookie(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		p.SetCookie("session", p.Cookie("flow")) // and the same value in the other cookie
		for _, path := range everything {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				for _, media := range []string{"application/x-www-form-urlencoded", "application/json"} {
					req := p.Request(method, path, nil)
					req.Header.Set("Content-Type", media)
					pg := p.Send(req)
					if pg.Status >= 500 || gotSession(pg) || strings.Contains(pg.Body, u.Email) ||
						strings.Contains(pg.Body, u.Name) {
						t.Errorf("%s %s: status %d: %s", method, path, pg.Status, rig.Quietly(pg.Text()))
					}
					if _, home := pg.Form(rig.PathSignOut); home && path == "/" {
						t.Errorf("%s %s shows the home page", method, path)
					}
				}
			}
		}
		denied(t, w, u, "forced browsing")
	})
}

// guard: the server keeps the state, the page does not
func TestATK039_ResponseManipulation(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		visit := w.Dashboard(t).Visit()
		first := p.Visit(visit)
		to, _ := first.Form(rig.PathPassword)
		p.Password(u.Email, u.Password)
		// The attacker's script lets the page believe that the answer was 303 to the app.
		for _, path := range []string{"/authorize/resume?to=" + url.QueryEscape(to.Values.Get("to")), visit.URL,
			"/", rig.PathCode} {
			if pg := p.Get(path); pg.Left != nil || gotSession(pg) {
				t.Errorf("%.20s goes on to %v", path, pg.Left)
			}
		}
		denied(t, w, u, "response manipulation")
	})
}

// guard: oidc asks gate.CheckSession with the session cookie only
func TestATK044_AuthorizeWithHalfASession(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		for _, app := range []*rig.App{w.Dashboard(t), w.PhoneApp(t)} {
			visit := app.Visit("prompt", "none")
			q := app.Callback(t, visit, p.Visit(visit))
			if q.Get("error") != "login_required" || q.Get("code") != "" {
				t.Errorf("%s prompt=none: %v", app, q)
			}
			if pg := p.Visit(app.Visit()); pg.Left != nil {
				t.Errorf("%s: went on to %s", app, pg.Left)
			}
		}
	})
}

// guard: policy is evaluated for the client that asks
func TestATK045_FromALowAppToAHighOne(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		phone := w.PhoneApp(t).Visit()
		p.Visit(phone)
		w.PhoneApp(t).Finish(t, phone, p.Password(u.Email, u.Password))
		low := p.Cookie("session")

		silent := w.Dashboard(t).Visit("prompt", "none")
		q := w.Dashboard(t).Callback(t, silent, p.Visit(silent))
		if e := q.Get("error"); e != "interaction_required" && e != "login_required" {
			t.Errorf("prompt=none: %v", q)
		}
		p.Visit(w.Dashboard(t).Visit())
		atCode(t, p.StepUp())
		left(t, p.Code(codeMail(t, w, u, 1).Code))
		if p.Cookie("session") == low {
			t.Error("the session's value did not change at the step-up")
		}
		replay := w.Person(t)
		replay.SetCookie("session", low)
		if again := w.PhoneApp(t).Visit("prompt", "none"); w.PhoneApp(t).Callback(t, again,
			replay.Visit(again)).Get("code") != "" {
			t.Error("the old value is still a session after the step-up")
		}
	})
}

// guard: the app is what the sealed authorization request says
func TestATK047_AppSpoofing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		phone, dashboard := w.PhoneApp(t), w.Dashboard(t)
		p := w.Person(t)
		if pg := p.Get(strings.Replace(dashboard.Visit().URL, "client_id=dashboard", "client_id=phone",
			1)); pg.Left != nil || pg.Status == 200 && pg.Input("password") != nil {
			t.Errorf("the phone app with the dashboard's address: status %d", pg.Status)
		}
		p = w.Person(t)
		p.Extra.Set("X-App", "phone")
		p.UserAgent = "ExamplePhoneApp/7.0"
		first := p.Visit(dashboard.Visit())
		sealed, _ := first.Form(rig.PathPassword)
		fields := sealed.Values
		for k, v := range map[string]string{"email": u.Email, "password": u.Password, "app": "phone",
			"client_id": phone.ID, "client": phone.ID} {
			fields.Set(k, v)
		}
		if pg := p.Post(rig.PathPassword, fields); pg.Left != nil {
			t.Fatalf("went on to %s", pg.Left)
		}
		denied(t, w, u, "app spoofing")
	})
}

// guard: signin loads policy and security version in the transaction that issues the session
func TestATK051_PolicyTightenedMidFlow(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "default_off")
		u := company.User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		f, _ := p.Page.Form(rig.PathPassword)
		f.Values.Set("email", u.Email)
		f.Values.Set("password", u.Password)
		w.CLI(t, "tenant", "set", company.ID, "--switch", "on") // commits while the person types
		if pg := p.Post(rig.PathPassword, f.Values); pg.Left != nil {
			t.Errorf("the switch was committed, and yet the password alone went on")
		}
		denied(t, w, u, "tightened policy")
	})
}

// guard: gate.CheckSession asks policy again for every token and page
func TestATK052_OldSessionsAfterTightening(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		company := w.NewTenant(t, "--mandate", "default_off")
		app := w.Dashboard(t)
		var people []*rig.Person
		var tokens []*rig.Tokens
		for range 3 {
			u, p, visit := company.User(t), w.Person(t), app.Visit()
			p.Visit(visit)
			tokens = append(tokens, app.Finish(t, visit, p.Password(u.Email, u.Password)))
			people = append(people, p)
		}
		w.CLI(t, "tenant", "set", company.ID, "--switch", "on")
		rig.Within(t, 5*time.Second, "the token is worth nothing", func() bool {
			status, _, _ := app.UserInfo(t, tokens[0].Raw.AccessToken)
			return status == 401
		})
		for i, p := range people {
			if status, _, _ := app.UserInfo(t, tokens[i].Raw.AccessToken); status != 401 {
				t.Errorf("userinfo answers %d", status)
			}
			if _, err := app.Refresh(tokens[i].Raw.RefreshToken); err == nil {
				t.Error("refresh works")
			}
			visit := app.Visit("prompt", "none")
			if q := app.Callback(t, visit, p.Visit(visit)); q.Get("code") != "" {
				t.Error("a code without the second step")
			}
		}
	})
}

// guard: activeFlow.endReason compares the security version
func TestATK053_PendingFlowAfterAPasswordChange(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		u.NewPassword(t)
		if pg := p.Code(mail.Code); pg.Left != nil || gotSession(pg) {
			t.Error("the pending sign-in survived the change of the password")
		}
		denied(t, w, u, "old password")
	})
}

// guard: forms are read field by field
func TestATK056_MassAssignment(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.Visit(w.Dashboard(t).Visit())
		p.Submit(rig.PathPassword, "email", u.Email, "password", u.Password, "role", "owner", "tenant", "x",
			"acr", rig.Level1e,
			"policy", "off", "remember", "on", "state", "done", "flow", "x", "proved", "email")
		atCode(t, p.Page)
		denied(t, w, u, "mass assignment")
		role := w.Texts(t, `SELECT role FROM users WHERE email = $1`, u.Email)
		if role[0] != "agent" {
			t.Errorf("the role became %s", role[0])
		}
	})
}

// guard: http.ServeMux patterns are exact, methods are listed
func TestATK057_PathAndMethodTricks(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		for _, path := range []string{"//", "/./", "/%2e", "/;a=b", "/signin/code/", "/SIGNIN/CODE", "/signin%2fcode",
			"/signin/code;x", "//signin/code", "/%2e%2e/", "/signin/./code", "/assets/../signin/code"} {
			pg, err := p.Raw(p.Header("POST", path, "Host: "+rig.Host, "Sec-Fetch-Site: same-origin",
				"Content-Type: application/x-www-form-urlencoded", "Content-Length: 0"))
			if err != nil || pg.Status < 300 || pg.Status >= 500 || gotSession(pg) {
				t.Errorf("POST %s: %v", path, status(pg, err))
			}
		}
		for method, want := range map[string]int{"TRACE": 405, "PUT": 405, "DELETE": 405, "PATCH": 405, "CONNECT": 404,
			"PROPFIND": 405, "GETX": 405} {
			req := p.Request(http.MethodGet, rig.PathCode, nil)
			req.Method = method
			if pg, err := p.Try(req); err != nil || pg.Status != want {
				t.Errorf("%s: %v", method, status(pg, err))
			}
		}
		over := p.Request(http.MethodGet, rig.PathCode+"?code="+mail.Code, nil)
		over.Header.Set("X-HTTP-Method-Override", "POST")
		if pg := p.Send(over); gotSession(pg) {
			t.Error("a method override signs in")
		}
		denied(t, w, u, "path and method tricks")
	})
}

func status(pg *rig.Page, err error) any {
	if err != nil {
		return err
	}
	return pg.Status
}
